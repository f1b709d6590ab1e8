"""Align candles and open interest: one row per candle, with what opened and closed during it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.levels.liquidation_price import ContractKind
from liqcli.core.errors import EmptyWindowError
from liqcli.core.market_data import STALE_US, OpenInterestSeries
from liqcli.core.model import PriceSeries

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
LEAST_STEPS = 2  # something has to open in one candle and stand in the next


@dataclass(frozen=True, slots=True)
class Steps:
    """
    Candles with open interest, shape ``(n,)`` each, rising.

    ``ts_us`` open time, ``step_us`` length [µs UTC]; ``low``, ``high``, ``close`` [quote]. ``interest`` is the open
    interest at the close, ``opened`` and ``closed`` the sums of its rises and falls during the candle: all in
    contracts, which are base coins (linear) or USD (inverse). ``entry_low`` and ``entry_high`` are the prices between
    which the opened contracts traded, NaN where snapshots are too far apart to tell. ``kind`` of the contract;
    ``basis`` names both series; ``unit`` the unit in which the snapshots were stated, ``coins`` or ``usd``.
    """

    ts_us: Ints
    step_us: int
    low: Floats
    high: Floats
    close: Floats
    interest: Floats
    opened: Floats
    closed: Floats
    entry_low: Floats
    entry_high: Floats
    kind: ContractKind = "linear"
    basis: str = ""
    unit: str = "coins"

    def __len__(self) -> int:
        return len(self.ts_us)

    @property
    def closes_us(self) -> Ints:
        """Close time of each candle. [µs UTC]"""
        return self.ts_us + self.step_us

    def count_until(self, end_us: int) -> int:
        """Count the candles that are closed by an instant; the state after them is known then."""
        return int(np.searchsorted(self.closes_us, end_us, side="right"))


def build_steps(prices: PriceSeries, interest: OpenInterestSeries | None, kind: ContractKind = "linear") -> Steps:
    """
    Align candles with snapshots of open interest.

    Steps start with the first candle that closes after the first snapshot, and end an hour (or a candle) after the
    last. A change between two snapshots belongs to the candle in which the later one was taken, and its entries to all
    candles since the earlier one; over more than an hour (or a candle, if that is longer), or where candles are
    missing, its entries are unknown. Where a snapshot is missing, the last one holds. A snapshot of 0 counts as
    missing: exchanges state it before a listing and in outages.

    Raises
    ------
    EmptyWindowError
        No candles, no open interest, or too little of both at the same time; the message says which.
    """
    if not len(prices.ts_us):
        raise EmptyWindowError("no candles")
    if interest is None or not len(interest.ts_us):
        raise EmptyWindowError("no open interest")
    ts_us, amounts, unit = _in_contracts(prices, interest, kind)
    closes_us = prices.ts_us + prices.step_us
    step = np.searchsorted(closes_us, ts_us, side="left")  # the candle in which each snapshot was taken
    inside = (amounts > 0) & (step < len(closes_us))
    ts_us, amounts, step = ts_us[inside], amounts[inside], step[inside]
    if not len(ts_us):
        raise EmptyWindowError("no open interest during the candles")
    first = int(step[0])
    fresh = np.searchsorted(closes_us, ts_us[-1] + max(STALE_US, prices.step_us), side="right")
    closes_us = closes_us[: max(int(fresh), int(step[-1]) + 1)]
    n = len(closes_us) - first
    if n < LEAST_STEPS:
        raise EmptyWindowError("no second candle with open interest")
    step -= first
    change, place = np.diff(amounts), step[1:]
    far = (np.diff(ts_us) > max(STALE_US, prices.step_us)) | (ts_us[1:] < prices.ts_us[first:][place])
    last = np.searchsorted(ts_us, closes_us[first:], side="right") - 1
    low, high = prices.low[first : first + n], prices.high[first : first + n]
    entry_low, entry_high = _entry_ranges(low, high, step, far)
    return Steps(
        ts_us=prices.ts_us[first : first + n],
        step_us=prices.step_us,
        low=low,
        high=high,
        close=prices.close[first : first + n],
        interest=amounts[last],
        opened=np.bincount(place, np.maximum(change, 0), n).astype(np.float64),
        closed=np.bincount(place, np.maximum(-change, 0), n).astype(np.float64),
        entry_low=entry_low,
        entry_high=entry_high,
        kind=kind,
        basis=f"{prices.basis}, open interest of {interest.basis}",
        unit=unit,
    )


def _in_contracts(prices: PriceSeries, interest: OpenInterestSeries, kind: ContractKind) -> tuple[Ints, Floats, str]:
    """
    Return times and sizes of the snapshots in contracts, and the unit in which they were stated.

    The unit of the contract is used where it is known. Otherwise the other one is converted at the close of the candle,
    once per candle: within a candle the price at the snapshot is unknown, and its changes would look like openings.
    """
    own, other = (interest.coins, interest.usd) if kind == "linear" else (interest.usd, interest.coins)
    names = ("coins", "usd") if kind == "linear" else ("usd", "coins")
    if np.isfinite(own).any():
        known = np.isfinite(own)
        return interest.ts_us[known], own[known], names[0]
    closes_us = prices.ts_us + prices.step_us
    last = np.searchsorted(interest.ts_us, closes_us, side="right") - 1
    taken = (last >= 0) & (interest.ts_us[np.maximum(last, 0)] > prices.ts_us)
    amounts = other[last[taken]]
    price = prices.close[taken]
    amounts = amounts / price if kind == "linear" else amounts * price
    known = np.isfinite(amounts)
    return closes_us[taken][known], amounts[known], names[1]


def _entry_ranges(low: Floats, high: Floats, step: NDArray[np.intp], far: NDArray[np.bool_]) -> tuple[Floats, Floats]:
    """Return the prices between which each step's change was traded: the candles since the snapshot before it."""
    entry_low, entry_high = low.copy(), high.copy()
    for earlier, later in zip(step[:-1][np.diff(step) > 1], step[1:][np.diff(step) > 1], strict=True):
        entry_low[later], entry_high[later] = low[earlier + 1 : later + 1].min(), high[earlier + 1 : later + 1].max()
    unknown = step[1:][far]
    entry_low[unknown] = entry_high[unknown] = np.nan
    return entry_low, entry_high
