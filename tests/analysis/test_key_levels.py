"""Key levels on hand-worked candles, the published volume profile, and the levels at clusters."""

from __future__ import annotations

import csv
import json
from decimal import Decimal

import numpy as np
import pytest
from factories import DAY, HOUR, MINUTE, T0, make_window

from liqcli.analysis.clusters import Cluster
from liqcli.analysis.key_levels import (
    KeyLevel,
    KeyLevels,
    choose_round_step,
    find_key_levels,
    find_period_extremes,
    find_swings,
    list_round_numbers,
    tag_clusters,
)
from liqcli.analysis.price_axis import PriceAxis
from liqcli.analysis.volume_profile import build_volume_profile
from liqcli.core.market_data import Candles
from liqcli.core.model import BinWidth, PriceSeries
from liqcli.report.records import level_record

CENT5 = BinWidth.from_decimal(Decimal("0.05"))


def candles_of(closes, start=T0, step=HOUR, volume=None, spread=0.5):
    close = np.asarray(closes, dtype=float)
    ts = start + step * np.arange(len(close), dtype=np.int64)
    prices = PriceSeries(ts, close, close + spread, close - spread, close, step, "test 1h candles")
    return Candles(prices, np.full(len(close), 1.0) if volume is None else np.asarray(volume, dtype=float))


def axis_of(low, high, width="1"):
    """The axis of clusters between two prices."""
    step = BinWidth.from_decimal(Decimal(width))
    first = round(low / step.width)
    return PriceAxis(step, 1, first, round(high / step.width) - first, 10, 10)


def cluster_of(low, high):
    return Cluster(1, low, high, (low + high) / 2, 1.0, 1.0, 1, 1.0, 0.0, ("gate",), T0, T0, 1, 0.0, "above", 1.0, 0.1)


# ---------------------------------------------------------------------------------------------------- round numbers


@pytest.mark.parametrize(
    ("low", "high", "step"),
    [
        (94_750, 102_900, "1000"),
        (99_000, 99_200, "100"),  # a tenth of a percent: finer than that is not round
        (64_900, 76_100, "2000"),
        (149.2, 151.9, "0.5"),
        (0.00000995, 0.00001005, "0.00000002"),
        (3000, 3000, "5"),
    ],
)
def test_round_step_fits_the_scale(low, high, step):
    assert choose_round_step(low, high) == BinWidth.from_decimal(Decimal(step))


def test_round_numbers():
    levels = list_round_numbers(99_500, 102_900)
    assert [level.price for level in levels] == [99_500, 100_000, 100_500, 101_000, 101_500, 102_000, 102_500]
    assert levels[1].name == "major round number 100,000"
    assert levels[2].name == "round number 100,500"
    assert [level.price for level in list_round_numbers(0.095, 0.105)] == [
        0.095, 0.096, 0.097, 0.098, 0.099, 0.1, 0.101, 0.102, 0.103, 0.104, 0.105,
    ]  # fmt: skip


# ---------------------------------------------------------------------------------------------------- day, week, swings


def test_previous_day_and_week():
    """T0 is Sunday 2026-03-01; the week before the one of Monday 2 March is 23 February to 1 March."""
    closes = np.full(9 * 24, 100.0)
    closes[2 * 24 + 5] = 120.0  # Wednesday
    closes[6 * 24 + 3] = 90.0  # Sunday: in the week
    closes[7 * 24 + 3] = 95.0  # Monday: the previous day
    closes[8 * 24 + 1] = 200.0  # Tuesday, the day in which the window ends
    monday = T0 - 6 * DAY
    window = make_window(monday + 8 * DAY, monday + 8 * DAY + 12 * HOUR)
    found = {v.kind: v.price for v in find_period_extremes(candles_of(closes, monday), window)}
    assert found == {
        "previous_day_high": 100.5,
        "previous_day_low": 94.5,
        "previous_week_high": 120.5,
        "previous_week_low": 89.5,
    }


def test_a_day_with_holes_has_no_high():
    window = make_window(T0 + DAY, T0 + DAY + HOUR)
    assert find_period_extremes(candles_of(np.full(24, 100.0), T0), window) != []
    assert find_period_extremes(candles_of(np.full(21, 100.0), T0), window) == []
    assert find_period_extremes(candles_of(np.full(21, 100.0), T0 + 3 * HOUR), window) == []


def test_a_window_that_ends_at_midnight_belongs_to_the_day_before():
    window = make_window(T0, T0 + DAY)
    closes = [*np.full(24, 100.0), *np.full(24, 200.0)]
    found = {v.kind: v.price for v in find_period_extremes(candles_of(closes, T0 - DAY), window)}
    assert found["previous_day_high"] == 100.5


def test_swings_are_confirmed_before_the_end():
    """Bars of an hour in a day: three on either side. The top at hour 5 is known when hour 8 has closed."""
    closes = [10, 11, 12, 13, 14, 15, 14, 13, 12, 11, 10, 9, 10, 11, 12, 13, 14, 16, 15, 14]
    candles = candles_of(closes)
    window = make_window(T0, T0 + DAY)

    def swings(hours):
        return [(v.kind, v.price) for v in find_swings(candles.until(T0 + hours * HOUR), window)]

    assert swings(8) == []
    assert swings(9) == [("swing_high", 15.5)]
    assert swings(14) == [("swing_high", 15.5)]
    assert swings(15) == [("swing_low", 8.5), ("swing_high", 15.5)]
    assert swings(20) == [("swing_low", 8.5), ("swing_high", 15.5)]  # the top at 17 is not confirmed


def test_nothing_after_the_window_is_seen():
    closes = np.concatenate([100 + np.sin(np.arange(48)), np.full(48, 500.0)])
    axis, window = axis_of(90, 600), make_window(T0 + DAY, T0 + 2 * DAY)
    volume = np.concatenate([np.ones(48), np.full(48, 1000.0)])
    whole = find_key_levels(axis, window, candles_of(closes, volume=volume))
    assert whole == find_key_levels(axis, window, candles_of(closes[:48], volume=volume[:48]))
    assert max(v.price for v in whole.levels if v.kind != "round") < 103  # rows of the volume profile are 2.5 wide


# ---------------------------------------------------------------------------------------------------- volume profile


def test_volume_profile_by_hand():
    """Rows of 1: 10.0 stays, 10.2 goes to 11. 70% of 20 is 14: POC 12 (8), then 13 (4, upper on a tie), 11 (4)."""
    close, volume = np.array([10.0, 10.2, 11.5, 13.0, 14.5]), np.array([2.0, 4.0, 8.0, 4.0, 2.0])
    profile = build_volume_profile(close, volume, BinWidth(1, 1))
    assert profile.prices.tolist() == [10, 11, 12, 13, 15]
    assert (profile.point_of_control, profile.value_area_low, profile.value_area_high) == (12, 11, 13)
    assert profile.value_area_volume == 16


def test_volume_profile_needs_volume():
    assert build_volume_profile(np.array([1.0]), np.array([np.nan]), CENT5) is None
    assert build_volume_profile(np.array([]), np.array([]), CENT5) is None


def test_a_close_on_a_row_stays_there():
    close = np.array([k / 20 for k in range(2000, 4000)])
    profile = build_volume_profile(close, np.ones(2000), CENT5)
    assert profile.prices.tolist() == close.tolist()


def test_published_volume_profile(real_data):
    """py-market-profile's own example: POC 944.50, value area 944.20 to 958.95."""
    want = json.loads((real_data / "expected.json").read_text())["indicators"]["volume_profile"]["computed"]
    with (real_data / "indicators/py_market_profile_google_30m.csv").open() as lines:
        rows = list(csv.DictReader(lines))
    close, volume = (np.array([float(row[name]) for row in rows]) for name in ("Close", "Volume"))
    profile = build_volume_profile(close, volume, CENT5)
    assert (profile.point_of_control, profile.value_area_low, profile.value_area_high) == (944.5, 944.2, 958.95)
    assert len(profile.prices) == want["levels"]
    assert profile.value_area_volume == float(want["value_area_volume"])


# ---------------------------------------------------------------------------------------------------- tags


def test_clusters_name_their_levels():
    axis = axis_of(90, 290)  # steps of 1, a 200th of the range is 1 too
    levels = KeyLevels((KeyLevel.of("a", 99.0), KeyLevel.of("b", 101.0), KeyLevel.of("c", 103.5)), candles_known=True)
    near, far = tag_clusters([cluster_of(100, 102), cluster_of(200, 202)], levels, axis)
    assert [(t.kind, t.distance_pct) for t in near.key_levels] == [("b", 0.0), ("a", pytest.approx(-1.0))]
    assert [str(t) for t in near.key_levels] == ["b 101", "a 99 (-1.00%)"]
    assert level_record(near.key_levels[1]) == {
        "kind": "a", "name": "a 99", "price": 99.0, "distance_pct": pytest.approx(-1.0),
    }  # fmt: skip
    assert far.key_levels == ()


def test_without_candles_only_round_numbers_are_known():
    axis = axis_of(98, 108, "0.1")
    found = find_key_levels(axis, make_window(T0, T0 + DAY), None)
    assert {v.kind for v in found.levels} == {"round"}
    assert not found.candles_known
    at, beside = tag_clusters([cluster_of(99.9, 100.2), cluster_of(104.3, 104.6)], found, axis)
    assert [t.name for t in at.key_levels] == ["major round number 100"]
    assert beside.key_levels is None


def test_all_kinds_together():
    closes = 100 + 5 * np.sin(np.arange(24 * 15) / 2)
    window = make_window(T0 + 13 * DAY, T0 + 14 * DAY)
    kinds = {v.kind for v in find_key_levels(axis_of(90, 110), window, candles_of(closes)).levels}
    assert kinds == {
        "round", "previous_day_high", "previous_day_low", "previous_week_high", "previous_week_low", "swing_high",
        "swing_low", "point_of_control", "value_area_high", "value_area_low",
    }  # fmt: skip


def test_short_windows_have_swings_of_three_bars():
    closes = [1, 2, 3, 9, 3, 2, 1, 2, 1]
    found = find_swings(candles_of(closes, step=MINUTE), make_window(T0, T0 + 9 * MINUTE))
    assert [(v.kind, v.price) for v in found] == [("swing_high", 9.5)]
