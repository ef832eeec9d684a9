"""Names of the user's files and labels in messages, replaced by keyed short names where a log leaves the ward."""

from __future__ import annotations

import hashlib
import hmac
import os
import re
import secrets
from collections import defaultdict
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any, Final

VARIABLE: Final = "DMR_HIDE_NAMES"
_DIGITS: Final = 8  # hex digits of a short name: among 10,000 files two share one in about 1 of 100 cases

# What is dmr's own, and names nobody: ids, options, versions, parts of a workspace, commands, addresses of servers.
_COMMANDS: Final = "check|doctor|import|ingest|init|open|prelabel|pull|push|retrain|status|train|where|where --in"
_PARTS: Final = r"dmr\.toml|catalogue\.sqlite|(?:frames|store|models|reports|annotations|worklist)(?:/[\w.-]*)*"
_WORDS: Final = "DST|SRC|memory|the disk|polygon|rectangle|circle|mask|shapes|labels|points|flags|imagePath|hole"
_OURS: Final = re.compile(
    rf"[fcp][0-9a-f]{{4,20}}|-{{1,2}}[a-z-]+(?: (?:and|with) -{{1,2}}[a-z-]+)*|v\d+|\d+|[a-z]+-to-[a-z]+|https?://\S+"
    rf"|(?:dmr )?(?:{_COMMANDS})|{_PARTS}|{_WORDS}"
)
_QUOTED: Final = re.compile(r"'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\"")
# A path that nobody told of before: absolute, or a file with the ending of a scan or of outlines.
_PATH: Final = re.compile(
    r"(?<![\w/])(?:[A-Za-z]:[\\/]|/)[^\s:'\",()]+|[^\s:'\",()]+\.(?:png|jpe?g|bmp|tiff?|json|dcm|mp4|avi)\b", re.I
)
_COUNTED: Final = re.compile(r"\d+ [a-z -]+")
_WORD: Final = re.compile(r"\w+")


class Hider:
    """Replaces names in texts.

    Args:
        secret: Keys the short names, so that nobody can test guesses without it.
    """

    def __init__(self, secret: bytes) -> None:
        self._secret = secret
        # Names and their kinds, by their first word, so that few are tried on a text.
        self._known: dict[str, dict[str, str]] = defaultdict(dict)

    def learn(self, names: Iterable[str], *, kind: str = "file") -> None:
        """Take in names that may come up: paths, their last parts without the ending; labels are of the kind `text`."""
        for name in names:
            if (first := _WORD.search(name)) and not _OURS.fullmatch(name):
                self._known[first[0]].setdefault(name, kind)

    def with_secret(self, secret: bytes) -> Hider:
        """One that knows the same names and makes other short names of them."""
        other = Hider(secret)
        other._known = self._known
        return other

    def short(self, name: str, *, kind: str = "file") -> str:
        """The short name of a path or a label: of a path only its last part counts, however the path is written."""
        own = PurePosixPath(name.replace("\\", "/")).name if kind == "file" else name
        keyed = hmac.new(self._secret, own.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return f"{kind}-{keyed.hexdigest()[:_DIGITS]}"

    def text(self, text: str) -> str:
        """A text with its names replaced: those that are known, all that is quoted, and all that looks like a path."""
        known = {name: kind for word in set(_WORD.findall(text)) for name, kind in self._known.get(word, {}).items()}
        for name in sorted(known, key=len, reverse=True):
            text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", self.short(name, kind=known[name]), text)
        text = _QUOTED.sub(self._quoted, text)
        return _PATH.sub(lambda found: found[0] if _OURS.fullmatch(found[0]) else self.short(found[0]), text)

    def place(self, place: str) -> str:
        """Where an oddity was met: a file's name, unless it is an id or a number of things."""
        return place if _OURS.fullmatch(place) or _COUNTED.fullmatch(place) else self.short(place)

    def value(self, value: Any) -> Any:
        """A JSON value with the names in all its texts replaced."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.value(key): self.value(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(item) for item in value]
        return value

    def _quoted(self, found: re.Match[str]) -> str:
        inner = found[1] if found[1] is not None else found[2]
        if not inner or _OURS.fullmatch(inner) or is_short(inner):
            return found[0]
        return f"{found[0][0]}{self.short(inner, kind='text')}{found[0][0]}"


_SHORT: Final = re.compile(r"(?:file|text)-[0-9a-f]{8}")
_hider: Hider | None = None


def is_short(text: str) -> bool:
    """Whether a text is a short name, as `dmr where` may be asked for."""
    return _SHORT.fullmatch(text) is not None


def start(*, wanted: bool) -> None:
    """Begin a command: hide names if that is wanted, or asked for by `DMR_HIDE_NAMES=1`."""
    global _hider  # noqa: PLW0603  (one command has one terminal)
    _hider = Hider(secrets.token_bytes(32)) if wanted or os.environ.get(VARIABLE, "0") not in ("", "0") else None


def hider() -> Hider | None:
    """What hides the names of this command; None where they are shown."""
    return _hider


def use_secret(secret: bytes) -> None:
    """Make short names by a workspace's key, so that `dmr where` can turn them back."""
    global _hider  # noqa: PLW0603
    if _hider is not None:
        _hider = _hider.with_secret(secret)


def seen(*paths: Path | str) -> None:
    """Tell of names from outside before they come up in a message."""
    if _hider is not None:
        for path in paths:
            name = str(path)
            last = PurePosixPath(name.replace("\\", "/"))
            _hider.learn(dict.fromkeys((name, last.name, last.stem)))


def seen_labels(labels: Iterable[str]) -> None:
    """Tell of labels from outside before they come up in a message."""
    if _hider is not None:
        _hider.learn(labels, kind="text")


def hidden(text: str) -> str:
    """The text as it may be shown."""
    return text if _hider is None else _hider.text(text)
