"""Liquidation prints merged into forced orders."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liqcli.core.model import US_PER_S

Ints = NDArray[np.int64]
Floats = NDArray[np.float64]
Bools = NDArray[np.bool_]


@dataclass(frozen=True, slots=True, eq=False)
class Orders:
    """Forced orders by rising time, shape ``(n,)`` each: ``ts_us`` [µs UTC], ``price`` [quote], ``notional`` [USD]."""

    ts_us: Ints
    price: Floats
    is_long: Bools
    notional: Floats

    def __len__(self) -> int:
        """Number of orders."""
        return len(self.ts_us)

    def between(self, start_us: int, end_us: int) -> Orders:
        """Return the orders of ``[start_us, end_us)``. [µs UTC]"""
        low, high = np.searchsorted(self.ts_us, [start_us, end_us]).tolist()
        kept = slice(low, high)
        return Orders(self.ts_us[kept], self.price[kept], self.is_long[kept], self.notional[kept])

    def shifted(self, by_us: int) -> Orders:
        """Return the orders with their times moved. [µs]"""
        return Orders(self.ts_us + by_us, self.price, self.is_long, self.notional)


def merge_prints(ts_us: Ints, price: Floats, is_long: Bools, notional: Floats) -> Orders:
    """
    Merge the prints of one second and side: an exchange fills a large forced order in pieces.

    An order has the time of its second, the sum of the USD, and the USD-weighted mean price of its prints.
    """
    second = ts_us // US_PER_S
    order = np.lexsort((price, is_long, second))
    second, price, is_long, notional = second[order], price[order], is_long[order], notional[order]
    if not len(second):
        return Orders(second * US_PER_S, price, is_long, notional)
    new = np.concatenate([[True], (second[1:] != second[:-1]) | (is_long[1:] != is_long[:-1])])
    starts = np.flatnonzero(new)
    usd = np.add.reduceat(notional, starts)
    mean = np.add.reduceat(notional * price, starts) / usd
    return Orders(second[starts] * US_PER_S, mean, is_long[starts], usd)
