"""
Parse a block of CSV lines into columns at once.

Each line is a row by itself. A line that is not plain (another number of cells, quotes inside a cell, an overlong cell)
is left out, for the row parser to accept or reject it; so is a number that is not plain, as NaN.
"""

from __future__ import annotations

import codecs
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from liqcli.ingest.files.text_blocks import TextBlock

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

CellKind = Literal["word", "text", "number", "amount"]

_LONGEST_PLAIN_LINE = 100_000  # bytes; Python's csv module has a limit of its own
_QUOTED = {
    delimiter: re.compile(rb'(?:(?<=[%b\n])|\A)"([^"%b\n]*)"(?=[%b\n]|\Z)' % ((delimiter.encode(),) * 3))
    for delimiter in ",;\t"
}
_LEFT_OUT = b"?"  # a line of one cell, which no table of several columns has
# Texts that Python and Arrow read as the same finite number.
_PLAIN_NUMBER = r"^[0-9]{1,18}(\.[0-9]{1,18})?([eE][-+]?[0-9]{1,2})?$"


@dataclass(frozen=True, slots=True)
class BlockCells:
    """
    The cells of the plain rows of a block.

    ``columns`` are arrays of shape (n_rows,): a dictionary (word), text, or double (number; NaN if not plain). An
    amount is a number that is null if its cell is empty. ``places`` is the line of each row in the block, ``left_out``
    the other lines.
    """

    columns: Mapping[str, pa.Array]
    places: NDArray[np.int64]
    left_out: NDArray[np.int64]


def read_cells(
    block: TextBlock, header: Sequence[str], kinds: Mapping[str, CellKind], delimiter: str = ","
) -> BlockCells:
    """
    Parse some columns of lines without a header.

    Parameters
    ----------
    header : sequence of str
        Names of all columns, at least two. If a name occurs twice, the last column counts.
    kinds : mapping
        The columns to read.
    """
    import numpy as np
    import pyarrow as pa

    content = _keep_plain(block, delimiter)
    left_out: list[int] = []
    types = {"word": pa.dictionary(pa.int32(), pa.string()), "text": pa.string()}
    types |= {"number": pa.float64(), "amount": pa.float64()}
    try:
        table = _parse(content, header, delimiter, {name: types[kind] for name, kind in kinds.items()}, left_out)
    except pa.ArrowInvalid:  # some number is not one
        left_out.clear()
        types |= {"number": pa.string(), "amount": pa.string()}
        table = _parse(content, header, delimiter, {name: types[kind] for name, kind in kinds.items()}, left_out)
    columns = {name: table[name].combine_chunks() for name in kinds}
    for name, column in columns.items():
        if kinds[name] in ("number", "amount") and types["number"] == pa.string():
            column = columns[name] = read_plain_numbers(column)
        if kinds[name] == "number" and column.null_count:
            columns[name] = column.fill_null(float("nan"))
    is_row = np.ones(len(block.ends), bool)
    is_row[left_out] = False
    return BlockCells(columns, np.flatnonzero(is_row), np.flatnonzero(~is_row))


def _parse(
    content: bytes, header: Sequence[str], delimiter: str, types: Mapping[str, pa.DataType], left_out: list[int]
) -> pa.Table:
    import pyarrow as pa
    import pyarrow.csv as pa_csv

    def leave_out(row: pa_csv.InvalidRow) -> str:
        left_out.append(row.number - 1)
        return "skip"

    last = {name: place for place, name in enumerate(header)}
    names = [name if last[name] == place else f"{place}:{name}" for place, name in enumerate(header)]
    return pa_csv.read_csv(
        pa.BufferReader(content),
        pa_csv.ReadOptions(use_threads=False, block_size=len(content) + 1, column_names=names),
        pa_csv.ParseOptions(
            delimiter=delimiter,
            quote_char=False,
            double_quote=False,
            ignore_empty_lines=False,
            invalid_row_handler=leave_out,
        ),
        pa_csv.ConvertOptions(
            column_types=dict(types),
            include_columns=list(types),
            null_values=[""],
            strings_can_be_null=False,
            check_utf8=False,  # checked by iter_blocks
        ),
    )


def _keep_plain(block: TextBlock, delimiter: str) -> bytes:
    """Remove quotes around plain cells, and replace lines that are not plain by one of one cell."""
    import numpy as np

    content = block.content
    is_odd = (block.lengths == 0) | (block.lengths > _LONGEST_PLAIN_LINE)
    is_odd[:1] |= content.startswith(codecs.BOM_UTF8)  # Arrow would skip it
    is_quoted = b'"' in content
    if is_quoted:
        content = _QUOTED[delimiter].sub(rb"\1", content)
    if is_quoted or b"\0" in content or np.any(is_odd):
        lines = content.removesuffix(b"\n").split(b"\n")
        for place, line in enumerate(lines):
            if is_odd[place] or not line or b'"' in line or b"\0" in line:
                lines[place] = _LEFT_OUT
        content = b"\n".join(lines)
    return content


def read_plain_numbers(texts: pa.Array) -> pa.Array:
    """Read texts as doubles: NaN if not plain, null if empty."""
    import pyarrow as pa
    import pyarrow.compute as pc

    plain = pc.match_substring_regex(texts, _PLAIN_NUMBER)
    numbers = pc.if_else(plain, pc.if_else(plain, texts, "1").cast(pa.float64()), float("nan"))
    return pc.if_else(pc.equal(texts, ""), pa.scalar(None, pa.float64()), numbers)
