"""Add rows to plain arrays: totals, the price profile and a fine grid, as their SQL files sum them."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from liqcli.core.intervals import Interval
from liqcli.core.model import SIDES, BinWidth
from liqcli.query.columns import FineAxes, Floats, Ints

if TYPE_CHECKING:
    import pyarrow as pa
    from numpy.typing import NDArray

Key = tuple[str, str, str, str, str, str]  # exchange, symbol, source, position, price kind, completeness
EXACT = 2.0**53  # doubles below are exact as integers
LARGEST = 9e18  # sums below fit into 64 bits
MOST_WAITING = 1_000_000  # prices
STATED, REST = 1e8, 1e20  # heatmap.sql sums quantities in these parts


class NotPlainError(Exception):
    """Rows that are left to the SQL files."""


class RowGroup(NamedTuple):
    """What the rows of a row group share, and the time in which they count, None for all. [µs UTC]"""

    exchange: str
    symbol: str
    source: str
    price_kind: str
    completeness: str
    intervals: Sequence[Interval] | None


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
    Sums of rows.

    ``totals`` are events, USD, largest [1e-6 USD], first and last [µs]; ``profile`` has events and USD per tick, and
    ``odd`` prices between ticks, events and USD; ``cells`` has events, USD, and both parts of the quantities per
    bucket, bin and side. ``stated`` is the sum of all quantities, ``rest`` the largest second part of one.
    """

    axes: FineAxes
    ticks: Ticks
    position: str
    min_usd: float
    totals: dict[Key, list[int]] = field(default_factory=dict)
    odd: list[tuple[Floats, Ints, Ints]] = field(default_factory=list)
    stated: float = 0.0
    rest: float = 0.0
    profile: NDArray[Any] = field(init=False)
    cells: NDArray[Any] = field(init=False)
    _rows: Ints = field(init=False)  # row of the grid of each tick

    def __post_init__(self) -> None:
        self.profile = np.zeros((2, self.ticks.number), np.int64)
        self.cells = np.zeros((4, self.axes.n_buckets * self.axes.n_bins * 2), np.int64)
        self._rows = find_bins(self.ticks.prices, self.axes.width) - self.axes.first_bin

    def add(self, group: RowGroup, rows: pa.RecordBatch) -> None:
        """Add the rows that count."""
        ts, price, qty, notional, side = _read_columns(rows)
        filters = [] if self.min_usd <= 0 else [notional >= self.min_usd]
        if group.intervals is not None:
            starts, ends = np.array(group.intervals, np.int64).T
            before = np.searchsorted(starts, ts, side="right") - 1  # the intervals are sorted and disjoint
            filters.append((before >= 0) & (ts < ends[before]))
        if self.position != "both":
            filters.append(side == SIDES.index(self.position))
        if filters:
            chosen = np.logical_and.reduce(filters)
            ts, side, price, qty, notional = ts[chosen], side[chosen], price[chosen], qty[chosen], notional[chosen]
        if len(ts):
            usd_e6 = _to_integers(notional * 1e6)[0]
            self._add_totals(group, ts, usd_e6, side)
            self._add_cells(ts, price, qty, usd_e6, side, self._add_profile(price, usd_e6))

    def _add_totals(self, group: RowGroup, ts: Ints, usd_e6: Ints, side: Ints) -> None:
        is_sorted, largest = bool((ts[1:] >= ts[:-1]).all()), int(usd_e6.max())
        shorts, short_e6 = int(side.sum()), int(usd_e6 @ side)
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
            known = self.totals.get(key)
            top = largest if known and largest <= known[2] else int(usd_e6[mine].max())
            row = [events, side_e6, top, int(first), int(last)]
            self.totals[key] = join_totals(known, row) if known else row

    def _add_profile(self, price: Floats, usd_e6: Ints) -> Ints:
        """Add the prices, and return the row of the grid of each."""
        tick = np.rint(price * self.ticks.scale)
        is_on = tick / self.ticks.scale == price
        place = tick.astype(np.int64) - self.ticks.lowest
        if place.min() < 0 or place.max() >= self.ticks.number:
            is_on &= (place >= 0) & (place < self.ticks.number)
        if is_on.all():
            rows = self._rows[place]
        else:
            values, number = np.unique(price[~is_on], return_inverse=True)
            usd = np.zeros(len(values), np.int64)
            np.add.at(usd, number, usd_e6[~is_on])
            self.odd.append((values, np.bincount(number), usd))
            self._limit_odd()
            place, usd_e6 = place[is_on], usd_e6[is_on]
            rows = find_bins(price, self.axes.width) - self.axes.first_bin
        np.add.at(self.profile[0], place, 1)
        np.add.at(self.profile[1], place, usd_e6)
        return rows

    def _limit_odd(self) -> None:
        """Join the prices between ticks now and then, so that memory grows with different ones only."""
        if len(self.odd) > 1 and sum(len(values) for values, _, _ in self.odd[1:]) > MOST_WAITING:
            self.odd = [join_prices(self.odd)]

    def _add_cells(self, ts: Ints, price: Floats, qty: Floats, usd_e6: Ints, side: Ints, rows: Ints) -> None:
        axes = self.axes
        stated_e8, stated = _to_integers(qty * STATED)
        self.stated += float(stated.sum())
        rest = qty - stated / STATED
        cell = ((ts - axes.start_us) // axes.bucket_us * axes.n_bins + rows) * 2 + side
        if not self._all_inside(price, rows):
            inside = (rows >= 0) & (rows < axes.n_bins) & (price >= axes.price_low) & (price < axes.price_high)
            cell, usd_e6, stated_e8, rest = cell[inside], usd_e6[inside], stated_e8[inside], rest[inside]
        np.add.at(self.cells[0], cell, 1)
        np.add.at(self.cells[1], cell, usd_e6)
        np.add.at(self.cells[2], cell, stated_e8)
        if len(left := np.flatnonzero(rest)):
            parts = round_half_up(np.abs(rest[left]) * REST)
            self.rest = max(self.rest, float(parts.max()))
            np.add.at(self.cells[3], cell[left], np.copysign(parts, rest[left]).astype(np.int64))

    def _all_inside(self, price: Floats, rows: Ints) -> bool:
        axes = self.axes
        in_range = axes.price_low <= price.min() and price.max() < axes.price_high
        return bool(in_range and rows.min() >= 0 and rows.max() < axes.n_bins)


def round_half_up(numbers: Floats) -> Floats:
    """Round positive numbers as DuckDB does: halves up, which neither ``np.rint`` nor adding 0.5 does exactly."""
    whole = np.floor(numbers)
    whole += (numbers - whole) >= 0.5
    return whole


def find_bins(prices: Floats, width: BinWidth) -> Ints:
    """Find the bin of each price, exactly as ``heatmap.sql``."""
    num, den = float(width.num), float(width.den)
    k = np.floor(prices * den / num)
    too_high = prices < k * num / den
    too_low = ~too_high & (prices >= (k + 1) * num / den)
    return (k - too_high + too_low).astype(np.int64)


def join_prices(parts: Sequence[tuple[Floats, Ints, Ints]]) -> tuple[Floats, Ints, Ints]:
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


def _to_integers(numbers: Floats) -> tuple[Ints, Floats]:
    """Round positive numbers; their sum must fit into 64 bits."""
    whole = round_half_up(numbers)
    if whole.sum() >= EXACT and (whole.max() >= EXACT or whole.sum() >= LARGEST):
        raise NotPlainError
    return whole.astype(np.int64), whole


def _read_columns(rows: pa.RecordBatch) -> tuple[Ints, Floats, Floats, Floats, Ints]:
    """Return time, price, quantity, USD and side (0 long, 1 short) of plain rows."""
    if any(column.null_count for column in rows.columns):
        raise NotPlainError
    price, qty, notional = (rows.column(name).to_numpy(zero_copy_only=False) for name in ("price", "qty", "notional"))
    for numbers in (price, qty, notional):
        if numbers.dtype != np.float64 or not (numbers.min() > 0 and numbers.max() < math.inf):  # also if NaN
            raise NotPlainError
    words = rows.column("position")
    names = words.dictionary.to_pylist()
    if not set(names) <= set(SIDES):
        raise NotPlainError
    side = np.array([SIDES.index(name) for name in names], np.int64)[words.indices.to_numpy(zero_copy_only=False)]
    return rows.column("ts").to_numpy(zero_copy_only=False).view(np.int64), price, qty, notional, side
