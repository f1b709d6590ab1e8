"""The score of levels: days and bins worked out by hand, and markets whose truth is known."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from score_cases import Case, null_case, true_case

from liqcli.analysis.score.days import DAY_US, LevelMap, align_map, count_bins, read_day
from liqcli.analysis.score.levels import (
    PLACEBO,
    DayScores,
    _rank,
    _rearrange,
    _weigh_top,
    score_maps,
    summarise,
)
from liqcli.analysis.score.orders import Orders, merge_prints
from liqcli.core.model import PriceSeries

HOUR_US = 3_600_000_000
START_US = 20_000 * DAY_US


def make_candles(lows: list[float], highs: list[float]) -> PriceSeries:
    """Candles of an hour over two days, given as percent from 100, in log price; the second day opens at 100."""
    low, high = (100 * np.exp(np.array(values) / 100) for values in (lows, highs))
    ts_us = START_US - DAY_US + HOUR_US * np.arange(48)
    opening = np.where(np.arange(48) == 24, 100.0, low)
    return PriceSeries(ts_us, opening, high, low, high, HOUR_US, "made 1h candle")


def make_orders(rows: list[tuple[float, float, bool, float]]) -> Orders:
    """Rows of hour after midnight, percent from 100 in log price, side, USD."""
    hour, percent, is_long, usd = zip(*rows, strict=True)
    ts_us = START_US + (np.array(hour) * HOUR_US).astype(np.int64)
    return Orders(ts_us, 100 * np.exp(np.array(percent) / 100), np.array(is_long), np.array(usd, dtype=float))


# The day before reached -1 % and +1 %; the day falls to -3 % in its hour 2, and rises to +1.5 % in hour 5.
LOWS = [-1.0] * 24 + [-0.5, -0.5, -3.0] + [-0.5] * 21
HIGHS = [1.0] * 24 + [0.5, 0.5, 0.5, 0.5, 0.5, 1.5] + [0.5] * 18


def test_prints_of_one_second_and_side_are_one_order():
    at = np.array([1_000_000, 1_200_000, 1_999_999, 1_500_000, 2_000_000])
    price = np.array([100.0, 102.0, 101.0, 101.0, 100.0])
    is_long = np.array([True, True, True, False, True])
    usd = np.array([10.0, 30.0, 60.0, 5.0, 7.0])
    orders = merge_prints(at, price, is_long, usd)
    assert orders.ts_us.tolist() == [1_000_000, 1_000_000, 2_000_000]
    assert orders.is_long.tolist() == [False, True, True]
    assert orders.notional.tolist() == [5.0, 100.0, 7.0]
    assert orders.price.tolist() == pytest.approx([101.0, (10 * 100 + 30 * 102 + 60 * 101) / 100, 100.0])


def test_only_newly_reached_prices_count():
    orders = make_orders([
        (2.5, -0.55, True, 1.0),  # traded the day before
        (2.5, -1.25, True, 10.0),  # newly reached: bin 12
        (2.5, -2.95, True, 20.0),  # newly reached: bin 29
        (2.5, -1.25, False, 40.0),  # a short below the opening price is of the other side
        (5.5, 1.25, False, 80.0),  # newly reached: bin 12 of the shorts
        (9.0, -1.25, True, 160.0),  # price had left this bin behind hours before
        (30.0, -1.25, True, 320.0),  # the next day
    ])  # fmt: skip
    day = read_day(START_US, make_candles(LOWS, HIGHS), None, orders)
    assert day is not None
    assert day.open == 100.0
    assert (day.first, day.last) == ((10, 10), (30, 15))
    assert day.reached(0) == slice(10, 30)
    assert day.reached(1) == slice(10, 15)
    assert {k: day.notional[0, k] for k in np.flatnonzero(day.notional[0])} == {5: 1.0, 12: 10.0, 29: 20.0}
    assert {k: day.notional[1, k] for k in np.flatnonzero(day.notional[1])} == {12: 80.0}
    # 23 candles from -0.5 to +0.5 %, one from -3 to +0.5 %, one of the 23 up to +1.5 %
    assert day.minutes.sum() == pytest.approx(1440)
    assert day.minutes[0, 12] == pytest.approx(60 * 0.1 / 3.5)


def test_a_day_with_missing_candles_is_left_out():
    candles = make_candles(LOWS, HIGHS)
    kept = np.arange(48) < 44  # 20 of 24 hours
    cut = PriceSeries(
        *(getattr(candles, name)[kept] for name in ("ts_us", "open", "high", "low", "close")), HOUR_US, ""
    )
    orders = make_orders([(2.5, -1.25, True, 10.0)])
    assert read_day(START_US, candles, None, orders) is not None
    assert read_day(START_US, cut, None, orders) is None


def test_a_map_is_laid_at_the_opening_price():
    edges = 100 * np.exp(np.array([-0.03, -0.02, 0.0, 0.004]))
    level_map = LevelMap(START_US, edges, np.array([7.0, 0.0, 9.0]), np.array([0.0, 3.0, 8.0]))
    aligned = align_map(level_map, 100.0)
    assert aligned.shape == (2, count_bins())
    assert aligned[0, 20:30].sum() == pytest.approx(7.0)  # longs above the price and shorts below it are not laid
    assert aligned[0].sum() == pytest.approx(7.0)
    assert aligned[1, :4].sum() == aligned[1].sum() == pytest.approx(8.0)
    moved = align_map(
        LevelMap(START_US, edges, np.array([7.0, 0.0, 9.0]), np.array([0.0, 3.0, 8.0])), 100 * np.exp(0.01)
    )
    assert moved[0, 30:40].sum() == pytest.approx(7.0)


def test_the_top_fifth_is_shared_by_bins_of_equal_mass():
    masses = np.array([[5.0, 4, 3, 2, 1, 0, 0, 0, 0, 0], [1.0] * 10, [9.0, 1, 1, 1, 1, 0, 0, 0, 0, 0]])
    top = _weigh_top(_rank(masses))
    assert top[0].tolist() == [1, 1, 0, 0, 0, 0, 0, 0, 0, 0]
    assert top[1].tolist() == pytest.approx([0.2] * 10)
    assert top[2].tolist() == pytest.approx([1, 0.25, 0.25, 0.25, 0.25, 0, 0, 0, 0, 0])
    placed = _rearrange(np.array([10.0, 30.0, 20.0]), _rank(np.array([[1.0, 2.0, 3.0], [0.0, 5.0, 0.0]])))
    assert placed.tolist() == [[10.0, 20.0, 30.0], [15.0, 30.0, 15.0]]


def made_case(days: int) -> Case:
    """Every day liquidates in bins 12 and 13 of the longs; the maps of even days have their mass there."""
    outcomes, maps = [], []
    orders = make_orders([(2.5, -1.25, True, 60.0), (2.6, -1.35, True, 30.0), (2.7, -2.55, True, 10.0)])
    template = read_day(START_US, make_candles(LOWS, HIGHS), None, orders)
    assert template is not None
    for number in range(days):
        outcomes.append(replace(template, start_us=START_US + number * DAY_US))
        mass = np.zeros((2, count_bins()))
        mass[0, slice(12, 16) if number % 2 == 0 else slice(20, 24)] = 1.0
        maps.append(mass)
    return Case(outcomes, maps)


def test_the_share_of_a_day_by_hand():
    case = made_case(8)
    scores = {round((s.start_us - START_US) / DAY_US): s for s in score_maps(case.days, case.maps)}
    # 20 bins were newly reached, so the top fifth are 4: of a map of an even day, 90 of the 100 USD lie in these.
    # Day 0 compares with days 3 to 7: 4 and 6 have the same map, 3, 5 and 7 the other one.
    assert scores[0].share == pytest.approx(0.9)
    assert scores[0].placebo_share == pytest.approx((0.9 * 2 + 0.0 * 3) / 5)
    assert scores[1].share == 0.0
    assert scores[1].placebo_share == pytest.approx((0.9 * 2 + 0.0 * 2) / 4)
    assert scores[0].orders == 3
    inside, outside = np.log(20 * (0.9 / 4 + 0.1 / 20)), np.log(20 * 0.1 / 20)
    assert scores[0].gain == pytest.approx(0.9 * inside + 0.1 * outside)


def day_scores(difference: float, number: int, orders: int = 20) -> DayScores:
    return DayScores(number * DAY_US, orders, 0.3 + difference, 0.3, 0.0, 0.0, (0.2, 0.2, float("nan"), 0.2))


def test_verdicts():
    noise = np.array([0.01, -0.02, 0.015, -0.005] * 4)
    clear = summarise([day_scores(0.1 + x, k) for k, x in enumerate(noise)])
    assert clear.verdict == "skill"
    first = clear.measures[0]
    assert (first.name, first.baseline) == ("share in top fifth", PLACEBO)
    assert first.difference == pytest.approx(0.1)
    assert first.difference_low is not None
    assert first.difference_high is not None
    assert 0.08 < first.difference_low < 0.1 < first.difference_high < 0.12
    assert "volume" not in [m.baseline for m in clear.measures]  # unknown, not zero
    assert summarise([day_scores(x, k) for k, x in enumerate(noise)]).verdict == "no evidence"
    assert summarise([day_scores(0.1 + x, k) for k, x in enumerate(noise[:9])]).verdict == "too little data"
    assert summarise([day_scores(0.1 + x, k, orders=12) for k, x in enumerate(noise)]).verdict == "too little data"
    none = summarise([])
    assert (none.verdict, none.days, none.measures) == ("too little data", 0, ())


def contains_zero(case: Case, order: list[int] | None = None) -> bool:
    first = case.score(order).measures[0]
    assert first.difference_low is not None
    assert first.difference_high is not None
    return first.difference_low <= 0 <= first.difference_high


def test_true_positions_are_seen_and_vanish_when_maps_are_exchanged():
    case = true_case(1)
    assert case.score().verdict == "skill"
    order = np.random.default_rng(1).permutation(len(case.maps)).tolist()
    assert contains_zero(case, order)


def test_neither_later_orders_nor_later_maps_improve_the_score():
    difference = true_case(1).score().measures[0].difference
    later = true_case(1, late_days=1).score()  # what a day liquidated is gone from the map of the midnight after it
    assert later.verdict == "no evidence"
    assert later.measures[0].difference < 0 < difference
    # Orders dated a day later print where price is not newly arriving.
    assert true_case(1, shift_days=1).score().verdict == "too little data"


def test_a_market_without_positions_shows_no_skill():
    assert [null_case(seed).score().verdict for seed in (1, 2)] == ["no evidence", "no evidence"]


@pytest.mark.soak
@pytest.mark.parametrize("memory", [60, 1440, 4320])
def test_the_interval_covers_nothing_in_200_markets_without_positions(memory: int):
    covered = sum(contains_zero(null_case(seed, memory=memory)) for seed in range(200))
    assert 184 <= covered <= 196


@pytest.mark.soak
def test_skill_in_ten_markets_with_positions():
    cases = [true_case(seed) for seed in range(10)]
    assert sum(case.score().verdict == "skill" for case in cases) >= 9
    exchanged = [contains_zero(c, np.random.default_rng(k).permutation(30).tolist()) for k, c in enumerate(cases)]
    assert sum(exchanged) >= 8
    for seed, case in enumerate(cases):
        assert true_case(seed, late_days=1).score().measures[0].difference < case.score().measures[0].difference
        assert true_case(seed, shift_days=1).score().verdict != "skill"
