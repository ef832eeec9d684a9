"""A model's card: what `card.json` says, checked whole when it is read."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final

from ...annotate.errors import ModelError
from ...annotate.formats.card_json import HASH, REMEDY, card_text, read_card_json
from .card_fields import CALIBRATION, OPTIONAL, REQUIRED, fault, shown
from .dmrnet import SIZES

CARD: Final = "card.json"
FORMAT: Final = 1
INTENDED_USE: Final = (
    "Annotation assistant for research and quality work; its output is a draft for review by a qualified physician. "
    "Not a medical device; not for diagnosis, needle guidance or unsupervised use."
)
_OWN: Final = ("format", *REQUIRED, "intended_use", HASH)  # all else is a detail


@dataclass(frozen=True, slots=True)
class Card:
    """What a model's `card.json` says.

    Attributes:
        id: The version's name, as in `dmr models list`.
        size: `s`, `m` or `l`.
        input: Side of the network's square grid, pixels.
        channels: Class names in the order of the channels; channel 0 is background and not listed.
        class_ids: The workspace's ids of those classes.
        weights_sha256: SHA-256 of the weights file.
        details: Data, patients, settings and metrics, for people and programs to read.
    """

    id: str
    size: str
    input: int
    channels: tuple[str, ...]
    class_ids: tuple[int, ...]
    weights_sha256: str
    details: dict[str, Any]

    @property
    def network(self) -> str:
        """The network's name, such as `dmrnet_s`."""
        return SIZES[self.size].name

    def as_json(self) -> str:
        """The text of `card.json`."""
        return card_text(
            {
                "format": FORMAT,
                "id": self.id,
                "network": self.network,
                "size": self.size,
                "input": self.input,
                "channels": {name: k + 1 for k, name in enumerate(self.channels)},
                "class_ids": dict(zip(self.channels, self.class_ids, strict=True)),
                "weights_sha256": self.weights_sha256,
                "intended_use": INTENDED_USE,
                **self.details,
            }
        )

    def detail(self, *names: str) -> Any:
        """A value of the details, by the names on the way to it.

        Raises:
            ModelError: The card does not say it.
        """
        value: Any = self.details
        for name in names:
            if not isinstance(value, Mapping) or name not in value:
                raise ModelError(f"the card of {self.id}", f"does not say {'.'.join(names)}", REMEDY)
            value = value[name]
        return value


def read_card(folder: Path) -> Card:
    """Read a model's card; no value of it is used before all of them are checked.

    Raises:
        ModelError: It is missing, was changed, or is not a card that this version reads.
    """
    path = folder / CARD
    content = read_card_json(path)
    if (what := _card_fault(content)) is not None:
        raise ModelError(path, what, REMEDY)
    channels = sorted(content["channels"], key=content["channels"].__getitem__)
    return Card(
        id=content["id"],
        size=content["size"],
        input=content["input"],
        channels=tuple(channels),
        class_ids=tuple(content["class_ids"][name] for name in channels),
        weights_sha256=content["weights_sha256"],
        details={key: value for key, value in content.items() if key not in _OWN},
    )


def _card_fault(content: Mapping[str, Any]) -> str | None:
    """What is wrong with a card; None where nothing is."""
    if "format" not in content:
        return "lacks 'format'"
    if content["format"] != FORMAT or isinstance(content["format"], bool):
        return f"has format {shown(content['format'])}; this dmr reads format {FORMAT}"
    missing = next((name for name in REQUIRED if name not in content), None)
    if missing is not None:
        return f"lacks '{missing}'"
    if isinstance(content["size"], str) and content["size"] not in SIZES:
        return f"has size {shown(content['size'])}; this dmr knows {', '.join(SIZES)}"
    odd = fault(content, REQUIRED) or fault(content, OPTIONAL)
    if odd is not None:
        return odd
    if content["network"] != SIZES[content["size"]].name:
        return f"its network is {shown(content['network'])} and its size {shown(content['size'])}: they do not agree"
    return _classes_fault(content["channels"], content["class_ids"]) or _calibration_fault(content)


def _classes_fault(channels: Mapping[str, int], class_ids: Mapping[str, int]) -> str | None:
    if not channels:
        return "its channels are empty"
    if "" in channels:
        return "one of its channels has no name"
    if sorted(channels.values()) != list(range(1, 1 + len(channels))):
        return f"its channels are numbered {shown(sorted(channels.values()))}, not from 1 on"
    if set(class_ids) != set(channels):
        return "its class_ids name other classes than its channels"
    if len(set(class_ids.values())) < len(class_ids):
        return f"its class_ids are {shown(sorted(class_ids.values()))}: two classes have the same"
    return None


def _calibration_fault(content: Mapping[str, Any]) -> str | None:
    told = content.get("calibration")
    if told is None:
        return None
    if not isinstance(told, dict):
        return f"its calibration is {shown(told)}"
    if "curves" not in told:  # as an older version told it; it is not used
        return None
    if (odd := fault(told, CALIBRATION, within="calibration.")) is not None:
        return odd
    if set(told["curves"]) != set(content["channels"]):
        return "its calibration has other classes than its channels"
    if set(told.get("dice", ())) < {"slope", "offset"}:
        return "its calibration lacks dice.slope or dice.offset"
    return None
