"""Alignment of candles with open interest."""

from __future__ import annotations

import numpy as np
import pytest
from level_cases import START_US, STEP_US, candles, snapshots

from liqcli.analysis.levels.steps import build_steps
from liqcli.core.errors import EmptyWindowError
from liqcli.core.market_data import OpenInterestSeries
from liqcli.core.model import PriceSeries


def series(minutes, coins=None, usd=None):
    n = len(minutes)
    nothing = np.full(n, np.nan)
    return OpenInterestSeries(
        START_US + np.array(minutes, dtype=np.int64) * 60_000_000,
        nothing if coins is None else np.array(coins, dtype=float),
        nothing if usd is None else np.array(usd, dtype=float),
        "made up",
    )


def test_rises_and_falls_are_counted_apart():
    # three snapshots in the second candle: +30, -10
    steps = build_steps(candles([10, 10, 10], [11, 11, 11]), series([5, 7, 10, 15], [100, 130, 120, 120]))
    np.testing.assert_array_equal(steps.interest, [100, 120, 120])
    np.testing.assert_array_equal(steps.opened, [0, 30, 0])
    np.testing.assert_array_equal(steps.closed, [0, 10, 0])


def test_entries_spread_over_the_candles_since_the_last_snapshot():
    steps = build_steps(candles([10, 8, 9], [11, 10, 12]), series([5, 15], [100, 150]))
    np.testing.assert_array_equal(steps.interest, [100, 100, 150])
    assert (steps.entry_low[2], steps.entry_high[2]) == (8, 12)


def test_entries_over_more_than_an_hour_are_unknown():
    lows, highs = np.full(20, 10.0), np.full(20, 11.0)
    steps = build_steps(candles(lows, highs), series([5, 66, 71], [100, 150, 160]))
    assert np.isnan(steps.entry_low[13])  # 61 minutes
    assert steps.opened[13] == 50
    assert steps.entry_low[14] == 10


def test_steps_start_with_the_first_snapshot_and_zero_is_none():
    steps = build_steps(candles([10] * 4, [11] * 4), series([5, 10, 15, 20], [0, 100, 0, 120]))
    np.testing.assert_array_equal(steps.ts_us, START_US + STEP_US * np.array([1, 2, 3]))
    np.testing.assert_array_equal(steps.interest, [100, 100, 120])


def test_what_opened_while_candles_are_missing_has_no_known_entry():
    whole = candles([10] * 6, [11] * 6)
    kept = np.array([0, 1, 4, 5])
    holed = PriceSeries(
        whole.ts_us[kept],
        *(getattr(whole, name)[kept] for name in ("open", "high", "low", "close")),
        STEP_US,
        "made up",
    )
    steps = build_steps(holed, snapshots([100, 100, 120, 130, 140, 150]))
    np.testing.assert_array_equal(steps.opened, [0, 0, 40, 10])
    assert np.isnan(steps.entry_low[2])
    assert steps.entry_low[3] == 10


def test_open_interest_in_usd_only_is_converted_at_the_close():
    steps = build_steps(candles([10, 19], [10, 21], [10, 20]), series([2, 5, 10], usd=[900, 1000, 3000]))
    np.testing.assert_array_equal(steps.interest, [100, 150])
    assert steps.opened[1] == 50
    assert steps.unit == "usd"


def test_inverse_contracts_count_usd():
    steps = build_steps(candles([10, 19], [10, 21], [10, 20]), series([5, 10], [100, 60], [1000, 1200]), "inverse")
    np.testing.assert_array_equal(steps.interest, [1000, 1200])
    only_coins = build_steps(candles([10, 19], [10, 21], [10, 20]), series([5, 10], [100, 60]), "inverse")
    np.testing.assert_array_equal(only_coins.interest, [1000, 1200])


@pytest.mark.parametrize(
    ("prices", "interest", "words"),
    [
        (candles([], []), series([5], [1]), "no candles"),
        (candles([10], [11]), None, "no open interest"),
        (candles([10], [11]), series([5], [1]), "second candle"),
        (candles([10, 10], [11, 11]), series([60], [1]), "no open interest during the candles"),
        (candles([10, 10], [11, 11]), series([5], [0]), "no open interest during the candles"),
    ],
)
def test_missing_inputs_are_named(prices, interest, words):
    with pytest.raises(EmptyWindowError, match=words):
        build_steps(prices, interest)
