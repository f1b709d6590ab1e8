"""
Candles and open interest in the lake.

::

    <lake>/candles/exchange=…/symbol=…/interval=1m/month=YYYY-MM/<source>.parquet   ts, open, high, low, close, volume, taker_buy, source
    <lake>/open_interest/exchange=…/symbol=…/month=YYYY-MM/<source>.parquet         ts, open_interest, open_interest_usd, source

``ts`` is a candle's open time, or the instant of the snapshot (UTC). There is one row per ``ts`` and source: fetched
rows replace stored ones, imported rows must agree with them (see ``market_merge``). Candles of a spot market have an
exchange of their own, ``binance-spot``, so that no series mixes them with those of futures.
"""  # noqa: E501 - the layout is easier to read unwrapped

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from liqcli.core.errors import DamagedError
from liqcli.core.market_data import Candle, OpenInterest
from liqcli.lake.partitions import Partition, month_of
from liqcli.lake.store import Lake

if TYPE_CHECKING:
    import pyarrow as pa


def write_candles(
    lake: Lake, exchange: str, symbol: str, interval: str, source: str, candles: Iterable[Candle]
) -> None:
    """
    Store candles; a stored candle of the same open time and source is replaced.

    Raises
    ------
    LakeError
        Not writable; each file is either the old or the new one.
    DamagedError
        A file to merge with cannot be read.
    """
    _write(lake, "candles", exchange, symbol, interval, source, candles)


def write_open_interest(lake: Lake, exchange: str, symbol: str, source: str, snapshots: Iterable[OpenInterest]) -> None:
    """Store open-interest snapshots, as :func:`write_candles` does."""
    _write(lake, "open_interest", exchange, symbol, "", source, snapshots)


def candle_schema() -> pa.Schema:
    """Return the columns of a candle file, in order."""
    return _schema(Candle)


def open_interest_schema() -> pa.Schema:
    """Return the columns of an open-interest file, in order."""
    return _schema(OpenInterest)


def _schema(kind: type[Candle] | type[OpenInterest]) -> pa.Schema:
    import pyarrow as pa

    numbers = [(name, pa.float64()) for name in kind._fields[1:]]
    return pa.schema([("ts", pa.timestamp("us")), *numbers, ("source", pa.string())])


def _write(
    lake: Lake,
    kind: str,
    exchange: str,
    symbol: str,
    interval: str,
    source: str,
    rows: Iterable[Candle] | Iterable[OpenInterest],
) -> None:
    by_month: dict[str, dict[int, tuple[Any, ...]]] = defaultdict(dict)
    for row in rows:
        by_month[month_of(row.ts_us)][row.ts_us] = row
    with lake.locked():
        for month, fresh in sorted(by_month.items()):
            partition = Partition(kind, exchange, symbol, month, source, interval)
            write_rows(lake, partition, {**read_rows(lake, partition), **fresh})


def write_rows(lake: Lake, partition: Partition, rows: Mapping[int, tuple[Any, ...]]) -> None:
    """Write one file, rows by time; the caller holds the lake's lock."""
    ordered = [rows[ts] for ts in sorted(rows)]
    lake.write_file(partition.path(lake.root), _render(ordered, _schema_of(partition.kind), partition.source))


def read_rows(lake: Lake, partition: Partition) -> dict[int, Candle | OpenInterest]:
    """
    Read one file as rows by time; a missing file has no rows.

    Raises
    ------
    DamagedError
        The file cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path, schema = partition.path(lake.root), _schema_of(partition.kind)
    if not path.exists():
        return {}
    try:
        with path.open("rb") as handle:
            table = pq.read_table(handle)
        if "taker_buy" in schema.names and "taker_buy" not in table.column_names:  # written before 2026-11-22
            table = table.append_column("taker_buy", pa.nulls(len(table), pa.float64()))
        table = table.select(schema.names[:-1])
        times = table.column("ts").cast(pa.timestamp("us")).cast(pa.int64()).to_pylist()
        columns = [table.column(name).to_pylist() for name in schema.names[1:-1]]
    except (pa.ArrowException, OSError, KeyError) as error:
        raise DamagedError(f"{path}: damaged or not Parquet ({error}); run liqcli verify for details") from error
    make = Candle if partition.kind == "candles" else OpenInterest
    return {ts: make(ts, *values) for ts, *values in zip(times, *columns, strict=True)}


def _schema_of(kind: str) -> pa.Schema:
    return candle_schema() if kind == "candles" else open_interest_schema()


def _render(rows: Sequence[tuple[Any, ...]], schema: pa.Schema, source: str) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns = [*zip(*rows, strict=True), [source] * len(rows)]
    arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
    buffer = io.BytesIO()
    pq.write_table(pa.table(arrays, schema=schema), buffer, compression="zstd")
    return buffer.getvalue()
