"""An invented week of three futures markets: price paths, and the leveraged positions they force out.

The numbers are the same on every machine: the only draws are ``random.Random.random()``, whose stream Python promises
to keep, and the only arithmetic is ``+ - * /`` and the square root, which IEEE 754 rounds one way. (``exp``, ``log``
and the distributions of numpy's Generator may differ in the last bit between CPUs and versions.)

How it works: a plan gives the week its regimes; noise with changing volatility gives it its shape. At every step
traders open positions near the price, each with a liquidation price some way off. A price that reaches one forces it
out, and the forced order pushes the price on: that is how a fall becomes a cascade.
"""

from __future__ import annotations

import math
import random
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

STEP_S = 5
WARM_UP_S = 48 * 3600  # before the week, so that it begins with positions in the book
WEEK_S = 7 * 86_400
STEPS = (WARM_UP_S + WEEK_S) // STEP_S

# Hours since Monday 00:00 UTC and where the plan wants the market, in % of its start.
PLAN = (
    (-48, 0.5), (-36, -0.5), (-20, 0.6), (-8, -0.2), (0, 0.0), (8, 0.7), (14.5, -0.4), (22, 0.8), (31, 0.2), (38, 1.2),
    (44, 0.5), (52, -0.2), (58, -0.7), (62.2, -1.3), (62.5, -1.8), (62.75, -3.2), (62.9, -3.9), (63.3, -3.1),
    (65, -2.7), (69, -3.3), (76, -2.6), (82, -3.4), (85.4, -3.8), (85.7, -4.4), (85.9, -5.9), (86.0, -6.5),
    (86.3, -5.5), (88, -5.1), (92, -5.9), (98, -5.0), (104, -5.3), (110.4, -4.6), (110.8, -3.9), (111.2, -2.5),
    (111.35, -2.0), (112, -2.5), (116, -1.9), (120, -1.5), (132, -1.8), (144, -1.2), (156, -1.6), (163, -0.9),
    (168, -1.2),
)  # fmt: skip

# Hours since Monday 00:00 UTC and how lively the market is there.
TEMPER = (
    (-48, 0.7), (0, 0.9), (36, 1.0), (54, 1.1), (62.1, 1.4), (62.6, 2.2), (63.5, 1.7), (67, 1.2), (78, 1.1),
    (85.3, 1.4), (85.8, 2.4), (87, 1.7), (92, 1.3), (104, 1.1), (110.3, 1.3), (111, 2.0), (113, 1.3), (119, 0.9),
    (123, 0.5), (158, 0.5), (164, 0.8), (168, 0.8),
)  # fmt: skip

# Liveliness by hour of the day: Asia's morning, Europe's, and the hours when New York is open.
SEASON = tuple((h, v) for h, v in enumerate((
    1.05, 1.1, 1.0, 0.85, 0.75, 0.7, 0.75, 0.9, 1.0, 0.95, 0.85, 0.85, 1.0, 1.35, 1.55, 1.5, 1.3, 1.1, 1.0, 0.95, 0.9,
    0.8, 0.75, 0.9, 1.05,
)))  # fmt: skip

# How far from its entry a position is forced out (share of price), and how many positions are that bold.
LEVERAGE = ((0.0024, 0.06), (0.0042, 0.20), (0.0078, 0.40), (0.0165, 0.62), (0.033, 0.80), (0.046, 0.91), (0.092, 1.0))

STRAY = 50.0  # chance that a step of return 1 forces out someone whose margin ran low for reasons of his own


class Shape(NamedTuple):
    """How one market differs from the others."""

    symbol: str
    start: float  # price on Monday 00:00, about [quote]
    beta: float  # how much it follows the common factor
    own: float  # share of its noise that is its own
    bin: float  # width of a level in the book of positions [quote]
    round_step: float  # people place orders around multiples of this [quote]
    orders: float  # positions opened a step and side
    base_usd: float  # smallest usual order [USD]
    push: float  # return one forced order of base size causes


SHAPES = (
    Shape("BTCUSDT", 94_000.0, 1.00, 0.30, 10.0, 500.0, 0.031, 5_200.0, 2.6e-6),
    Shape("ETHUSDT", 3_200.0, 1.30, 0.50, 0.5, 25.0, 0.023, 3_600.0, 3.8e-6),
    Shape("SOLUSDT", 138.0, 1.45, 0.65, 0.02, 1.0, 0.019, 1_700.0, 4.6e-6),
)


class Forced(NamedTuple):
    """A position that was forced out: when [ms since Monday], which side, at what price, how much [USD]."""

    ms: int
    position: str
    price: float
    usd: float


@dataclass
class Market:
    """One market while time runs; ``prices`` and ``forced`` are what it leaves behind."""

    shape: Shape
    draw: random.Random
    price: float
    heat: float = 1.0  # its own volatility, as a multiple of the usual variance
    push: float = 0.0  # return that forced orders cause in the next step
    rebound: float = 0.0  # return still to come back after them
    prices: list[float] = field(default_factory=list)
    forced: list[Forced] = field(default_factory=list)
    levels: dict[str, dict[int, float]] = field(default_factory=lambda: {"long": {}, "short": {}})

    def open_positions(self, lively: float) -> None:
        """Let traders take positions near the price, some of them many at one popular level."""
        draw = self.draw.random
        for position, sign, share in (("long", -1.0, 1.25), ("short", 1.0, 0.8)):
            pick = draw()
            distance = next(d for d, upto in LEVERAGE if pick <= upto) * (0.8 + 0.4 * draw())
            level = self.price * (1.0 + sign * distance)
            orders = self.shape.orders * share * lively * (0.3 + 1.4 * draw())
            habit = draw()
            if habit < 0.12:  # stops and round leverage gather just beyond round numbers
                step = self.shape.round_step
                level = (int(level / step + 0.5) + sign * (0.02 + 0.08 * draw())) * step
                if (level - self.price) * sign < 0.003 * self.price:
                    continue
            elif habit < 0.1222:  # a crowd that came in at the same moment with the same leverage
                orders *= 300.0
            key = int(level / self.shape.bin)
            book = self.levels[position]
            book[key] = book.get(key, 0.0) + orders

    def close_positions(self, share: float) -> None:
        """Let traders leave on their own, a share of every level."""
        for book in self.levels.values():
            for key in list(book):
                book[key] *= 1.0 - share
                if book[key] < 0.01:
                    del book[key]

    def move(self, change: float, start_ms: int) -> None:
        """Move the price by a return within one step, and force out what lies between."""
        before = self.price
        after = before * (1.0 + change)
        position, sign = ("long", -1) if after < before else ("short", 1)
        book = self.levels[position]
        key, last = int(before / self.shape.bin), int(after / self.shape.bin)
        pressure = 0.0
        if self.draw.random() < STRAY * abs(change):
            pressure += self._force_out(0.5, position, (before, after), (before, after), start_ms)
        while key != last:
            waiting = book.pop(key, 0.0)
            if waiting:
                edges = key * self.shape.bin, (key + 1) * self.shape.bin
                near, far = edges if sign > 0 else edges[::-1]
                near = max(near, before) if sign > 0 else min(near, before)
                pressure += self._force_out(waiting, position, (near, far), (before, after), start_ms)
            key += sign
        self.push = sign * min(pressure, 0.0011)
        self.rebound += -0.45 * self.push
        self.price = after
        self.prices.append(after)

    def _force_out(
        self, waiting: float, position: str, level: tuple[float, float], span: tuple[float, float], start_ms: int
    ) -> float:
        """Turn the positions of a level into forced orders, a moment late; return how hard they push the price."""
        draw = self.draw.random
        pressure = 0.0
        for _ in range(int(waiting + draw())):
            u = 1.0 - draw()
            size = min((0.4 + 1.2 * draw()) / math.sqrt(u * math.sqrt(u)), 700.0)  # Pareto with exponent 4/3
            reached = level[0] + (level[1] - level[0]) * draw()
            crossed = (reached - span[0]) / (span[1] - span[0])
            late = draw()
            at = crossed + (1.0 - crossed) * late * late
            price = span[0] + (span[1] - span[0]) * at
            self.forced.append(
                Forced(start_ms + int(at * (STEP_S * 1000 - 1)), position, price, size * self.shape.base_usd)
            )
            pressure += self.shape.push * (1.0 + 9.0 * min(size, 40.0) / 10.0)
        return pressure


def simulate(seed: int) -> list[Market]:
    """
    Run warm-up and week.

    Returns
    -------
    list of Market
        In the order of :data:`SHAPES`; ``prices`` holds the price at the end of every step of the week, preceded by the
        price at its start; ``forced`` only what fell into the week, in time order.
    """
    common = random.Random(seed)
    markets = [Market(s, random.Random(seed + 1 + i), s.start) for i, s in enumerate(SHAPES)]
    heat = 1.0
    planned = _between(PLAN, -WARM_UP_S / 3600)
    for step in range(STEPS):
        second = step * STEP_S - WARM_UP_S
        hour = second / 3600
        lively = _between(TEMPER, hour) * _between(SEASON, hour % 24)
        lead = _noise(common)
        if common.random() < 0.0012:  # news
            lead *= 2.0 + 4.0 * common.random()
        heat = _next_heat(heat, lead)
        target = _between(PLAN, hour + STEP_S / 3600)
        drift, planned = (target - planned) / 100.0, target
        for market in markets:
            shape = market.shape
            away = (1.0 + shape.beta * target / 100.0) - market.price / shape.start
            own = _noise(market.draw)
            market.heat = _next_heat(market.heat, own)
            shock = 1.25e-4 * lively * shape.beta
            change = shape.beta * drift + 4.5e-4 * away + market.push + 0.02 * market.rebound
            change += shock * (math.sqrt(heat) * lead + shape.own * math.sqrt(market.heat) * own)
            market.rebound *= 0.98
            market.open_positions(lively)
            market.move(change, second * 1000)
            if step % 720 == 0:
                market.close_positions(0.03)
    for market in markets:
        market.prices = market.prices[WARM_UP_S // STEP_S - 1 :]
        market.forced = sorted(f for f in market.forced if f.ms >= 0)
    return markets


def _noise(draw: random.Random) -> float:
    """Draw a bell-shaped number of mean 0 and variance 1: four uniforms added."""
    r = draw.random
    return (r() + r() + r() + r() - 2.0) * 1.7320508075688772


def _next_heat(heat: float, shock: float) -> float:
    """Let variance follow shocks and come back to 1: what makes lively minutes follow lively minutes."""
    return min(0.004 + heat * (0.956 + 0.040 * shock * shock), 30.0)


def _between(points: Sequence[tuple[float, float]], x: float) -> float:
    """Read a broken line at ``x``."""
    low = 0
    high = len(points) - 1
    while high - low > 1:
        middle = (low + high) // 2
        if points[middle][0] <= x:
            low = middle
        else:
            high = middle
    (x0, y0), (x1, y1) = points[low], points[high]
    return y0 + (y1 - y0) * (x - x0) / (x1 - x0)
