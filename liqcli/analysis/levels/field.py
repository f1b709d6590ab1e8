"""Sum standing mass by price and time, and outward from the last price."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.levels.lots import SIDES
from liqcli.analysis.levels.walk import Standing, Walk
from liqcli.core.model import BinWidth

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
NOTABLE = 0.25  # of the largest level: a smaller one is not named the nearest
BESIDE = 3  # bins on either side of the nearest level that are no larger


@dataclass(frozen=True, slots=True)
class LevelField:
    """
    Estimated mass by price and time.

    ``long_notional``, ``short_notional``, shape ``(n_bins, n_columns)``, row 0 the lowest price: what stands at the
    *start* of each column, so a column knows nothing of the candles drawn in it [USD]. ``starts_us``, shape
    ``(n_columns,)`` [µs UTC]; ``price_edges``, shape ``(n_bins + 1,)`` [quote]. ``known``, shape ``(n_columns,)``:
    False before the first and after the last step.
    """

    starts_us: Ints
    price_edges: Floats
    bin: BinWidth
    long_notional: Floats
    short_notional: Floats
    known: NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class Levels:
    """
    Estimated mass that stands at one instant, by price.

    ``long_notional``, ``short_notional``, shape ``(n_bins,)`` [USD]; ``price_edges``, shape ``(n_bins + 1,)`` [quote].
    ``long_outside`` and ``short_outside`` stand beyond the edges [USD].
    """

    price_edges: Floats
    long_notional: Floats
    short_notional: Floats
    long_outside: float = 0.0
    short_outside: float = 0.0


def make_edges(low: float, high: float, width: BinWidth) -> Floats:
    """Return the edges of the bins that cover ``low`` to ``high``, multiples of the width. [quote]"""
    first, last = int(low / width.width) - 1, int(high / width.width) + 2
    edges = np.array([width.edge(k) for k in range(max(first, 0), last + 1)])
    start = max(int(np.searchsorted(edges, low, side="right")) - 1, 0)
    stop = int(np.searchsorted(edges, high, side="left")) + 1
    return edges[start:stop]


def bin_standing(standing: Standing, price_edges: Floats) -> Levels:
    """Sum standing mass by price bin; a price on an edge belongs to the bin above it."""
    row = np.searchsorted(price_edges, standing.price, side="right") - 1
    n_bins = len(price_edges) - 1
    inside = (row >= 0) & (row < n_bins)
    sums = []
    for side in range(len(SIDES)):
        mine = (standing.side == side) & inside
        sums.append(np.asarray(np.bincount(row[mine], standing.notional[mine], n_bins), dtype=np.float64))
    beyond = [float(standing.notional[(standing.side == side) & ~inside].sum()) for side in range(len(SIDES))]
    return Levels(price_edges, sums[0], sums[1], beyond[0], beyond[1])


def build_field(walk: Walk, starts_us: Ints, price_edges: Floats, width: BinWidth) -> LevelField:
    """
    Sum the standing mass at the start of each time column.

    Parameters
    ----------
    walk : Walk
        The model run; its first step may be later than the first column.
    starts_us : array of int64, shape (n_columns,)
        Rising. [µs UTC]
    price_edges : array, shape (n_bins + 1,)
        See :func:`make_edges`. [quote]
    """
    steps, lots = walk.steps, walk.lots
    after = np.searchsorted(steps.closes_us, starts_us, side="right") - 1  # last step closed at each start; -1: none
    n_bins, n_columns = len(price_edges) - 1, len(starts_us)
    until = int(np.searchsorted(starts_us, steps.closes_us[-1] + steps.step_us))  # what follows is unknown
    known = (after >= 0) & (np.arange(n_columns) < until)
    row = np.searchsorted(price_edges, lots.price, side="right") - 1
    come = np.searchsorted(after, lots.born, side="left")  # the first column that starts after the lot opened
    go = np.minimum(np.searchsorted(after, walk.gone, side="left"), until)
    seen = (row >= 0) & (row < n_bins) & (come < go) & (walk.mass > 0)
    mass = walk.mass * (lots.price if steps.kind == "linear" else 1.0)
    fields = []
    for side in range(len(SIDES)):
        mine = seen & (lots.side == side)
        fields.append(_accumulate(row[mine], come[mine], go[mine], mass[mine], (n_bins, n_columns)))
    kept = np.where(after >= 0, walk.flows.kept[:, np.maximum(after, 0)], 0.0)
    return LevelField(starts_us, price_edges, width, fields[0] * kept[0], fields[1] * kept[1], known)


def _accumulate(row: Ints, come: Ints, go: Ints, mass: Floats, shape: tuple[int, int]) -> Floats:
    """Add each mass to the columns from ``come`` to before ``go`` of its row; exactly 0 where nothing stands."""
    n_bins, n_columns = shape
    cells = n_bins * (n_columns + 1)
    first, last = row * (n_columns + 1) + come, row * (n_columns + 1) + go
    change = np.bincount(first, mass, cells) - np.bincount(last, mass, cells)
    count = np.bincount(first, minlength=cells) - np.bincount(last, minlength=cells)
    standing = np.cumsum(count.reshape(n_bins, n_columns + 1), axis=1)[:, :n_columns] > 0
    sums = np.cumsum(change.reshape(n_bins, n_columns + 1), axis=1)[:, :n_columns]
    return np.where(standing, np.maximum(sums, 0.0), 0.0)


@dataclass(frozen=True, slots=True)
class Reach:
    """
    Mass between the last price and prices further away, on one side.

    ``price`` of shape ``(n,)``, outward from the last price [quote]; ``notional`` is the sum liquidated if price
    reaches it [USD].
    """

    price: Floats
    notional: Floats


@dataclass(frozen=True, slots=True)
class LevelBand:
    """One bin of one side: ``[low, high)`` [quote], its ``notional`` [USD], distance of its nearer edge [%]."""

    low: float
    high: float
    notional: float
    distance_pct: float

    @classmethod
    def at(cls, edges: Floats, row: int, notional: float, last_price: float) -> LevelBand:
        """Build the band of one bin."""
        low, high = float(edges[row]), float(edges[row + 1])
        near = min(max(last_price, low), high)
        return cls(low, high, notional, 100 * (near / last_price - 1))


def reach_outward(levels: Levels, last_price: float) -> tuple[Reach, Reach]:
    """
    Sum outward from the last price: longs below it, shorts above it.

    The sum at the outer edge of a bin includes the whole bin. Mass beyond the axis is not included.
    """
    edges = levels.price_edges
    below = np.flatnonzero(edges[:-1] < last_price)[::-1]
    above = np.flatnonzero(edges[1:] > last_price)
    longs = Reach(
        np.concatenate([[last_price], edges[below]]), np.concatenate([[0.0], np.cumsum(levels.long_notional[below])])
    )
    shorts = Reach(
        np.concatenate([[last_price], edges[above + 1]]),
        np.concatenate([[0.0], np.cumsum(levels.short_notional[above])]),
    )
    return longs, shorts


@dataclass(frozen=True, slots=True)
class SideBands:
    """The nearest and the largest level of one side; None where nothing stands within the axis."""

    nearest: LevelBand | None
    largest: LevelBand | None


def find_bands(levels: Levels, last_price: float) -> tuple[SideBands, SideBands]:
    """
    Find the nearest and the largest level of longs below and of shorts above the last price.

    The largest one is the bin with the most mass, the nearer one on a tie. The nearest one is the first bin from the
    last price on that is no smaller than the three bins on either side and holds at least a quarter of the largest.
    """
    edges = levels.price_edges
    sides = []
    for notional, low_first in ((levels.long_notional, False), (levels.short_notional, True)):
        beyond = edges[1:] > last_price if low_first else edges[:-1] < last_price
        rows = np.flatnonzero(beyond) if low_first else np.flatnonzero(beyond)[::-1]  # outward
        mass = notional[rows]
        if not (mass > 0).any():
            sides.append(SideBands(None, None))
            continue
        largest = int(np.argmax(mass))
        around = np.lib.stride_tricks.sliding_window_view(np.pad(mass, BESIDE), 2 * BESIDE + 1).max(axis=1)
        peaks = (mass >= around) & (mass >= NOTABLE * mass[largest])
        found = [
            LevelBand.at(edges, int(rows[k]), float(mass[k]), last_price) for k in (int(np.argmax(peaks)), largest)
        ]
        sides.append(SideBands(found[0], found[1]))
    return sides[0], sides[1]
