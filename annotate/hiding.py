"""Names of the user's files and labels in messages, replaced by keyed short names where a log leaves the ward."""

from __future__ import annotations

import ast
import hashlib
import hmac
import os
import re
import secrets
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path, PurePosixPath
from typing import Any, Final

VARIABLE: Final = "DMR_HIDE_NAMES"
_DIGITS: Final = 8  # hex digits of a short name: among 10,000 files two share one in about 1 of 100 cases

# What is dmr's own, and names nobody: ids, options, versions, parts of a workspace, commands, addresses of servers.
_COMMANDS: Final = "check|doctor|import|ingest|init|open|prelabel|pull|push|retrain|serve|status|train|where|where --in"
_FRAME: Final = "[fcp][0-9a-f]{20}"
_REPORTS: Final = "audit|curves|doubts|evaluation|labels|prelabel|ranking|select|simulation|status"
_PARTS: Final = (
    rf"dmr\.toml|annotations\.json|catalogue\.sqlite(?:, \w+(?: (?:{_FRAME}|[0-9a-f]{{32,64}}|v\d+|\d+))*)?"
    rf"|store(?:/[0-9a-f]{{2}})?/[0-9a-f]{{64}}|store/journal(?:/\d+\.jsonl)?|models/v\d+(?:/[a-z.-]+)?|reports(?:/(?:{_REPORTS})[\d.v-]*(?:test|html|png|csv|/)*)?"
    rf"|(?:frames|annotations|worklist)(?:/(?:\d+_)?{_FRAME}\.\w+)?/?|store/?|models/?"
)
_WORDS: Final = (
    "DST|SRC|memory|the disk|polygon|rectangle|circle|mask|shapes|labels|points|flags|imagePath|hole|instances"
)
_OPTIONS: Final = r"-{1,2}[a-z-]+(?: (?:and|with) -{1,2}[a-z-]+)*"
_OPTION: Final = re.compile(_OPTIONS)
_FORMATS: Final = "(?:labelme|mask|layers|coco|yolo|nifti|instances)"
_THING: Final = "annotation|category|frame|image|instance|line|picture|project|shape|slice|task"
_NUMBERED: Final = rf"(?:{_THING}) \d{{1,9}}(?: of (?:{_THING}) (?:{_FRAME}|\d{{1,9}}))?"
# Folders are called so everywhere, and messages use the words.
_PLAIN: Final = "images?|masks?|labels?|train|val|test|frames?|annotations?|scans?|data(?:set)?|files?|[a-z]{1,2}"
_FIXED: Final = re.compile(
    rf"{_FRAME}|v\d{{1,4}}|\d{{1,4}}|{_FORMATS}-to-{_FORMATS}|(?:dmr )?(?:{_COMMANDS})|{_PARTS}|{_WORDS}"
    rf"|{_NUMBERED}|{_PLAIN}"
)
"""What stays as it is, even if a file from outside is called like it."""
_OURS: Final = re.compile(rf"{_OPTIONS}|[fcp][0-9a-f]{{4,20}}|\d+|https?://\S+|{_FIXED.pattern}")
"""What stays as it is, unless something from outside is called like it."""
# An apostrophe within a word is no quotation mark.
_QUOTED: Final = re.compile(r"(?<!\w)(?:'((?:[^'\\]|\\.)*)'|\"((?:[^\"\\]|\\.)*)\")(?!\w)")
_NAMED: Final = re.compile(r"\b(label|folder|file|image|frame|class|category|annotation|group|type|project) (?:id )?$")
_LONG_ID: Final = re.compile(r"\b(image|category|annotation)( id)? (\d{5,})\b(?! of frame)")
# A path that nobody told of before: absolute, or a file with the ending of a scan or of outlines.
_PATH: Final = re.compile(
    r"(?<![\w/])(?<!http:)(?<!https:)(?:[A-Za-z]:[\\/]|/)[^\s:'\",()]+(?<!\.)|[^\s:'\",()]+\.(?:png|jpe?g|bmp|tiff?|json|dcm|mp4|avi)\b",
    re.I,
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

        self._kept: set[str] = set()
        self.given: dict[str, str] = {}  # what stands behind the digits of the short names that were made

    def learn(self, names: Iterable[str], *, kind: str = "file") -> None:
        """Take in names that may come up: paths, their last parts without the ending, and labels."""
        for name in names:
            if (first := _WORD.search(name)) and not _FIXED.fullmatch(name) and name not in self._kept:
                self._known[first[0]].setdefault(name, kind)

    def keep(self, names: Iterable[str]) -> None:
        """Take in names that are the workspace's own words, such as those of its classes: they stay readable."""
        self._kept.update(names)
        for known in self._known.values():
            for name in self._kept & known.keys():
                del known[name]

    def with_secret(self, secret: bytes) -> Hider:
        """One that knows the same names and makes other short names of them."""
        other = Hider(secret)
        other._known, other._kept = self._known, self._kept
        return other

    def short(self, name: str, *, kind: str = "file") -> str:
        """The short name of a path or a label: of a path only its last part counts, however the path is written."""
        own = PurePosixPath(name.replace("\\", "/")).name if kind in ("file", "folder") else name
        code = self.code(own)
        self.given[code] = name
        return f"{kind}-{code}"

    def code(self, name: str) -> str:
        """The digits of a short name, which are the same whatever it is the name of."""
        keyed = hmac.new(self._secret, name.encode("utf-8", "surrogatepass"), hashlib.sha256)
        return keyed.hexdigest()[:_DIGITS]

    def text(self, text: str) -> str:
        """A text with its names replaced: all that is quoted, those that are known, and all that looks like a path."""
        text = _QUOTED.sub(self._quoted, text)
        # Copies, for another thread may learn a name meanwhile.
        of = [self._known.get(word, {}).copy() for word in set(_WORD.findall(text))]
        known = {name: kind for names in of for name, kind in names.items()}
        for name in sorted(known, key=len, reverse=True):
            text = re.sub(rf"(?<![\w-]){re.escape(name)}(?![\w-])", self.short(name, kind=known[name]), text)
        text = _LONG_ID.sub(lambda found: f"{found[1]}{found[2] or ''} {self.short(found[3], kind=found[1])}", text)
        return _PATH.sub(self._path, text)

    def place(self, place: str) -> str:
        """Where an oddity was met: a file's name, unless it is an id, a number of things, or a numbered thing."""
        first = _WORD.search(place)
        known = self._known.get(first[0], {}) if first else {}
        if place not in known and (_OURS.fullmatch(place) or _COUNTED.fullmatch(place)):
            return place
        if place in self._kept:
            return place
        return self.short(place, kind=known.get(place, "file"))

    def value(self, value: Any) -> Any:
        """A JSON value with the names in all its texts replaced."""
        if isinstance(value, str):
            return self.text(value)
        if isinstance(value, dict):
            return {self.value(key): self.value(item) for key, item in value.items()}
        if isinstance(value, (list, tuple)):
            return [self.value(item) for item in value]
        return value

    def _path(self, found: re.Match[str]) -> str:
        stays = _OURS.fullmatch(found[0]) or is_short(found[0].partition(".")[0])
        return found[0] if stays else self.short(found[0])

    def _quoted(self, found: re.Match[str]) -> str:
        inner = found[1] if found[1] is not None else found[2]
        if not inner or _FIXED.fullmatch(inner) or is_short(inner) or inner in self._kept:
            return found[0]
        before = _NAMED.search(found.string, 0, found.start())
        whole = unescaped(found[0])
        return f"{found[0][0]}{self.short(whole, kind=before[1] if before else 'text')}{found[0][0]}"


def unescaped(quoted: str) -> str:
    """What a quoted text is of, as Python or JSON writes it; another text as it is."""
    if not _QUOTED.fullmatch(quoted):
        return quoted
    try:
        return str(ast.literal_eval(quoted))
    except (ValueError, SyntaxError):
        return quoted[1:-1]


KINDS: Final = "label|folder|file|image|frame|class|category|annotation|group|type|project|text"
_SHORT: Final = re.compile(rf"(?:{KINDS})-[0-9a-f]{{8}}")
_hider: Hider | None = None
_workspace: Callable[[], None] | None = None
_keep_given: Callable[[Mapping[str, str]], None] | None = None


def is_short(text: str) -> bool:
    """Whether a text is a short name, as `dmr where` may be asked for."""
    return _SHORT.fullmatch(text) is not None


def code_of(short: str) -> str:
    """The digits of a short name: they alone tell what it stands for."""
    return short.rpartition("-")[2]


def start(*, wanted: bool) -> None:
    """Begin a command: hide names if that is wanted, or asked for by `DMR_HIDE_NAMES=1`."""
    global _hider  # noqa: PLW0603  (one command has one terminal)
    _hider = Hider(secrets.token_bytes(32)) if wanted or os.environ.get(VARIABLE, "0") not in ("", "0") else None
    if _hider is not None and _workspace is not None:
        _workspace()


def end() -> None:
    """End a command: what stands behind the short names that it made is kept for `dmr where`."""
    if _hider is not None and _hider.given and _keep_given is not None:
        _keep_given(_hider.given)


def around(workspace: Callable[[], None], *, keep_given: Callable[[Mapping[str, str]], None]) -> None:
    """Tell how to find the key and the words of the workspace around the working folder, where names are hidden.

    Args:
        workspace: Finds them, and calls `keep` and `use_secret`.
        keep_given: Keeps names by the digits of their short names.
    """
    global _workspace, _keep_given
    _workspace, _keep_given = workspace, keep_given


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
            if _OPTION.fullmatch(name := str(path)):
                continue
            last = PurePosixPath(name.replace("\\", "/"))
            is_folder = os.path.isdir(name)  # noqa: PTH112  (it never raises)
            _hider.learn(dict.fromkeys((name, last.name, last.stem)), kind="folder" if is_folder else "file")
            _hider.learn((part.name for part in last.parents if part.name), kind="folder")


def keep(names: Iterable[str]) -> None:
    """Tell of the workspace's own words, which stay readable."""
    if _hider is not None:
        _hider.keep(names)


def seen_labels(labels: Iterable[str]) -> None:
    """Tell of labels from outside before they come up in a message."""
    if _hider is not None:
        _hider.learn((part for label in labels for part in (label, label.strip())), kind="label")


def seen_people(names: Iterable[str]) -> None:
    """Tell of physicians' names or addresses before they come up in a message."""
    if _hider is not None:
        _hider.learn(names, kind="text")


def hidden(text: str) -> str:
    """The text as it may be shown."""
    return text if _hider is None else _hider.text(text)
