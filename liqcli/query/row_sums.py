"""Add rows to plain arrays: totals, the price profile and a fine grid, as their SQL files sum them."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from liqcli.core.model import SIDES
from liqcli.query.columns import FineAxes, Floats, Ints
from liqcli.query.plain_rows import RowGroup, Rows, find_bins, round_half_up, to_integers
from liqcli.query.price_ticks import BinFinder, PriceProfile, Ticks

if TYPE_CHECKING:
    from numpy.typing import NDArray

Key = tuple[str, str, str, str, str, str]  # exchange, symbol, source, position, price kind, completeness
STATED, REST = 1e8, 1e20  # heatmap.sql sums quantities in these parts


@dataclass(slots=True)
class RowSums:
    """
    Sums of rows, which several threads may add to.

    ``totals`` are events, USD, largest [1e-6 USD], first and last [µs]; ``cells`` has events, USD, and both parts of
    the quantities per bucket, bin and side. ``stated`` is the sum of all quantities, ``rest`` the largest second part
    of one.
    """

    axes: FineAxes
    ticks: Ticks
    totals: dict[Key, list[int]] = field(default_factory=dict)
    stated: int = 0
    rest: float = 0.0
    profile: PriceProfile = field(init=False)
    cells: NDArray[Any] = field(init=False)
    _bins: BinFinder = field(init=False)
    _all_inside: bool = field(init=False)  # so that no price on a tick lies outside the grid
    _lock: Any = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        axes, prices = self.axes, self.ticks.prices
        self.profile = PriceProfile(self.ticks)
        self.cells = np.zeros((4, axes.n_buckets * axes.n_bins * 2), np.int64)
        self._bins = BinFinder(self.ticks, axes.width)
        rows = find_bins(prices, axes.width) - axes.first_bin
        self._all_inside = bool(len(prices)) and bool(self._find_inside(prices, rows).all())

    def add(self, group: RowGroup, rows: Rows) -> None:
        """Add rows."""
        if len(rows.ts):
            self._add_totals(group, rows)
            prices = self.profile.add(rows.price, 1, rows.usd_e6)
            row = self._bins.find(prices)
            row -= self.axes.first_bin
            self._add_cells(rows, row, self._all_inside and prices.place is not None)

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


def join_totals(one: Sequence[int], other: Sequence[int]) -> list[int]:
    """Join events, USD, largest [1e-6 USD], first and last [µs]."""
    sums = [one[0] + other[0], one[1] + other[1]]
    return [*sums, max(one[2], other[2]), min(one[3], other[3]), max(one[4], other[4])]
