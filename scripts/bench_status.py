"""
Time ``liqcli status`` as a whole process, on lakes made through the lake's own writer.

1. A year of one symbol over eight sources: the product's promise is under a second.
2. A big lake: 200 symbols, 12 months, three sources; the files of one symbol, copied for the others.
"""

from __future__ import annotations

import random
import shutil
import statistics
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from liqcli.core.model import Window
from liqcli.lake.fetch_log import CoveredWindow, FetchLog
from liqcli.lake.merge import lake_schema, open_merger
from liqcli.lake.partitions import Partition, month_bounds, months_of
from liqcli.lake.store import Lake

DAY_US = 86_400 * 1_000_000
YEAR = Window(1_735_689_600_000_000, 1_735_689_600_000_000 + 365 * DAY_US)  # 2025
SOURCES = ("gate", "htx", "okx", "deribit", "kraken", "bitfinex", "bitget", "coinex")  # each an exchange of its own
SYMBOL = "BTCUSDT"
GAPS = 40  # stretches without coverage a source and symbol: a year of runs is never whole
EVENTS = """
SELECT
    make_timestamp($start_us + i * (($end_us - $start_us) // $rows)) AS ts,
    $symbol AS instrument,
    CASE WHEN hash(i) % 3 = 0 THEN 'short' ELSE 'long' END AS position,
    (9000000 + hash(i + 7) % 1000000) / 100.0 AS price,
    'fill' AS price_kind,
    (1 + hash(i + 13) % 2000) / 1000.0 AS qty,
    (9000000 + hash(i + 7) % 1000000) / 100.0 * ((1 + hash(i + 13) % 2000) / 1000.0) AS notional,
    CAST(NULL AS DOUBLE) AS contracts,
    CAST(NULL AS DOUBLE) AS contract_size,
    'full' AS completeness,
    CAST(NULL AS VARCHAR) AS event_id,
    $source AS source
FROM range($rows) AS numbers (i)
"""


class Scene(NamedTuple):
    """A lake to make: so many symbols from these sources, with so many events a month each."""

    name: str
    symbols: int
    sources: Sequence[str]
    events_a_month: int


SCENES = (
    Scene("a year, one symbol, 8 sources", 1, SOURCES, 15_000),
    Scene("a year, 200 symbols, 3 sources", 200, SOURCES[:3], 500),
)


def bench_status(out: Path, runs: int, run: Callable[[Sequence[object]], float], python: str) -> None:
    """Make each scene's lake and time ``status`` on it; ``run`` times a command in seconds."""
    for number, scene in enumerate(SCENES):
        lake = Lake(out / f"status-{number}")
        fill(lake, scene)
        files = [path for path in lake.root.rglob("*") if path.is_file()]
        megabytes = sum(path.stat().st_size for path in files) / 1e6
        command = [python, "-m", "liqcli", "status", "--lake", lake.root, "--format", "json"]
        times = [run(command) for _ in range(runs + 1)][1:]
        spread = f"min {min(times):.2f}   median {statistics.median(times):.2f}   max {max(times):.2f}"
        print(f"  status: {scene.name:<36} {spread}   ({len(files):,} files, {megabytes:.0f} MB)")


def fill(lake: Lake, scene: Scene) -> None:
    """Store a scene month by month, and remember what was asked."""
    import duckdb

    rng = random.Random(7)
    with duckdb.connect(":memory:") as engine, lake.locked(), open_merger(lake.root) as merger:
        for source in scene.sources:
            for month in months_of(YEAR):
                start_us, end_us = month_bounds(month)
                bounds = {"start_us": start_us, "end_us": end_us}
                path = Partition("liquidations", source, SYMBOL, month, source).path(lake.root)
                merger.merge(path, "merge_replace", bounds, _events(engine, scene, source, bounds))
            lake.write_fetch_log(source, SYMBOL, source, _memory(rng))
    for kind in ("liquidations", "windows"):
        for exchange in (lake.root / kind).iterdir():
            for number in range(1, scene.symbols):
                shutil.copytree(exchange / f"symbol={SYMBOL}", exchange / f"symbol=C{number:03d}USDT")


def _events(engine: Any, scene: Scene, source: str, bounds: dict[str, int]) -> Any:  # noqa: ANN401 - Arrow's own type
    params = {**bounds, "rows": scene.events_a_month, "symbol": SYMBOL, "source": source}
    return engine.sql(EVENTS, params=params).to_arrow_table().cast(lake_schema())


def _memory(rng: random.Random) -> FetchLog:
    """A year with gaps of up to six hours."""
    edges = sorted(rng.randrange(YEAR.start_us, YEAR.end_us - DAY_US) for _ in range(GAPS))
    starts = [YEAR.start_us, *(edge + rng.randrange(1, DAY_US // 4) for edge in edges)]
    parts = zip(starts, [*edges, YEAR.end_us], strict=True)
    return FetchLog().add(
        CoveredWindow(Window(start, end), "complete", 1, YEAR.end_us) for start, end in parts if start < end
    )
