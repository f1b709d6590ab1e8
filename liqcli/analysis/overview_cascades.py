"""The cascades of the whole market and of each of its symbols, found in the minutes of all symbols."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.bursts import Bursts, find_bursts
from liqcli.analysis.cascade_thresholds import MINUTE_US, CascadeRule
from liqcli.analysis.thin_data import describe_shortage
from liqcli.core.coverage import ExchangeCoverage, common_gaps
from liqcli.core.intervals import Interval
from liqcli.core.model import Position, Window
from liqcli.query.columns import MinuteRows, SymbolMinuteRows

LEADERS = 3  # symbols named with a cascade of the market


@dataclass(frozen=True, slots=True)
class MarketBurst:
    """
    A burst of liquidations in whole minutes ``[start_us, end_us)`` [µs UTC]; rank 1 holds the most USD.

    ``position`` is the side with more USD and ``position_share`` its share, 0.5 to 1; ``leaders`` are the symbols with
    the most USD of it and their share, 0 to 1; ``symbols`` counts all.
    """

    rank: int
    start_us: int
    end_us: int
    position: Position
    position_share: float
    events: int
    notional: float
    long_notional: float
    short_notional: float
    peak_per_minute: float
    leaders: tuple[tuple[str, float], ...] = ()
    symbols: int = 1


@dataclass(frozen=True, slots=True)
class SymbolCascades:
    """The cascades of one symbol, by rank, as its own report finds them."""

    bursts: tuple[MarketBurst, ...] = ()

    @property
    def notional(self) -> float:
        """Sum of all. [USD]"""
        return sum(burst.notional for burst in self.bursts)

    @property
    def largest(self) -> MarketBurst | None:
        """The one with the most USD."""
        return self.bursts[0] if self.bursts else None


@dataclass(frozen=True, slots=True)
class MarketCascades:
    """
    Cascades of all symbols together, by rank, and of each symbol that has any.

    ``ts_us``, ``long`` and ``short``, shape ``(n,)``: the minutes with events [µs UTC] and the sums of all symbols
    [USD].
    """

    ts_us: NDArray[np.int64]
    long: NDArray[np.float64]
    short: NDArray[np.float64]
    bursts: tuple[MarketBurst, ...] = ()
    by_symbol: Mapping[str, SymbolCascades] = field(default_factory=dict)


def build_market_cascades(
    rows: SymbolMinuteRows, window: Window, coverage: Sequence[ExchangeCoverage], rule: CascadeRule | None = None
) -> MarketCascades:
    """
    Find the cascades of a window.

    Parameters
    ----------
    rows : SymbolMinuteRows
        The minutes of all symbols.
    window : Window
        Half-open. [UTC]
    coverage : sequence of ExchangeCoverage
        Minutes in the gaps of a symbol stay out of its baseline, and those in which nothing was recorded out of the
        market's.
    rule : CascadeRule or None
        None uses the defaults.
    """
    rule = rule or CascadeRule()
    known: dict[str, list[ExchangeCoverage]] = {}
    for part in coverage:
        known.setdefault(part.symbol, []).append(part)
    by_symbol = {}
    for symbol, minutes in _split(rows):
        bursts = _find(minutes, window, common_gaps(known.get(symbol, ()), window), rule)
        if bursts:
            by_symbol[symbol] = SymbolCascades(tuple(bursts))
    market = rows.sum_symbols()
    bursts = _find(market, window, common_gaps(coverage, window), rule)
    return MarketCascades(
        market.minute_us,
        market.long_e6.astype(np.float64) / 1e6,
        market.short_e6.astype(np.float64) / 1e6,
        tuple(_name_leaders(burst, rows) for burst in bursts),
        by_symbol,
    )


def _split(rows: SymbolMinuteRows) -> Iterator[tuple[str, MinuteRows]]:
    """Yield each symbol with its minutes."""
    if not len(rows.symbol):
        return
    changes = (np.flatnonzero(rows.symbol[1:] != rows.symbol[:-1]) + 1).tolist()
    for start, end in pairwise([0, *changes, len(rows.symbol)]):
        columns = (getattr(rows, column.name)[start:end] for column in fields(MinuteRows))
        yield str(rows.symbol[start]), MinuteRows(*columns)


def _find(minutes: MinuteRows, window: Window, gaps: Sequence[Interval], rule: CascadeRule) -> list[MarketBurst]:
    if describe_shortage(int(minutes.prints.sum()), int(minutes.usd_e6.sum()) / 1e6):
        return []
    found = find_bursts(minutes, window, gaps, rule)
    return _measure(minutes, found, rule) if found else []


def _measure(minutes: MinuteRows, bursts: Bursts, rule: CascadeRule) -> list[MarketBurst]:
    starts = np.searchsorted(minutes.minute_us, bursts.first_us).tolist()
    ends = np.searchsorted(minutes.minute_us, bursts.last_us, side="right").tolist()
    parts = [slice(start, end) for start, end in zip(starts, ends, strict=True)]
    usd_e6 = [int(minutes.usd_e6[part].sum()) for part in parts]
    kept = [k for k in range(len(parts)) if usd_e6[k] >= rule.least_usd * 1e6]
    kept.sort(key=lambda k: (-usd_e6[k], k))
    return [_measure_one(rank, minutes, parts[k]) for rank, k in enumerate(kept, start=1)]


def _measure_one(rank: int, minutes: MinuteRows, part: slice) -> MarketBurst:
    usd_e6, long_e6, short_e6 = (
        int(column[part].sum()) for column in (minutes.usd_e6, minutes.long_e6, minutes.short_e6)
    )
    longs = long_e6 >= short_e6
    return MarketBurst(
        rank=rank,
        start_us=int(minutes.minute_us[part][0]),
        end_us=int(minutes.minute_us[part][-1]) + MINUTE_US,
        position="long" if longs else "short",
        position_share=(long_e6 if longs else short_e6) / usd_e6,
        events=int(minutes.prints[part].sum()),
        notional=usd_e6 / 1e6,
        long_notional=long_e6 / 1e6,
        short_notional=short_e6 / 1e6,
        peak_per_minute=int(minutes.usd_e6[part].max()) / 1e6,
    )


def _name_leaders(burst: MarketBurst, rows: SymbolMinuteRows) -> MarketBurst:
    inside = (rows.minute_us >= burst.start_us) & (rows.minute_us < burst.end_us)
    sums: dict[str, int] = {}
    for symbol, usd_e6 in zip(rows.symbol[inside].tolist(), rows.usd_e6[inside].tolist(), strict=True):
        sums[symbol] = sums.get(symbol, 0) + usd_e6
    order = sorted(sums, key=lambda symbol: (-sums[symbol], symbol))
    whole = sum(sums.values())
    leaders = tuple((symbol, sums[symbol] / whole) for symbol in order[:LEADERS])
    return replace(burst, leaders=leaders, symbols=len(order))
