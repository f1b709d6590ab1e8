"""Candles and open interest: single rows, series, and checks of their values."""

from __future__ import annotations

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from liqcli.core.model import CLOCK_SKEW_US, EARLIEST_US, US_PER_S, PriceSeries, Window

if TYPE_CHECKING:
    pass

# Interval of a candle [s] -> its name in the lake.
INTERVALS: dict[int, str] = {
    60: "1m",
    180: "3m",
    300: "5m",
    900: "15m",
    1800: "30m",
    3600: "1h",
    7200: "2h",
    14400: "4h",
    21600: "6h",
    28800: "8h",
    43200: "12h",
    86400: "1d",
}


INTERVAL_US: dict[str, int] = {name: seconds * US_PER_S for seconds, name in INTERVALS.items()}


class Candle(NamedTuple):
    """
    One candle: ``ts_us`` open time [µs UTC], prices [quote]; ``volume`` and its part ``taker_buy`` [base coin].

    ``taker_buy`` is the volume of buying takers; either is None when unknown.
    """

    ts_us: int
    open: float
    high: float
    low: float
    close: float
    volume: float | None
    taker_buy: float | None = None


class OpenInterest(NamedTuple):
    """One snapshot: ``ts_us`` [µs UTC], ``open_interest`` [base coin] and ``open_interest_usd`` [USD], or None."""

    ts_us: int
    open_interest: float | None
    open_interest_usd: float | None


def find_candle_fault(candle: Candle, now_us: int) -> str | None:
    """Describe why a candle is invalid, or return None if it is valid."""
    if not EARLIEST_US <= candle.ts_us <= now_us + CLOCK_SKEW_US:
        return "time outside 2015..now"
    if min(candle.open, candle.high, candle.low, candle.close) <= 0:
        return "a price is not above zero"
    if candle.high < max(candle.open, candle.close, candle.low) or candle.low > min(candle.open, candle.close):
        return "open or close lies outside low..high"
    if candle.volume is not None and candle.volume < 0:
        return "volume is negative"
    if candle.taker_buy is not None and not 0 <= candle.taker_buy <= (candle.volume or 0) * (1 + 1e-9):
        return "taker_buy exceeds the volume"
    return None


def find_open_interest_fault(snapshot: OpenInterest, now_us: int) -> str | None:
    """Describe why a snapshot is invalid, or return None if it is valid."""
    if not EARLIEST_US <= snapshot.ts_us <= now_us + CLOCK_SKEW_US:
        return "time outside 2015..now"
    known = [value for value in snapshot[1:] if value is not None]
    if not known:
        return "neither coins nor USD are stated"
    return "open interest is negative" if min(known) < 0 else None


def infer_interval(times_us: Sequence[int]) -> str | None:
    """
    Infer the interval of candles from the most common step between their open times, the shorter on a tie.

    None with fewer than two different times, or when the step is not a usual interval.
    """
    steps = Counter(after - before for before, after in pairwise(sorted(set(times_us))))
    if not steps:
        return None
    step = max(steps, key=lambda length: (steps[length], -length))
    return INTERVALS.get(step // US_PER_S) if step % US_PER_S == 0 else None


Unit = Literal["coins", "usd"]


STALE_US = 3600 * US_PER_S  # a snapshot further away is too old


@dataclass(frozen=True, slots=True)
class OpenInterestSeries:
    """Snapshots at instants ``ts_us`` [µs UTC], rising; ``coins`` [base coin], ``usd`` [USD], NaN where unknown."""

    ts_us: NDArray[np.int64]
    coins: NDArray[np.float64]
    usd: NDArray[np.float64]
    basis: str

    def find_before(self, ts_us: int) -> int | None:
        """Find the last snapshot at or before an instant: its row, None if it is more than an hour old."""
        row = int(np.searchsorted(self.ts_us, ts_us, side="right")) - 1
        return row if row >= 0 and ts_us - int(self.ts_us[row]) <= STALE_US else None

    def find_after(self, ts_us: int) -> int | None:
        """Find the first snapshot at or after an instant: its row, None if it is over an hour later."""
        row = int(np.searchsorted(self.ts_us, ts_us, side="left"))
        return row if row < len(self.ts_us) and int(self.ts_us[row]) - ts_us <= STALE_US else None

    def find_span(self, unit: Unit, start_us: int, end_us: int) -> slice | None:
        """
        Find the rows of a window from its first to its last snapshot that is known in a unit.

        They start with the last snapshot before the window, or inside it when that one is more than an hour old. None
        when fewer than two are known. Text, numbers and figures of a report all use these rows.
        """
        before = self.find_before(start_us)
        first = int(np.searchsorted(self.ts_us, start_us)) if before is None else before
        past = int(np.searchsorted(self.ts_us, end_us, side="right"))
        known = np.flatnonzero(np.isfinite(self.amounts(unit)[first:past]))
        return slice(first + int(known[0]), first + int(known[-1]) + 1) if len(known) > 1 else None

    def amounts(self, unit: Unit) -> NDArray[np.float64]:
        """Return the snapshots in a unit, NaN where unknown."""
        return self.coins if unit == "coins" else self.usd


# Longest lookback [s] -> interval of the bars used for it [s]: about 60 to 200 bars per window.
BARS_FOR_LOOKBACK = ((2 * 3600, 60), (8 * 3600, 300), (2 * 86400, 900), (14 * 86400, 3600))


LONGEST_BAR_S = 14400


@dataclass(frozen=True, slots=True)
class Candles:
    """
    A price series with volume, shape ``(n,)`` each, rising.

    ``volume`` and ``taker_buy`` [base coin] are NaN where unknown; ``taker_buy``, the volume of buying takers, is None
    when the feed does not have it.
    """

    prices: PriceSeries
    volume: NDArray[np.float64]
    taker_buy: NDArray[np.float64] | None = None

    def until(self, end_us: int) -> Candles:
        """Return the candles that are closed by an instant. [µs UTC]"""
        kept = self.prices.ts_us + self.prices.step_us <= end_us
        return self.take(kept)

    def since(self, start_us: int) -> Candles:
        """Return the candles that open at or after an instant. [µs UTC]"""
        return self.take(self.prices.ts_us >= start_us)

    def resample(self, step_us: int) -> Candles:
        """
        Join candles into longer ones that open on multiples of ``step_us``; an equal interval returns the same candles.

        The first one is dropped if it is incomplete at its start. A missing candle inside is a period without a trade.
        """
        p = self.prices
        if step_us == p.step_us:
            return self
        opens = p.ts_us - p.ts_us % step_us
        heads = np.flatnonzero(np.diff(opens, prepend=np.int64(-1)))
        if len(heads) and p.ts_us[heads[0]] != opens[heads[0]]:
            heads = heads[1:]
        if not len(heads):
            return self.take(np.zeros(len(p.ts_us), dtype=bool))
        tails = np.append(heads[1:], len(opens)) - 1
        prices = PriceSeries(
            ts_us=opens[heads],
            open=p.open[heads],
            high=np.maximum.reduceat(p.high, heads),
            low=np.minimum.reduceat(p.low, heads),
            close=p.close[tails],
            step_us=step_us,
            basis=p.basis,
        )
        taker_buy = None if self.taker_buy is None else np.add.reduceat(self.taker_buy, heads)
        return Candles(prices, np.add.reduceat(self.volume, heads), taker_buy)

    def take(self, kept: NDArray[np.bool_]) -> Candles:
        """Return the candles selected by a mask of shape ``(n,)``."""
        p = self.prices
        prices = replace(
            p, ts_us=p.ts_us[kept], open=p.open[kept], high=p.high[kept], low=p.low[kept], close=p.close[kept]
        )
        return Candles(prices, self.volume[kept], None if self.taker_buy is None else self.taker_buy[kept])


@dataclass(frozen=True, slots=True)
class MarketData:
    """
    Market data known at the end of a window; None where the lake has none.

    ``followed`` is the same price series and one hour more, for the price change after a cascade. ``substitution``
    names, in a sentence, the series used when the liquidated symbols have no candles of their own.
    """

    candles: Candles | None = None
    open_interest: OpenInterestSeries | None = None
    followed: PriceSeries | None = None
    substitution: str | None = None

    def prices_in(self, window: Window) -> PriceSeries | None:
        """Return the candles that overlap a window, for the price line; None if there are none."""
        if self.candles is None:
            return None
        prices = self.candles.since(window.start_us - self.candles.prices.step_us + 1).prices
        return prices if len(prices.ts_us) else None


def choose_step(length_us: int, stored_us: int) -> int:
    """
    Choose the interval of the bars: 1m up to 2 h, 5m to 8 h, 15m to 2 days, 1h to 14 days, else 4h. [µs]

    Stored candles that are longer, or do not divide it, are used as they are.
    """
    wanted = next((step for longest, step in BARS_FOR_LOOKBACK if length_us <= longest * US_PER_S), LONGEST_BAR_S)
    return wanted * US_PER_S if wanted * US_PER_S % stored_us == 0 else stored_us
