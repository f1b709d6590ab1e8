"""Totals of liquidations as an exchange publishes them: sums, not events."""

from __future__ import annotations

import math
from typing import NamedTuple

from liqcli.core.model import CLOCK_SKEW_US, EARLIEST_US


class LiquidationTotal(NamedTuple):
    """
    What an exchange says was liquidated from ``ts_us`` [µs UTC] on, for ``interval_s`` [s].

    ``long_usd`` and ``short_usd`` [USD] are None where the exchange gives no side; ``total_usd`` [USD] is their sum.
    Where the exchange does not document the unit, ``total_usd`` is None, and ``total_native`` is the published number
    for one ``instrument``, which is taken as ``native_unit``: ``USD``, or the name of the base coin.
    """

    ts_us: int
    interval_s: int
    long_usd: float | None
    short_usd: float | None
    total_usd: float | None
    instrument: str | None = None
    native_unit: str | None = None
    total_native: float | None = None


def find_total_fault(total: LiquidationTotal, now_us: int) -> str | None:
    """Describe why a total is invalid, or return None if it is valid."""
    if not EARLIEST_US <= total.ts_us <= now_us + CLOCK_SKEW_US:
        return "time outside 2015..now"
    amounts = (total.long_usd, total.short_usd, total.total_usd, total.total_native)
    known = [value for value in amounts if value is not None]
    return None if all(math.isfinite(value) and value >= 0 for value in known) else "an amount is negative"
