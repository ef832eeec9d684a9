"""`dmr.toml` as frozen values. Its content is checked once, here."""

from __future__ import annotations

import math
import re
import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Final, Literal, get_args

from ..classes import ClassDef, Classes, canonical_label
from ..errors import SettingsError
from ..system.places import NO_FILE, is_no_file
from .conflicts import ConflictSettings
from .sections import read_section, refuse_unknown, within
from .studio import Purpose as Purpose
from .studio import QueueSettings as QueueSettings
from .studio import StudioSettings as StudioSettings
from .template import default_toml as default_toml

FORMAT: Final = 1
SETTINGS_NAME: Final = "dmr.toml"
_MOST_BYTES: Final = 2**20  # a hundred classes with all their spellings are a few kilobytes

Split = Literal["train", "validation", "test"]
NetworkSize = Literal["s", "m", "l"]
Coverage = Literal["drawn", "all"]
SPLITS: Final[tuple[Split, ...]] = get_args(Split)
"""Splits in the order in which they take patients."""

NETWORK_SIZES: Final[tuple[NetworkSize, ...]] = get_args(NetworkSize)

PATIENT_UNKNOWN: Final = "patient unknown by the pattern in dmr.toml (never a test patient)"
"""The note on a file in whose name `match_patient` finds no patient."""


@dataclass(frozen=True, slots=True)
class ImportSettings:
    """How outlines and scans are imported.

    Attributes:
        patient: Regular expression for a file's name without its ending. The group `patient` names the patient. The
            groups `clip` and `frame` are optional. None: all patients are unknown.
        coverage: `drawn`: a class that is not drawn was perhaps not looked for; `all`: it is absent.
        ignore: Labels that are no class. Their shapes are left out and counted, and do not change the coverage.
        find_text: Whether new scans are searched for text inside the ultrasound image; it takes seconds a scan.
    """

    patient: str | None = None
    coverage: Coverage = "drawn"
    ignore: tuple[str, ...] = ()
    find_text: bool = False

    def ignores(self, label: str) -> bool:
        """Whether a label is ignored, whatever its case and outer spaces."""
        return canonical_label(label) in {canonical_label(text) for text in self.ignore}

    def __post_init__(self) -> None:
        if self.patient is None:
            return
        try:
            pattern = re.compile(self.patient)
        except (re.error, OverflowError, RecursionError) as error:
            raise ValueError(f"patient {self.patient!r:.80} is no regular expression: {error}") from None
        if "patient" not in pattern.groupindex:
            raise ValueError(f"patient {self.patient!r} has no group (?P<patient>...)")


@dataclass(frozen=True, slots=True)
class GeometrySettings:
    """`spacing_mm`: `(row, column)` millimetres per pixel for every frame; None takes it from each file's tags."""

    spacing_mm: tuple[float, float] | None = field(default=None, metadata={"none": "from-tags"})

    def __post_init__(self) -> None:
        if self.spacing_mm is not None and not all(0 < s < 100 for s in self.spacing_mm):
            raise ValueError(f"spacing_mm is {list(self.spacing_mm)}: expected two numbers above 0 and below 100")


@dataclass(frozen=True, slots=True)
class SplitSettings:
    """The target share of each split, of patients and of the frames of each class."""

    train: float = 0.7
    validation: float = 0.1
    test: float = 0.2

    def __post_init__(self) -> None:
        for name in SPLITS:
            within(name, getattr(self, name), 0, 1)
        total = self.train + self.validation + self.test
        if not math.isclose(total, 1, abs_tol=1e-6):
            raise ValueError(f"train, validation and test sum to {total:g}, not to 1")

    def share(self, split: Split) -> float:
        """The share of one split, 0 to 1."""
        return {"train": self.train, "validation": self.validation, "test": self.test}[split]


@dataclass(frozen=True, slots=True)
class PartsSettings:
    """The parts of the strategy `informative` that `[select.parts]` switches; None for the default.

    Attributes:
        eligible: Leave near-copies out, and keep the cap a clip.
        typical: Begin with typical frames, where there is no model yet.
        classes: Share most of a round out over the classes.
        need: Weigh classes by how badly they are predicted.
        noise: Rank with noise that decays over the rounds.
        diversity: Take frames that are unlike one another.
        spread: Let patients take turns.
        time: Rank by gain a minute.
        audit: Draw a slice of each round at random.
        reasons: Give a sentence for each frame.
        fallback: Use the baseline where the audit shows no benefit.
        again: Rank doubtful labelled frames beside the new ones.
    """

    eligible: bool | None = None
    typical: bool | None = None
    classes: bool | None = None
    need: bool | None = None
    noise: bool | None = None
    diversity: bool | None = None
    spread: bool | None = None
    time: bool | None = None
    audit: bool | None = None
    reasons: bool | None = None
    fallback: bool | None = None
    again: bool | None = None

    @property
    def chosen(self) -> dict[str, bool]:
        """The parts that the file switches on or off."""
        values = {f.name: getattr(self, f.name) for f in fields(self)}
        return {name: value for name, value in values.items() if value is not None}


@dataclass(frozen=True, slots=True)
class SelectSettings:
    """How the next frames are chosen.

    Attributes:
        strategy: The name of a strategy.
        frames_per_round: Number of frames to annotate in one round.
        planned_rounds: Number of rounds that are planned; the noise of `informative` and `clasp-pe` decays over them.
        per_clip_per_round: Most frames of a clip in a round, as long as other clips have frames.
        per_patient_per_round: The same for a patient; None for no limit.
        audit_share: Share of each round that is drawn at random, to measure how good the drafts are.
        parts: Which parts of `informative` are on.
    """

    strategy: str = "informative"
    frames_per_round: int = 50
    planned_rounds: int = 8
    per_clip_per_round: int = 2
    per_patient_per_round: int | None = None
    audit_share: float = 0.12
    parts: PartsSettings = PartsSettings()

    def __post_init__(self) -> None:
        for name in ("frames_per_round", "per_clip_per_round", "planned_rounds", "per_patient_per_round"):
            if (value := getattr(self, name)) is not None:
                within(name, value, 1, math.inf)
        within("audit_share", self.audit_share, 0, 1)


@dataclass(frozen=True, slots=True)
class TrainDefaults:
    """How a model is trained: size, side of the square input in pixels, limits; None if the PC's pace decides."""

    size: NetworkSize = "s"
    input: int | None = None
    seed: int = 0
    epochs: int | None = None
    minutes: float | None = None

    def __post_init__(self) -> None:
        if self.size not in NETWORK_SIZES:
            raise ValueError(f"size is {self.size!r}: expected one of {', '.join(NETWORK_SIZES)}")
        if self.input is not None and (not 32 <= self.input <= 1024 or self.input % 32):
            raise ValueError(f"input is {self.input}: expected a multiple of 32 up to 1024")
        within("seed", self.seed, 0, 2**32 - 1)
        if self.epochs is not None:
            within("epochs", self.epochs, 1, math.inf)
        if self.minutes is not None and not 0 < self.minutes < math.inf:
            raise ValueError(f"minutes is {self.minutes:g}: expected a number above 0")


@dataclass(frozen=True, slots=True)
class GateSettings:
    """How much Dice a new model may lose, overall and in one class, and still be promoted."""

    margin: float = 0.03
    class_margin: float = 0.05

    def __post_init__(self) -> None:
        within("margin", self.margin, 0, 1)
        within("class_margin", self.class_margin, 0, 1)


@dataclass(frozen=True, slots=True)
class CatalogueSettings:
    """`url`: the URL of a PostgreSQL database for SQLAlchemy; None for `catalogue.sqlite` in the workspace."""

    url: str | None = None

    def __post_init__(self) -> None:
        if self.url is not None and not re.match(r"postgresql(\+\w+)?://", self.url):
            raise ValueError(
                "url: expected postgresql+psycopg://host/name; without it, the database is catalogue.sqlite"
            )


@dataclass(frozen=True, slots=True)
class Settings:
    """All settings of `dmr.toml`, with defaults for missing keys."""

    classes: Classes
    imports: ImportSettings = ImportSettings()
    geometry: GeometrySettings = GeometrySettings()
    split: SplitSettings = SplitSettings()
    select: SelectSettings = SelectSettings()
    train: TrainDefaults = TrainDefaults()
    gate: GateSettings = GateSettings()
    conflict: ConflictSettings = field(default_factory=ConflictSettings)
    studio: StudioSettings = field(default_factory=StudioSettings)
    catalogue: CatalogueSettings = CatalogueSettings()
    format: int = FORMAT


_SECTIONS: Final[dict[str, type]] = {
    "import": ImportSettings,
    "geometry": GeometrySettings,
    "split": SplitSettings,
    "select": SelectSettings,
    "train": TrainDefaults,
    "gate": GateSettings,
    "conflict": ConflictSettings,
    "studio": StudioSettings,
    "catalogue": CatalogueSettings,
}


def load_settings(path: Path) -> Settings:
    """Read a `dmr.toml`.

    Raises:
        SettingsError: It cannot be read, or says something that cannot be followed.
    """
    if is_no_file(path):  # reading one could take for ever, or all memory
        raise SettingsError(path, NO_FILE, "Move it away; then `dmr init` here restores its classes from the catalogue")
    try:
        if (size := path.stat().st_size) > _MOST_BYTES:
            what = f"has {size / 2**20:.0f} MiB, and at most {_MOST_BYTES // 2**20} is read"
            raise SettingsError(path.name, what, "Take out what is no setting, or take a copy that is whole")
        text = path.read_text(encoding="utf-8-sig")  # Notepad on Windows writes a byte order mark first
    except FileNotFoundError:
        raise SettingsError(path, "cannot be read: it is missing", "`dmr init` writes one") from None
    except OSError as error:
        what = f"is there and cannot be read ({error.strerror})"
        raise SettingsError(path, what, "Check its permissions and its disk, or take a copy that is whole") from None
    except UnicodeDecodeError:
        raise SettingsError(path.name, "is not UTF-8 text", "Save it as UTF-8") from None
    return parse_settings(text, where=path.name)


def parse_settings(text: str, *, where: str = SETTINGS_NAME) -> Settings:
    """The settings in the text of a `dmr.toml`. Errors call it `where`.

    Raises:
        SettingsError: It says something that cannot be followed.
    """
    try:
        table = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SettingsError(where, f"is not TOML: {error}", "Correct that line") from None
    except RecursionError:
        raise SettingsError(where, "is nested too deep", "Take a copy that is whole") from None
    except ValueError as error:  # a number of more digits than Python converts
        raise SettingsError(where, f"is not TOML that is read: {error}", "Correct that line") from None
    refuse_unknown(table, ("format", "class", *_SECTIONS), where=where, place="the file")
    version = table.get("format", FORMAT)
    if version != FORMAT:
        remedy = "Install the version of dmr that wrote it, or a newer one"
        raise SettingsError(where, f"format is {version!r}, and this dmr reads {FORMAT}", remedy)
    values: dict[str, Any] = {
        "imports" if name == "import" else name: read_section(cls, table.get(name, {}), where=where, place=f"[{name}]")
        for name, cls in _SECTIONS.items()
    }
    settings = Settings(classes=_classes(table.get("class", []), where=where), **values)
    for own in settings.conflict.classes:
        if settings.classes.find(own.name) is None:
            what = f"[[conflict.class]] names {own.name!r}, which is no class"
            raise SettingsError(where, what, f"The classes are {', '.join(settings.classes.names)}")
    for label in settings.imports.ignore:
        if (known := settings.classes.find(label)) is not None:
            what = f"[import] ignore names {label!r}, which is the class {known.name}"
            raise SettingsError(where, what, "Take it out of ignore, or out of the class's aliases")
    return settings


def match_patient(settings: Settings, stem: str) -> tuple[str | None, str | None]:
    """The patient and the clip in a file's name without its ending; None for each that is not found."""
    pattern = settings.imports.patient
    found = re.search(pattern, stem) if pattern is not None else None
    groups = found.groupdict() if found else {}
    patient, clip = (text if (text := groups.get(name)) and text.strip() else None for name in ("patient", "clip"))
    return patient, clip


def _classes(tables: object, *, where: str) -> Classes:
    if not isinstance(tables, list) or not tables:
        raise SettingsError(where, "has no [[class]]", "Give at least one class an id and a name")
    classes = [read_section(ClassDef, table, where=where, place="[[class]]") for table in tables]
    try:
        return Classes(classes)
    except ValueError as error:
        raise SettingsError(where, f"[[class]] {error}", "Correct it there") from None
