"""
When liquidations came in bursts: minutes far above the window's own baseline, joined into cascades.

A cascade is many forced orders in a short time. Two figures of a minute must leave their baseline together, because
each alone lies: USD alone takes one large order for a burst, the count alone takes a swarm of tiny ones. Prints of one
exchange, symbol, position and second are one order, so an order filled in 40 pieces counts once.

What an ordinary minute of a window holds, and how far above it a cascade begins and goes on.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.thin_data import LEAST_USD
from liqcli.core.intervals import Interval, clip_intervals
from liqcli.core.model import US_PER_S, Position, PriceSeries, Window
from liqcli.query.engine import Engine

MINUTE_US = 60 * US_PER_S
MAD_TO_SD = 1.4826  # of a normal distribution


@dataclass(frozen=True, slots=True)
class CascadeRule:
    """
    How far from the baseline a burst lies.

    ``start_k`` and ``stay_k`` spreads above the median begin and carry on a burst; a minute that begins one holds at
    least ``min_orders`` orders; ``long_run`` minutes in a row at the lower level are a burst too, when they hold
    together what the higher one asks of a minute; ``quiet_minutes`` below the level end it. A burst of less than
    ``least_usd`` is none, whatever the baseline says.
    """

    start_k: float = 5.0
    stay_k: float = 3.0
    min_orders: int = 5
    long_run: int = 3
    quiet_minutes: int = 4
    least_usd: float = LEAST_USD


@dataclass(frozen=True, slots=True)
class CascadeThresholds:
    """What a minute must hold to begin (hot) or carry on (warm) a burst. [1e-6 USD], orders"""

    hot_usd_e6: int
    hot_orders: int
    warm_usd_e6: int
    warm_orders: int


def list_covered_minutes(window: Window, gaps: Iterable[Interval], filled: NDArray[np.generic]) -> NDArray[np.int64]:
    """
    List the clock minutes of a window that say something, empty ones included.

    A minute touched by a gap may look empty only because nobody listened, so it counts only when it holds a print
    (``filled``: starts of such minutes [µs]).

    Returns
    -------
    array of int64, shape (n_minutes,)
        Starts, rising. [µs UTC]
    """
    first = window.start_us // MINUTE_US
    heard = np.ones(-(-window.end_us // MINUTE_US) - first, dtype=bool)
    for start, end in clip_intervals(gaps, window.interval):
        heard[start // MINUTE_US - first : -(-end // MINUTE_US) - first] = False
    heard[np.asarray(filled, dtype=np.int64) // MINUTE_US - first] = True
    return (first + np.flatnonzero(heard).astype(np.int64)) * MINUTE_US


def find_levels(baseline: Columns, rule: CascadeRule) -> CascadeThresholds:
    """
    Turn the baseline into levels; multiplying every size by a factor multiplies the USD levels by it.

    Orders: m + k spreads + k² / 6, where m is the middle rate a minute, a spread the larger of MAD x 1.4826 and √m
    (that of orders which come independently of each other, Poisson), and the last term stands for the Poisson
    distribution's longer upper tail (Cornish-Fisher). m is the median, or -ln(share of empty minutes) in thin windows
    where the median is 0. With k = 5 independent orders pass about once in a million minutes.

    USD: median + k x 1.4826 x MAD, but at least as many typical orders as the level of orders says. That is the floor
    where most minutes are empty and the MAD is 0. (A floor from the sums of the filled minutes would fail where it
    matters: in a thin window with one cascade the filled minutes are mostly the cascade's own.)

    Parameters
    ----------
    baseline : mapping of arrays
        The row of ``sql/cascade_baseline.sql``.
    rule : CascadeRule
        The two k and the smallest count.

    Returns
    -------
    Levels
        Warm never above hot.
    """
    row = {name: int(column[0]) for name, column in baseline.items()}
    empty = row["empty_minutes"] / row["minutes"]
    rate = max(float(row["orders_median"]), -math.log(empty) if empty > 0 else 0.0)
    spread = max(math.sqrt(rate), MAD_TO_SD * row["orders_mad"])

    def orders(k: float) -> int:
        return math.ceil(rate + k * spread + k * k / 6)

    def usd(k: float, least_orders: int) -> int:
        return max(
            1, math.ceil(row["usd_median"] + k * MAD_TO_SD * row["usd_mad"]), least_orders * row["typical_order"]
        )

    hot, warm = max(rule.min_orders, orders(rule.start_k)), orders(rule.stay_k)
    return CascadeThresholds(usd(rule.start_k, hot), hot, usd(rule.stay_k, warm), warm)


AFTER_US = {"15m": 15 * MINUTE_US, "1h": 60 * MINUTE_US}

Columns = Mapping[str, NDArray[Any]]


@dataclass(frozen=True, slots=True)
class Cascade:
    """
    A burst of liquidations, rank 1 the one with most USD.

    ``start_us`` and ``end_us`` are the times of its first and last print [µs UTC]; ``position`` the side with more USD
    and ``position_share`` its part of them, 0.5 to 1; ``events`` prints, as everywhere, and ``orders`` they belong to;
    ``notional``, ``long_notional``, ``short_notional`` [USD], ``peak_per_minute`` the most in one clock minute [USD];
    ``price_from`` and ``price_to`` the first and last printed price, ``extreme`` the lowest price when longs dominate,
    the highest when shorts do [quote]; ``share`` of the window's USD, 0 to 1; ``price_after_15m_pct`` and
    ``price_after_1h_pct`` what the market price did from the end on [%], None where no fine enough candle says.
    """

    rank: int
    start_us: int
    end_us: int
    position: Position
    position_share: float
    events: int
    orders: int
    notional: float
    long_notional: float
    short_notional: float
    peak_per_minute: float
    price_from: float
    price_to: float
    extreme: float
    share: float
    price_after_15m_pct: float | None
    price_after_1h_pct: float | None


@dataclass(frozen=True, slots=True)
class MinuteSums:
    """
    What the bursts were found in: every clock minute with a print, shape ``(n,)``, and what an ordinary one holds.

    ``ts_us`` starts [µs UTC], rising; ``long``, ``short`` [USD]; ``median`` of all minutes that were listened to, empty
    ones included [USD]; a burst begins with a minute of at least ``hot`` [USD] in ``hot_orders`` orders.
    """

    ts_us: NDArray[np.int64]
    long: NDArray[np.float64]
    short: NDArray[np.float64]
    median: float
    hot: float
    hot_orders: int


def build_cascades(
    engine: Engine,
    window: Window,
    gaps: Iterable[Interval],
    prices: PriceSeries | None,
    rule: CascadeRule | None = None,
) -> tuple[Cascade, ...]:
    """Find the bursts of a window; :func:`scan_minutes` without the minutes."""
    return scan_minutes(engine, window, gaps, prices, rule)[0]


def scan_minutes(
    engine: Engine,
    window: Window,
    gaps: Iterable[Interval],
    prices: PriceSeries | None,
    rule: CascadeRule | None = None,
) -> tuple[tuple[Cascade, ...], MinuteSums | None]:
    """
    Find the bursts of a window in table ``liquidations``, and the minutes they stand out of.

    Parameters
    ----------
    engine : Engine
        With table ``liquidations``, which may be empty.
    window : Window
        Half-open. [UTC]
    gaps : iterable of (start, end)
        Stretches nobody listened to; their minutes are no quiet minutes and stay out of the baseline. [µs]
    prices : PriceSeries or None
        Candles; where they reach beyond the window, the price after its last cascades is known too.
    rule : CascadeRule or None
        None takes the defaults.

    Returns
    -------
    cascades, minutes
        By falling USD, then earlier start; disjoint in time; empty when nothing leaves the baseline. None for the
        minutes when there is no liquidation at all.

    References
    ----------
    ``docs/units.md``; ``liqcli/query/sql/cascade_minutes.sql``, ``cascade_baseline.sql``, ``cascade_spans.sql``,
    ``cascades.sql``.
    """
    chosen = rule or CascadeRule()
    minutes = engine.run("cascade_minutes")
    if not len(minutes["minute_us"]):
        return (), None
    _register(engine, "minute_sums", minutes)
    _register(engine, "listened", {"minute_us": list_covered_minutes(window, gaps, minutes["minute_us"])})
    baseline = engine.run("cascade_baseline")
    levels = find_levels(baseline, chosen)
    ordinary = MinuteSums(
        minutes["minute_us"].astype(np.int64),
        minutes["long_e6"].astype(np.float64) / 1e6,
        minutes["short_e6"].astype(np.float64) / 1e6,
        int(baseline["usd_median"][0]) / 1e6,
        levels.hot_usd_e6 / 1e6,
        levels.hot_orders,
    )
    return _find_bursts(engine, levels, chosen, int(minutes["usd_e6"].sum()), prices), ordinary


def _find_bursts(
    engine: Engine, levels: CascadeThresholds, rule: CascadeRule, total_e6: int, prices: PriceSeries | None
) -> tuple[Cascade, ...]:
    spans = engine.run(
        "cascade_spans",
        {
            "hot_usd_e6": levels.hot_usd_e6,
            "hot_orders": levels.hot_orders,
            "warm_usd_e6": levels.warm_usd_e6,
            "warm_orders": levels.warm_orders,
            "long_run": rule.long_run,
            "quiet_us": rule.quiet_minutes * MINUTE_US,
        },
    )
    if not len(spans["first_us"]):
        return ()
    _register(engine, "spans", spans)
    bursts = engine.run("cascades")
    usd_e6 = bursts["usd_e6"].astype(np.int64)
    order = np.lexsort((bursts["start_us"], -usd_e6))
    order = order[usd_e6[order] >= rule.least_usd * 1e6]
    return tuple(_cascade(rank, bursts, row, total_e6, prices) for rank, row in enumerate(order.tolist(), start=1))


def find_price_after(prices: PriceSeries | None, ts_us: int, after_us: int) -> float | None:
    """
    Give how the market price moved from an instant on. [%]

    Both prices are closes of candles, the first one the first close at or after the instant: against the liquidation's
    own price, the basis between two markets would pass for a move. None when either close is not known, or when a
    candle is longer than a third of the time asked about.
    """
    if prices is None or 3 * prices.step_us > after_us:
        return None
    start_close = -(-ts_us // prices.step_us) * prices.step_us
    # A close that is no multiple of the step is answered by the next one that is.
    closes_us = prices.ts_us + prices.step_us
    target = -(-(start_close + after_us) // prices.step_us) * prices.step_us
    at = np.searchsorted(closes_us, [start_close, target])
    if at[1] >= len(closes_us) or closes_us[at[0]] != start_close or closes_us[at[1]] != target:
        return None
    return float(100 * (prices.close[at[1]] / prices.close[at[0]] - 1))


def _cascade(rank: int, bursts: Columns, row: int, total_e6: int, prices: PriceSeries | None) -> Cascade:
    values = {name: column[row].item() for name, column in bursts.items()}
    longs = values["long_e6"] >= values["short_e6"]
    usd_e6 = values["usd_e6"]
    return Cascade(
        rank=rank,
        start_us=values["start_us"],
        end_us=values["end_us"],
        position="long" if longs else "short",
        position_share=(values["long_e6"] if longs else values["short_e6"]) / usd_e6,
        events=values["prints"],
        orders=values["orders"],
        notional=usd_e6 / 1e6,
        long_notional=values["long_e6"] / 1e6,
        short_notional=values["short_e6"] / 1e6,
        peak_per_minute=values["peak_e6"] / 1e6,
        price_from=values["price_from"],
        price_to=values["price_to"],
        extreme=values["price_low"] if longs else values["price_high"],
        share=usd_e6 / total_e6,
        price_after_15m_pct=find_price_after(prices, values["end_us"], AFTER_US["15m"]),
        price_after_1h_pct=find_price_after(prices, values["end_us"], AFTER_US["1h"]),
    )


def _register(engine: Engine, name: str, columns: Columns) -> None:
    import pyarrow as pa

    engine.register(name, pa.table({key: pa.array(column, pa.int64()) for key, column in columns.items()}))
