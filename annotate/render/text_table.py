"""Tables as text for a terminal."""

from __future__ import annotations

from collections.abc import Sequence


def text_table(rows: Sequence[Sequence[str]], *, align: str = "<>", widths: Sequence[int] = ()) -> str:
    """Rows of cells, with two spaces between the columns and no spaces at the end of a line.

    Args:
        rows: Rows with the same number of cells. A head is a row like the others.
        align: `<` or `>` for each column. The last one also counts for all further columns.
        widths: Least widths of the first columns, in characters.
    """
    if not rows:
        return ""
    columns = range(len(rows[0]))
    sides = [align[min(k, len(align) - 1)] for k in columns]
    least = [*widths, *[0] * len(columns)]
    wide = [max(least[k], *(len(row[k]) for row in rows)) for k in columns]
    lines = ("  ".join(f"{row[k]:{sides[k]}{wide[k]}}" for k in columns) for row in rows)
    return "\n".join(line.rstrip() for line in lines)
