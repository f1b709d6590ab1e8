"""Compare stored liquidations with the totals that exchanges publish, hour by hour."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby
from typing import Any

from liqcli.core.errors import DamagedError
from liqcli.core.formatting import format_counted, format_iso, format_time
from liqcli.core.intervals import Interval, clip_intervals, merge_intervals, total_length
from liqcli.core.model import US_PER_S, Window
from liqcli.lake.inventory import try_fetch_log
from liqcli.lake.liquidation_totals import FOLDER
from liqcli.lake.partitions import Partition, month_of
from liqcli.lake.store import Lake
from liqcli.lake.verify.issues import Issue, Repairs
from liqcli.lake.views import open_view, register_files
from liqcli.query.engine import Engine

HOUR_US = 3600 * US_PER_S
TOLERATED_PERCENT = 1
COLUMNS = ("ts", "interval_s", "total_usd")


@dataclass(frozen=True, slots=True)
class ComparedHour:
    """
    Published and stored liquidations of the same minutes of one hour.

    ``start_us`` [µs UTC]; ``seconds`` that are published; ``published_e6``, ``stored_e6`` [1e-6 USD]; ``fetched_s`` is
    how much of the hour the fetch logs cover.
    """

    start_us: int
    seconds: int
    published_e6: int
    stored_e6: int
    fetched_s: int

    @property
    def share(self) -> float | None:
        """Stored part of the published USD; None if none are published."""
        return self.stored_e6 / self.published_e6 if self.published_e6 else None

    @property
    def is_fetched(self) -> bool:
        """False for an hour that was never requested and has no events."""
        return bool(self.fetched_s or self.stored_e6)

    @property
    def differs(self) -> bool:
        """Whether both differ by more than the tolerated share of what is published."""
        return abs(self.stored_e6 - self.published_e6) * 100 > self.published_e6 * TOLERATED_PERCENT

    def record(self) -> dict[str, Any]:
        """Convert to plain values."""
        return {
            "start": format_iso(self.start_us),
            "published_usd": self.published_e6 / 1e6,
            "stored_usd": self.stored_e6 / 1e6,
            "share": self.share,
            "published_seconds": self.seconds,
            "fetched_seconds": self.fetched_s,
            "differs": self.is_fetched and self.differs,
        }


@dataclass(frozen=True, slots=True)
class ComparedTotals:
    """The hours of one exchange and symbol; hours that were never fetched do not count in the sums."""

    exchange: str
    symbol: str
    hours: tuple[ComparedHour, ...]

    @property
    def fetched(self) -> list[ComparedHour]:
        """Hours that can be compared."""
        return [hour for hour in self.hours if hour.is_fetched]

    @property
    def published_usd(self) -> float:
        """Published in the compared hours."""
        return sum(hour.published_e6 for hour in self.fetched) / 1e6

    @property
    def stored_usd(self) -> float:
        """Stored in the compared hours."""
        return sum(hour.stored_e6 for hour in self.fetched) / 1e6

    @property
    def share(self) -> float | None:
        """Stored part of the published USD; None if none are published."""
        return self.stored_usd / self.published_usd if self.published_usd else None

    def describe(self) -> str:
        """Describe the result in one line."""
        name = f"{self.exchange} {self.symbol}"
        missing = len(self.hours) - len(self.fetched)
        unfetched = f"; {format_counted(missing, 'hour')} not fetched" if missing else ""
        if not self.fetched:
            return f"{name}: nothing to compare{unfetched}"
        share = "no USD published" if self.share is None else f"{self.share:.1%} of the exchange's own total"
        amounts = f"{self.stored_usd:,.0f} of {self.published_usd:,.0f} USD"
        differing = sum(hour.differs for hour in self.fetched)
        return (
            f"{name}: {share} ({amounts} in {format_counted(len(self.fetched), 'hour')}); "
            f"hours that differ by more than {TOLERATED_PERCENT}%: {differing}{unfetched}"
        )

    def record(self) -> dict[str, Any]:
        """Convert to plain values for ``liqcli verify --format json``."""
        return {
            "exchange": self.exchange,
            "symbol": self.symbol,
            "published_usd": self.published_usd,
            "stored_usd": self.stored_usd,
            "share": self.share,
            "hours_not_fetched": len(self.hours) - len(self.fetched),
            "hours": [hour.record() for hour in self.hours],
        }


def compare_totals(lake: Lake) -> list[ComparedTotals]:
    """Compare every stored total with the events that count at its time; unreadable files are left out."""
    partitions = lake.partitions(FOLDER)
    if not partitions:
        return []
    with Engine() as engine:
        try:
            engine.open_files("stored_totals", [p.path(lake.root) for p in partitions], COLUMNS, thorough=True)
        except DamagedError:  # none can be read, which verify reports
            return []
        register_files(engine, lake, "totals", partitions)
        open_view(engine, lake, "liquidations")
        columns = engine.run("hours_against_totals")
    rows = list(zip(*(column.tolist() for column in columns.values()), strict=True))
    return [
        ComparedTotals(*key, tuple(_iter_hours(_read_fetched(lake, *key), [row[2:] for row in group])))
        for key, group in groupby(rows, key=lambda row: (row[0], row[1]))
    ]


def compare_window(
    lake: Lake, symbols: Sequence[str], exchanges: Sequence[str], window: Window
) -> list[ComparedTotals]:
    """Compare the whole hours inside a window; series without a fetched hour are left out."""
    if not lake.find(FOLDER, symbols, window, exchanges):
        return []
    found = []
    for series in compare_totals(lake):
        if series.symbol in symbols and series.exchange in exchanges:
            inside = [h for h in series.fetched if window.start_us <= h.start_us <= window.end_us - HOUR_US]
            found += [replace(series, hours=tuple(inside))] if inside else []
    return found


def iter_differing(repairs: Repairs, compared: Sequence[ComparedTotals]) -> Iterator[Issue]:
    """Report each fetched hour whose events differ from the published total."""
    for series in compared:
        for hour in series.fetched:
            if not hour.differs:
                continue
            month = month_of(hour.start_us)
            events = Partition("liquidations", series.exchange, series.symbol, month, series.exchange)
            amounts = f"{hour.stored_e6 / 1e6:,.2f} USD stored, {hour.published_e6 / 1e6:,.2f} USD published"
            share = "" if hour.share is None else f": {hour.share:.1%} of the exchange's own total"
            yield Issue(
                Partition(FOLDER, series.exchange, series.symbol, month, series.exchange).path(repairs.lake.root),
                f"{series.exchange} {series.symbol}, {format_time(hour.start_us)} UTC (1 h): {amounts}{share}",
                repairs.suggest(events, (hour.start_us, hour.start_us + HOUR_US)),
                damage=False,
            )


def _iter_hours(fetched: Sequence[Interval], rows: Sequence[Sequence[int]]) -> Iterator[ComparedHour]:
    for start_us, seconds, published_e6, stored_e6 in rows:
        known = total_length(clip_intervals(fetched, (start_us, start_us + HOUR_US)))
        yield ComparedHour(start_us, seconds, published_e6, stored_e6, known // US_PER_S)


def _read_fetched(lake: Lake, exchange: str, symbol: str) -> list[Interval]:
    """Read when any source of an exchange and symbol was completely fetched. [µs]"""
    keys = [key for key in lake.list_fetch_logs() if key[:2] == (exchange, symbol)]
    return merge_intervals(interval for key in keys for interval in try_fetch_log(lake, *key)[0].covered())
