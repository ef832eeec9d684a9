"""HTML pages for reports: one file with all pictures inside, made from templates."""

from __future__ import annotations

import base64
import io
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from PIL import Image

from ..wording import counted
from .overlay import Picture

_JPEG_QUALITY: Final = 82


@dataclass(frozen=True, slots=True)
class Table:
    """A table of plain texts for a page. In a cell, text after a line break is shown below in small letters.

    Attributes:
        head: The columns' names.
        rows: The cells of each row, the row's name first.
    """

    head: Sequence[str]
    rows: Sequence[Sequence[str]]

    def __post_init__(self) -> None:
        for row in self.rows:
            if len(row) != len(self.head):
                raise ValueError(f"a row of {len(row)} cells under {len(self.head)} columns")


def page(template: str, *, package: str, **values: object) -> bytes:
    """A whole page, UTF-8. All values are escaped, except those that a template marks as safe.

    Args:
        template: A file in the folder `templates` of `package`. It may use `page.html` and `parts.html` from here.
        package: The caller's `__package__`.
        values: The values that the template names; a missing value is an error.
    """
    from jinja2 import ChoiceLoader, Environment, PackageLoader, StrictUndefined

    environment = Environment(
        loader=ChoiceLoader([PackageLoader(package), PackageLoader(__package__)]),
        autoescape=True,
        undefined=StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
    )
    environment.filters |= {"counted": counted, "jpeg": _jpeg}
    return environment.get_template(template).render(values).encode("utf-8")


def today() -> str:
    """The date on this computer, as in `2026-01-31`."""
    return datetime.now().astimezone().date().isoformat()


def _jpeg(picture: Picture) -> str:
    out = io.BytesIO()
    Image.fromarray(picture).save(out, format="JPEG", quality=_JPEG_QUALITY)
    return base64.b64encode(out.getvalue()).decode("ascii")
