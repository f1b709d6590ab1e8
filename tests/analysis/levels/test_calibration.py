"""Calibration: weights that made the losses are found again; without events the default holds."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest
from level_cases import lots_of, random_steps

from liqcli.analysis.levels.calibration import DEFAULT_WEIGHTS, _estimate_spread, calibrate, default_weights
from liqcli.analysis.levels.walk import estimate_matching, walk_forward

LEVERAGES = (10.0, 25.0, 50.0)  # all of them are reached by the prices here
TRUTH = np.array([[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]])


def realized_of(steps, lots, weights, order_usd=100.0, share=1.0):
    """Orders of 100 USD, drawn from what a model with these weights lost."""
    rng = np.random.default_rng(7)
    lost = (walk_forward(steps, lots, weights).lost * steps.close).sum(axis=1)
    orders = rng.poisson(share * lost / order_usd)
    return orders * order_usd, orders


def test_weights_that_made_the_losses_are_recovered():
    steps = random_steps(11, 2_000, swing=0.08)
    lots = lots_of(steps, LEVERAGES)
    usd, orders = realized_of(steps, lots, TRUTH, share=0.5)
    end_us = int(steps.closes_us[-1])
    found = calibrate(steps, lots, usd, orders, end_us=end_us)
    assert found.calibrated
    assert found.orders == orders.sum() > 5_000
    np.testing.assert_allclose(found.weights, TRUTH, atol=0.05)
    np.testing.assert_allclose(found.scale, 0.5, rtol=0.1)
    np.testing.assert_allclose(found.weights.sum(axis=1), 1)


def test_few_events_give_the_default_mix_and_a_reason():
    steps = random_steps(2)
    lots = lots_of(steps)
    orders = np.zeros((2, len(steps)), dtype=np.int64)
    orders[:, 5] = 60, 139
    found = calibrate(steps, lots, 100.0 * orders, orders, end_us=int(steps.closes_us[-1]))
    assert not found.calibrated
    assert found.reason.startswith("60 long and 139 short realized orders before the window; 200 are needed")
    np.testing.assert_allclose(found.weights[0], list(DEFAULT_WEIGHTS.values()))
    orders[1, 5] = 140
    assert calibrate(steps, lots, 100.0 * orders, orders, end_us=int(steps.closes_us[-1])).orders == 200


def test_events_and_prices_after_the_end_are_not_used():
    steps = random_steps(11, 1_500)
    lots = lots_of(steps, LEVERAGES)
    usd, orders = realized_of(steps, lots, TRUTH)
    end_us = int(steps.closes_us[999])
    first = calibrate(steps, lots, usd, orders, end_us=end_us)
    usd[:, 1_000:] *= 50
    orders[:, 1_000:] += 1_000
    again = calibrate(steps, lots, usd, orders, end_us=end_us)
    assert first.calibrated
    np.testing.assert_array_equal(first.weights, again.weights)
    assert first.orders == again.orders


def test_default_weights_of_fewer_leverages_add_up_to_one():
    weights = default_weights(np.array([5.0, 10.0, 25.0]))
    np.testing.assert_allclose(weights.sum(axis=1), 1)
    assert weights[0, 1] / weights[0, 0] == pytest.approx(0.2875 / 0.1125)
    np.testing.assert_allclose(default_weights(np.array([3.0, 7.0])), 0.5)


def test_one_large_move_does_not_decide_alone():
    steps = random_steps(11, 2_000, swing=0.08)
    lots = lots_of(steps, LEVERAGES)
    usd, orders = realized_of(steps, lots, TRUTH, share=0.5)
    wild = usd.copy()
    wild[0, int(usd[0].argmax())] *= 10
    found = calibrate(steps, lots, wild, orders, end_us=int(steps.closes_us[-1]))
    assert np.abs(found.weights - TRUTH).max() < 0.2  # with the variance of Poisson it is 0.34


def test_the_spread_of_orders_of_unequal_size_is_found():
    """Orders of size 1 or 3 with equal odds: mean 2, mean square 5, so the variance of a sum is 5 / 2 of its mean."""
    rng = np.random.default_rng(3)
    mean = rng.gamma(2.0, 5.0, 20_000)
    small, large = rng.poisson(mean / 4, 20_000), rng.poisson(mean / 4, 20_000)
    dispersion, error = _estimate_spread((small + 3 * large).astype(float), mean)
    assert dispersion == pytest.approx(2.5, rel=0.05)
    assert error < 0.01
    factor = rng.gamma(4.0, 0.25, 20_000)  # the model is off by a factor of variance 1 / 4
    dispersion, error = _estimate_spread(rng.poisson(mean * factor).astype(float), mean)
    assert dispersion * error == pytest.approx(0.25, rel=0.15)


@pytest.mark.parametrize("matching", [0.0, 0.3])
def test_closings_that_match_what_price_consumed_are_measured(matching):
    steps = random_steps(4, 3_000)
    lots, weights = lots_of(steps), default_weights(np.array([5.0, 10.0, 25.0, 50.0, 100.0]))
    for _ in range(5):  # what is consumed depends on the closings
        lost = walk_forward(steps, lots, weights, 0.0).lost.sum(axis=(0, 1))
        steps = replace(steps, closed=0.02 * steps.interest + matching * lost)
    assert estimate_matching(steps, lots, weights) == pytest.approx(matching, abs=0.01)
