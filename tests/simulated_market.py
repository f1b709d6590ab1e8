"""
A simulated market with known truth: agents with known leverage, entries and closings on a random path, all from a seed.

A trade opens several contracts at once and closes them together, so that a candle seldom holds openings and closings
that cancel in the open interest. On each side of a contract a chain of agents holds it: when one is liquidated, another
opens at that price, with a newly drawn leverage, until the contract closes. :func:`spread_evenly` prints liquidations
on the same path that know nothing of positions.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liqcli.core.model import PriceSeries

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

MINUTE_US = 60_000_000
DAY_US = 1440 * MINUTE_US
START_US = 20_000 * DAY_US
CANDLE = 5  # minutes
MAINTENANCE = 0.004
WEIGHTS = {10: 0.2, 25: 0.3, 50: 0.3, 100: 0.2}


@dataclass(frozen=True)
class Prints:
    """Forced orders by rising time: ``ts_us`` [µs], ``price`` [quote], ``is_long``, ``notional`` [USD]."""

    ts_us: Ints
    price: Floats
    is_long: NDArray[np.bool_]
    notional: Floats


@dataclass(frozen=True)
class Market:
    """
    ``path`` has a price a minute, from START_US; an agent holds ``qty`` coins from minute ``start`` until ``end``.

    ``interest`` are the coins open at each candle's opening and at the end, shape (n_candles + 1,).
    """

    days: int
    path: Floats
    candles: PriceSeries
    volume: Floats
    interest: Floats
    start: Ints
    end: Ints
    is_long: NDArray[np.bool_]
    entry: Floats
    leverage: Ints
    liquidation: Floats
    qty: Floats
    prints: Prints

    def midnight(self, day: int) -> int:
        """Start of a day. [µs]"""
        return START_US + day * DAY_US

    def standing(self, day: int, edges: Floats) -> tuple[Floats, Floats]:
        """Sum the true positions open at the start of a day by liquidation price: longs and shorts. [USD]"""
        minute = day * 1440
        alive = (self.start < minute) & (self.end >= minute)
        usd = self.qty * self.liquidation
        sides = (alive & self.is_long, alive & ~self.is_long)
        long, short = (np.histogram(self.liquidation[s], edges, weights=usd[s])[0] for s in sides)
        return long, short


def simulate(
    seed: int,
    days: int,
    weights: dict[int, float] | None = None,
    daily_move: float = 0.04,
    trades_a_day: int = 72,
    contracts: int = 3,
    life_days: float = 2.0,
) -> Market:
    """
    Simulate a market of whole days.

    ``weights`` are the shares of each leverage, equal on both sides. Each trade opens several ``contracts``, each of
    them with its own agents.
    """
    rng = np.random.default_rng(seed)
    weights = weights or WEIGHTS
    path = _walk(rng, days, daily_move)
    opened = np.sort(rng.integers(0, days * 1440, days * trades_a_day))
    closed = opened + np.ceil(rng.exponential(life_days * 1440, len(opened))).astype(np.int64)
    opened, closed = np.repeat(opened, contracts), np.repeat(closed, contracts)
    n = len(opened)
    qty = rng.lognormal(0, 1, n) * 1000
    entry = path[opened] * np.exp((path[opened + 1] / path[opened] - 1) * rng.random(n))
    held = [_hold(rng, path, side, opened, closed, entry, qty, weights) for side in (True, False)]
    start, end, is_long, entries, leverage, liquidation, coins, forced = (
        np.concatenate(parts) for parts in zip(*held, strict=True)
    )
    order = np.flatnonzero(forced)
    order = order[np.lexsort((liquidation[order], end[order]))]
    prints = Prints(
        START_US + end[order] * MINUTE_US - 1_000_000 * rng.integers(1, 60, len(order)),
        liquidation[order], is_long[order], coins[order] * liquidation[order],
    )  # fmt: skip
    prints = _by_time(prints)
    steps = np.arange(0, days * 1440 + 1, CANDLE)
    at = np.searchsorted(steps, np.stack([opened, closed]), side="right")
    interest = np.cumsum(np.bincount(at[0], qty, len(steps) + 1) - np.bincount(at[1], qty, len(steps) + 1))[:-1]
    candles, volume = _candles(rng, path)
    return Market(
        days, path, candles, volume, interest, start, end, is_long, entries, leverage, liquidation, coins, prints
    )


def spread_evenly(market: Market, seed: int, memory: int = 1440, events_a_day: float = 300.0) -> Prints:
    """
    Print liquidations evenly over newly reached prices, whatever positions exist.

    A price is new if the path was not there for ``memory`` minutes. Longs print on new lows, shorts on new highs; the
    number of prints per unit of log price is the same everywhere.
    """
    rng = np.random.default_rng(seed)
    log = np.log(market.path)
    found = []
    for is_long, sign in ((True, -1.0), (False, 1.0)):
        signed = sign * log
        before = _trailing_max(signed, memory)
        fresh = np.maximum(0.0, signed[1:] - before[:-1])
        if memory >= 1440:
            fresh[:memory] = 0.0
        rate = events_a_day / 2 * market.days / max(fresh.sum(), 1e-9)
        count = rng.poisson(rate * fresh)
        minute = np.repeat(np.arange(1, len(log)), count)
        price = np.exp(sign * (before[minute - 1] + fresh[minute - 1] * rng.random(len(minute))))
        found.append((minute, price, np.full(len(minute), is_long)))
    minute, price, side = (np.concatenate(parts) for parts in zip(*found, strict=True))
    notional = rng.lognormal(8, 1.2, len(minute))
    ts_us = START_US + minute * MINUTE_US - 1_000_000 * rng.integers(1, 60, len(minute))
    return _by_time(Prints(ts_us, price, side, notional))


def _walk(rng: np.random.Generator, days: int, daily_move: float) -> Floats:
    """Random walk with a slowly changing pace; one price a minute, and one more at the end."""
    hours = days * 24
    pace = np.empty(hours)
    state = 0.0
    for k, shock in enumerate(rng.normal(0, 0.15, hours)):
        state = 0.95 * state + shock
        pace[k] = state
    pace = np.exp(pace - pace.var() / 2)
    steps = rng.normal(0, 1, days * 1440) * np.repeat(pace, 60) * daily_move / np.sqrt(1440)
    return 100.0 * np.exp(np.concatenate([[0.0], np.cumsum(steps)]))


def _candles(rng: np.random.Generator, path: Floats) -> tuple[PriceSeries, Floats]:
    inside = np.lib.stride_tricks.sliding_window_view(path, CANDLE + 1)[::CANDLE]
    ts_us = START_US + np.arange(len(inside)) * CANDLE * MINUTE_US
    series = PriceSeries(
        ts_us, inside[:, 0], inside.max(axis=1), inside.min(axis=1), inside[:, -1], CANDLE * MINUTE_US,
        "simulated 5m candle",
    )  # fmt: skip
    move = (series.high - series.low) / series.close
    return series, 1e4 * rng.lognormal(0, 0.5, len(inside)) * (0.2 + move / move.mean())


def _hold(
    rng: np.random.Generator,
    path: Floats,
    is_long: bool,
    opened: Ints,
    closed: Ints,
    entry: Floats,
    qty: Floats,
    weights: dict[int, float],
) -> tuple[NDArray[np.generic], ...]:
    """Let agents hold one side of each contract, one after another; returns the columns of Market, and if forced."""
    sign = 1.0 if is_long else -1.0
    passage = _Passage(sign * path)
    tiers, shares = np.array(list(weights)), np.array(list(weights.values()))
    parts = []
    while len(opened):
        leverage = rng.choice(tiers, len(opened), p=shares / shares.sum())
        liquidation = entry * (1 - sign / leverage) / (1 - sign * MAINTENANCE)
        reached = passage.first_at_most(opened + 1, sign * liquidation)
        forced = reached <= closed
        end = np.where(forced, reached, closed)
        parts.append((opened, end, np.full(len(opened), is_long), entry, leverage, liquidation, qty, forced))
        left = forced & (reached < closed)
        opened, closed, qty, entry = reached[left], closed[left], qty[left], liquidation[left]
    return tuple(np.concatenate(columns) for columns in zip(*parts, strict=True))


class _Passage:
    """First index from a start at which a series is at most a value, by doubling minimums."""

    def __init__(self, series: Floats) -> None:
        self.n = len(series)
        self.tables = [series]
        while 2 ** len(self.tables) <= self.n:
            last, half = self.tables[-1], 2 ** (len(self.tables) - 1)
            self.tables.append(np.minimum(last[:-half], last[half:]))

    def first_at_most(self, start: Ints, value: Floats) -> Ints:
        at = start.astype(np.int64).copy()
        for level in range(len(self.tables) - 1, -1, -1):
            table = self.tables[level]
            inside = at < len(table)
            higher = np.zeros(len(at), dtype=bool)
            higher[inside] = table[at[inside]] > value[inside]
            at[higher] += 2**level
        # beyond the end: never
        return np.where(at >= self.n, np.iinfo(np.int64).max // 2, at)


def _trailing_max(series: Floats, width: int) -> Floats:
    """Maximum of the last ``width`` values up to each one."""
    padded = np.concatenate([np.full(width - 1, -np.inf), series])
    table, size = padded, 1
    while 2 * size <= width:
        table = np.maximum(table[:-size], table[size:])
        size *= 2
    rest = width - size
    return np.maximum(table[: len(table) - rest], table[rest:]) if rest else table


def _by_time(prints: Prints) -> Prints:
    order = np.argsort(prints.ts_us, kind="stable")
    return Prints(prints.ts_us[order], prints.price[order], prints.is_long[order], prints.notional[order])
