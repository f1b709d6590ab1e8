"""Clusters are a property of the events: neither bins nor buckets of the drawn grid change them."""

from __future__ import annotations

import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
from factories import DAY, HOUR, MINUTE

from liqcli.analysis.heatmap import GridOptions
from liqcli.analysis.price_bins import parse_bin
from liqcli.core.model import Window
from liqcli.lake.selection import Query, build_selection
from liqcli.lake.store import Lake
from liqcli.query.duckdb_engine import DuckDBEngine
from liqcli.report.window_scans import scan_clusters, scan_grid

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from planted_clusters import GROUNDS, SCALES, START_US, UNIT, make_scene, register_scene

FACTORS = (0.25, 0.5, 1, 1.5, 2, 2.5, 3, 5, 7.5, 12.5)  # of a unit: 50 from the finest to the coarsest
BUCKETS = (MINUTE, 7 * MINUTE, HOUR)  # 60 from the shortest to the longest
MONTH_BUCKETS = (3 * MINUTE, HOUR, 3 * HOUR)


@pytest.fixture(scope="module")
def engine():
    with DuckDBEngine() as opened:
        yield opened


def clusters_on(engine, window, width, bucket_us):
    grid = scan_grid(engine, window, GridOptions(bucket_us, parse_bin(width)))
    return scan_clusters(engine, grid, None).clusters


def without_buckets(clusters):
    """All but the one field that counts buckets of the drawn grid."""
    return [replace(cluster, active_buckets=0) for cluster in clusters]


def check_window(engine, window, widths, buckets):
    """Every width at the first bucket, and every bucket at the first width."""
    first, *others = [(widths[0], bucket_us) for bucket_us in buckets] + [(width, buckets[0]) for width in widths[1:]]
    want = clusters_on(engine, window, *first)
    for width, bucket_us in others:
        assert without_buckets(clusters_on(engine, window, width, bucket_us)) == without_buckets(want)
    assert all(a.high <= b.low for a, b in pairwise(sorted(want, key=lambda c: c.low)))
    return want


def check_scene(engine, seed):
    scale = SCALES[seed % len(SCALES)]
    scene = make_scene(seed, GROUNDS[seed % len(GROUNDS)])
    register_scene(engine, scene, scale)
    widths = [f"{factor * scale * UNIT:.12f}".rstrip("0") for factor in FACTORS]
    return check_window(engine, Window(START_US, START_US + DAY), widths, BUCKETS)


@pytest.mark.parametrize("seed", range(3))
def test_planted_windows(engine, seed):
    assert check_scene(engine, seed)


@pytest.mark.soak
def test_two_hundred_planted_windows(engine):
    """Every ground at every scale, ten times."""
    assert sum(len(check_scene(engine, seed)) for seed in range(200)) > 1000


@pytest.fixture(scope="module")
def december(recorded):
    return Lake(recorded("binance-btcusdt-2024-12/forceorder.jsonl"))


@pytest.fixture(scope="module")
def pacifica(recorded):
    return Lake(recorded("pacifica-2026-03/events_utc.csv.gz"))


def check_recorded(lake, symbol, since, until, widths):
    """The same clusters for every width and bucket, each with the events and USD that lie between its edges."""
    with DuckDBEngine() as engine:
        window = build_selection(engine, lake, Query(symbol, since=since, until=until)).window
        buckets = BUCKETS if window.length_us < 10 * DAY else MONTH_BUCKETS
        found = check_window(engine, window, widths, buckets)
        table = engine._con.table("liquidations").fetchnumpy()
        prices, usd = np.ma.getdata(table["price"]), np.ma.getdata(table["notional_e6"])
    for cluster in found:
        inside = (prices >= cluster.low) & (prices < cluster.high)
        assert (cluster.events, cluster.notional) == (inside.sum(), int(usd[inside].sum()) / 1e6)
    return found


@pytest.mark.slow
def test_december(december):
    """With bins of 50 to 150 the first cluster went missing, and reached from 97.9K to 99.05K with others."""
    widths = ("10", "20", "25", "50", "75", "100", "150", "200", "250", "500")
    found = check_recorded(december, "BTCUSDT", "2024-12-04T16:30Z", "2024-12-05T02:00Z", widths)
    assert [(c.low, c.high) for c in found] == [
        (98_750, 99_050), (97_950, 98_350), (95_650, 95_850), (98_350, 98_700),
    ]  # fmt: skip
    assert [round(c.peak_price / 100) for c in sorted(found, key=lambda c: c.low)] == [958, 980, 985, 990]
    assert all(c.high - c.low <= 0.0045 * c.low and c.share <= 0.21 for c in found)
    check_recorded(december, "BTCUSDT", "2024-12-04T16:00Z", "2024-12-06T19:00Z", widths)


@pytest.mark.slow
@pytest.mark.parametrize(
    ("symbol", "since", "until", "widths"),
    [
        pytest.param("BTC", "2026-03-15", "2026-04-16", ("20", "50", "100", "250", "1000"), marks=pytest.mark.soak),
        pytest.param("ETH", "2026-03-15", "2026-04-16", ("1", "2.5", "5", "10", "50"), marks=pytest.mark.soak),
        ("ETH", "2026-03-18", "2026-03-19", ("0.5", "1", "2", "5", "25")),
        pytest.param("SOL", "2026-03-15", "2026-04-16", ("0.02", "0.05", "0.2", "1"), marks=pytest.mark.soak),
        ("HYPE", "2026-03-15", "2026-04-16", ("0.02", "0.05", "0.2", "1")),
    ],
)
def test_pacifica(pacifica, symbol, since, until, widths):
    assert check_recorded(pacifica, symbol, since, until, widths)
