"""
Measure the market around the liquidations: momentum, trend, range, volume, order flow, open interest.

Only candles closed and snapshots taken by the end of the window are used. Data that the lake does not have is unknown
(None), never estimated. Open interest is shown beside the liquidations and does not replace them: a contract can also
be closed voluntarily.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from liqcli.analysis import indicators
from liqcli.analysis.cascades import Cascade
from liqcli.analysis.open_interest import OpenInterestChange, measure_around, measure_window
from liqcli.core.formatting import format_price
from liqcli.core.market_data import Candles, MarketData, choose_step
from liqcli.core.model import Window

RsiState = Literal["overbought", "oversold", "neutral", "unknown"]
DivergenceState = Literal["bullish", "bearish", "none", "unknown"]
Trend = Literal["up", "down", "mixed", "unknown"]
OrderFlow = Literal["buying", "selling", "balanced", "unknown"]

# An EMA 50 needs 50 bars for its first value and ten more for a slope; Wilder averages of 14 have settled by then.
BARS_NEEDED = 60
OVERBOUGHT, OVERSOLD = 70.0, 30.0
SLOPE_BARS = 5
NEAR_ATR = 0.5  # price is near a band within this share of an ATR of its edges
FLOW_EDGE_PCT = 5  # a taker share within this of one half is balanced [%]


@dataclass(frozen=True, slots=True)
class Approach:
    """
    The last approach of the price to a band.

    ``touched_us`` is the bar in which it arrived [µs UTC]; ``volume_ratio`` compares its volume with the usual one (1).
    """

    low: float
    high: float
    touched_us: int | None
    volume_ratio: float | None


@dataclass(frozen=True, slots=True)
class Context:
    """
    The market around a window; None and ``"unknown"`` where data is missing.

    ``basis`` and ``step_us`` identify the candles; ``bars`` is the number of consecutive ones up to the end
    (``BARS_NEEDED`` are required). ``rsi`` is Wilder's 14; ``divergence`` the last regular one confirmed inside the
    window, at ``divergence_us`` [µs UTC]; ``trend`` follows from ``ema_fast`` (20) against ``ema_slow`` (50) [quote]
    and ``slope_pct``, the change of the fast one over 5 bars [%]; ``atr`` is Wilder's 14 [quote]; ``usual_move`` the
    move of a random walk of that range over the window, ATR x √bars [quote]; ``volume_ratio`` compares the last 3 bars
    with the 20 before; ``approaches`` has one entry per band, in their order; ``taker_share`` is the buyers' share of
    the taker volume, 0 to 1; ``open_interest`` is the change over the window and ``cascade_open_interest`` that across
    each cascade, in their order.
    """

    basis: str | None
    step_us: int | None
    bars: int
    rsi: float | None
    divergence: DivergenceState
    divergence_us: int | None
    trend: Trend
    ema_fast: float | None
    ema_slow: float | None
    slope_pct: float | None
    atr: float | None
    usual_move: float | None
    volume_ratio: float | None
    approaches: tuple[Approach, ...]
    taker_share: float | None
    open_interest_basis: str | None
    open_interest: OpenInterestChange
    cascade_open_interest: tuple[OpenInterestChange, ...]

    @property
    def rsi_state(self) -> RsiState:
        """Overbought from 70, oversold up to 30; compared as displayed, to one decimal."""
        if self.rsi is None:
            return "unknown"
        shown = round(self.rsi, 1)
        return "overbought" if shown >= OVERBOUGHT else "oversold" if shown <= OVERSOLD else "neutral"

    @property
    def order_flow(self) -> OrderFlow:
        """Dominant taker side: buying above 55%, selling below 45%; compared as displayed, in whole percent."""
        if self.taker_share is None:
            return "unknown"
        edge = round(100 * self.taker_share) - 50
        return "balanced" if abs(edge) <= FLOW_EDGE_PCT else "buying" if edge > 0 else "selling"


def build_context(
    window: Window, market: MarketData, bands: Sequence[tuple[float, float]] = (), cascades: Sequence[Cascade] = ()
) -> Context:
    """
    Measure the market around a window.

    Parameters
    ----------
    window : Window
        Half-open. [UTC]
    market : MarketData
        Candles and open interest; data after the window is ignored.
    bands : sequence of (low, high)
        Price bands, such as clusters, whose last approach is measured. [quote]
    cascades : sequence of Cascade
        For the change of open interest across each.

    Returns
    -------
    Context
        Unknown where candles are missing, too few, or end before the window does.
    """
    step_us = choose_step(window.length_us, market.candles.prices.step_us) if market.candles else None
    bars = _unbroken(market.candles, step_us, window) if market.candles and step_us else None
    interest = market.open_interest
    numbers = _read_bars(bars, window) if bars else {}
    return Context(
        basis=market.candles.prices.basis if market.candles else None,
        step_us=step_us,
        bars=len(bars.prices.ts_us) if bars else 0,
        rsi=numbers.get("rsi"),
        divergence=numbers.get("divergence", "unknown"),
        divergence_us=numbers.get("divergence_us"),
        trend=numbers.get("trend", "unknown"),
        ema_fast=numbers.get("ema_fast"),
        ema_slow=numbers.get("ema_slow"),
        slope_pct=numbers.get("slope_pct"),
        atr=numbers.get("atr"),
        usual_move=numbers.get("usual_move"),
        volume_ratio=numbers.get("volume_ratio"),
        approaches=tuple(_approach(bars, numbers.get("atr"), window, low, high) for low, high in bands),
        taker_share=_taker_share(bars, window),
        open_interest_basis=interest.basis if interest else None,
        open_interest=measure_window(interest, window.start_us, window.end_us),
        cascade_open_interest=tuple(measure_around(interest, c.start_us, c.end_us) for c in cascades),
    )


def _unbroken(candles: Candles, step_us: int, window: Window) -> Candles | None:
    """Select closed bars up to the window's end, after the last hole of more than 3 bars; None if they end early."""
    whole_us = window.end_us - window.end_us % step_us  # an open bar can still change
    bars = candles.until(whole_us).resample(step_us)
    ts_us = bars.prices.ts_us
    if not len(ts_us) or window.end_us - int(ts_us[-1]) > 3 * step_us:
        return None
    holes = np.flatnonzero(np.diff(ts_us) > 4 * step_us)
    return bars.since(int(ts_us[holes[-1] + 1])) if len(holes) else bars


def _read_bars(bars: Candles, window: Window) -> dict[str, Any]:
    p = bars.prices
    last = len(p.ts_us) - 1
    numbers: dict[str, Any] = {"volume_ratio": indicators.compute_volume_ratio(bars.volume, last)}
    if last + 1 < BARS_NEEDED:
        return numbers
    rsi = indicators.compute_rsi(p.close)
    fast, slow = indicators.compute_ema(p.close, 20), indicators.compute_ema(p.close, 50)
    atr = float(indicators.compute_atr(p.high, p.low, p.close)[-1])
    slope = float(100 * (fast[-1] / fast[-1 - SLOPE_BARS] - 1))
    trend = _find_trend(float(fast[-1]), float(slow[-1]), slope)
    closes_us = p.ts_us + p.step_us
    known = [d for d in indicators.find_divergences(p.low, p.high, rsi) if int(closes_us[d.known]) > window.start_us]
    newest = known[-1] if known else None
    return {
        **numbers,
        "rsi": float(rsi[-1]),
        "divergence": newest.kind if newest else "none",
        "divergence_us": int(closes_us[newest.known]) if newest else None,
        "trend": trend,
        "ema_fast": float(fast[-1]),
        "ema_slow": float(slow[-1]),
        "slope_pct": slope,
        "atr": atr,
        "usual_move": atr * math.sqrt(window.length_us / p.step_us),
    }


def _find_trend(fast: float, slow: float, slope_pct: float) -> Trend:
    """Compare displayed values: equal averages have no order, a slope of 0.00% has no direction."""
    slope = round(slope_pct, 2)
    if format_price(fast) == format_price(slow) or slope == 0:
        return "mixed"
    rising = fast > slow
    return "mixed" if rising != (slope > 0) else "up" if rising else "down"


def _approach(bars: Candles | None, atr: float | None, window: Window, low: float, high: float) -> Approach:
    """Find the bar in which price last arrived near a band, and the volume of the bars up to it."""
    if bars is None:
        return Approach(low, high, None, None)
    p, margin = bars.prices, NEAR_ATR * (atr or 0.0)
    near = (p.high >= low - margin) & (p.low <= high + margin)
    visits = np.flatnonzero(near & (p.ts_us + p.step_us > window.start_us))
    if not len(visits):
        return Approach(low, high, None, None)
    away = np.flatnonzero(~near[: visits[-1]])
    if not len(away):  # near since the first bar: its arrival is not in the data
        return Approach(low, high, None, None)
    arrival = int(away[-1]) + 1
    return Approach(low, high, int(p.ts_us[arrival]), indicators.compute_volume_ratio(bars.volume, arrival))


def _taker_share(bars: Candles | None, window: Window) -> float | None:
    if bars is None or bars.taker_buy is None:
        return None
    inside = bars.prices.ts_us >= window.start_us
    bought, traded = float(bars.taker_buy[inside].sum()), float(bars.volume[inside].sum())
    return bought / traded if traded > 0 and math.isfinite(bought) else None
