"""Read Parquet files row by row or in batches; any damage raises :class:`~liqcli.core.errors.DamagedError`."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liqcli.ingest.files.readers import ReadProgress, describe_damage

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_AT_ONCE = 16_384


def parquet_columns(path: Path) -> list[str]:
    """
    List a Parquet file's columns.

    Raises
    ------
    DamagedError
        The file is not readable as Parquet.
    """
    return list(read_schema(path).names)


def read_schema(path: Path) -> pa.Schema:
    """Read names and types of a Parquet file's columns; see :func:`parquet_columns`."""
    import pyarrow.parquet as pq

    with describe_damage(path):
        return pq.read_schema(path)


def iter_parquet(
    path: Path, columns: Iterable[str], meter: ReadProgress | None = None
) -> Iterator[tuple[int, Mapping[str, Any] | str]]:
    """
    Yield the rows of some columns: number, counted from 1, and cells, or the reason why they cannot be read.

    ``meter`` is updated as the file is read.

    Raises
    ------
    DamagedError
        The file is not readable as Parquet.
    """
    number = 0

    def count() -> int:
        return number

    for _, batch in iter_batches(path, columns, meter):
        if meter:
            meter.done = count
        for row in rows_of(batch):
            number += 1
            yield number, row


def iter_batches(
    path: Path, columns: Iterable[str], meter: ReadProgress | None = None
) -> Iterator[tuple[int, pa.RecordBatch]]:
    """Yield the rows of some columns in batches, each with the number of its first row; see :func:`iter_parquet`."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    with describe_damage(path), pq.ParquetFile(path) as file:
        number = 1
        if meter:
            meter.size, meter.done = file.metadata.num_rows, lambda: number - 1
        for batch in file.iter_batches(batch_size=ROWS_AT_ONCE, columns=list(columns)):
            for place, column in enumerate(batch.schema):
                if pa.types.is_timestamp(column.type) and column.type.unit == "ns":  # Python's datetime has no ns
                    micros = batch.column(place).cast(pa.timestamp("us", column.type.tz), safe=False)
                    batch = batch.set_column(place, column.name, micros)
            number += batch.num_rows
            yield number - batch.num_rows, batch


def rows_of(batch: pa.RecordBatch) -> Iterator[Mapping[str, Any] | str]:
    """Convert a batch to rows; a row with a cell that Python cannot represent becomes a reason."""
    try:
        yield from batch.to_pylist()
        return
    except (ValueError, ArithmeticError, LookupError, TypeError):
        pass  # find the row by converting cell by cell
    for number in range(batch.num_rows):
        try:
            yield {name: batch.column(place)[number].as_py() for place, name in enumerate(batch.schema.names)}
        except (ValueError, ArithmeticError, LookupError, TypeError) as error:
            yield f"a cell cannot be read ({error})"
