"""Add rows to plain arrays for the analyses: minutes, orders, price bins of each exchange, active buckets."""

from __future__ import annotations

import threading
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, NamedTuple

import numpy as np

from liqcli.core.model import US_PER_S, BinWidth
from liqcli.core.times import MINUTE_US
from liqcli.query.columns import Ints
from liqcli.query.plain_rows import Rows, to_integers
from liqcli.query.price_ticks import BinFinder, PriceProfile, Ticks

if TYPE_CHECKING:
    from numpy.typing import NDArray

NEVER_US = 2**62


class DetailAxes(NamedTuple):
    """
    Axes of the details.

    Clock minutes from ``first_minute`` on; buckets of ``bucket_us`` from ``first_bucket`` on [µs]; price bins of a
    ``width`` [quote] from ``first_bin`` on, of events in ``[price_low, price_high)`` [quote]; exchanges by name.
    """

    first_minute: int
    n_minutes: int
    bucket_us: int
    first_bucket: int
    n_buckets: int
    width: BinWidth
    first_bin: int
    n_bins: int
    price_low: float
    price_high: float
    exchanges: tuple[str, ...]


@dataclass(slots=True)
class RowDetails:
    """
    Sums of rows, which several threads may add to.

    ``minutes`` has events and USD per minute and side, ``orders`` their number per minute; ``bin_usd`` has USD per
    exchange, bin and side, ``bins`` events, roots of the USD, largest amount, first and last time per exchange and bin;
    ``active`` is true for each bucket and bin with an event; ``longs`` are the prices of longs.
    """

    axes: DetailAxes
    ticks: Ticks
    minutes: NDArray[Any] = field(init=False)
    orders: Ints = field(init=False)
    bin_usd: Ints = field(init=False)
    bins: NDArray[Any] = field(init=False)
    active: NDArray[np.bool_] = field(init=False)
    longs: PriceProfile = field(init=False)
    _finder: BinFinder = field(init=False)
    _lock: Any = field(init=False, default_factory=threading.Lock)

    def __post_init__(self) -> None:
        axes = self.axes
        cells = len(axes.exchanges) * axes.n_bins
        self.minutes = np.zeros((2, axes.n_minutes * 2), np.int64)
        self.orders = np.zeros(axes.n_minutes, np.int64)
        self.bin_usd = np.zeros(cells * 2, np.int64)
        self.bins = np.zeros((5, cells), np.int64)
        self.bins[3] = NEVER_US
        self.active = np.zeros(axes.n_buckets * axes.n_bins, np.bool_)
        self.longs = PriceProfile(self.ticks)
        self._finder = BinFinder(self.ticks, axes.width)

    def add(self, exchange: str, rows: Rows) -> None:
        """Add rows of an exchange; their orders are added by :meth:`add_orders`."""
        if not len(rows.ts):
            return
        minute = rows.ts // MINUTE_US
        minute -= self.axes.first_minute
        minute *= 2
        minute += rows.side
        with self._lock:
            np.add.at(self.minutes[0], minute, 1)
            np.add.at(self.minutes[1], minute, rows.usd_e6)
        longs = 1 - rows.side
        prices = self.longs.add(rows.price, longs, rows.usd_e6 * longs)
        self._add_bins(exchange, rows, self._finder.find(prices))

    def _add_bins(self, exchange: str, rows: Rows, bins: Ints) -> None:
        axes = self.axes
        ts, side, usd_e6 = rows.ts, rows.side, rows.usd_e6
        bins = bins - axes.first_bin
        if rows.price.min() < axes.price_low or rows.price.max() >= axes.price_high:
            inside = (rows.price >= axes.price_low) & (rows.price < axes.price_high)
            ts, side, usd_e6, bins = ts[inside], side[inside], usd_e6[inside], bins[inside]
        active = ts // axes.bucket_us
        active -= axes.first_bucket
        active *= axes.n_bins
        active += bins
        roots = to_integers(np.sqrt(usd_e6), 1.0)
        cells = bins + axes.exchanges.index(exchange) * axes.n_bins
        sides = cells * 2
        sides += side
        events, root, largest, first, last = self.bins
        with self._lock:
            self.active[active] = True
            np.add.at(self.bin_usd, sides, usd_e6)
            np.add.at(events, cells, 1)
            np.add.at(root, cells, roots)
            np.maximum.at(largest, cells, usd_e6)
            np.minimum.at(first, cells, ts)
            np.maximum.at(last, cells, ts)

    def add_orders(self, keys: Ints) -> None:
        """Add the orders of an exchange and symbol, each as :func:`list_orders` numbers it, once."""
        minute = keys // 120
        minute -= self.axes.first_minute
        with self._lock:
            np.add.at(self.orders, minute, 1)


def list_orders(rows: Rows) -> Ints:
    """Number the orders of an exchange and symbol, 2 x second + side, rising; their prints share second and side."""
    second = rows.ts // US_PER_S
    step = np.diff(second)
    if not len(second) or step.min(initial=0) < 0:
        return np.unique(second * 2 + rows.side)
    starts = np.flatnonzero(np.append(True, step > 0))
    shorts = np.add.reduceat(rows.side, starts)
    prints = np.diff(starts, append=len(second))
    held = np.stack([shorts < prints, shorts > 0], axis=1)
    keys: Ints = (second[starts] * 2)[:, np.newaxis] + np.array([0, 1])
    return keys[held]
