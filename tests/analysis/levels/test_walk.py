"""The walk: hand-worked steps, and what holds for any prices and open interest."""

from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from level_cases import TIERS, lots_of, random_steps, steps_of

from liqcli.analysis.levels.calibration import default_weights
from liqcli.analysis.levels.lots import find_passage, place_lots
from liqcli.analysis.levels.walk import walk_forward

TEN_X = np.array([[1.0], [1.0]])


def walk_ten_x(lows, highs, interest, closes=None):
    steps = steps_of(lows, highs, interest, closes)
    return walk_forward(steps, place_lots(steps, TIERS, [10.0]), TEN_X)


def test_new_contracts_stand_at_their_liquidation_prices_on_both_sides():
    walk = walk_ten_x([99, 100, 100], [101, 100, 100], [500, 620, 620])  # 120 open at exactly 100
    standing = walk.standing_after(1)
    # 10x at 100 with a rate of 0.5 %: longs at 90 / 0.995, shorts at 110 / 1.005
    for side, price in ((0, 90 / 0.995), (1, 110 / 1.005)):
        mine = standing.side == side
        np.testing.assert_allclose(standing.price[mine], price)
        assert standing.contracts[mine].sum() == pytest.approx(120)
        assert standing.notional[mine].sum() == pytest.approx(120 * price)
    np.testing.assert_allclose(walk.standing[:, 0, 1], [120, 120])
    np.testing.assert_allclose(walk.unplaced[:, 1], [500, 500])


def test_entries_spread_over_the_traded_range():
    walk = walk_ten_x([100, 96, 100], [100, 104, 100], [500, 580, 580])
    longs = walk.standing_after(1)
    prices = longs.price[longs.side == 0]
    np.testing.assert_allclose(prices, (96 + 8 * (np.arange(64) + 0.5) / 64) * 0.9 / 0.995)  # 64 entries, the middles
    np.testing.assert_allclose(longs.contracts[longs.side == 0], 80 / 64)


def test_price_consumes_longs_and_falling_open_interest_explains_it():
    # 120 longs stand at 90.45; price falls to 90, open interest falls by the same 120
    walk = walk_ten_x([100, 100, 90], [100, 100, 99], [500, 620, 500])
    assert walk.lost[0, 0, 2] == pytest.approx(120)
    assert walk.left[0, 2] == walk.replaced[0, 2] == 0
    assert walk.standing[0, 0, 2] == 0
    # no short was passed: the closing takes 120 of 620 from standing and unplaced shorts alike
    assert walk.standing[1, 0, 2] == pytest.approx(120 * 500 / 620)
    assert walk.unplaced[1, 2] == pytest.approx(500 * 500 / 620)


def test_contracts_lost_while_open_interest_stays_open_anew_at_that_price():
    walk = walk_ten_x([100, 100, 90, 90], [100, 100, 99, 90], [500, 620, 620, 620], [100, 100, 90, 90])
    assert walk.replaced[0, 2] == pytest.approx(120)
    longs = walk.standing_after(2)
    # their entries lie between the low and the close before, cut to the candle: 90 to 99
    np.testing.assert_allclose(longs.price[longs.side == 0], (90 + 9 * (np.arange(64) + 0.5) / 64) * 0.9 / 0.995)
    assert longs.contracts[longs.side == 0].sum() == pytest.approx(120)
    assert walk.replaced[1, 2] == 0


def test_a_candle_without_new_contracts_creates_nothing():
    walk = walk_ten_x([100, 99, 98, 99], [100, 101, 102, 101], [500, 500, 500, 400])
    assert walk.standing.max() == 0
    assert len(walk.standing_after(3).price) == 0


def test_what_opens_and_may_be_passed_in_its_own_candle_is_not_placed():
    # 10x: a long at 100 is liquidated at 90.45, inside 85..101
    walk = walk_ten_x([100, 85, 99], [100, 101, 99], [500, 620, 620], [100, 99, 99])
    low = walk.standing_after(1)
    assert low.price[low.side == 0].max() < 85
    assert walk.standing[0, 0, 1] + walk.unplaced[0, 1] == pytest.approx(620)


def test_open_interest_that_closes_completely_leaves_nothing():
    walk = walk_ten_x([100] * 5, [100] * 5, [500, 620, 1e-7, 300, 300])
    assert walk.standing[:, 0, 2].max() == 0
    np.testing.assert_allclose(walk.standing[:, 0, 3], 300, rtol=1e-6)
    assert walk.standing_after(4).contracts.sum() == pytest.approx(600)


@settings(max_examples=40, deadline=None)
@given(seed=st.integers(0, 10_000), volatility=st.sampled_from([0.001, 0.004, 0.03]))
def test_mass_never_exceeds_open_interest_and_the_rest_is_accounted_for(seed, volatility):
    steps = random_steps(seed, 200, volatility)
    lots = lots_of(steps)
    walk = walk_forward(steps, lots, default_weights(lots.leverages))
    total = walk.standing.sum(axis=1)
    assert (total <= steps.interest * (1 + 1e-9)).all()
    assert walk.unplaced.min() >= -1e-9
    np.testing.assert_allclose(total + walk.unplaced, np.tile(steps.interest, (2, 1)), rtol=1e-9)
    for k in (50, 199):  # the lots tell the same as the sums
        standing = walk.standing_after(k)
        for side in (0, 1):
            assert standing.contracts[standing.side == side].sum() == pytest.approx(total[side, k], rel=1e-9, abs=1e-9)
        assert (standing.price[standing.side == 0] < steps.low[k]).all()
        assert (standing.price[standing.side == 1] > steps.high[k]).all()


def test_shuffling_the_future_changes_nothing():
    steps = random_steps(3)
    cut = 180
    rng = np.random.default_rng(1)
    order = np.concatenate([np.arange(cut), cut + rng.permutation(len(steps) - cut)])
    amounts = np.concatenate([steps.interest[:cut], 2 * steps.interest[order[cut:]]])
    other = steps_of(steps.low[order], steps.high[order], amounts, steps.close[order])
    walks = [
        walk_forward(one, lots, default_weights(lots.leverages))
        for one, lots in ((s, lots_of(s)) for s in (steps, other))
    ]
    first, second = (walk.standing_after(cut - 1) for walk in walks)
    assert len(first.price) > 100
    for name in ("price", "side", "contracts", "notional", "leverage"):
        np.testing.assert_array_equal(getattr(first, name), getattr(second, name))
    np.testing.assert_array_equal(walks[0].standing[:, :, :cut], walks[1].standing[:, :, :cut])


def test_passage_is_the_first_step_that_reaches_the_price():
    steps = random_steps(5, 70)
    rng = np.random.default_rng(2)
    born, price = rng.integers(0, 70, 500), 100 * np.exp(rng.normal(0, 0.05, 500))
    for position in ("long", "short"):
        found = find_passage(steps, position, price, born)
        for k in range(500):
            reached = steps.low <= price[k] if position == "long" else steps.high >= price[k]
            later = np.flatnonzero(reached[born[k] + 1 :])
            assert found[k] == (born[k] + 1 + later[0] if len(later) else 70)


def test_weights_are_checked():
    steps = random_steps(1, 10)
    lots = lots_of(steps)
    for wrong in (np.ones((2, 5)), np.full((2, 4), 0.1), -default_weights(lots.leverages)):
        with pytest.raises(ValueError, match="weights"):
            walk_forward(steps, lots, wrong)
