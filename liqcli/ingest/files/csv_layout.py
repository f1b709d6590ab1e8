"""Layout of a text table: delimiter, position of the header, and cells without a column name."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Literal

from liqcli.core.model import parse_number, shorten
from liqcli.core.times import parse_time_cell
from liqcli.ingest.files.readers import TextLine, guess_delimiter, split_cells, split_header

MOST_LINES_ABOVE = 3  # lines above the header
_TIMES = ("time", "date", "ts")
_NUMBERS = ("price", "qty", "quant", "amount", "size", "volume", "notional", "open", "high", "low", "close")

Unnamed = Literal["none", "first", "last"]


@dataclass(frozen=True, slots=True)
class Layout:
    """
    Layout of a table: ``skip`` lines before the first row, and which cell of a row, if any, has no column name.

    ``notes`` describe unusual features for the user.
    """

    delimiter: str
    header: list[str]
    skip: int = 1
    unnamed: Unnamed = "none"
    notes: list[str] = field(default_factory=list)


def find_layout(head: Sequence[TextLine], has_header: bool = True) -> Layout:
    """
    Detect the layout of a table from its first lines.

    Raises
    ------
    DamagedError
        The header is not a CSV row.
    """
    if not has_header:
        delimiter = guess_delimiter(head[0].text)
        width = len(split_header(head[0], delimiter))
        return Layout(delimiter, [str(number) for number in range(1, width + 1)], skip=0)
    above = _count_lines_above(head)
    delimiter = guess_delimiter(head[above].text)
    header = split_header(head[above], delimiter)
    header[0] = header[0].removeprefix("#").strip()
    notes = [f"line {line.number} skipped, not part of the table: {shorten(line.text)}" for line in head[:above]]
    rows = [_split(line, delimiter) for line in head[above + 1 :]]
    if not header[-1] and rows and all(len(row) == len(header) - 1 for row in rows):
        header.pop()  # only the header ends with a delimiter
    unnamed = _find_unnamed(header, rows)
    if unnamed != "none":
        notes.append(f"rows have one cell more than the header; the {unnamed} cell is ignored")
    return Layout(delimiter, header, above + 1, unnamed, notes)


def looks_like_row(names: Sequence[str]) -> bool:
    """Return whether supposed column names are values: numbers or times."""
    return any(_is_value(name) for name in names)


def _count_lines_above(head: Sequence[TextLine]) -> int:
    """Count the lines above the header: their width differs from the table, whose header is followed by values."""
    first = _split(head[0], guess_delimiter(head[0].text))
    for place in range(1, min(MOST_LINES_ABOVE + 1, len(head))):
        delimiter = guess_delimiter(head[place].text)
        names = _split(head[place], delimiter)
        if len(names) < 3 or looks_like_row(names) or not all(name.strip() for name in names):
            continue
        rows = [_split(line, delimiter) for line in head[place + 1 :]]
        widths = {len(row) for row in rows[:2]}
        if rows and widths <= {len(names), len(names) + 1} and looks_like_row(rows[0]):
            return 0 if len(first) in {len(names), *widths} else place
    return 0


def _find_unnamed(header: Sequence[str], rows: Sequence[Sequence[str]]) -> Unnamed:
    """Find the cell without a name if every row has one cell more than the header; "none" if it is ambiguous."""
    if not rows or any(len(row) != len(header) + 1 for row in rows) or all(not row[-1].strip() for row in rows):
        return "none"
    last = all(_makes_sense(header, row[:-1]) for row in rows)
    first = all(_makes_sense(header, row[1:]) for row in rows)
    return "none" if last == first else "last" if last else "first"


def _makes_sense(header: Sequence[str], cells: Sequence[str]) -> bool:
    """Return whether cells of columns named like times or numbers hold times or numbers."""
    for name, cell in zip((name.lower() for name in header), cells, strict=True):
        is_time = name in _TIMES or "time" in name or "date" in name
        is_number = not is_time and any(word in name for word in _NUMBERS) and "kind" not in name
        if (is_time or is_number) and cell.strip() and not (_is_time(cell) if is_time else _is_number(cell)):
            return False
    return True


def _split(line: TextLine, delimiter: str) -> list[str]:
    with contextlib.suppress(ValueError):
        return split_cells(line.text, delimiter)
    return []


def _is_value(text: str) -> bool:
    return _is_number(text) or (len(text.strip()) > 7 and _is_time(text))


def _is_number(text: str) -> bool:
    with contextlib.suppress(ValueError):
        parse_number(text)
        return True
    return False


def _is_time(text: str) -> bool:
    with contextlib.suppress(ValueError):
        parse_time_cell(text)
        return True
    return False
