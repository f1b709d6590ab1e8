"""Candles and open interest for tests of the levels."""

from __future__ import annotations

import numpy as np

from liqcli.analysis.levels.lots import Lots, place_lots
from liqcli.analysis.levels.steps import Steps, build_steps
from liqcli.analysis.levels.tiers import flat_tier
from liqcli.core.market_data import OpenInterestSeries
from liqcli.core.model import PriceSeries

STEP_US = 300 * 1_000_000
START_US = 1_700_000_000 // 300 * 300 * 1_000_000
TIERS = flat_tier(0.005)


def candles(lows, highs, closes=None) -> PriceSeries:
    low, high = np.array(lows, dtype=float), np.array(highs, dtype=float)
    close = (low + high) / 2 if closes is None else np.array(closes, dtype=float)
    ts_us = START_US + STEP_US * np.arange(len(low))
    return PriceSeries(ts_us, close, high, low, close, STEP_US, "made-up candle")


def snapshots(amounts, usd=None) -> OpenInterestSeries:
    """One snapshot at the close of each candle."""
    coins = np.array(amounts, dtype=float)
    ts_us = START_US + STEP_US * (np.arange(len(coins)) + 1)
    return OpenInterestSeries(ts_us, coins, np.full(len(coins), np.nan) if usd is None else np.array(usd), "made up")


def steps_of(lows, highs, interest, closes=None) -> Steps:
    return build_steps(candles(lows, highs, closes), snapshots(interest))


def random_steps(seed: int, n: int = 300, volatility: float = 0.004, swing: float = 0.0) -> Steps:
    """A seeded random walk of price and open interest; with a swing also up and down by it every 150 steps."""
    rng = np.random.default_rng(seed)
    waves = swing * np.sin(2 * np.pi * np.arange(n) / 150)
    close = 100 * np.exp(np.cumsum(rng.normal(0, volatility, n)) + waves)
    before = np.concatenate([[100.0], close[:-1]])
    spread = np.abs(rng.normal(0, volatility / 2, (2, n)))
    low, high = np.minimum(close, before) * (1 - spread[0]), np.maximum(close, before) * (1 + spread[1])
    interest = 1000 * np.exp(np.cumsum(rng.normal(0, 0.02, n)))
    return steps_of(low, high, interest, close)


def lots_of(steps: Steps, leverages=(5.0, 10.0, 25.0, 50.0, 100.0)) -> Lots:
    tiers = flat_tier(0.002)
    return place_lots(steps, tiers, leverages)
