"""Walk through the lake cut by cut: clusters known then, judged by what price did at them afterwards."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from liqcli.analysis.heatmap import GridOptions
from liqcli.analysis.indicators import compute_atr
from liqcli.analysis.score.clusters import HOUR_US, Cut, sum_cuts, summarise_clusters
from liqcli.analysis.score.days import DAY_US
from liqcli.analysis.score.orders import Floats
from liqcli.analysis.score.result import Score
from liqcli.core.errors import EmptyWindowError
from liqcli.core.formatting import format_iso, format_time
from liqcli.core.market_data import Candles
from liqcli.core.model import Window
from liqcli.core.symbols import match_symbols, normalise_symbol
from liqcli.core.times import resolve_window
from liqcli.lake.inventory import read_extents
from liqcli.lake.market_series import read_market
from liqcli.lake.selection import Query
from liqcli.lake.store import Lake
from liqcli.query.duckdb_engine import DuckDBEngine
from liqcli.report.level_score import read_orders
from liqcli.report.levels_data import LevelsQuery
from liqcli.report.results import ViewOptions, compute_results

CUT_HOURS = 6


@dataclass(frozen=True, eq=False)
class ClusterScore:
    """The score of the clusters of a window, found again every six hours in the ``lookback_us`` before [µs]."""

    label: str
    window: Window
    lookback_us: int
    score: Score
    cuts: int
    clusters: int
    exchanges: tuple[str, ...]
    notes: tuple[str, ...]
    damaged: tuple[Path, ...]


def compute_cluster_score(lake: Lake, query: LevelsQuery, clusters_us: int = DAY_US) -> ClusterScore:
    """
    Score the clusters of each cut of a window.

    Parameters
    ----------
    clusters_us : int
        Lookback of the clusters before each cut. [µs]

    Raises
    ------
    UsageError
        Unknown symbol or unreadable time.
    EmptyWindowError
        No liquidations or no candles; the message says which.
    """
    symbols = match_symbols(
        query.symbol, {p.symbol for kind in ("liquidations", "candles") for p in lake.partitions(kind)}
    )
    window = resolve_window(query.since, query.until, query.lookback, _find_latest(lake, symbols, query))
    orders, exchanges, missed = read_orders(lake, query, window)
    with DuckDBEngine() as engine:
        market, damaged = read_market(engine, lake, symbols, list(exchanges), window)
    label = normalise_symbol(query.symbol)
    if market.candles is None:
        raise EmptyWindowError(
            f"no candles of {label} in {format_time(window.start_us)} to {format_time(window.end_us)} UTC: clusters "
            f"are scored on the price afterwards; to get candles: liqcli fetch --kind candles --symbol {label} "
            f"--since {format_iso(window.start_us)} --until {format_iso(window.end_us)}"
        )
    cuts = _find_cuts(lake, query, window, market.candles, clusters_us)
    score = summarise_clusters(sum_cuts(cuts, market.candles.prices, orders), len(orders))
    notes = tuple(filter(None, (market.substitution,)))
    found = sum(len(cut.bands) for cut in cuts)
    files = tuple(dict.fromkeys((*damaged, *missed)))
    return ClusterScore(label, window, clusters_us, score, len(cuts), found, exchanges, notes, files)


def _find_latest(lake: Lake, symbols: Sequence[str], query: LevelsQuery) -> int | None:
    """Find the last stored liquidation, for ``--until latest``."""
    if (query.until or "").strip().lower() != "latest":
        return None
    with DuckDBEngine() as engine:
        files, _ = read_extents(engine, lake, lake.find("liquidations", symbols, exchanges=query.exchanges))
    return max((file.last_us for file in files), default=None)


def _find_cuts(lake: Lake, query: LevelsQuery, window: Window, candles: Candles, clusters_us: int) -> list[Cut]:
    """Find the clusters of every six hours for which the window holds a whole lookback."""
    hourly = candles.resample(max(HOUR_US, candles.prices.step_us)).prices
    atr = compute_atr(hourly.high, hourly.low, hourly.close)
    closes_us = candles.prices.ts_us + candles.prices.step_us
    step_us = CUT_HOURS * HOUR_US
    first_us = -(-(window.start_us + clusters_us) // step_us) * step_us
    cuts = []
    for at_us in range(first_us, window.end_us, step_us):
        last = int(np.searchsorted(closes_us, at_us, side="right")) - 1
        hour = int(np.searchsorted(hourly.ts_us + hourly.step_us, at_us, side="right")) - 1
        if last < 0 or hour < 0 or not np.isfinite(atr[hour]) or closes_us[last] < at_us - HOUR_US:
            continue
        price = float(candles.prices.close[last])
        if len(bands := _find_bands(lake, query, at_us, clusters_us)):
            cuts.append(Cut(at_us, price, float(atr[hour]) / price, bands))
    return cuts


def _find_bands(lake: Lake, query: LevelsQuery, at_us: int, clusters_us: int) -> Floats:
    since, until = format_iso(at_us - clusters_us), format_iso(at_us)
    wanted = Query(query.symbol, since=since, until=until, exchanges=query.exchanges)
    try:
        results = compute_results(lake, wanted, GridOptions(), ViewOptions())
    except EmptyWindowError:
        return np.zeros((0, 2))
    bands = [(cluster.low, cluster.high) for cluster in results.clusters]
    results.data.engine.close()
    return np.array(bands, dtype=np.float64).reshape(-1, 2)
