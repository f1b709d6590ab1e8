"""A simulated price that turns at given bands with a known probability, all from a seed."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from simulated_market import MINUTE_US, START_US

from liqcli.analysis.score.clusters import Cut
from liqcli.analysis.score.orders import Floats, Orders
from liqcli.core.model import PriceSeries

DAILY_MOVE = 0.05
ATR = DAILY_MOVE / np.sqrt(24) * 1.6
ATRS = 0.5  # that price moves back or beyond
WIDTH, SPACING, JITTER = 0.002, 0.025, 0.006  # log price
RANGE = 0.05  # bands further from the price are no clusters
CUT_HOURS = 4


@dataclass(frozen=True)
class TurningMarket:
    """Candles of whole days, cuts with the bands around the price, and orders spread over the path."""

    candles: PriceSeries
    cuts: list[Cut]
    orders: Orders


def simulate_turns(seed: int, days: int, turning: float | None) -> TurningMarket:
    """
    Simulate a price that, at the edge of a band, turns with probability ``turning``, else goes on.

    Bands lie at all prices, about 2.5 % apart. None: a random walk, to which they mean nothing.
    """
    rng = np.random.default_rng(seed)
    lows = np.arange(-3, 3, SPACING)
    lows = lows + rng.uniform(-JITTER, JITTER, len(lows))
    path, free = _walk(rng, days * 1440, lows, turning)
    opening, close = 100 * np.exp(path[:-1]), 100 * np.exp(path[1:])
    ts_us = START_US + np.arange(len(opening)) * MINUTE_US
    high, low = np.maximum(opening, close), np.minimum(opening, close)
    candles = PriceSeries(ts_us, opening, high, low, close, MINUTE_US, "simulated 1m candle")
    cuts = []
    for hour in range(24, days * 24, CUT_HOURS):
        minute = hour * 60 + int(np.argmax(free[hour * 60 :]))
        at, x = START_US + minute * MINUTE_US, path[minute]
        near = lows[np.abs(lows - x) < RANGE]
        cuts.append(Cut(at, 100 * float(np.exp(x)), ATR, 100 * np.exp(np.column_stack([near, near + WIDTH]))))
    minutes = np.sort(rng.integers(0, days * 1440, days * 100))
    n = len(minutes)
    orders = Orders(START_US + minutes * MINUTE_US, 100 * np.exp(path[minutes]), rng.random(n) < 0.5, np.full(n, 1e3))
    return TurningMarket(candles, cuts, orders)


def _walk(rng: np.random.Generator, n: int, lows: Floats, turning: float | None) -> tuple[Floats, NDArray[np.bool_]]:
    """
    Walk one step a minute; from the edge of a band, go half an ATR back or beyond it as drawn.

    Also returns the minutes at which nothing is drawn: there a cut knows as little as the price.
    """
    steps = rng.normal(0, DAILY_MOVE / np.sqrt(1440), n + 1)
    steps[0] = 0.0
    if turning is None:
        return np.cumsum(steps), np.ones(n + 1, dtype=bool)
    path, free = np.empty(n + 1), np.ones(n + 1, dtype=bool)
    at, x = 0, float(lows[len(lows) // 2] + SPACING / 2)
    while at <= n:
        ahead = x + np.cumsum(steps[at : at + 1440])
        above, below = lows[lows > x], lows[lows + WIDTH < x] + WIDTH
        edges = (float(below[-1]), float(above[0]))
        hit = np.flatnonzero((ahead <= edges[0]) | (ahead >= edges[1]))
        count = int(hit[0]) + 1 if len(hit) else len(ahead)
        path[at : at + count] = ahead[:count]
        at, x = at + count, float(ahead[count - 1])
        if not len(hit) or at > n:
            continue
        edge = edges[1] if x >= edges[1] else edges[0]
        onward = 1.0 if x >= edges[1] else -1.0
        path[at - 1] = edge
        moved = np.cumsum(steps[at:])
        end = np.flatnonzero(np.abs(moved) >= ATRS * ATR)
        count = int(end[0]) + 1 if len(end) else len(moved)
        wanted = -onward if rng.random() < turning else onward
        if count and np.sign(moved[count - 1]) != wanted:
            moved = -moved
        path[at : at + count] = edge + moved[:count]
        free[at - 1 : at + count] = False
        x = float(edge + moved[count - 1]) if count else edge
        at += count
    return path, free
