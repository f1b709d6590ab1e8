"""Read batches of Parquet as the cells of blocks; files with columns of unusual types are read row by row."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from functools import partial
from typing import TYPE_CHECKING

from liqcli.ingest.files.block_cells import BlockCells, CellKind, read_plain_numbers
from liqcli.ingest.files.generic_blocks import Chunk
from liqcli.ingest.files.json_records import SourceRow, parquet_record
from liqcli.ingest.files.parquet_rows import rows_of

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

_FIRST_US, _LAST_US = 10**14, 10**17 - 1  # 1973 to 5138: digits of other times would be read as ms or ns


def is_usual(schema: pa.Schema, kinds: Mapping[str, CellKind], in_utc: bool) -> bool:
    """
    Return whether the columns can be read in batches.

    ``in_utc`` tells whether times without an offset are in UTC.
    """
    return all(
        schema.names.count(name) == 1 and _is_usual(schema.field(name).type, kind, in_utc)
        for name, kind in kinds.items()
    )


def _is_usual(type_: pa.DataType, kind: CellKind, in_utc: bool) -> bool:
    import pyarrow as pa

    if pa.types.is_dictionary(type_):
        type_ = type_.value_type
    is_text, is_integer = (
        pa.types.is_string(type_) or pa.types.is_large_string(type_),
        pa.types.is_signed_integer(type_),
    )
    if kind == "word":
        return bool(is_text)
    if kind == "text":
        return bool(is_text or is_integer or (pa.types.is_timestamp(type_) and (in_utc or type_.tz)))
    return bool(is_text or is_integer or pa.types.is_float32(type_) or pa.types.is_float64(type_))


def read_batches(batches: Iterable[tuple[int, pa.RecordBatch]], kinds: Mapping[str, CellKind]) -> Iterator[Chunk]:
    """Yield batches, each with the number of its first row, as chunks."""
    import numpy as np

    for first, batch in batches:
        columns = {name: _read_column(batch.column(name), kind) for name, kind in kinds.items()}
        cells = BlockCells(columns, np.arange(batch.num_rows), np.array([], np.int64))
        yield Chunk(cells, partial(_read_rows, first, batch))


def _read_rows(first: int, batch: pa.RecordBatch, places: NDArray[np.int64]) -> Iterator[SourceRow]:
    for place, cells in zip(places.tolist(), rows_of(batch.take(places)), strict=True):
        yield parquet_record(first + place, cells)


def _read_column(column: pa.Array, kind: CellKind) -> pa.Array:
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_dictionary(column.type):
        column = column.dictionary_decode()
    if kind in ("word", "text"):
        if pa.types.is_timestamp(column.type):
            factor = {"s": 1_000_000, "ms": 1000, "us": 1}[column.type.unit]  # iter_batches has converted ns
            times = column.cast(pa.int64())
            is_clear = pc.and_(pc.greater(times, _FIRST_US // factor), pc.less(times, _LAST_US // factor))
            column = pc.multiply(pc.if_else(is_clear, times, pa.scalar(None, pa.int64())), factor)
        texts = column.cast(pa.string()).fill_null("")
        return texts.dictionary_encode() if kind == "word" else texts
    if pa.types.is_string(column.type) or pa.types.is_large_string(column.type):
        numbers = read_plain_numbers(column.cast(pa.string()).fill_null(""))
    else:
        numbers = column.cast(pa.float64(), safe=False)
    return numbers.fill_null(float("nan")) if kind == "number" else numbers
