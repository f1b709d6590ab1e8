"""One thing that is wrong with a file of the lake, and what to do about it."""

from __future__ import annotations

import shlex
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liqcli.core.errors import DamagedError
from liqcli.core.formatting import format_iso
from liqcli.core.intervals import Interval
from liqcli.core.known_sources import KnownSources
from liqcli.lake.partitions import Partition, month_bounds
from liqcli.lake.store import Lake


@dataclass(frozen=True, slots=True)
class Issue:
    """
    A fault of the file ``path``: ``what`` is wrong and what to ``do``.

    ``damage`` marks data that must be wrong, ``unreadable`` a file whose rows could not be checked; ``found`` is the
    number of rows concerned and ``line`` the first of them (counted from 1), both None when it is about the file.
    """

    path: Path
    what: str
    do: str
    damage: bool = True
    unreadable: bool = False
    found: int | None = None
    line: int | None = None

    def record(self) -> dict[str, Any]:
        """Convert the fault to plain values for ``liqcli verify --format json``."""
        return {"file": str(self.path), "what": self.what, "do": self.do, "rows": self.found, "first_row": self.line}


@dataclass(frozen=True, slots=True)
class Repairs:
    """Suggests how to replace damaged files of a lake; ``known`` names the sources that can be fetched again."""

    lake: Lake
    known: KnownSources

    def suggest(self, partition: Partition, span: Interval | None = None) -> str:
        """
        Suggest how to replace a file: the command to fetch it again, if it was fetched.

        Parameters
        ----------
        partition : Partition
            The file. Need not exist.
        span : interval, optional
            Part of the month to fetch. Default: the logged windows of the month, or the whole month.
        """
        exchange, symbol, source = partition.exchange, partition.symbol, partition.source
        market = partition.kind != "liquidations"
        totals = partition.kind == "liquidation_totals"
        if source not in (self.known.totals if totals else self.known.market if market else self.known.fetched):
            if not market and source in self.known.recorded:
                return "move it away; a recording cannot be repeated, but other sources may have that time"
            return "move it away and import its files again"
        words = ["liqcli", "fetch", "--again"]
        if market:
            words += ["--kind", partition.kind.replace("_", "-")]
            words += ["--interval", partition.interval] if partition.interval else []
        else:
            words += ["--source", source]
        start, end = span or _logged_span(self.lake, partition)
        words += ["--exchange", exchange, "--symbol", symbol, "--since", format_iso(start), "--until", format_iso(end)]
        return shlex.join(words)

    def suggest_log(self, exchange: str, symbol: str, source: str) -> str:
        """Suggest how to replace a fetch log: fetch what is stored again, or delete the log if nothing is stored."""
        parts = self.lake.partitions()
        months = [p.month for p in parts if (p.exchange, p.symbol, p.source) == (exchange, symbol, source)]
        if not months or source not in self.known.fetched:
            return "delete it and fetch again"
        span = month_bounds(min(months))[0], month_bounds(max(months))[1]
        return self.suggest(Partition("liquidations", exchange, symbol, min(months), source), span)


def _logged_span(lake: Lake, partition: Partition) -> Interval:
    """Return the time from the first to the last logged instant of a month; without a log the whole month."""
    bounds = month_bounds(partition.month)
    if partition.kind != "liquidations":
        return bounds
    try:
        log = lake.read_fetch_log(partition.exchange, partition.symbol, partition.source)
    except DamagedError:
        return bounds
    known = log.covered() & [bounds]
    return (known[0][0], known[-1][1]) if known else bounds
