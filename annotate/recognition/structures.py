"""Names of structures in Chinese, pinyin, English and Latin, and the comparison of spellings. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Final

from ..classes import ClassDef, Classes

# In a shorter word, one other letter often makes another word: vein and vena, ulna and ulnar.
_LEAST_LETTERS: Final = 6


@dataclass(frozen=True, slots=True)
class Structure:
    """A structure that is often drawn.

    Attributes:
        names: Its other names; case, blanks, `_` and `-` do not count.
        short: Abbreviations. They count only if the workspace has a class for the structure.
        z: Its usual place in a class-index mask: higher covers lower.
    """

    names: tuple[str, ...]
    short: tuple[str, ...] = ()
    z: int = 10


STRUCTURES: Final[Mapping[str, Structure]] = {
    "psoas_major": Structure(("腰大肌", "yaodaji", "psoas", "psoas muscle", "musculus psoas major"), ("pm", "pmm")),
    "quadratus_lumborum": Structure(
        ("腰方肌", "yaofangji", "quadratus", "quadratus lumborum muscle", "musculus quadratus lumborum"), ("ql", "qlm")
    ),
    "erector_spinae": Structure(
        ("竖脊肌", "shujiji", "erector", "erector spinae muscle", "musculus erector spinae"), ("es", "esm")
    ),
    "transverse_process": Structure(("横突", "hengtu", "transverse", "processus transversus"), ("tp",), z=20),
    "vertebral_body": Structure(("椎体", "zhuiti", "corpus vertebrae"), ("vb", "body"), z=20),
    "lumbar_plexus": Structure(
        ("腰丛", "腰丛神经", "yaocong", "yaocongshenjing", "plexus lumbalis"), ("lp", "plexus"), z=30
    ),
    "brachial_plexus": Structure(
        ("臂丛", "臂丛神经", "bicong", "bicongshenjing", "plexus brachialis"), ("bp", "plexus"), z=30
    ),
    "nerve": Structure(("神经", "shenjing", "nervus"), z=30),
    "muscle": Structure(("肌肉", "肌肉组织", "jirou", "jirouzuzhi", "musculus")),
    "artery": Structure(("动脉", "dongmai", "arteria"), z=20),
    "vein": Structure(("静脉", "jingmai", "vena"), z=20),
    "vessel": Structure(("血管", "xueguan", "blood vessel"), z=20),
    "bone": Structure(("骨", "骨骼", "guge"), z=20),
    "spine": Structure(("脊柱", "jizhu"), z=20),
    "spinous_process": Structure(("棘突", "jitu", "processus spinosus"), z=20),
    "lamina": Structure(("椎板", "zhuiban"), z=20),
    "rib": Structure(("肋骨", "leigu", "costa"), z=20),
    "pleura": Structure(("胸膜", "xiongmo"), z=20),
    "kidney": Structure(("肾", "肾脏", "shenzang")),
    "fascia": Structure(("筋膜", "jinmo")),
    "fat": Structure(("脂肪", "zhifang")),
    "skin": Structure(("皮肤", "pifu")),
}
"""Structures by the name of their class."""


def plain(text: str) -> str:
    """A spelling in plain form: without case, blanks, `_`, `-` and other marks, and full-width letters made narrow."""
    whole = unicodedata.normalize("NFKC", text).casefold().strip()
    return re.sub(r"[\W_]+", "", whole) or whole


_NAMES = {plain(text): name for name, s in STRUCTURES.items() for text in (name, *s.names)}


def structure_of(label: str) -> str | None:
    """The name of the structure that a label means; None if the table does not have it."""
    key = plain(label)
    return _NAMES.get(key) or _NAMES.get(key.removesuffix("s"))


def guess_class(label: str, classes: Classes) -> ClassDef | None:
    """The class that a label probably means, by spelling, language, abbreviation or one slip; None if not exactly one.

    Args:
        label: A label from a file.
        classes: The workspace's classes; retired ones are not guessed.
    """
    key = plain(label)
    texts = [(text, c) for c in classes.active for text in (c.name, *c.aliases)]
    named = structure_of(label)
    tries: tuple[Callable[[str], bool], ...] = (
        lambda text: plain(text) == key,
        lambda text: named is not None and structure_of(text) == named,
        lambda text: key in _short_names(text),
        lambda text: is_slip(key, plain(text)),
    )
    for fits in tries:
        found = {c.id: c for text, c in texts if fits(text)}
        if found:
            return next(iter(found.values())) if len(found) == 1 else None
    return None


def _short_names(text: str) -> tuple[str, ...]:
    named = structure_of(text)
    return STRUCTURES[named].short if named else ()


def is_slip(a: str, b: str) -> bool:
    """Whether two plain spellings differ by one letter added, lost or changed, or by two letters swapped.

    Short words, and words with different digits, never count as slips: C5 is not C6.
    """
    if min(len(a), len(b)) < _LEAST_LETTERS or a == b or re.findall(r"\d", a) != re.findall(r"\d", b):
        return False
    start = next((i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b)))
    a, b = a[start:], b[start:]
    while a and b and a[-1] == b[-1]:
        a, b = a[:-1], b[:-1]
    return (len(a) <= 1 and len(b) <= 1) or (len(a) == 2 and a == b[::-1])
