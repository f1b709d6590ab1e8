"""
Read candles and open interest around a window.

Only candles closed and snapshots taken by the end of the window are used. The prices of the hour after it are kept
apart, in ``MarketData.followed``: they give the price change after a cascade.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liqcli.core.durations import parse_length
from liqcli.core.errors import DamagedError
from liqcli.core.market_data import STALE_US, Candles, MarketData, OpenInterestSeries, choose_step
from liqcli.core.model import US_PER_S, PriceSeries, Window
from liqcli.lake.candle_selection import Series, list_series
from liqcli.lake.partitions import month_of, months_of
from liqcli.lake.store import Lake
from liqcli.query.query_engine import QueryEngine

# Query -> the view it reads, and the columns that its files must have.
VIEWS = {
    "market_candles": ("stored_market_candles", ("ts", "open", "high", "low", "close", "volume", "taker_buy")),
    "market_open_interest": ("stored_open_interest", ("ts", "open_interest", "open_interest_usd")),
}
HOUR_US = 3600 * US_PER_S
HISTORY_BARS = 200  # after which the first value no longer matters to an EMA 50
LONGEST_CANDLE_US = 24 * HOUR_US
LEAST_COVERED = 0.9  # of the window, or of what another series covers of it: less gives way


def read_market(
    engine: QueryEngine,
    lake: Lake,
    symbols: Sequence[str],
    exchanges: Sequence[str],
    window: Window,
    history_us: int = 0,
) -> tuple[MarketData, list[Path]]:
    """
    Read candles from 200 bars (and at least ``history_us``) before a window to its end, and open interest.

    One series of each is used, in the order of :func:`liqcli.lake.candle_selection.list_series`. Candles have to be up
    to date: one closed inside the window, or, for candles longer than the window, it is the last one that could have
    closed by its end. A series that ends an hour before the end of another one of the same symbols, or covers less than
    nine tenths of what another one covers, gives way to it.

    Parameters
    ----------
    engine, lake
        The engine for queries, and the lake with the files.
    symbols, exchanges : sequence of str
        The liquidated symbols and their exchanges, most USD first.
    window : Window
        Half-open. [UTC]
    history_us : int
        Least history before the window. [µs]

    Returns
    -------
    market : MarketData
        Parts that are not stored are None.
    damaged : list of Path
        Files that cannot be read.
    """
    damaged: list[Path] = []
    wide = Window(window.start_us - max(history_us, HISTORY_BARS * LONGEST_CANDLE_US), window.end_us + HOUR_US)
    found = lake.partitions("candles")
    series = list_series([p for p in found if p.month in set(months_of(wide))], symbols, exchanges)
    own = [s for s in series if s.substitution is None]
    others = [s for s in series if s.substitution is not None]
    read = (_read_candles(engine, lake, s, window, history_us, damaged) for s in own)
    market = _choose_candles(filter(None, read), window)
    if market is None:
        read = (_read_candles(engine, lake, s, window, history_us, damaged) for s in others)
        market = next(filter(None, read), MarketData())
    stored = list_series(lake.find("open_interest", symbols, wide), symbols, exchanges)
    interest = next(filter(None, (_read_open_interest(engine, lake, s, window, damaged) for s in stored)), None)
    return replace(market, open_interest=interest), damaged


def _choose_candles(found: Iterable[MarketData], window: Window) -> MarketData | None:
    """
    Choose the first series, unless another one ends later or covers more of the window.

    A day of finer candles must not hide a week of coarser ones, nor candles that ended yesterday those of today. Once
    a series reaches the end of the window and covers it, the rest is not read.
    """
    read: list[tuple[MarketData, int, float]] = []  # with the last close, an hour or a candle later, and the share
    newest_us = 0
    for market in found:
        if market.candles is None:
            continue
        prices = market.candles.prices
        closes_us = prices.ts_us + prices.step_us
        share = min(1.0, np.count_nonzero(closes_us > window.start_us) * prices.step_us / window.length_us)
        lasts_us = int(closes_us[-1]) + max(HOUR_US, prices.step_us)
        if not read and lasts_us >= window.end_us and share >= LEAST_COVERED:
            return market
        newest_us = max(newest_us, int(closes_us[-1]))
        read.append((market, lasts_us, share))
    fresh = [(market, share) for market, lasts_us, share in read if lasts_us >= newest_us]
    most = max((share for _, share in fresh), default=0.0)
    return next((market for market, share in fresh if share >= LEAST_COVERED * most), None)


def _read_candles(
    engine: QueryEngine, lake: Lake, series: Series, window: Window, history_us: int, damaged: list[Path]
) -> MarketData | None:
    step_us = parse_length(series.interval, "candle interval")
    start_us = window.start_us - max(history_us, HISTORY_BARS * choose_step(window.length_us, step_us))
    near = [p for p in series.partitions if month_of(start_us) <= p.month <= month_of(window.end_us + HOUR_US)]
    bounds = {"start_us": start_us, "end_us": window.end_us + HOUR_US, "step_us": step_us}
    columns = _read_sound(engine, "market_candles", [p.path(lake.root) for p in near], bounds, damaged)
    if columns is None:
        return None
    columns = keep_sound(columns)
    numbers = {name: columns[name].astype(np.float64) for name in ("open", "high", "low", "close")}
    prices = PriceSeries(
        ts_us=columns["ts_us"].astype(np.int64), step_us=step_us, basis=f"{series.name} candle", **numbers
    )
    taker_buy = _keep_amounts(columns["taker_buy"])
    everything = Candles(prices, _keep_amounts(columns["volume"]), taker_buy)
    closed = everything.until(window.end_us)
    closes_us = closed.prices.ts_us + step_us
    if not len(closes_us) or int(closes_us[-1]) <= min(window.start_us, window.end_us - step_us):
        return None
    if closed.taker_buy is not None and np.isnan(closed.taker_buy).all():
        closed = replace(closed, taker_buy=None)
    return MarketData(closed, followed=prices, substitution=series.substitution)


def keep_sound(columns: Mapping[str, NDArray[Any]]) -> dict[str, NDArray[Any]]:
    """
    Drop candles with impossible prices, which another program may have written.

    One of them would shift averages or make a figure fail; ``liqcli verify`` reports them.
    """
    opened, high, low, close = (columns[name].astype(np.float64) for name in ("open", "high", "low", "close"))
    holds = (low <= np.minimum(opened, close)) & (high >= np.maximum(opened, close))  # false for NaN
    sound = (low > 0) & np.isfinite(high) & holds
    return {name: column[sound] for name, column in columns.items()}


def _read_open_interest(
    engine: QueryEngine, lake: Lake, series: Series, window: Window, damaged: list[Path]
) -> OpenInterestSeries | None:
    bounds = {"start_us": window.start_us - STALE_US, "end_us": window.end_us}
    near = [p for p in series.partitions if month_of(bounds["start_us"]) <= p.month <= month_of(bounds["end_us"])]
    columns = _read_sound(engine, "market_open_interest", [p.path(lake.root) for p in near], bounds, damaged)
    if columns is None or not len(columns["ts_us"]):
        return None
    return OpenInterestSeries(
        columns["ts_us"].astype(np.int64),
        _keep_amounts(columns["open_interest"]),
        _keep_amounts(columns["open_interest_usd"]),
        series.name,
    )


def _keep_amounts(column: NDArray[Any]) -> NDArray[np.float64]:
    """Return amounts, with NaN in place of negative or infinite ones."""
    amounts = column.astype(np.float64)
    return np.where((amounts >= 0) & (amounts < np.inf), amounts, np.nan)


def _read_sound(
    engine: QueryEngine, query: str, paths: Sequence[Path], bounds: Mapping[str, int], damaged: list[Path]
) -> Mapping[str, NDArray[Any]] | None:
    """Read one series without its damaged files; the second, thorough pass finds damage inside pages."""
    view, columns = VIEWS[query]
    for thorough in (False, True) if paths else ():
        try:
            bad = engine.open_files(view, paths, columns, thorough)
            found = engine.run(query, bounds)
        except DamagedError:
            continue
        damaged += bad
        return found
    damaged += paths
    return None
