"""Candles and open interest in the lake: the price and the positions that liquidations are read against.

::

    <lake>/candles/exchange=…/symbol=…/interval=1m/month=YYYY-MM/<source>.parquet   ts, open, high, low, close, volume, taker_buy, source
    <lake>/open_interest/exchange=…/symbol=…/month=YYYY-MM/<source>.parquet         ts, open_interest, open_interest_usd, source

``ts`` is a candle's open time, or the instant of the open-interest snapshot (UTC). One row a ``ts`` and source: what
is fetched later replaces what was there, what is imported later must agree with it (see ``market_merge``). Candles of a
spot market have an exchange of their own, ``binance-spot``, so that no series mixes them with those of futures.
"""  # noqa: E501 - the layout reads better unbroken

from __future__ import annotations

import io
from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import TYPE_CHECKING, Any, NamedTuple

from liqcli.errors import DamagedError
from liqcli.lake import Lake
from liqcli.model import CLOCK_SKEW_US, EARLIEST_US, US_PER_S
from liqcli.partition import Partition, month_of

if TYPE_CHECKING:
    import pyarrow as pa

# Length of a candle [s] -> its name in the lake.
INTERVALS: dict[int, str] = {
    60: "1m",
    180: "3m",
    300: "5m",
    900: "15m",
    1800: "30m",
    3600: "1h",
    7200: "2h",
    14400: "4h",
    21600: "6h",
    28800: "8h",
    43200: "12h",
    86400: "1d",
}
INTERVAL_US: dict[str, int] = {name: seconds * US_PER_S for seconds, name in INTERVALS.items()}


class Candle(NamedTuple):
    """
    One candle: ``ts_us`` open time [µs UTC], prices [quote]; ``volume`` and of it ``taker_buy`` [base coin].

    ``taker_buy`` is what buyers took from the book; either is None where it is not known.
    """

    ts_us: int
    open: float
    high: float
    low: float
    close: float
    volume: float | None
    taker_buy: float | None = None


class OpenInterest(NamedTuple):
    """One snapshot: ``ts_us`` [µs UTC], ``open_interest`` [base coin], ``open_interest_usd`` [USD]; either may be unknown."""  # noqa: E501

    ts_us: int
    open_interest: float | None
    open_interest_usd: float | None


def find_candle_fault(candle: Candle, now_us: int) -> str | None:
    """Say why a candle cannot be true, or None."""
    if not EARLIEST_US <= candle.ts_us <= now_us + CLOCK_SKEW_US:
        return "time outside 2015..now"
    if min(candle.open, candle.high, candle.low, candle.close) <= 0:
        return "a price is not above zero"
    if candle.high < max(candle.open, candle.close, candle.low) or candle.low > min(candle.open, candle.close):
        return "open or close lies outside low..high"
    if candle.volume is not None and candle.volume < 0:
        return "volume is negative"
    if candle.taker_buy is not None and not 0 <= candle.taker_buy <= (candle.volume or 0) * (1 + 1e-9):
        return "taker_buy is not a part of the volume"
    return None


def find_open_interest_fault(snapshot: OpenInterest, now_us: int) -> str | None:
    """Say why a snapshot cannot be true, or None."""
    if not EARLIEST_US <= snapshot.ts_us <= now_us + CLOCK_SKEW_US:
        return "time outside 2015..now"
    known = [value for value in snapshot[1:] if value is not None]
    if not known:
        return "neither coins nor USD are given"
    return "open interest is negative" if min(known) < 0 else None


def infer_interval(times_us: Sequence[int]) -> str | None:
    """
    Tell the length of candles from the commonest step between their open times (the shorter of equally common ones).

    None when there are not two different times, or the step is no usual length.
    """
    steps = Counter(after - before for before, after in pairwise(sorted(set(times_us))))
    if not steps:
        return None
    step = max(steps, key=lambda length: (steps[length], -length))
    return INTERVALS.get(step // US_PER_S) if step % US_PER_S == 0 else None


def write_candles(
    lake: Lake, exchange: str, symbol: str, interval: str, source: str, candles: Iterable[Candle]
) -> None:
    """
    Store candles; a candle of the same open time and source is replaced.

    Raises
    ------
    LakeError
        Not writable; every file is the old one or the new one.
    DamagedError
        A file to merge with cannot be read.
    """
    _write(lake, "candles", exchange, symbol, interval, source, candles)


def write_open_interest(lake: Lake, exchange: str, symbol: str, source: str, snapshots: Iterable[OpenInterest]) -> None:
    """Store open-interest snapshots, as :func:`write_candles` does."""
    _write(lake, "open_interest", exchange, symbol, "", source, snapshots)


def candle_schema() -> pa.Schema:
    """The columns of a candle file, in order."""
    return _schema(Candle)


def open_interest_schema() -> pa.Schema:
    """The columns of an open-interest file, in order."""
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
    """Write one file: rows by their time; the caller holds the lake's lock."""
    ordered = [rows[ts] for ts in sorted(rows)]
    lake.write_file(partition.path(lake.root), _render(ordered, _schema_of(partition.kind), partition.source))


def read_rows(lake: Lake, partition: Partition) -> dict[int, Candle | OpenInterest]:
    """
    Read one file as rows by their time; no file has no rows.

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
        raise DamagedError(f"{path}: damaged or not Parquet ({error}); liqcli verify says what to do") from error
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
