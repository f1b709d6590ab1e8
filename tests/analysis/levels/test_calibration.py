"""Calibration: weights that made the losses are found again; without events the default holds."""

from __future__ import annotations

import numpy as np
import pytest
from level_cases import lots_of, random_steps

from liqcli.analysis.levels.calibration import DEFAULT_WEIGHTS, calibrate, default_weights
from liqcli.analysis.levels.walk import walk_forward

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
