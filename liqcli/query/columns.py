"""
The typed columns that queries return, one class for each kind of scan.

A column is a numpy array of shape ``(n_rows,)``. Its name and unit are those of the SQL file: ``_us`` microseconds
since the epoch in UTC, ``_e6`` millionths of a USD as int64, prices in the quote currency.
"""

from __future__ import annotations

from dataclasses import dataclass, fields
from typing import NamedTuple, Self

import numpy as np
from numpy.typing import NDArray

from liqcli.core.model import BinWidth, Outside

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Words = NDArray[np.object_]  # of str


@dataclass(frozen=True, slots=True)
class Totals:
    """
    Rows of ``totals.sql``: sums per exchange, symbol, source, position, price kind and completeness.

    ``invalid`` counts events whose numbers are not positive and finite.
    """

    exchange: Words
    symbol: Words
    source: Words
    position: Words
    price_kind: Words
    completeness: Words
    events: Ints
    notional_e6: Ints
    invalid: Ints
    largest_e6: Ints
    first_us: Ints
    last_us: Ints

    @classmethod
    def empty(cls) -> Self:
        """Return sums of no events."""
        word, number = np.array([], dtype=np.object_), np.array([], dtype=np.int64)
        return cls(*(word,) * 6, *(number,) * 6)

    def take(self, rows: list[int]) -> Self:
        """Return the rows at these places."""
        return type(self)(*(getattr(self, field.name)[rows] for field in fields(self)))


@dataclass(frozen=True, slots=True)
class ProfileRows:
    """Rows of ``price_profile.sql``: events and USD at each distinct price, by rising price."""

    price: Floats
    events: Ints
    notional_e6: Ints

    def between(self, low: float, high: float) -> ProfileRows:
        """Return the rows with prices in ``[low, high)``."""
        kept = (self.price >= low) & (self.price < high)
        return ProfileRows(self.price[kept], self.events[kept], self.notional_e6[kept])

    def outside(self, low: float, high: float) -> tuple[Outside, Outside]:
        """Sum the rows below ``low``, and those at ``high`` and above."""
        below, above = self.price < low, self.price >= high
        return self._sum(below, -1), self._sum(above, 1)

    def _sum(self, chosen: NDArray[np.bool_], direction: int) -> Outside:
        if not chosen.any():
            return Outside()
        furthest = self.price[chosen].min() if direction < 0 else self.price[chosen].max()
        return Outside(int(self.events[chosen].sum()), int(self.notional_e6[chosen].sum()), float(furthest))


class FineAxes(NamedTuple):
    """Buckets from ``start_us`` on, and ``n_bins`` price bins from ``first_bin`` on, of events in a price range."""

    start_us: int
    bucket_us: int
    n_buckets: int
    width: BinWidth
    first_bin: int
    n_bins: int
    price_low: float
    price_high: float


@dataclass(frozen=True, slots=True)
class HeatmapRows:
    """Rows of ``heatmap.sql``: the non-empty cells of the grid, per time bucket, price bin and position."""

    bucket_us: Ints
    bin: Ints
    position: Words
    notional_e6: Ints
    qty: Floats
    events: Ints


@dataclass(frozen=True, slots=True)
class HourRows:
    """Rows of ``hours.sql``: sums per step of time and position; steps without events have no row."""

    start_us: Ints
    position: Words
    notional_e6: Ints
    events: Ints


@dataclass(frozen=True, slots=True)
class LevelEventRows:
    """Rows of ``level_events.sql``: sums and orders per step of time and position."""

    start_us: Ints
    position: Words
    notional_e6: Ints
    orders: Ints


@dataclass(frozen=True, slots=True)
class OrderPrintRows:
    """Rows of ``order_prints.sql``: sums per second, position and price."""

    second_us: Ints
    position: Words
    price: Floats
    notional_e6: Ints


@dataclass(frozen=True, slots=True)
class TraceRows:
    """Rows of ``trace.sql``: the last price printed in each time bucket."""

    ts_us: Ints
    price: Floats


@dataclass(frozen=True, slots=True)
class LastPrintRows:
    """Rows of ``last_prints.sql``: the last event of each price kind."""

    price_kind: Words
    ts_us: Ints
    price: Floats


@dataclass(frozen=True, slots=True)
class RingRows:
    """Rows of ``cumulative.sql``: sums per ring of distance from the last price, and position."""

    ring: Ints
    position: Words
    notional_e6: Ints
    events: Ints


@dataclass(frozen=True, slots=True)
class MinuteRows:
    """Sums of each clock minute that holds an event, by rising time."""

    minute_us: Ints
    usd_e6: Ints
    long_e6: Ints
    short_e6: Ints
    orders: Ints
    prints: Ints


@dataclass(frozen=True, slots=True)
class SymbolMinuteRows:
    """Rows of ``symbol_minutes.sql``: sums of each symbol and minute with an event, by symbol, then rising time."""

    symbol: Words
    minute_us: Ints
    usd_e6: Ints
    long_e6: Ints
    short_e6: Ints
    orders: Ints
    prints: Ints

    def sum_symbols(self) -> MinuteRows:
        """Sum all symbols per minute."""
        minutes, place = np.unique(self.minute_us, return_inverse=True)

        def total(column: Ints) -> Ints:
            sums = np.zeros(len(minutes), dtype=np.int64)
            np.add.at(sums, place, column)
            return sums

        return MinuteRows(minutes, *(total(getattr(self, column.name)) for column in fields(MinuteRows)[1:]))


@dataclass(frozen=True, slots=True)
class LargestRows:
    """Rows of ``symbol_largest.sql``: the largest single event of each symbol."""

    symbol: Words
    exchange: Words
    position: Words
    price: Floats
    price_kind: Words
    ts_us: Ints
    notional_e6: Ints


@dataclass(frozen=True, slots=True)
class BurstPrices:
    """Rows of ``cascade_prices.sql``: first and last event of each burst and the prices there, by rising time."""

    start_us: Ints
    end_us: Ints
    price_from: Floats
    price_to: Floats
    price_low: Floats
    price_high: Floats


@dataclass(frozen=True, slots=True)
class PriceExtent:
    """The row of ``price_extent.sql``; without events the prices and the time are 0."""

    events: int
    notional_e6: int
    lowest: float
    highest: float
    newest_us: int


@dataclass(frozen=True, slots=True)
class BinRows:
    """Rows of ``cluster_bins.sql``: sums per fine price bin and exchange, by rising bin."""

    bin: Ints
    exchange: Words
    long_e6: Ints
    short_e6: Ints
    events: Ints
    first_us: Ints
    last_us: Ints
    largest_e6: Ints
    recent_e6: Ints
    roots: Ints

    @property
    def usd(self) -> float:
        """Sum of all rows. [USD]"""
        return int((self.long_e6 + self.short_e6).sum()) / 1e6

    def take(self, rows: slice | NDArray[np.bool_]) -> Self:
        """Return the rows that a slice or a mask selects."""
        return type(self)(*(getattr(self, field.name)[rows] for field in fields(self)))
