"""Heavy steps: found on the steps of the cluster search, each with the reason why it is not a cluster."""

from __future__ import annotations

import numpy as np
import pytest

from liqcli.analysis.heavy_steps import FEW_EVENTS, NOT_HIGHER, ONE_ORDER, find_heavy_steps
from liqcli.analysis.price_axis import PriceAxis
from liqcli.core.model import BinWidth
from liqcli.query.columns import BinRows

AXIS = PriceAxis(fine=BinWidth(1, 1), size=10, first=10, n_steps=20, widest=4, widest_alone=4)  # 100, 110, … 300


def bins_of(*rows):
    """Rows are (price, USD, events, USD of the largest); all longs."""
    price, usd, events, largest = (np.array(column, dtype=np.int64) for column in zip(*rows, strict=True))
    zero, exchange = 0 * usd, np.full(len(price), "gate", dtype=object)
    return BinRows(price, exchange, usd * 10**6, zero, events, zero, zero, largest * 10**6, usd * 10**6, zero)


@pytest.mark.parametrize(
    ("row", "reason"),
    [
        ((203, 50_000, 30, 25_001), ONE_ORDER),
        ((203, 50_000, 9, 25_000), FEW_EVENTS),
        ((203, 50_000, 10, 25_000), NOT_HIGHER),
    ],
)
def test_the_reason_is_the_true_one(row, reason):
    (step,) = find_heavy_steps(bins_of(row), AXIS, [], 1_000_000.0, 200.0)
    assert (step.low, step.high, step.notional, step.share, step.reason) == (200, 210, 50_000, 0.05, reason)
    assert step.distance_pct == pytest.approx(2.5)  # the middle, 205, from 200


def test_light_steps_and_those_of_clusters_are_left_out():
    """4.9% of a million, and 5% inside of a cluster; of a window of 100,000 USD 9,999 USD are below the floor."""
    bins = bins_of((150, 49_000, 20, 1000), (203, 50_000, 20, 1000))
    assert find_heavy_steps(bins, AXIS, [(190.0, 210.0)], 1_000_000.0, None) == ()
    assert find_heavy_steps(bins_of((150, 9_999, 20, 1000)), AXIS, [], 100_000.0, None) == ()


def test_three_at_the_most_by_usd_then_the_lower():
    bins = bins_of((105, 60_000, 5, 1), (115, 90_000, 5, 1), (125, 70_000, 5, 1), (135, 70_000, 5, 1))
    found = find_heavy_steps(bins, AXIS, [], 1_000_000.0, None)
    assert [(s.rank, s.low, s.notional) for s in found] == [(1, 110, 90_000), (2, 120, 70_000), (3, 130, 70_000)]
