"""Compare stored liquidations with the totals that exchanges publish, hour by hour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import replace
from itertools import groupby
from typing import Any

from liqcli.core.errors import DamagedError
from liqcli.core.formatting import format_time
from liqcli.core.intervals import Intervals
from liqcli.core.model import US_PER_S, Window
from liqcli.lake.inventory import try_fetch_log
from liqcli.lake.liquidation_totals import FOLDER
from liqcli.lake.partitions import Partition, month_of
from liqcli.lake.store import Lake
from liqcli.lake.verify.compared_totals import SIDES, ComparedHour, ComparedTotals
from liqcli.lake.verify.issues import Issue, Repairs
from liqcli.lake.views import open_view, register_files
from liqcli.query.duckdb_engine import DuckDBEngine

HOUR_US = 3600 * US_PER_S
LATEST_US = 2**62
COLUMNS = (
    "ts", "interval_s", "long_usd", "short_usd", "total_usd", "instrument", "native_unit", "total_native",
)  # fmt: skip


def compare_totals(lake: Lake) -> list[ComparedTotals]:
    """Compare every stored total with the events that count at its time; months of unreadable files are left out."""
    return _compare(lake, lake.partitions(FOLDER), lake.partitions(), Window(0, LATEST_US))


def compare_window(
    lake: Lake, symbols: Sequence[str], exchanges: Sequence[str], window: Window
) -> list[ComparedTotals]:
    """Compare the whole hours inside a window; series without a fetched hour are left out."""
    start_us, end_us = -(-window.start_us // HOUR_US) * HOUR_US, window.end_us // HOUR_US * HOUR_US
    totals = lake.find(FOLDER, symbols, window, exchanges) if start_us < end_us else []
    events = lake.find("liquidations", symbols, window, exchanges) if totals else []
    found = []
    for series in _compare(lake, totals, events, Window(start_us, end_us)):
        inside = tuple(series.fetched)
        found += [replace(series, hours=inside)] if inside else []
    return found


def _compare(
    lake: Lake, totals: Sequence[Partition], events: Sequence[Partition], window: Window
) -> list[ComparedTotals]:
    if not totals:
        return []
    places = {(part.exchange, part.symbol, part.month) for part in totals}
    with DuckDBEngine() as engine:
        try:
            engine.open_files("stored_totals", [p.path(lake.root) for p in totals], COLUMNS, thorough=True)
            held = [p for p in events if (p.exchange, p.symbol, p.month) in places]
            damaged = open_view(engine, lake, "liquidations", held)
        except DamagedError:  # none can be read, which verify reports
            return []
        places -= {(p.exchange, p.symbol, p.month) for p in held if p.path(lake.root) in damaged}
        register_files(engine, lake, "totals", [p for p in totals if (p.exchange, p.symbol, p.month) in places])
        bounds = {"start_us": window.start_us, "end_us": window.end_us}
        columns = engine.run("hours_against_totals", bounds)
    rows = list(zip(*(column.tolist() for column in columns.values()), strict=True))
    return [
        ComparedTotals(
            exchange,
            symbol,
            tuple(_iter_hours(_read_fetched(lake, exchange, symbol), [row[4:] for row in group])),
            instrument,
            native_unit,
        )
        for (exchange, symbol, instrument, native_unit), group in groupby(rows, key=lambda row: row[:4])
    ]


def iter_differing(repairs: Repairs, compared: Sequence[ComparedTotals]) -> Iterator[Issue]:
    """Report each fetched hour whose events differ from the published total."""
    for series in compared:
        for hour in series.differing:
            month = month_of(hour.start_us)
            events = Partition("liquidations", series.exchange, series.symbol, month, series.exchange)
            unproven = " (unit unproven)" if series.native_unit else ""
            yield Issue(
                Partition(FOLDER, series.exchange, series.symbol, month, series.exchange).path(repairs.lake.root),
                f"{series.name}, {format_time(hour.start_us)} UTC (1 h): {hour.describe(series.unit)}{unproven}",
                repairs.suggest(events, (hour.start_us, hour.start_us + HOUR_US)),
                damage=False,
            )


def _iter_hours(fetched: Intervals, rows: Sequence[Sequence[Any]]) -> Iterator[ComparedHour]:
    for start_us, seconds, published_e6, stored_e6, other_e6, has_sides, *sides in rows:
        known = (fetched & [(start_us, start_us + HOUR_US)]).length
        pairs = dict(zip(SIDES, (tuple(sides[:2]), tuple(sides[2:])), strict=True)) if has_sides else {}
        yield ComparedHour(start_us, seconds, published_e6, stored_e6, known // US_PER_S, other_e6, pairs)


def _read_fetched(lake: Lake, exchange: str, symbol: str) -> Intervals:
    """Read when any source of an exchange and symbol was completely fetched. [µs]"""
    keys = [key for key in lake.list_fetch_logs() if key[:2] == (exchange, symbol)]
    return Intervals(interval for key in keys for interval in try_fetch_log(lake, *key)[0].covered())
