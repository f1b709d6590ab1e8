"""Clusters: planted bands are found, and nothing else decides than price, USD and the size of the orders."""

from __future__ import annotations

import random
import statistics
import sys
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from factories import DAY, HOUR, MINUTE, T0, make_window

from liqcli.analysis.clusters import (
    Cluster,
    ClusterOptions,
    build_clusters,
    check_options,
    cluster_record,
    largest_above,
    largest_below,
    nearest_above,
    nearest_below,
)
from liqcli.analysis.heatmap import ConservationError, GridOptions, build_grid
from liqcli.analysis.profile_peaks import find_bands
from liqcli.analysis.prominence import find_peaks, find_prominences
from liqcli.analysis.scale import parse_bin
from liqcli.engine import Engine
from liqcli.errors import UsageError

sys.path.insert(0, str(Path(__file__).resolve().parents[2] / "scripts"))

from planted_clusters import GROUNDS, SCALES, Score, find_in_scene, make_scene

WINDOW = make_window(T0, T0 + DAY)
NO_SHARE = ClusterOptions(min_share=0.0)


@pytest.fixture(scope="module")
def engine():
    with Engine() as opened:
        yield opened


def table_of(events):
    """Events are (ts_us, price, position, USD) or (…, exchange)."""
    rows = [(*event, "gate")[:5] for event in events]
    ts, price, position, usd, exchange = zip(*rows, strict=True)
    n = len(rows)
    return pa.table(
        {
            "ts_us": pa.array(ts, pa.int64()), "exchange": pa.array(exchange), "symbol": ["X"] * n,
            "source": ["test"] * n, "position": pa.array(position), "price": pa.array(price, pa.float64()),
            "price_kind": ["fill"] * n, "qty": pa.array([1.0] * n), "completeness": ["full"] * n,
            "notional_e6": pa.array([round(x * 1_000_000) for x in usd], pa.int64()),
        }
    )  # fmt: skip


def clusters_of(engine, events, last=100.0, options=None, window=WINDOW, **cut):
    """Clusters on bins of ``bin`` (default: the automatic one)."""
    engine.register("liquidations", table_of(events))
    width = parse_bin(cut["bin"]) if "bin" in cut else None
    low, high = cut.get("price_range", (None, None))
    grid = build_grid(engine, window, GridOptions(cut.get("bucket_us"), width, None, low, high))
    return build_clusters(engine, grid, last, options, (low, high))


def two_bands():
    """Twenty longs of 100 USD at 95.0 to 95.9, ten shorts of 300 USD at 105.0 to 105.9; ends of the axis at 90, 110."""
    longs = [(T0 + k * MINUTE, 95 + (k % 10) / 10, "long", 100.0) for k in range(20)]
    shorts = [(T0 + HOUR + k * MINUTE, 105 + k / 10, "short", 300.0, "okx") for k in range(10)]
    return [*longs, *shorts, (T0, 90.0, "long", 1.0), (T0, 110.0, "short", 1.0)]


# ---------------------------------------------------------------------------------------------------- the profile


def test_prominence_reference():
    """scipy.signal.find_peaks: peaks 1, 3, 5, 7, 9 with prominences 1, 2, 3, 2, 1."""
    row = np.array([0, 1, 0, 2, 0, 3, 0, 2, 0, 1, 0])
    assert find_peaks(row) == [1, 3, 5, 7, 9]
    assert find_prominences(row, find_peaks(row)) == [1, 2, 3, 2, 1]


def test_a_level_top_is_one_peak_and_ends_are_peaks():
    assert find_peaks(np.array([3, 1, 2, 2, 2, 1, 5])) == [0, 3, 6]
    assert find_prominences(np.array([0, 2, 1, 3, 0]), [1, 3]) == [1, 3]  # down to 1, not to 0, before it rises to 3


def test_empty_and_level_profiles_have_no_band():
    assert find_bands(np.zeros(0, np.int64), np.zeros(0)) == []
    assert find_bands(np.zeros(50, np.int64), np.zeros(50)) == []
    assert find_bands(np.full(100, 1000), np.full(100, 1000.0 * 10)) == []  # each bin a hundred orders of 10


def test_bounds_on_a_clean_profile():
    profile = np.full(100, 10)
    profile[20:24] = 100
    profile[60:61] = 200
    bands = find_bands(profile, profile * 1.0)  # orders of size 1
    assert [(b.low, b.high, b.weight) for b in bands] == [(20, 24, 400), (60, 61, 200)]
    assert bands[0].contrast == pytest.approx(10)


def test_a_dip_inside_a_band_does_not_cut_it_when_orders_are_few():
    profile = np.zeros(100, np.int64)
    profile[[0, 99]] = 1
    profile[40:48] = [30, 20, 30, 8, 20, 30, 20, 30]
    few = find_bands(profile, profile.astype(float) ** 2 / 2)  # two orders a bin
    many = find_bands(profile, profile / 1000)  # thousands of orders a bin
    assert [(b.low, b.high) for b in few] == [(40, 48)]
    assert [(b.low, b.high) for b in many] == [(40, 43), (44, 48)]


def test_one_large_order_is_no_cluster():
    profile = np.full(100, 1000)
    profile[50] = 20_000
    squares = np.full(100, 1000.0 * 10)
    whole, split = squares.copy(), squares.copy()
    whole[50], split[50] = 19_000.0**2, 20_000.0 * 10
    # With so few orders in all, a single one counts; beside ten times as many it does not.
    assert [(b.low, b.high) for b in find_bands(profile, split)] == [(50, 51)]
    assert find_bands(profile, whole) == []


@pytest.mark.parametrize("seed", range(5))
def test_a_single_hill_gives_its_core(engine, seed):
    """Peers call all of it one cluster, or cut the day in three."""
    rng = np.random.default_rng(seed)
    events = [(T0, float(p), "long", 100.0) for p in rng.normal(100, 1, 5000)]
    found = clusters_of(engine, events)
    assert len(found) == 1
    assert 0.2 < found[0].share < 0.7
    assert 99 < found[0].low < found[0].peak_price < found[0].high < 101


@pytest.mark.parametrize("seed", range(5))
def test_uniform_noise_has_few_clusters(engine, seed):
    rng = np.random.default_rng(seed)
    usd = np.exp(rng.normal(0, 1.5, 2000)) * 100
    events = [(T0, p, "long", x) for p, x in zip(rng.uniform(95, 105, 2000).tolist(), usd.tolist(), strict=True)]
    assert len(clusters_of(engine, events)) <= 1


def test_faint_bands_count_when_they_are_certain():
    profile = np.full(100, 1000)
    profile[30:35] = 2000
    certain, vague = find_bands(profile, profile * 10.0), find_bands(profile, profile * 1000.0)
    assert [(b.low, b.high) for b in certain] == [(30, 35)]  # a hundred orders a bin, against one
    assert vague == []


# ---------------------------------------------------------------------------------------------------- planted truth


@pytest.mark.parametrize("ground", GROUNDS)
def test_planted_bands_are_found(engine, ground):
    """Twenty scenes a ground, at all scales in turn; docs/clusters.md has the table of 200 scenes each."""
    score = Score()
    for seed in range(20):
        scale = SCALES[seed % len(SCALES)]
        clusters, bin_units = find_in_scene(engine, make_scene(seed, ground), scale)
        score.add(make_scene(seed, ground), clusters, scale, bin_units)
    assert score.heavy > 80
    assert score.recall >= 0.95
    assert score.precision >= 0.90
    assert score.strict >= (0.70 if ground == "path" else 0.90)  # a random walk leaves hot bands of its own
    assert statistics.median(score.errors) <= 1


def test_price_scale_changes_nothing_but_prices(engine):
    scene = make_scene(7, "path")
    (small, _), (large, _) = (find_in_scene(engine, scene, scale) for scale in (0.1, 100_000.0))
    assert len(small) > 2
    for a, b in zip(small, large, strict=True):
        assert (a.low * 1e6, a.high * 1e6, a.peak_price * 1e6) == pytest.approx((b.low, b.high, b.peak_price))
        assert a.distance_pct == pytest.approx(b.distance_pct)
        zero = {"low": 0, "high": 0, "peak_price": 0, "distance_pct": 0}
        assert replace(a, **zero) == replace(b, **zero)


def test_empty_time_row_order_threads_and_clock_change_nothing(engine):
    scene = make_scene(3, "path")
    events = [
        (int(ts), 100 + p / 10, "long", float(usd))
        for ts, p, usd in zip(scene.ts_us, scene.place, scene.usd, strict=True)
    ]
    options = ClusterOptions(half_life_us=6 * HOUR)
    want = clusters_of(engine, events, options=options, bucket_us=5 * MINUTE)
    assert len(want) > 2
    shuffled = random.Random(1).sample(events, len(events))
    with Engine(threads=1) as single:
        assert clusters_of(single, shuffled, options=options, bucket_us=5 * MINUTE) == want
    longer = make_window(T0 - 3 * DAY, T0 + 4 * DAY)
    assert clusters_of(engine, events, options=options, window=longer, bucket_us=5 * MINUTE) == want
    other_buckets = clusters_of(engine, events, options=options, window=longer)
    assert [(c.low, c.high, c.notional) for c in other_buckets] == [(c.low, c.high, c.notional) for c in want]


# ---------------------------------------------------------------------------------------------------- sums


def test_fields_by_hand(engine):
    first, second = clusters_of(engine, two_bands(), last=100.0, bin="0.1", bucket_us=5 * MINUTE)
    assert first == Cluster(
        rank=1, low=105.0, high=106.0, peak_price=pytest.approx(105.15), notional=3000.0, share=3000 / 5002,
        events=10, long_notional=0.0, short_notional=3000.0, exchanges=("okx",), first_seen_us=T0 + HOUR,
        last_seen_us=T0 + HOUR + 9 * MINUTE, active_buckets=2, distance_pct=pytest.approx(5.15), side="above",
        recent_share=3000 / 5002,
    )  # fmt: skip
    assert (second.rank, second.low, second.high, second.notional, second.events) == (2, 95.0, 96.0, 2000.0, 20)
    assert (second.side, second.exchanges, second.active_buckets) == ("below", ("gate",), 4)
    assert second.role == "below: longs were flushed here; support that gave way, and price came back above it"


def test_record_has_the_documented_keys(engine):
    record = cluster_record(clusters_of(engine, two_bands(), bin="0.1")[0])
    assert list(record)[:16] == [
        "rank", "low", "high", "peak_price", "notional", "share", "events", "long_notional", "short_notional",
        "exchanges", "first_seen", "last_seen", "active_buckets", "distance_pct", "key_levels", "role",
    ]  # fmt: skip
    assert record["first_seen"] == "2026-03-01T01:00:00Z"
    assert record["role"].startswith("above: shorts were squeezed here; resistance that gave way")
    assert record["key_levels"] is None  # nobody looked


def test_nearest_and_largest(engine):
    spots = {92.0: 400, 96.0: 300, 100.0: 200, 103.0: 300, 108.0: 500}
    events = [(T0 + k, price, "long", usd / 10) for price, usd in spots.items() for k in range(10)]
    events += [(T0, 90.0, "long", 1.0), (T0, 110.0, "long", 1.0)]
    found = clusters_of(engine, events, last=100.05, bin="0.1")
    assert [c.peak_price for c in found] == [108.05, 92.05, 103.05, 96.05, 100.05]  # exactly; 103 is nearer
    assert [c.side for c in found] == ["above", "below", "above", "below", "at price"]
    named = [f(found) for f in (nearest_above, nearest_below, largest_above, largest_below)]
    assert [c.low for c in named] == [103.0, 96.0, 108.0, 92.0]
    assert nearest_above([]) is largest_below([]) is None
    assert [c.rank for c in clusters_of(engine, events, bin="0.1", options=ClusterOptions(max_clusters=2))] == [1, 2]
    assert {c.side for c in clusters_of(engine, events, last=None, bin="0.1")} == {"unknown"}


def test_disjoint_sums_add_up(engine):
    rng = np.random.default_rng(5)
    prices = np.round(np.concatenate([rng.normal(m, 0.3, 300) for m in (96, 99, 101, 104)]), 2)
    events = [(T0 + k, float(p), "short" if k % 4 else "long", 10.0 + k % 7) for k, p in enumerate(prices)]
    found = sorted(clusters_of(engine, events, options=NO_SHARE), key=lambda c: c.low)
    assert len(found) == 4
    assert all(a.high <= b.low for a, b in pairwise(found))
    for cluster in found:
        inside = [e for e in events if cluster.low <= e[1] < cluster.high]
        assert cluster.events == len(inside)
        assert cluster.notional == sum(e[3] for e in inside) == cluster.long_notional + cluster.short_notional


def test_half_life_prefers_the_recent_band(engine):
    events = [(T0 if p < 100 else T0 + 12 * HOUR, p, side, usd) for p, side, usd, *_ in (e[1:] for e in two_bands())]
    assert [c.low for c in clusters_of(engine, events, bin="0.1")] == [105.0, 95.0]
    aged = clusters_of(engine, events, bin="0.1", options=ClusterOptions(half_life_us=HOUR))
    # Twelve half-lives: 2,000 USD weigh 0.49, less than 2 % of what is left.
    assert [(c.low, c.notional) for c in aged] == [(105.0, 3000.0)]
    assert aged[0].recent_share > 0.999


def test_price_range(engine):
    found = clusters_of(engine, two_bands(), bin="0.2", price_range=(90.0, 95.5))
    assert [(c.low, c.high, c.notional) for c in found] == [
        (95.0, 95.6, 1000.0)
    ]  # 95.5 is in the bin, not in the range
    assert found[0].share == 1000 / 5002  # of the whole window
    engine.register("liquidations", table_of(two_bands()))
    grid = build_grid(engine, WINDOW, GridOptions())
    engine.register("liquidations", table_of(two_bands()[1:]))
    with pytest.raises(ConservationError):
        build_clusters(engine, grid, 100.0)


# ---------------------------------------------------------------------------------------------------- edge cases


def test_one_event(engine):
    (only,) = clusters_of(engine, [(T0, 100.0, "long", 5.0)])
    assert (only.low <= 100.0 < only.high, only.share, only.events, only.side) == (True, 1.0, 1, "at price")


def test_two_events(engine):
    found = clusters_of(engine, [(T0, 100.0, "long", 5.0), (T0, 101.0, "short", 5.0)])
    assert [(c.events, c.share) for c in found] == [(1, 0.5), (1, 0.5)]
    assert found[0].low == 100.0  # nearer to the last price


@pytest.mark.parametrize("price", [1e-5, 0.1, 100.0, 123456.7])
def test_all_at_one_price(engine, price):
    (only,) = clusters_of(engine, [(T0 + k, price, "long", 5.0) for k in range(50)], last=price)
    assert (only.events, only.share) == (50, 1.0)


def test_one_bin(engine):
    (only,) = clusters_of(engine, two_bands(), bin="1000")
    assert (only.low, only.high, only.events) == (0.0, 1000.0, 32)


def test_fine_bins_find_the_same_bands(engine):
    scene = make_scene(11, "hill")
    events = [(T0, 100 + p / 10, "long", float(x)) for p, x in zip(scene.place, scene.usd, strict=True)]
    coarse, fine = (clusters_of(engine, events, bin=width) for width in ("0.1", "0.005"))
    assert len(coarse) > 2
    for a, b in zip(coarse[:3], fine[:3], strict=True):
        assert (a.low, a.high) == pytest.approx((b.low, b.high), abs=0.1)


def test_a_million_events(engine):
    rng = np.random.default_rng(1)
    n = 1_000_000
    price = np.where(np.arange(n) % 5 == 0, rng.uniform(102.0, 102.5, n), rng.uniform(95, 105, n)).round(3)
    first = table_of([(T0, 100.0, "long", 10.0)])
    table = pa.table({name: pa.repeat(first[name][0], n) for name in first.column_names if name != "price"})
    engine.register("liquidations", table.append_column("price", pa.array(price)))
    (only,) = build_clusters(engine, build_grid(engine, WINDOW, GridOptions()), 100.0)
    assert (only.low, only.high) == pytest.approx((102.0, 102.5), abs=0.06)
    assert only.events == int(((price >= only.low) & (price < only.high)).sum())


@pytest.mark.parametrize(
    ("share", "most", "half_life"), [(-0.1, 12, None), (2.0, 12, None), (0.02, 0, None), (0.02, 1, 0)]
)
def test_bad_options(share, most, half_life):
    with pytest.raises(UsageError):
        check_options(share, most, half_life)
