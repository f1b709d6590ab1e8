"""Prices as whole numbers of ticks: their sums, and their bins, without a hash table."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from liqcli.core.model import BinWidth
from liqcli.query.columns import Floats, Ints, ProfileRows
from liqcli.query.plain_rows import find_bins

if TYPE_CHECKING:
    from numpy.typing import NDArray

Prices = tuple[Floats, Ints, Ints]  # with events and USD
MOST_WAITING = 1_000_000  # prices


class Ticks(NamedTuple):
    """The grid of possible prices: ``lowest`` to ``lowest + number - 1`` in units of ``1 / scale``."""

    scale: float
    lowest: int
    number: int

    @property
    def prices(self) -> Floats:
        """All of them. [quote]"""
        return (np.arange(self.number) + self.lowest) / self.scale

    def place(self, price: Floats) -> tuple[Ints, NDArray[np.bool_] | None]:
        """Return the number of each price, and which prices are on a tick, None for all of them."""
        tick = np.rint(price * self.scale)
        is_on = tick / self.scale == price
        place = tick.astype(np.int64)
        place -= self.lowest
        if place.min(initial=0) < 0 or place.max(initial=0) >= self.number:
            is_on &= (place >= 0) & (place < self.number)
        return place, None if is_on.all() else is_on


class PlacedPrices(NamedTuple):
    """Prices, and their numbers as ticks where all of them are on ticks."""

    price: Floats
    place: Ints | None


@dataclass(slots=True)
class PriceProfile:
    """Sum events and USD at each price; several threads may add."""

    ticks: Ticks
    _sums: NDArray[Any] = field(init=False)  # events and USD of each tick
    _odd: list[Prices] = field(default_factory=list)  # between ticks
    _lock: Any = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        self._sums = np.zeros((2, self.ticks.number), np.int64)

    def add(self, price: Floats, events: Ints | int, usd_e6: Ints) -> PlacedPrices:
        """Add prices with USD, and a number of events for each or for all of them."""
        place, is_on = self.ticks.place(price)
        if is_on is None:
            self._add(place, events, usd_e6)
            return PlacedPrices(price, place)
        events = np.broadcast_to(events, price.shape)
        odd = join_prices([(price[~is_on], events[~is_on], usd_e6[~is_on])])
        with self._lock:
            self._odd.append(odd)
            # Join them now and then, so that memory grows with different prices only.
            if len(self._odd) > 1 and sum(len(values) for values, _, _ in self._odd[1:]) > MOST_WAITING:
                self._odd = [join_prices(self._odd)]
        self._add(place[is_on], events[is_on], usd_e6[is_on])
        return PlacedPrices(price, None)

    def _add(self, place: Ints, events: Ints | int, usd_e6: Ints) -> None:
        with self._lock:
            np.add.at(self._sums[0], place, events)
            np.add.at(self._sums[1], place, usd_e6)

    def collect(self) -> ProfileRows:
        """Return the sums, by rising price."""
        held = np.flatnonzero(self._sums[0])
        return ProfileRows(*join_prices([(self.ticks.prices[held], *self._sums[:, held]), *self._odd]))


class BinFinder:
    """Find the bins of prices, exactly as ``heatmap.sql``."""

    def __init__(self, ticks: Ticks, width: BinWidth) -> None:
        self._ticks, self._width = ticks, width
        self._bins = find_bins(ticks.prices, width)
        many, rest = divmod(width.num * int(ticks.scale), width.den)
        is_whole = not rest and np.array_equal((np.arange(ticks.number) + ticks.lowest) // many, self._bins)
        self._ticks_per_bin = many if is_whole else 0

    def find(self, prices: PlacedPrices) -> Ints:
        """Return the bin of each price."""
        if prices.place is None:
            return find_bins(prices.price, self._width)
        if not self._ticks_per_bin:
            return self._bins[prices.place]
        bins = prices.place + self._ticks.lowest  # dividing is faster than reading a large table
        bins //= self._ticks_per_bin
        return bins


def join_prices(parts: Sequence[Prices]) -> Prices:
    """Join prices, events and USD; the prices rise."""
    price, events, usd_e6 = (np.concatenate(column) for column in zip(*parts, strict=True))
    values, number = np.unique(price, return_inverse=True)
    sums = np.zeros((2, len(values)), np.int64)
    np.add.at(sums[0], number, events)
    np.add.at(sums[1], number, usd_e6)
    return values, sums[0], sums[1]
