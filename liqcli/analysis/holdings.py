"""What each file of the lake holds: first, last, events, USD."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from liqcli.engine import Engine
from liqcli.errors import DamagedError
from liqcli.lake import Lake
from liqcli.partition import Partition

LAKE_COLUMNS = ("ts", "position", "price", "price_kind", "qty", "notional", "completeness", "source")


@dataclass(frozen=True, slots=True)
class Holding:
    """What one file holds; times in µs UTC, ``notional`` in USD."""

    partition: Partition
    first_us: int
    last_us: int
    events: int
    notional: float
    full: bool
    fill: bool


def read_holdings(
    engine: Engine, lake: Lake, partitions: Sequence[Partition], thorough: bool = False
) -> tuple[list[Holding], list[Path]]:
    """
    Read first, last, count and USD of each file; ``thorough`` looks for damage in every page.

    Returns
    -------
    holdings, damaged
        One holding a readable file, in the order of ``partitions``; and the files that cannot be read.
    """
    if not partitions:
        return [], []
    by_name = {str(p.path(lake.root)): p for p in partitions}
    paths = [Path(name) for name in by_name]
    damaged = engine.open_files("stored", paths, LAKE_COLUMNS, thorough)
    try:
        columns = engine.run("holdings")
    except DamagedError:
        damaged = engine.open_files("stored", paths, LAKE_COLUMNS, thorough=True)
        columns = engine.run("holdings")
    rows = zip(*(columns[name].tolist() for name in columns), strict=True)
    holdings = [
        Holding(by_name[name], first, last, events, usd_e6 / 1e6, full > 0, fill > 0)
        for name, first, last, events, usd_e6, full, fill in rows
    ]
    return holdings, damaged
