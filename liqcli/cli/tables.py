"""Rows as text tables that fit the terminal, and as CSV."""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Iterable, Sequence

from liqcli.cli.output import say

LEAST_LAST = 12  # minimum width of a truncated last column


def render_table(
    header: Sequence[str],
    rows: Iterable[Sequence[str]],
    right: Iterable[int] = (),
    short: Callable[[str], str] = str,
    spare: Sequence[str] = (),
) -> str:
    """
    Lay out a plain text table. Cells of the columns ``right`` are right-aligned.

    If the table is wider than the terminal, columns move together, ``short`` shortens headings and cells, then the
    columns ``spare`` (headings) are dropped one by one, with a message, and finally the last column is truncated.
    """
    flush = {header[k] for k in right}
    columns = list(zip(*[header, *rows], strict=True))
    screen = _screen_width()
    if screen is None or _width(columns, 2) <= screen:
        return _lay_out(columns, [name in flush for name in header], "  ")
    kept = {name: [short(cell) for cell in column] for name, column in zip(header, columns, strict=True)}
    gone = []
    for name in spare:
        if _width(kept.values(), 1) > screen:
            gone.append(name)
            del kept[name]
    if gone:
        say(f"columns omitted to fit {screen} characters: {', '.join(gone)}")
    over = _width(kept.values(), 1) - screen
    last = list(kept)[-1]
    if over > 0 and last not in flush:
        most = max(LEAST_LAST, max(map(cell_width, kept[last])) - over)
        kept[last] = [_cut(cell, most) for cell in kept[last]]
    return _lay_out(kept.values(), [name in flush for name in kept], " ")


def _lay_out(columns: Iterable[Sequence[str]], flush: Sequence[bool], gap: str) -> str:
    columns = list(columns)
    widths = [max(map(cell_width, column)) for column in columns]
    lines = (
        gap.join(_pad(cell, w, right) for cell, w, right in zip(row, widths, flush, strict=True))
        for row in zip(*columns, strict=True)
    )
    return "\n".join(line.rstrip() for line in lines)


def _width(columns: Iterable[Sequence[str]], gap: int) -> int:
    widths = [max(map(cell_width, column)) for column in columns]
    return sum(widths) + gap * (len(widths) - 1)


def cell_width(cell: str) -> int:
    """Return the width of a cell in characters; wide letters, such as Chinese ones, take two."""
    if cell.isascii():
        return len(cell)
    from rich.cells import cell_len

    return cell_len(cell)


def _pad(cell: str, width: int, right: bool) -> str:
    blank = " " * (width - cell_width(cell))
    return blank + cell if right else cell + blank


def _cut(cell: str, most: int) -> str:
    """Truncate a cell to a width, including the ellipsis."""
    if cell_width(cell) <= most:
        return cell
    while cell_width(cell) > most - 1:
        cell = cell[:-1]
    return f"{cell}…"


def _screen_width() -> int | None:
    """Return the width of the terminal, or COLUMNS; None for a file or a pipe."""
    if not (sys.stdout.isatty() or os.environ.get("COLUMNS")):
        return None
    return shutil.get_terminal_size().columns


def render_rows(header: Sequence[str], rows: Sequence[Sequence[object]]) -> str:
    """Render rows as CSV with a header and unrounded numbers; mark texts that a spreadsheet would evaluate."""
    import csv
    import io

    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(header)
    writer.writerows([_as_text(cell) if isinstance(cell, str) else cell for cell in row] for row in rows)
    return out.getvalue().rstrip("\n")


def _as_text(word: str) -> str:
    return f"'{word}" if word.startswith(("=", "+", "-", "@", "\t", "\r")) else word
