"""Sum the window: totals, exchanges, hot price bins, last price."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from liqcli.core.choices import ByName
from liqcli.core.model import US_PER_S, HeatmapGrid, PriceSeries
from liqcli.core.symbols import expiry_of
from liqcli.query.columns import LastPrintRows, Totals

NEAR_MARKET = ("candle", "fill", "market")
ROUGH_US = 5 * 60 * US_PER_S
LAST_PRINT = {
    "fill": "fill price of the last liquidation",
    "order": "order price of the last liquidation",
    "bankruptcy": "bankruptcy price of the last liquidation",
    "trigger": "trigger price of the last liquidation",
    "market": "price of the last liquidation, moved to the market",
}


@dataclass(frozen=True, slots=True)
class Sums:
    """Number and USD of some events; ``largest`` is the largest single event. [USD]"""

    events: int
    notional: float
    long_notional: float
    short_notional: float
    long_events: int
    short_events: int
    largest: float
    first_us: int
    last_us: int


@dataclass(frozen=True, slots=True)
class ExchangeSums:
    """The sums of one exchange, with its sources, symbols, price kinds and completeness."""

    exchange: str
    sums: Sums
    sources: tuple[str, ...]
    symbols: tuple[str, ...]
    price_kinds: tuple[str, ...]
    completeness: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DatedPart:
    """A dated contract that is summed with contracts of another expiry. [USD], share 0 to 1"""

    symbol: str
    events: int
    notional: float
    share: float


@dataclass(frozen=True, slots=True)
class WindowSummary:
    """The sums of the selection; exchanges and ``dated`` contracts among perpetuals by falling USD."""

    sums: Sums
    exchanges: tuple[ExchangeSums, ...]
    sources: tuple[str, ...]
    price_kinds: tuple[str, ...]
    completeness: str
    dated: tuple[DatedPart, ...] = ()


@dataclass(frozen=True, slots=True)
class PriceBand:
    """One hot price bin ``[low, high)`` of the window: rank 1 holds the most USD."""

    rank: int
    low: float
    high: float
    notional: float
    share: float
    long_notional: float
    short_notional: float
    events: int
    distance_pct: float | None


def build_summary(columns: Totals) -> WindowSummary:
    """Sum the whole selection, and each exchange of it, in integers."""
    names = sorted(set(columns.exchange.tolist()))
    exchanges = [_exchange_sums(columns, name) for name in names]
    exchanges.sort(key=lambda e: (-e.sums.notional, e.exchange))
    kinds = set(columns.completeness.tolist())
    return WindowSummary(
        sums=_sums(columns, np.ones(len(columns.events), dtype=bool)),
        exchanges=tuple(exchanges),
        sources=tuple(sorted(set(columns.source.tolist()))),
        price_kinds=tuple(sorted(set(columns.price_kind.tolist()))),
        completeness=kinds.pop() if len(kinds) == 1 else "mixed",
        dated=tuple(_find_dated(columns)),
    )


def _find_dated(columns: Totals) -> list[DatedPart]:
    """Sum dated contracts, by falling USD; none when all contracts expire at the same time."""
    symbols = set(columns.symbol.tolist())
    if len({expiry_of(symbol) for symbol in symbols}) < 2:
        return []
    whole_e6 = int(columns.notional_e6.sum())
    parts = []
    for symbol in filter(expiry_of, symbols):
        mine = columns.symbol == symbol
        usd_e6 = int(columns.notional_e6[mine].sum())
        events = int(columns.events[mine].sum())
        parts.append(DatedPart(symbol, events, usd_e6 / 1e6, usd_e6 / whole_e6 if whole_e6 else 0.0))
    return sorted(parts, key=lambda part: (-part.notional, part.symbol))


def _exchange_sums(columns: Totals, name: str) -> ExchangeSums:
    mine = columns.exchange == name

    def words(column: str) -> tuple[str, ...]:
        return tuple(sorted(set(getattr(columns, column)[mine].tolist())))

    return ExchangeSums(
        name, _sums(columns, mine), words("source"), words("symbol"), words("price_kind"), words("completeness")
    )


def _sums(columns: Totals, mine: NDArray[np.bool_]) -> Sums:
    is_long = mine & (columns.position == "long")
    is_short = mine & (columns.position == "short")

    def usd(rows: NDArray[np.bool_]) -> float:
        return int(columns.notional_e6[rows].sum()) / 1e6

    def count(rows: NDArray[np.bool_]) -> int:
        return int(columns.events[rows].sum())

    return Sums(
        events=count(mine),
        notional=usd(mine),
        long_notional=usd(is_long),
        short_notional=usd(is_short),
        long_events=count(is_long),
        short_events=count(is_short),
        largest=int(columns.largest_e6[mine].max()) / 1e6,
        first_us=int(columns.first_us[mine].min()),
        last_us=int(columns.last_us[mine].max()),
    )


def cell_values(grid: HeatmapGrid, by: ByName) -> NDArray[Any]:
    """Return the values of the cells, shape ``(n_bins, n_buckets)``: USD, number of events, or base quantity."""
    return {"notional": grid.notional, "count": grid.events.astype(np.float64), "qty": grid.qty}[by]


def rank_bands(grid: HeatmapGrid, last_price: float | None, most: int = 10) -> list[PriceBand]:
    """Rank the price bins with the most USD: by USD, then nearer to the last price, then lower price."""
    usd_e6 = grid.notional_e6.sum(axis=1)
    total = int(usd_e6.sum())
    middles = (grid.price_edges[:-1] + grid.price_edges[1:]) / 2
    far = np.abs(middles - last_price) if last_price is not None else np.zeros(len(middles))
    order = sorted(range(len(usd_e6)), key=lambda k: (-usd_e6[k], far[k], middles[k]))
    hot = [k for k in order if usd_e6[k] > 0][:most]
    return [_band(rank, k, grid, total, last_price) for rank, k in enumerate(hot, start=1)]


def _band(rank: int, k: int, grid: HeatmapGrid, total_e6: int, last_price: float | None) -> PriceBand:
    low, high = float(grid.price_edges[k]), float(grid.price_edges[k + 1])
    usd_e6 = int(grid.notional_e6[k].sum())
    distance = 100 * ((low + high) / 2 / last_price - 1) if last_price else None
    return PriceBand(
        rank=rank,
        low=low,
        high=high,
        notional=usd_e6 / 1e6,
        share=usd_e6 / total_e6,
        long_notional=int(grid.long_e6[k].sum()) / 1e6,
        short_notional=int(grid.short_e6[k].sum()) / 1e6,
        events=int(grid.events[k].sum()),
        distance_pct=distance,
    )


@dataclass(frozen=True, slots=True)
class LastPrice:
    """
    The last price known when the window ended [quote], its time [µs UTC] and its origin.

    ``kind`` is ``candle`` (its close) or the price kind of a liquidation; ``basis`` is the same in words.
    """

    price: float
    kind: str
    basis: str
    ts_us: int


def find_last_price(closed: PriceSeries | None, prints: LastPrintRows) -> LastPrice:
    """
    Choose the newer of the last candle's close and the last liquidation.

    A bankruptcy, order or trigger price lies up to a percent from the market, so it is used only when it is more than
    five minutes newer than any close, fill or price moved to the market.

    Parameters
    ----------
    closed : PriceSeries or None
        Candles that were closed by the window's end.
    prints : LastPrintRows
        The last event of each price kind, at least one unless there are candles.
    """
    found = [
        LastPrice(float(price), str(kind), LAST_PRINT[str(kind)], int(ts_us))
        for kind, ts_us, price in zip(prints.price_kind, prints.ts_us, prints.price, strict=True)
    ]
    if closed is not None and len(closed.ts_us):
        close_us = int(closed.ts_us[-1]) + closed.step_us
        found.append(LastPrice(float(closed.close[-1]), "candle", f"close of the last {closed.basis}", close_us))

    def worth(last: LastPrice) -> tuple[int, bool, bool, str]:
        near = last.kind in NEAR_MARKET
        return last.ts_us - (0 if near else ROUGH_US), near, last.kind == "candle", last.kind

    return max(found, key=worth)


def busiest_bucket(grid: HeatmapGrid) -> tuple[int, float]:
    """Find the bucket with the most USD, the earlier one on a tie: its start and sum. [µs UTC], [USD]"""
    per_bucket = grid.notional_e6.sum(axis=0)
    best = int(np.argmax(per_bucket))  # the first of equals
    return int(grid.bucket_starts_us[best]), int(per_bucket[best]) / 1e6
