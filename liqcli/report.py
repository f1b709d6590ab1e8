"""One selection, one dict: everything a report says, as plain numbers and words, for HTML, Markdown and JSON alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np

from liqcli import __version__
from liqcli.analysis.coverage import ExchangeCoverage, common_gaps, overall_share
from liqcli.analysis.heatmap import GridOptions, build_grid
from liqcli.analysis.prices import read_prices
from liqcli.analysis.selection import Query, Selection, build_selection
from liqcli.analysis.summary import (
    ExchangeSums,
    PriceBand,
    Sums,
    WindowSummary,
    build_summary,
    busiest_bucket,
    find_last_price,
    rank_bands,
)
from liqcli.command import format_command
from liqcli.engine import Engine
from liqcli.formats import format_iso
from liqcli.intervals import Interval
from liqcli.lake import Lake
from liqcli.model import US_PER_S, HeatmapGrid, PriceSeries

SAMPLE_SOURCE = "sample"  # rows of the embedded synthetic sample carry this source, in whatever lake they end up


@dataclass(frozen=True, slots=True)
class View:
    """How the result is shown: what the cells mean and how they are coloured."""

    by: str = "notional"
    palette: str = "liq"
    scale: str = "log"
    theme: str = "dark"


@dataclass(frozen=True, slots=True)
class Findings:
    """All that was computed for one window, once; pictures, pages and tables only show it."""

    selection: Selection
    grid: HeatmapGrid
    summary: WindowSummary
    prices: PriceSeries | None
    trace: dict[str, Any]
    bands: tuple[PriceBand, ...]
    last_price: float
    last_price_basis: str
    last_price_us: int
    sample: bool
    view: View
    options: GridOptions
    damaged: tuple[Path, ...] = field(default=())

    @property
    def gaps(self) -> list[Interval]:
        """Stretches of the window that no exchange covers. [µs]"""
        return common_gaps(self.selection.coverage, self.selection.window)


def build_findings(lake: Lake, query: Query, options: GridOptions, view: View) -> Findings:
    """
    Run every analysis of a window.

    Raises
    ------
    UsageError, EmptyWindowError, DamagedError
        As :func:`liqcli.analysis.selection.build_selection` and :func:`liqcli.analysis.heatmap.build_grid` say.
    """
    with Engine() as engine:
        selection = build_selection(engine, lake, query)
        grid = build_grid(engine, selection.window, options)
        summary = build_summary(engine)
        trace = engine.run("trace", {"bucket_us": grid.bucket_us})
        exchanges = [e.exchange for e in summary.exchanges]
        symbols = _symbols_by_usd(summary, selection.symbols)
        prices, damaged = read_prices(engine, lake, symbols, exchanges, selection.window)
    last_price, basis, last_us = find_last_price(prices, trace, selection.window)
    return Findings(
        selection=selection,
        grid=grid,
        summary=summary,
        prices=prices,
        trace=trace,
        bands=tuple(rank_bands(grid, last_price)),
        last_price=last_price,
        last_price_basis=basis,
        last_price_us=last_us,
        sample=SAMPLE_SOURCE in summary.sources,
        view=view,
        options=options,
        damaged=(*selection.damaged, *damaged),
    )


def build_report(findings: Findings) -> dict[str, Any]:
    """
    Build the one dict that feeds HTML, Markdown and JSON.

    Numbers are plain floats and ints [USD, quote, base coin], times ISO 8601 UTC text; keys are those of
    ``docs/units.md#json``.
    """
    content: dict[str, Any] = {
        "meta": _meta(findings),
        "grid": _grid(findings.grid),
        "bands": [_band(b) for b in findings.bands],
        "exchanges": [_exchange(e, findings) for e in findings.summary.exchanges],
        "coverage": _coverage(findings),
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return {
        **content,
        "meta": {**content["meta"], "version": __version__},
        "command": format_command(findings.selection, findings.grid, findings.options, findings.view),
        "content_hash": digest,
    }


def _symbols_by_usd(summary: WindowSummary, symbols: Sequence[str]) -> list[str]:
    first = [s for e in summary.exchanges for s in e.symbols]
    return sorted(symbols, key=lambda s: (first.index(s) if s in first else len(first), s))


def _meta(findings: Findings) -> dict[str, Any]:
    window, sums = findings.selection.window, findings.summary.sums
    query = findings.selection.query
    busiest_us, busiest_usd = busiest_bucket(findings.grid)
    return {
        "symbol": findings.selection.label,
        "symbols": list(findings.selection.symbols),
        "start": format_iso(window.start_us),
        "end": format_iso(window.end_us),
        "exchanges": sorted(e.exchange for e in findings.summary.exchanges),
        "sources": list(findings.summary.sources),
        "kind": "realized",
        **_sums(sums),
        "last_price": findings.last_price,
        "last_price_basis": findings.last_price_basis,
        "last_price_at": format_iso(findings.last_price_us),
        "price_line": findings.prices.basis if findings.prices else None,
        "bucket_s": findings.grid.bucket_us / US_PER_S,
        "bin_width": findings.grid.bin.width,
        "position": query.position,
        "min_usd": query.min_usd,
        "busiest_start": format_iso(busiest_us),
        "busiest_notional": busiest_usd,
        "outside_notional": findings.grid.outside_notional,
        "outside_events": findings.grid.outside_events,
        "completeness": findings.summary.completeness,
        "price_kinds": list(findings.summary.price_kinds),
        "coverage": overall_share(findings.selection.coverage),
        "sample": findings.sample,
    }


def _sums(sums: Sums) -> dict[str, Any]:
    return {
        "events": sums.events,
        "notional": sums.notional,
        "long_notional": sums.long_notional,
        "short_notional": sums.short_notional,
        "long_events": sums.long_events,
        "short_events": sums.short_events,
        "largest": sums.largest,
        "first_event": format_iso(sums.first_us),
        "last_event": format_iso(sums.last_us),
    }


def _grid(grid: HeatmapGrid) -> dict[str, Any]:
    # Cells are whole millionths of a dollar; whole dollars are written without a point to keep the file small.
    cells = np.round(grid.notional, 6).tolist()
    return {
        "bucket_start": [format_iso(t) for t in grid.bucket_starts_us.tolist()],
        "price_edges": grid.price_edges.tolist(),
        "notional": [[int(v) if v == int(v) else v for v in row] for row in cells],
    }


def _band(band: PriceBand) -> dict[str, Any]:
    return {
        "rank": band.rank,
        "low": band.low,
        "high": band.high,
        "notional": band.notional,
        "share": band.share,
        "long_notional": band.long_notional,
        "short_notional": band.short_notional,
        "events": band.events,
        "distance_pct": band.distance_pct,
    }


def _exchange(part: ExchangeSums, findings: Findings) -> dict[str, Any]:
    known = [c for c in findings.selection.coverage if c.exchange == part.exchange]
    return {
        "exchange": part.exchange,
        "sources": list(part.sources),
        "symbols": list(part.symbols),
        "price_kinds": list(part.price_kinds),
        "completeness": "/".join(part.completeness),
        "share": part.sums.notional / findings.summary.sums.notional,
        "coverage": overall_share(known),
        **_sums(part.sums),
    }


def _coverage(findings: Findings) -> dict[str, Any]:
    coverage = findings.selection.coverage
    return {
        "share": overall_share(coverage),
        "inferred": any(c.inferred for c in coverage),
        "gaps": _intervals(findings.gaps),
        "by_exchange": [_exchange_coverage(c) for c in coverage],
        "overlaps": list(findings.selection.overlaps),
        "damaged": [path.name if findings.sample else str(path) for path in findings.damaged],
    }


def _exchange_coverage(coverage: ExchangeCoverage) -> dict[str, Any]:
    return {
        "exchange": coverage.exchange,
        "symbol": coverage.symbol,
        "share": coverage.share,
        "inferred": coverage.inferred,
        "sources": list(coverage.sources),
        "gaps": _intervals(coverage.gaps),
        "cut": _intervals(coverage.cut),
    }


def _intervals(intervals: Sequence[Interval]) -> list[dict[str, Any]]:
    return [{"start": format_iso(a), "end": format_iso(b), "seconds": (b - a) / US_PER_S} for a, b in intervals]
