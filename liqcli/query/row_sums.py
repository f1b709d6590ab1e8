"""Add rows to plain arrays: totals, the price profile and a fine grid, as their SQL files sum them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from liqcli.core.model import SIDES
from liqcli.query.columns import FineAxes, Floats, Ints
from liqcli.query.plain_rows import RowGroup, Rows, find_bins, round_half_up, to_integers

if TYPE_CHECKING:
    from numpy.typing import NDArray

Key = tuple[str, str, str, str, str, str]  # exchange, symbol, source, position, price kind, completeness
Prices = tuple[Floats, Ints, Ints]  # with events and USD
MOST_WAITING = 1_000_000  # prices
STATED, REST = 1e8, 1e20  # heatmap.sql sums quantities in these parts


class Ticks(NamedTuple):
    """The grid of possible prices: ``lowest`` to ``lowest + number - 1`` in units of ``1 / scale``."""

    scale: float
    lowest: int
    number: int

    @property
    def prices(self) -> Floats:
        """All of them. [quote]"""
        return (np.arange(self.number) + self.lowest) / self.scale


@dataclass(slots=True)
class RowSums:
    """
    Sums of rows, which several threads may add to.

    ``totals`` are events, USD, largest [1e-6 USD], first and last [µs]; ``profile`` has events and USD per tick, and
    ``odd`` prices between ticks, events and USD; ``cells`` has events, USD, and both parts of the quantities per
    bucket, bin and side. ``stated`` is the sum of all quantities, ``rest`` the largest second part of one.
    """

    axes: FineAxes
    ticks: Ticks
    totals: dict[Key, list[int]] = field(default_factory=dict)
    odd: list[Prices] = field(default_factory=list)
    stated: int = 0
    rest: float = 0.0
    profile: NDArray[Any] = field(init=False)
    cells: NDArray[Any] = field(init=False)
    _rows: Ints = field(init=False)  # row of the grid of each tick
    _ticks_per_row: int = field(init=False)  # 0 if rows are not whole ticks
    _all_inside: bool = field(init=False)  # so that no price on a tick lies outside the grid
    _lock: Any = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        axes, prices = self.axes, self.ticks.prices
        self.profile = np.zeros((2, self.ticks.number), np.int64)
        self.cells = np.zeros((4, axes.n_buckets * axes.n_bins * 2), np.int64)
        self._rows = find_bins(prices, axes.width) - axes.first_bin
        many, rest = divmod(axes.width.num * int(self.ticks.scale), axes.width.den)
        numbers = np.arange(self.ticks.number) + self.ticks.lowest
        is_whole = not rest and np.array_equal(numbers // many - axes.first_bin, self._rows)
        self._ticks_per_row = many if is_whole else 0
        self._all_inside = bool(len(prices)) and bool(self._find_inside(prices, self._rows).all())

    def add(self, group: RowGroup, rows: Rows) -> None:
        """Add rows."""
        if len(rows.ts):
            self._add_totals(group, rows)
            self._add_cells(rows, *self._add_profile(rows))

    def _add_totals(self, group: RowGroup, rows: Rows) -> None:
        ts, side, usd_e6 = rows.ts, rows.side, rows.usd_e6
        is_sorted, largest = bool((ts[1:] >= ts[:-1]).all()), int(usd_e6.max())
        short = usd_e6 * side
        shorts, short_e6 = int(side.sum()), int(short.sum())
        sums = ((len(ts) - shorts, int(usd_e6.sum()) - short_e6), (shorts, short_e6))
        for code, (events, side_e6) in enumerate(sums):
            if not events:
                continue
            mine = side == code
            if is_sorted:
                first, last = ts[mine.argmax()], ts[len(ts) - 1 - mine[::-1].argmax()]
            else:
                first, last = ts[mine].min(), ts[mine].max()
            key = (*group[:3], SIDES[code], *group[3:5])
            with self._lock:
                known = self.totals.get(key)
                top = largest if known and largest <= known[2] else int((short if code else usd_e6 - short).max())
                row = [events, side_e6, top, int(first), int(last)]
                self.totals[key] = join_totals(known, row) if known else row

    def _add_profile(self, rows: Rows) -> tuple[Ints, bool]:
        """Add the prices; return the row of the grid of each, and whether all of them are inside the grid."""
        price, usd_e6, ticks = rows.price, rows.usd_e6, self.ticks
        tick = np.rint(price * ticks.scale)
        is_on = tick / ticks.scale == price
        place = tick.astype(np.int64)
        place -= ticks.lowest
        if place.min() < 0 or place.max() >= ticks.number:
            is_on &= (place >= 0) & (place < ticks.number)
        if is_on.all():
            self._add(self.profile, place, 1, usd_e6)
            return self._find_rows(place), self._all_inside
        values, number = np.unique(price[~is_on], return_inverse=True)
        usd = np.zeros(len(values), np.int64)
        np.add.at(usd, number, usd_e6[~is_on])
        with self._lock:
            self.odd.append((values, np.bincount(number), usd))
            # Join them now and then, so that memory grows with different prices only.
            if len(self.odd) > 1 and sum(len(values) for values, _, _ in self.odd[1:]) > MOST_WAITING:
                self.odd = [join_prices(self.odd)]
        self._add(self.profile, place[is_on], 1, usd_e6[is_on])
        return find_bins(price, self.axes.width) - self.axes.first_bin, False

    def _find_rows(self, place: Ints) -> Ints:
        """Return the row of the grid of prices on ticks; dividing is faster than reading a large table."""
        if not self._ticks_per_row:
            return self._rows[place]
        rows = place + self.ticks.lowest
        rows //= self._ticks_per_row
        rows -= self.axes.first_bin
        return rows

    def _add_cells(self, rows: Rows, row: Ints, all_inside: bool) -> None:
        axes, qty = self.axes, rows.qty
        stated_e8 = to_integers(qty, STATED)
        rest = qty - stated_e8 / STATED
        cell = rows.ts - axes.start_us
        cell //= axes.bucket_us
        cell *= axes.n_bins
        cell += row
        cell *= 2
        cell += rows.side
        usd_e6, stated = rows.usd_e6, int(stated_e8.sum())
        if not all_inside and not (inside := self._find_inside(rows.price, row)).all():
            cell, usd_e6, stated_e8, rest = cell[inside], usd_e6[inside], stated_e8[inside], rest[inside]
        self._add(self.cells, cell, 1, usd_e6, stated_e8)
        with self._lock:
            self.stated += stated
        if rest.any():
            left = np.flatnonzero(rest)
            parts = round_half_up(np.abs(rest[left]) * REST)
            with self._lock:
                self.rest = max(self.rest, float(parts.max()))
            self._add(self.cells[3:], cell[left], np.copysign(parts, rest[left]).astype(np.int64))

    def _find_inside(self, price: Floats, row: Ints) -> NDArray[np.bool_]:
        axes = self.axes
        return (row >= 0) & (row < axes.n_bins) & (price >= axes.price_low) & (price < axes.price_high)

    def _add(self, sums: NDArray[Any], places: Ints, *columns: Ints | int) -> None:
        with self._lock:
            for row, column in zip(sums, columns, strict=False):
                np.add.at(row, places, column)


def join_prices(parts: Sequence[Prices]) -> Prices:
    """Join prices, events and USD; the prices rise."""
    price, events, usd_e6 = (np.concatenate(column) for column in zip(*parts, strict=True))
    values, number = np.unique(price, return_inverse=True)
    sums = np.zeros((2, len(values)), np.int64)
    np.add.at(sums[0], number, events)
    np.add.at(sums[1], number, usd_e6)
    return values, sums[0], sums[1]


def join_totals(one: Sequence[int], other: Sequence[int]) -> list[int]:
    """Join events, USD, largest [1e-6 USD], first and last [µs]."""
    sums = [one[0] + other[0], one[1] + other[1]]
    return [*sums, max(one[2], other[2]), min(one[3], other[3]), max(one[4], other[4])]
