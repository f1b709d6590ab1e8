"""One thing that is wrong with a file of the lake, and what to do about it."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Any

from liqcli.formats import format_iso
from liqcli.lake import Lake
from liqcli.live_sources import LIVE_SOURCES
from liqcli.market_sources import MARKET_SOURCES
from liqcli.partition import Partition, month_bounds
from liqcli.sources import SOURCES


@dataclass(frozen=True, slots=True)
class Finding:
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


def how_to_mend(lake: Lake, partition: Partition) -> str:
    """
    Say how to get the rows of a file anew.

    What was fetched is remembered, and is not asked for again; so the memory has to go along with the file.
    """
    exchange, symbol, source = partition.exchange, partition.symbol, partition.source
    start, end = (format_iso(edge) for edge in month_bounds(partition.month))
    if partition.kind != "liquidations" and source in MARKET_SOURCES:
        interval = f" --interval {partition.interval}" if partition.interval else ""
        return (
            f"move it away, then: liqcli fetch --kind {partition.kind.replace('_', '-')}{interval} "
            f"--exchange {exchange} --symbol {symbol} --since {start} --until {end}"
        )
    if partition.kind == "liquidations" and source in LIVE_SOURCES:
        return "move it away; it was recorded live, so its events can only come from a backup or from another source"
    if partition.kind != "liquidations" or source not in SOURCES:
        return "move it away and import its files again"
    memory = lake.root / "windows" / f"exchange={exchange}" / f"symbol={symbol}" / f"{source}.json"
    return (
        f"move it and {memory} away, then: liqcli fetch --exchange {exchange} --symbol {symbol} --source {source} "
        f"--since {start} --until {end}"
    )
