"""Sums by price and time, outward sums, and the named levels."""

from __future__ import annotations

import numpy as np
import pytest
from level_cases import lots_of, random_steps

from liqcli.analysis.levels.calibration import default_weights
from liqcli.analysis.levels.field import Levels, bin_standing, build_field, find_bands, make_edges, reach_outward
from liqcli.analysis.levels.walk import Standing, walk_forward
from liqcli.core.model import BinWidth

HALF = BinWidth(1, 2)


@pytest.fixture(scope="module")
def walk():
    steps = random_steps(4, 400)
    lots = lots_of(steps)
    return walk_forward(steps, lots, default_weights(lots.leverages))


def test_every_column_is_what_stands_at_its_start(walk):
    steps = walk.steps
    edges = make_edges(80, 120, HALF)
    starts_us = steps.ts_us[0] + steps.step_us * np.array([-3, 0, 1, 50, 51, 399, 400])
    field = build_field(walk, starts_us, edges, HALF)
    np.testing.assert_array_equal(field.known, [False, False, True, True, True, True, True])
    for column, after in ((2, 0), (3, 49), (4, 50), (5, 398), (6, 399)):
        levels = bin_standing(walk.standing_after(after), edges)
        np.testing.assert_allclose(field.long_notional[:, column], levels.long_notional, rtol=1e-9, atol=1e-6)
        np.testing.assert_allclose(field.short_notional[:, column], levels.short_notional, rtol=1e-9, atol=1e-6)
    assert field.long_notional[:, :2].sum() == 0
    assert field.long_notional[:, 3].sum() > 0


def test_the_field_is_not_negative_and_empty_where_price_was(walk):
    steps = walk.steps
    edges = make_edges(80, 120, HALF)
    field = build_field(walk, steps.closes_us, edges, HALF)
    assert field.long_notional.min() == 0
    for k in (100, 250, 399):
        passed = edges[:-1] >= steps.low[k]
        assert field.long_notional[passed, k].max() == 0
        assert field.short_notional[edges[1:] <= steps.high[k], k].max() == 0


def test_a_price_on_an_edge_belongs_to_the_bin_above_it():
    width = BinWidth(1, 10)
    edges = make_edges(0.1, 0.8, width)
    np.testing.assert_array_equal(edges, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    price = np.array([0.3, 0.7, 0.05, 0.8])
    side = np.array([0, 1, 0, 1], dtype=np.int8)
    levels = bin_standing(Standing(price, side, np.full(4, 10.0), np.ones(4), np.array([1.0, 2, 4, 8])), edges)
    np.testing.assert_array_equal(levels.long_notional, [0, 0, 1, 0, 0, 0, 0])
    np.testing.assert_array_equal(levels.short_notional, [0, 0, 0, 0, 0, 0, 2])
    assert (levels.long_outside, levels.short_outside) == (4, 8)


def test_sums_outward_from_the_last_price():
    levels = Levels(np.array([90.0, 95, 100, 105, 110]), np.array([7.0, 3, 0, 0]), np.array([0.0, 0, 5, 6]))
    longs, shorts = reach_outward(levels, 100.0)
    np.testing.assert_array_equal(longs.price, [100, 95, 90])
    np.testing.assert_array_equal(longs.notional, [0, 3, 10])
    np.testing.assert_array_equal(shorts.price, [100, 105, 110])
    np.testing.assert_array_equal(shorts.notional, [0, 5, 11])


def test_nearest_and_largest_levels():
    edges = np.arange(80.0, 121)
    long, short = np.zeros(40), np.zeros(40)
    long[[2, 10, 18]] = 100, 30, 20  # 82-83, 90-91, 98-99: the last is less than a quarter of the largest
    short[[25, 35]] = 50, 40
    longs, shorts = find_bands(Levels(edges, long, short), 100.0)
    assert (longs.nearest.low, longs.nearest.notional) == (90, 30)
    assert longs.nearest.distance_pct == pytest.approx(-9)
    assert (longs.largest.low, longs.largest.distance_pct) == (82, pytest.approx(-17))
    assert shorts.nearest == shorts.largest
    assert (shorts.largest.high, shorts.largest.distance_pct) == (106, pytest.approx(5))
    nothing = find_bands(Levels(edges, np.zeros(40), np.zeros(40)), 100.0)
    assert nothing[0].nearest is nothing[1].largest is None


@pytest.mark.soak
def test_seven_days_of_five_minutes_take_well_under_a_second():
    import time

    steps = random_steps(9, 7 * 288, 0.001)
    edges = make_edges(80, 120, BinWidth(1, 5))
    begin = time.process_time()
    lots = lots_of(steps)
    walk = walk_forward(steps, lots, default_weights(lots.leverages))
    field = build_field(walk, steps.closes_us, edges, BinWidth(1, 5))
    assert time.process_time() - begin < 1.5  # about 0.3 on an idle machine
    assert field.long_notional.shape == (200, 2016)
