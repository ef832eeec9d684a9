"""A table as text, for a terminal."""

from __future__ import annotations

from collections.abc import Sequence


def text_table(rows: Sequence[Sequence[str]], *, align: str = "<>", widths: Sequence[int] = ()) -> str:
    """Rows of cells, two spaces between the columns; nothing stands behind a line's last word.

    Args:
        rows: As many cells in each; a head is a row like the others.
        align: `<` or `>` for each column; the last one holds for the columns that follow, too.
        widths: Characters of the first columns, at least.
    """
    if not rows:
        return ""
    columns = range(len(rows[0]))
    sides = [align[min(k, len(align) - 1)] for k in columns]
    least = [*widths, *[0] * len(columns)]
    wide = [max(least[k], *(len(row[k]) for row in rows)) for k in columns]
    lines = ("  ".join(f"{row[k]:{sides[k]}{wide[k]}}" for k in columns) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
