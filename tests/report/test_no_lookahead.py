"""
What is said of a window is the same whether or not the lake holds rows after its end.

Left out of the comparison is only what says what followed: the price 15 minutes and an hour after a cascade. The same
memories of fetched windows stand in both lakes, so coverage is compared too.
"""

from __future__ import annotations

import os
import random
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import pytest
from factories import DAY, HOUR, MINUTE, T0, fill_lake, make_liquidation

from liqcli.analysis.heatmap import GridOptions
from liqcli.core.errors import EmptyWindowError
from liqcli.core.formatting import format_iso
from liqcli.core.market_data import INTERVAL_US, Candle, OpenInterest
from liqcli.ingest.files.importer import import_files
from liqcli.ingest.files.options import ImportOptions
from liqcli.lake.market_tables import write_candles, write_open_interest
from liqcli.lake.selection import Query
from liqcli.lake.store import Lake
from liqcli.report.document import build_document
from liqcli.report.figures import FIGURES, draw_figure
from liqcli.report.results import ViewOptions, compute_results

FOLLOWED = {"price_after_15m_pct", "price_after_1h_pct"}
DAYS = 4


@pytest.fixture(scope="module")
def full(tmp_path_factory: pytest.TempPathFactory) -> Lake:
    """Four days: three exchanges, two sources of one of them, candles of three lengths, open interest."""
    rng = random.Random(20260301)
    rows, prices = [], [100.0]
    for _ in range(DAYS * 1440):
        prices.append(prices[-1] * (1 + rng.gauss(0, 0.001)))
    feeds = [
        ("gate", "gate", "SOLUSDT", "fill", "full", 700),
        ("okx", "okx", "SOLUSDT", "bankruptcy", "sampled", 700),
        ("okx", "tardis", "SOLUSDT", "bankruptcy", "sampled", 400),
        ("deribit", "tardis", "SOLUSDC", "fill", "full", 300),
    ]
    for exchange, source, symbol, kind, completeness, count in feeds:
        for _ in range(count):
            ts_us = T0 + rng.randrange(DAYS * DAY)
            burst = rng.randrange(8) == 0
            for _ in range(rng.randrange(10, 30) if burst else 1):
                price = prices[(ts_us - T0) // MINUTE] * (1.004 if kind == "bankruptcy" else 1)
                rows.append(
                    make_liquidation(
                        min(ts_us + rng.randrange(2 * MINUTE) * burst, T0 + DAYS * DAY - 1),
                        price=round(price, 3),
                        qty=round(rng.paretovariate(1.2), 2),
                        exchange=exchange,
                        source=source,
                        symbol=symbol,
                        position=rng.choice(("long", "short")),
                        price_kind=kind,
                        completeness=completeness,
                    )
                )
    memories = {
        ("gate", "SOLUSDT", "gate"): [(T0, T0 + 2 * DAY, "complete"), (T0 + 2 * DAY + HOUR, T0 + DAYS * DAY, "cut")],
        ("okx", "SOLUSDT", "okx"): [(T0, T0 + DAYS * DAY, "inferred")],
    }
    store = fill_lake(tmp_path_factory.mktemp("full") / "lake", rows, memories)
    for exchange, symbol, interval, first_day in (
        ("gate", "SOLUSDT", "1h", 0),
        ("gate", "SOLUSDT", "1d", 0),
        ("okx", "SOLUSDT", "1m", 2),  # its own candles begin in the middle
        ("binance", "SOLUSDC", "1m", 0),
    ):
        step = INTERVAL_US[interval] // MINUTE
        parts = [(k, prices[k : k + step + 1]) for k in range(first_day * 1440, DAYS * 1440, step)]
        write_candles(
            store, exchange, symbol, interval, "made",
            [Candle(T0 + k * MINUTE, p[0], max(p), min(p), p[-1], 10.0 + k % 7, 5.0) for k, p in parts],
        )  # fmt: skip
    snapshots = [OpenInterest(T0 + k * 5 * MINUTE, 1000.0 + rng.random(), None) for k in range(DAYS * 288)]
    write_open_interest(store, "gate", "SOLUSDT", "made", snapshots)
    return store


def cut_after(store: Lake, root: Path, end_us: int) -> Lake:
    """Copy a lake without what was not known at an instant: later events and snapshots, candles that were open."""
    shutil.rmtree(root, ignore_errors=True)
    shutil.copytree(store.root, root, copy_function=os.link)  # what is cut gets a file of its own
    other = Lake(root)
    for kind in ("liquidations", "candles", "open_interest"):
        for partition in other.partitions(kind):
            path = partition.path(root)
            table = pq.read_table(path, partitioning=None)
            times = table["ts"].cast(pa.int64())
            if kind == "liquidations":
                known = pc.less(times, end_us)
            else:
                step_us = INTERVAL_US[partition.interval] if partition.interval else 0
                known = pc.less_equal(times, end_us - step_us)
            kept = table.filter(known)
            if len(kept) == len(table):
                continue
            path.unlink()
            if len(kept):
                pq.write_table(kept, path)
    return other


def say(store: Lake, query: Query, pictures: bool) -> dict[str, Any] | None:
    """Everything that is said and drawn of a window, without what followed; None where it has no events."""
    try:
        findings = compute_results(store, query, GridOptions(), ViewOptions(theme="dark"))
    except EmptyWindowError:
        return None
    report = build_document(findings)
    for cascade in report["cascades"]:
        for key in FOLLOWED:
            del cascade[key]
    del report["content_hash"], report["command"]
    drawn = {name: draw_figure(findings, name) for name in FIGURES} if pictures else {}
    return report | {"pictures": {name: figure and figure.pixels for name, figure in drawn.items()}}


def find_differences(one: Any, other: Any, place: str = "") -> list[str]:
    """Name the places where two of what :func:`say` gives differ; pictures by the number of pixels."""
    if isinstance(one, dict) and isinstance(other, dict) and one.keys() == other.keys():
        return [text for key in one for text in find_differences(one[key], other[key], f"{place}/{key}")]
    if isinstance(one, np.ndarray) and isinstance(other, np.ndarray):
        if np.array_equal(one, other):
            return []
        pixels = (one != other).any(axis=-1).sum() if one.shape == other.shape else "all"
        return [f"{place}: {pixels} pixels differ"]
    return [] if type(one) is type(other) and one == other else [f"{place}: {one!r:.200} is {other!r:.200}"]


def choose_windows(seed: int, count: int, symbols: tuple[str, ...], first_us: int, last_us: int) -> Iterator[Query]:
    rng = random.Random(seed)
    for _ in range(count):
        until = rng.randrange(first_us, last_us)
        yield Query(
            rng.choice(symbols),
            lookback=rng.choice(("90s", "20m", "1h", "4h", "24h", "2d")),
            until=format_iso(until - until % rng.choice((1, MINUTE, HOUR))),
            price=rng.choice(("reported", "market")),
            exchanges=rng.choice(((), (), ("okx",))) if "SOL" in symbols else (),
        )


def agree(store: Lake, root: Path, queries: Iterator[Query], drawn: int) -> int:
    """Compare both lakes, the pictures of the first ``drawn`` windows with events too; gives how many had any."""
    found = 0
    for query in queries:
        cut = cut_after(store, root, _end_us(query))
        whole, known = (say(lake, query, found < drawn) for lake in (store, cut))
        assert find_differences(whole, known) == [], query
        found += whole is not None
    return found


def _end_us(query: Query) -> int:
    from liqcli.core.times import parse_moment

    assert query.until is not None
    return parse_moment(query.until, "test")


@pytest.mark.slow
def test_rows_after_the_end_change_nothing(full: Lake, tmp_path: Path) -> None:
    queries = choose_windows(1, 4, ("SOLUSDT", "SOL", "SOLUSDC"), T0 + HOUR, T0 + DAYS * DAY)
    assert agree(full, tmp_path / "cut", queries, drawn=1) >= 2


@pytest.mark.soak
def test_rows_after_the_end_change_nothing_in_a_hundred_windows(full: Lake, tmp_path: Path) -> None:
    queries = choose_windows(2, 100, ("SOLUSDT", "SOL", "SOLUSDC"), T0 + HOUR, T0 + DAYS * DAY)
    assert agree(full, tmp_path / "cut", queries, drawn=100) >= 70


@pytest.mark.soak
def test_rows_after_the_end_change_nothing_on_recorded_data(real_data: Path, tmp_path: Path) -> None:
    store = Lake(tmp_path / "lake")
    folder = real_data / "binance-btcusdt-2024-12"
    candles = folder / "candles_binance_spot_BTCUSDT_1m.csv.gz"
    import_files(store, [folder / "forceorder.jsonl"], ImportOptions())
    import_files(store, [candles], ImportOptions(kind="candles", exchange="binance", symbol="BTCUSDT"))
    assert store.partitions("candles")
    first, last = 1_733_331_600_000_000, 1_733_430_600_000_000  # 2024-12-04T17:00Z .. 12-05T20:30Z
    assert agree(store, tmp_path / "cut", choose_windows(3, 8, ("BTCUSDT",), first, last), drawn=1) >= 3


def test_a_candle_that_closes_after_the_end_is_not_shown(full: Lake) -> None:
    """At 22:30 the candle of 22:00 to 23:00 is open: the price line ends with the one that closed at 22:00."""
    end_us = T0 + DAY + 22 * HOUR + 30 * MINUTE
    findings = compute_results(
        full,
        Query("SOLUSDT", lookback="4h", until=format_iso(end_us), exchanges=("gate",)),
        GridOptions(),
        ViewOptions(),
    )
    assert findings.prices is not None
    assert findings.prices.basis == "gate SOLUSDT 1h candle"
    assert int(findings.prices.ts_us[-1]) == T0 + DAY + 21 * HOUR
    assert findings.last.ts_us == max(findings.summary.sums.last_us, T0 + DAY + 22 * HOUR)
    assert findings.open_interest is not None
    assert int(findings.open_interest.ts_us[-1]) == end_us  # a snapshot of that instant is known
