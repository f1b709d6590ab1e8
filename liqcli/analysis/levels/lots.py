"""Place what opens in each step at its liquidation prices, and find when price passes them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.levels.liquidation_price import MARGIN_RULES, MarginRule, liquidation_price
from liqcli.analysis.levels.steps import Steps
from liqcli.analysis.levels.tiers import MarginTiers
from liqcli.core.model import Position

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
SIDES: tuple[Position, Position] = ("long", "short")  # the order of every axis of sides
Opening = Literal["opened", "replaced"]
OPENINGS: tuple[Opening, Opening] = ("opened", "replaced")  # the order of every axis of openings
APART = 4e-4  # largest distance of two entries of a step, as a fraction of the price
MOST_ENTRIES = 64  # of a step
DEFAULT_LEVERAGES = (5.0, 10.0, 25.0, 50.0, 100.0)
DEFAULT_POSITION_USD = 10_000.0


@dataclass(frozen=True, slots=True)
class Lots:
    """
    Parts of what opens in a step: one per entry, leverage and side; shape ``(m,)`` each, by rising ``gone``.

    A lot is ``share`` of what opens in step ``born``, by ``opening``: contracts that are new, or that replace
    liquidated ones. ``price`` is its liquidation price [quote], ``gone`` the first later step whose price passes it,
    the number of steps if none does. ``side`` indexes :data:`SIDES`, ``leverage`` the array ``leverages`` of shape
    ``(n_leverages,)``. The lots depend on prices alone, not on weights or amounts. Contracts whose liquidation price
    lies inside the candle in which they opened have no lot: whether price passed it before or after is unknown.
    """

    price: Floats
    born: Ints
    gone: Ints
    share: Floats
    side: NDArray[np.int8]
    leverage: NDArray[np.int8]
    opening: NDArray[np.int8]
    leverages: Floats


def place_lots(
    steps: Steps,
    tiers: MarginTiers,
    leverages: Sequence[float] = DEFAULT_LEVERAGES,
    *,
    rule: MarginRule = MARGIN_RULES["binance"],
    position_usd: float = DEFAULT_POSITION_USD,
) -> Lots:
    """
    Place one unit opened in every step at its liquidation prices.

    New contracts are spread evenly over the traded range, replacements of liquidated ones over the part of the candle
    beyond the close before: longs are liquidated below it, shorts above.

    Parameters
    ----------
    steps : Steps
        Shape ``(n,)``.
    tiers : MarginTiers
        Leverages above the highest allowed are left out.
    leverages : sequence of float
        The small set that leverage is drawn from.
    rule : MarginRule
        Formula of the exchange.
    position_usd : float
        Assumed value of a position, which selects its tier. [USD]
    """
    allowed = allowed_leverages(tiers, leverages)
    before = np.concatenate([steps.close[:1], steps.close[:-1]])
    parts: list[tuple[Floats, Ints, Ints, Floats, int, int, int]] = []
    for opening, name in enumerate(OPENINGS):
        for side, position in enumerate(SIDES):
            entries, born, share = _spread(steps, before, name, position)
            size = position_usd / entries if steps.kind == "linear" else position_usd
            for number, leverage in enumerate(allowed.tolist()):
                price = liquidation_price(entries, leverage, position, tiers, size=size, contract=steps.kind, rule=rule)
                outside = price < steps.low[born] if position == "long" else price > steps.high[born]  # false for NaN
                price, kept = price[outside], born[outside]
                passed = find_passage(steps, position, price, kept)
                parts.append((price, kept, passed, share[outside], side, number, opening))
    gone = np.concatenate([part[2] for part in parts])
    order = np.argsort(gone, kind="stable")
    lengths = [len(part[0]) for part in parts]

    def gather(column: int) -> NDArray[np.float64]:
        return np.concatenate([part[column] for part in parts])[order]

    def label(column: int) -> NDArray[np.int8]:
        return np.repeat(np.array([part[column] for part in parts], dtype=np.int8), lengths)[order]

    return Lots(
        price=gather(0),
        born=gather(1).astype(np.int64),
        gone=gone[order],
        share=gather(3),
        side=label(4),
        leverage=label(5),
        opening=label(6),
        leverages=allowed,
    )


def allowed_leverages(tiers: MarginTiers, leverages: Sequence[float] = DEFAULT_LEVERAGES) -> Floats:
    """Return the leverages that the exchange allows for small positions; the lowest one if it allows none."""
    allowed = np.array([one for one in leverages if one <= tiers.max_leverage * (1 + 1e-9)], dtype=np.float64)
    return allowed if len(allowed) else np.array([min(leverages)], dtype=np.float64)


def _spread(steps: Steps, before: Floats, name: Opening, position: Position) -> tuple[Floats, Ints, Floats]:
    """Return entries, their steps and their shares of the opening, each of shape (n_lots,)."""
    low, high = steps.entry_low, steps.entry_high
    if name == "replaced" and position == "long":
        low, high = steps.low, np.clip(before, steps.low, steps.high)
    elif name == "replaced":
        low, high = np.clip(before, steps.low, steps.high), steps.high
    chosen = np.flatnonzero(np.isfinite(low) & (steps.opened > 0) if name == "opened" else low < high)
    low, height = low[chosen], (high - low)[chosen]
    counts = np.clip(np.ceil(height / (APART * low)), 1, MOST_ENTRIES).astype(np.int64)
    first = np.repeat(np.cumsum(counts) - counts, counts)
    middles = (np.arange(len(first)) - first + 0.5) / np.repeat(counts, counts)
    return (
        np.repeat(low, counts) + np.repeat(height, counts) * middles,
        np.repeat(chosen, counts),
        1 / np.repeat(counts, counts),
    )


def find_passage(steps: Steps, position: Position, price: Floats, born: Ints) -> Ints:
    """
    Find the first step after ``born`` in which price reaches each price: the number of steps where it never does.

    A long is reached by a low at or below it, a short by a high at or above it.
    """
    path, level = (steps.low, price) if position == "long" else (-steps.high, -price)
    n = len(path)
    lowest = [path]  # lowest[p][t]: lowest of the 2**p steps from t on
    while 2 ** len(lowest) <= n:
        half = 2 ** (len(lowest) - 1)
        lowest.append(np.minimum(lowest[-1][:-half], lowest[-1][half:]))
    at = born + 1
    for power in range(len(lowest) - 1, -1, -1):
        table = lowest[power]
        fits = at + 2**power <= n
        skips = np.zeros(len(at), dtype=bool)
        skips[fits] = table[at[fits]] > level[fits]
        at = at + skips * 2**power
    return np.asarray(at, dtype=np.int64)
