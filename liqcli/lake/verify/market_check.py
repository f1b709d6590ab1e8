"""Find sources of candles or open interest that contradict each other: one may be of something else."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from liqcli.core.errors import DamagedError
from liqcli.core.formatting import format_count, format_counted, format_time
from liqcli.core.market_data import Candle, OpenInterest
from liqcli.lake.market_merge import describe_conflict, is_mixture, join_rows
from liqcli.lake.market_tables import read_rows
from liqcli.lake.partitions import Partition
from liqcli.lake.store import Lake
from liqcli.lake.verify.issues import Issue

Rows = dict[int, Candle | OpenInterest]


def find_contradictions(lake: Lake) -> Iterator[Issue]:
    """Compare the sources of each exchange, symbol, interval and month with the first of them."""
    for kind in ("candles", "open_interest"):
        groups: dict[tuple[str, str, str, str], list[Partition]] = defaultdict(list)
        for p in lake.partitions(kind):
            groups[p.exchange, p.symbol, p.interval, p.month].append(p)
        for partitions in groups.values():
            yield from _compare(lake, partitions)


def _compare(lake: Lake, partitions: list[Partition]) -> Iterator[Issue]:
    if len(partitions) < 2:
        return
    first, *others = partitions
    rows = _read(lake, first)
    for other in others:
        found = _read(lake, other)
        shared = sorted(rows.keys() & found.keys())
        apart = [ts for ts in shared if join_rows(rows[ts], found[ts]) is None]
        if is_mixture(len(apart), len(shared)):
            ts_us = apart[0]
            yield Issue(
                other.path(lake.root),
                f"{format_count(len(apart))} of {format_counted(len(shared), 'time')} have other values than source "
                f"{first.source} (the first: {format_time(ts_us, True)} UTC, "
                f"{describe_conflict(rows[ts_us], found[ts_us])}, that of {first.source} first)",
                "if one of them is of another exchange, market (spot, futures) or symbol, move it away and import it "
                "under its own name; a report uses one of them at a time",
                damage=False,
                found=len(apart),
            )


def _read(lake: Lake, partition: Partition) -> Rows:
    """Read one file; damaged ones are reported elsewhere."""
    try:
        return read_rows(lake, partition)
    except DamagedError:
        return {}
