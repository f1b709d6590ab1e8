"""
The whole market: every symbol of the lake ranked by USD, with its change, largest event, cascades and coverage.

Each symbol's numbers are those of its own report. :mod:`liqcli.analysis.overview_change` compares two windows,
:mod:`liqcli.analysis.overview_cascades` finds the cascades.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from liqcli.analysis.hours import HourTable
from liqcli.analysis.overview_cascades import MarketCascades, SymbolCascades
from liqcli.analysis.overview_change import Change, Comparable, compare_symbols, sum_comparable
from liqcli.analysis.summary import WindowSummary, build_summary
from liqcli.core.coverage import ExchangeCoverage, overall_share
from liqcli.query.columns import LargestRows, Totals


@dataclass(frozen=True, slots=True)
class LargestEvent:
    """The largest single event of a symbol: price [quote] of the kind ``price_kind``, time [µs UTC], USD."""

    exchange: str
    position: str
    price: float
    price_kind: str
    ts_us: int
    notional: float


@dataclass(frozen=True, slots=True)
class SymbolOverview:
    """
    One symbol; rank 1 holds the most USD.

    ``summary`` and ``largest`` are None without events in the window; ``share`` of the market's USD, 0 to 1.
    ``coverage`` is the mean share of its exchanges with data, None when unknown or where nothing was recorded at all
    (then ``exchanges`` is empty); ``inferred`` if some of it was inferred from the pauses of an imported file.
    """

    rank: int
    symbol: str
    summary: WindowSummary | None
    share: float
    largest: LargestEvent | None
    cascades: SymbolCascades
    exchanges: tuple[str, ...]
    coverage: float | None
    inferred: bool
    change: Change

    @property
    def notional(self) -> float:
        """Sum of the window. [USD]"""
        return self.summary.sums.notional if self.summary else 0.0


@dataclass(frozen=True, slots=True)
class MarketCoverage:
    """
    Coverage of all exchanges and symbols of the lake: ``share`` is the mean of the known ones, None without any.

    ``complete``, ``partial`` and ``unknown`` count pairs of exchange and symbol; ``unknown`` holds those for which it
    is not known what was recorded.
    """

    share: float | None
    complete: int
    partial: int
    unknown: int
    inferred: bool


@dataclass(frozen=True, slots=True)
class Overview:
    """
    The whole market in a window.

    ``symbols`` by falling USD, then by name, those without events last; ``summary`` sums all of them; ``comparable``
    sums the symbols whose change is known.
    """

    symbols: tuple[SymbolOverview, ...]
    summary: WindowSummary
    comparable: Comparable
    cascades: MarketCascades
    hours: HourTable
    coverage: MarketCoverage

    @property
    def liquidated(self) -> tuple[SymbolOverview, ...]:
        """The symbols with events."""
        return tuple(symbol for symbol in self.symbols if symbol.summary)


def build_overview(
    names: Sequence[str],
    totals: Totals,
    previous: Totals,
    largest: LargestRows,
    cascades: MarketCascades,
    hours: HourTable,
    coverage: Sequence[ExchangeCoverage],
    previous_coverage: Sequence[ExchangeCoverage],
) -> Overview:
    """
    Rank the symbols.

    Parameters
    ----------
    names : sequence of str
        All symbols of the lake.
    totals, previous : Totals
        Sums of the window and of the window before, per exchange and symbol.
    largest, cascades, hours
        Of the window.
    coverage, previous_coverage : sequence of ExchangeCoverage
        Of both windows.
    """
    now, before = _split(totals), _split(previous)
    known, known_before = _by_symbol(coverage), _by_symbol(previous_coverage)
    whole = build_summary(totals)
    tops = dict(zip(largest.symbol.tolist(), range(len(largest.symbol)), strict=True))
    found = []
    for name in names:
        summary = build_summary(now[name]) if name in now else None
        mine = known.get(name, [])
        change = compare_symbols(
            summary, build_summary(before[name]) if name in before else None, mine, known_before.get(name, [])
        )
        found.append(
            SymbolOverview(
                rank=0,
                symbol=name,
                summary=summary,
                share=summary.sums.notional / whole.sums.notional if summary else 0.0,
                largest=_read_largest(largest, tops[name]) if name in tops else None,
                cascades=cascades.by_symbol.get(name, SymbolCascades()),
                exchanges=tuple(sorted(c.exchange for c in mine)),
                coverage=overall_share(mine),
                inferred=any(c.inferred for c in mine),
                change=change,
            )
        )
    return Overview(
        tuple(_rank(found)), whole, sum_comparable([s.change for s in found]), cascades, hours, _cover(coverage)
    )


def _rank(found: Sequence[SymbolOverview]) -> list[SymbolOverview]:
    order = sorted(found, key=lambda s: (s.summary is None, -s.notional, s.symbol))
    return [replace(symbol, rank=rank) for rank, symbol in enumerate(order, start=1)]


def _split(totals: Totals) -> dict[str, Totals]:
    """Split the rows by symbol."""
    rows: dict[str, list[int]] = {}
    for row, symbol in enumerate(totals.symbol.tolist()):
        rows.setdefault(symbol, []).append(row)
    return {symbol: totals.take(mine) for symbol, mine in rows.items()}


def _by_symbol(coverage: Sequence[ExchangeCoverage]) -> Mapping[str, list[ExchangeCoverage]]:
    found: dict[str, list[ExchangeCoverage]] = {}
    for part in coverage:
        found.setdefault(part.symbol, []).append(part)
    return found


def find_largest(rows: LargestRows) -> LargestEvent:
    """Select the largest event of all symbols, of equal ones the earliest, then by symbol."""
    order = np.lexsort((rows.symbol, rows.ts_us, -rows.notional_e6))
    return _read_largest(rows, int(order[0]))


def _read_largest(rows: LargestRows, row: int) -> LargestEvent:
    return LargestEvent(
        str(rows.exchange[row]),
        str(rows.position[row]),
        float(rows.price[row]),
        str(rows.price_kind[row]),
        int(rows.ts_us[row]),
        int(rows.notional_e6[row]) / 1e6,
    )


def _cover(coverage: Sequence[ExchangeCoverage]) -> MarketCoverage:
    shares = [part.share for part in coverage]
    known = [share for share in shares if share is not None]
    return MarketCoverage(
        share=sum(known) / len(known) if known else None,
        complete=sum(share >= 1 for share in known),
        partial=sum(share < 1 for share in known),
        unknown=len(shares) - len(known),
        inferred=any(part.inferred for part in coverage),
    )
