"""
Key levels: prices that traders watch, and which of them a cluster lies at.

Round numbers need no candles. The others do: high and low of the previous UTC day and week, confirmed swings, point of
control and value area of traded volume. A level exists only where its candles are complete: a day with missing candles
has no high. Data after the window's end is ignored.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from decimal import Decimal

import numpy as np

from liqcli.analysis.clusters import Cluster
from liqcli.analysis.indicators import find_pivots
from liqcli.analysis.level_tag import LevelTag
from liqcli.analysis.price_axis import PriceAxis
from liqcli.analysis.price_bins import choose_bin
from liqcli.analysis.volume_profile import build_volume_profile
from liqcli.core.formatting import format_price
from liqcli.core.market_data import Candles
from liqcli.core.model import US_PER_S, BinWidth, Window

DAY_US = 86_400 * US_PER_S
WEEK_US = 7 * DAY_US
_MONDAY_US = 4 * DAY_US  # 1970-01-05 was a Monday
MOST_ROUND = 10  # round numbers per window, at most
LEAST_ROUND_STEP = 0.001  # of the price: 100 at 100,000
SWING_PARTS = 24  # a swing is the extreme of a 24th of the window on either side: an hour in a day
LEAST_SWING_BARS = 3
MOST_SWINGS = 4  # the latest highs and the latest lows
LEAST_COVERED = 0.9  # of a day or week that candles must cover, and both of its ends


@dataclass(frozen=True, slots=True)
class KeyLevel:
    """A price that traders watch: its ``kind`` (an identifier), its ``name`` for display, its price [quote]."""

    kind: str
    name: str
    price: float

    @classmethod
    def of(cls, kind: str, price: float, words: str | None = None) -> KeyLevel:
        """Create a level named after its kind and price."""
        return cls(kind, f"{words or kind.replace('_', ' ')} {format_price(price)}", price)


@dataclass(frozen=True, slots=True)
class KeyLevels:
    """The levels by rising price; ``candles_known`` is False when only round numbers could be found."""

    levels: tuple[KeyLevel, ...]
    candles_known: bool


def find_key_levels(axis: PriceAxis, window: Window, candles: Candles | None) -> KeyLevels:
    """
    Find the levels on the price axis of the clusters and one step beyond.

    Parameters
    ----------
    axis : PriceAxis
        Defines the price range; like the clusters it does not depend on the drawn grid.
    window : Window
        Half-open. [UTC]
    candles : Candles or None
        Should start with the week before the window; candles that close after the window's end are ignored.
    """
    low, high = axis.low - axis.step.width, axis.high + axis.step.width
    levels = list_round_numbers(low, high)
    closed = candles.until(window.end_us) if candles is not None else None
    known = closed is not None and len(closed.prices.ts_us) > 0
    if closed is not None and known:
        levels += find_period_extremes(closed, window)
        levels += find_swings(closed, window)
        levels += find_volume_levels(closed.since(window.start_us), choose_bin(axis.low, axis.high))
    inside = {level for level in levels if low <= level.price <= high}
    return KeyLevels(tuple(sorted(inside, key=lambda v: (v.price, v.kind, v.name))), known)


def choose_round_step(low: float, high: float) -> BinWidth:
    """Choose the smallest step of {1, 2, 5} x 10^k that leaves at most ten round numbers, and is 0.1% of the price."""
    least = max((high - low) / MOST_ROUND, high * LEAST_ROUND_STEP)
    exponent = int(np.floor(np.log10(least)))
    steps = [Decimal(m).scaleb(k) for k in (exponent, exponent + 1) for m in (1, 2, 5)]
    return BinWidth.from_decimal(next(step for step in steps if float(step) >= least))


def list_round_numbers(low: float, high: float) -> list[KeyLevel]:
    """List the round numbers of a price range; multiples of the next power of ten are major."""
    if high <= 0:
        return []
    step = choose_round_step(low, high)
    first, last = int(np.ceil(max(low, 0.0) / step.width)), int(np.floor(high / step.width))
    major = _major_every(step)
    return [
        KeyLevel.of("round", step.edge(k), "major round number" if k % major == 0 else "round number")
        for k in range(max(first, 1), last + 1)
    ]


def _major_every(step: BinWidth) -> int:
    """Count the steps up to the next power of ten: 10, 5 or 2 for steps of 1, 2 and 5."""
    mantissa = int(f"{step.width:e}"[0])
    return 10 // mantissa


def find_period_extremes(candles: Candles, window: Window) -> list[KeyLevel]:
    """Find high and low of the UTC day and of the week (from Monday) before the one in which the window ends."""
    last_us = window.end_us - 1
    day = last_us - last_us % DAY_US
    week = last_us - (last_us - _MONDAY_US) % WEEK_US
    levels = []
    for name, start, end in (("day", day - DAY_US, day), ("week", week - WEEK_US, week)):
        part = candles.since(start).until(end).prices
        step = part.step_us
        if len(part.ts_us) * step < LEAST_COVERED * (end - start):
            continue
        if part.ts_us[0] - start > (end - start) / 10 or end - part.ts_us[-1] - step > (end - start) / 10:
            continue
        levels.append(KeyLevel.of(f"previous_{name}_high", float(part.high.max()), f"previous {name}'s high"))
        levels.append(KeyLevel.of(f"previous_{name}_low", float(part.low.min()), f"previous {name}'s low"))
    return levels


def find_swings(candles: Candles, window: Window) -> list[KeyLevel]:
    """
    Find the latest swing highs and lows confirmed by the window's end.

    A swing is higher (lower) than all candles within a 24th of the window on either side, at least three. It is
    confirmed only when the candles to its right have closed, so the last part of the window has none yet.
    """
    prices = candles.prices
    bars = max(LEAST_SWING_BARS, window.length_us // SWING_PARTS // prices.step_us)
    first = int(np.searchsorted(prices.ts_us, window.start_us)) - 2 * bars
    part = candles.since(int(prices.ts_us[max(first, 0)])).prices
    lows = find_pivots(part.low, "low", bars, bars)[-MOST_SWINGS:]
    highs = find_pivots(part.high, "high", bars, bars)[-MOST_SWINGS:]
    return [KeyLevel.of(f"swing_{p.kind}", p.price) for p in (*lows, *highs)]


def find_volume_levels(candles: Candles, row: BinWidth) -> list[KeyLevel]:
    """Find point of control and value area of the volume traded in the window; none when no volume is known."""
    profile = build_volume_profile(candles.prices.close, candles.volume, row)
    if profile is None:
        return []
    return [
        KeyLevel.of("point_of_control", profile.point_of_control),
        KeyLevel.of("value_area_high", profile.value_area_high),
        KeyLevel.of("value_area_low", profile.value_area_low),
    ]


def tag_clusters(clusters: Sequence[Cluster], found: KeyLevels, axis: PriceAxis) -> tuple[Cluster, ...]:
    """
    Add to each cluster the levels it lies at: inside, or within a step (or a 200th of the axis) of an edge.

    Without candles most levels are unknown: a cluster at no round number then has None, not an empty tuple.
    """
    reach = max(axis.step.width, (axis.high - axis.low) / 200) * (1 + 1e-9)

    def tags(cluster: Cluster) -> tuple[LevelTag, ...] | None:
        near = [tag for level in found.levels if (tag := _tag(cluster, level, reach)) is not None]
        near.sort(key=lambda tag: (abs(tag.distance_pct), tag.price, tag.kind))
        return tuple(near) if near or found.candles_known else None

    return tuple(replace(cluster, key_levels=tags(cluster)) for cluster in clusters)


def _tag(cluster: Cluster, level: KeyLevel, reach: float) -> LevelTag | None:
    edge = cluster.low if level.price < cluster.low else cluster.high if level.price > cluster.high else level.price
    if abs(level.price - edge) > reach:
        return None
    return LevelTag(level.kind, level.name, level.price, 100 * (level.price / edge - 1))
