"""One thing that is wrong with a file of the lake, and what to do about it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liqcli.core.errors import DamagedError
from liqcli.core.formatting import format_iso
from liqcli.core.intervals import Interval, clip_intervals
from liqcli.lake.partitions import Partition, month_bounds
from liqcli.lake.store import Lake
from liqcli.sources.registry import LIVE_SOURCES, MARKET_SOURCES, SOURCES


@dataclass(frozen=True, slots=True)
class Issue:
    """
    ``what`` is wrong with the file ``path``, and what to ``do``.

    ``damage`` says that it cannot be true, ``unreadable`` that its rows could not be judged; ``found`` is how many rows
    it is about, ``line`` the first of them (the first row is 1), both None where it is about the file.
    """

    path: Path
    what: str
    do: str
    damage: bool = True
    unreadable: bool = False
    found: int | None = None
    line: int | None = None

    def record(self) -> dict[str, Any]:
        """Write it as ``liqcli verify --format json`` prints it."""
        return {"file": str(self.path), "what": self.what, "do": self.do, "rows": self.found, "first_row": self.line}


def suggest_repair(lake: Lake, partition: Partition, span: Interval | None = None) -> str:
    """
    Say how to get the rows of a file anew: a command where they were fetched.

    Parameters
    ----------
    partition : Partition
        The file; need not exist.
    span : interval, optional
        What of it is wanted; none: what is remembered of its month, or all of the month.
    """
    exchange, symbol, source = partition.exchange, partition.symbol, partition.source
    market = partition.kind != "liquidations"
    if source not in (MARKET_SOURCES if market else SOURCES):
        if not market and source in LIVE_SOURCES:
            return "move it away; what was recorded live cannot be had again, but other sources may have that time"
        return "move it away and import its files again"
    words = ["liqcli", "fetch", "--again"]
    if market:
        words += ["--kind", partition.kind.replace("_", "-")]
        words += ["--interval", partition.interval] if partition.interval else []
    else:
        words += ["--source", source]
    start, end = span or _remembered(lake, partition)
    words += ["--exchange", exchange, "--symbol", symbol, "--since", format_iso(start), "--until", format_iso(end)]
    return shlex.join(words)


def suggest_log_repair(lake: Lake, exchange: str, symbol: str, source: str) -> str:
    """Say how to get a window memory anew: by asking for what is stored, or, where nothing is, not at all."""
    months = [p.month for p in lake.partitions() if (p.exchange, p.symbol, p.source) == (exchange, symbol, source)]
    if not months or source not in SOURCES:
        return "delete it and fetch again"
    span = month_bounds(min(months))[0], month_bounds(max(months))[1]
    return suggest_repair(lake, Partition("liquidations", exchange, symbol, min(months), source), span)


def _remembered(lake: Lake, partition: Partition) -> Interval:
    """From the first to the last remembered instant of a file's month; all of the month where nothing is remembered."""
    bounds = month_bounds(partition.month)
    if partition.kind != "liquidations":
        return bounds
    try:
        memory = lake.read_fetch_log(partition.exchange, partition.symbol, partition.source)
    except DamagedError:
        return bounds
    known = clip_intervals(memory.covered(), bounds)
    return (known[0][0], known[-1][1]) if known else bounds
