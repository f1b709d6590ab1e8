"""Compare open interest between two instants, as context for the liquidations in between."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np

from liqcli.core.market_data import OpenInterestSeries, Unit

UNITS: tuple[Unit, ...] = ("coins", "usd")  # in order of preference


@dataclass(frozen=True, slots=True)
class OpenInterestChange:
    """
    Open interest between two snapshots, at ``first_us`` and ``last_us`` [µs UTC]; all None when unknown.

    ``unit`` is the unit compared: coins where known, else USD. ``start_coins`` [base coin] and ``start_usd`` [USD] are
    the first snapshot; ``change_pct`` [%] is None when that is 0. In coins, ``change_usd`` is the change at the price
    of the first snapshot: the plain difference of two USD amounts mostly reflects the price (on 2026-03-23 BTC rose by
    4% while open interest fell by 1,472 coins, and the difference was +65M USD). In USD it is that difference.
    """

    start_coins: float | None = None
    change_coins: float | None = None
    change_pct: float | None = None
    change_usd: float | None = None
    start_usd: float | None = None
    unit: Unit | None = None
    first_us: int | None = None
    last_us: int | None = None


def measure_window(series: OpenInterestSeries | None, start_us: int, end_us: int) -> OpenInterestChange:
    """Compare the first and the last snapshot of a window, the same ones that its figure shows."""
    for unit in UNITS if series else ():
        if series and (span := series.find_span(unit, start_us, end_us)):
            return _compare(series, unit, span.start, span.stop - 1)
    return OpenInterestChange()


def measure_around(series: OpenInterestSeries | None, start_us: int, end_us: int) -> OpenInterestChange:
    """Compare the last snapshot before a cascade with the first one after it, each at most an hour away."""
    first = series.find_before(start_us) if series else None
    last = series.find_after(end_us) if series else None
    if series is None or first is None or last is None or last <= first:
        return OpenInterestChange()
    for unit in UNITS:
        if np.isfinite(series.amounts(unit)[[first, last]]).all():
            return _compare(series, unit, first, last)
    return OpenInterestChange()


def _compare(series: OpenInterestSeries, unit: Unit, first: int, last: int) -> OpenInterestChange:
    amounts = series.amounts(unit)
    start, change = float(amounts[first]), float(amounts[last] - amounts[first])
    coins, usd = (float(series.amounts(u)[first]) for u in UNITS)
    at_first_price = change * usd / start if start > 0 and math.isfinite(usd) else None
    return OpenInterestChange(
        start_coins=coins if math.isfinite(coins) else None,
        change_coins=change if unit == "coins" else None,
        change_pct=100 * change / start if start > 0 else None,
        change_usd=at_first_price if unit == "coins" else change,
        start_usd=usd if math.isfinite(usd) else None,
        unit=unit,
        first_us=int(series.ts_us[first]),
        last_us=int(series.ts_us[last]),
    )
