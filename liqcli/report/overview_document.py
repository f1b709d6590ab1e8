"""
The document of the whole market: one dict that feeds HTML, Markdown, JSON and CSV.

Conventions are those of :mod:`liqcli.report.document`; keys are those of ``docs/units.md#overview``.
"""

from __future__ import annotations

import csv
import hashlib
import io
import json
import shlex
from typing import Any

from liqcli.analysis.overview import SymbolOverview
from liqcli.analysis.overview_cascades import MarketBurst
from liqcli.analysis.overview_change import LEAST_COVERAGE
from liqcli.analysis.summary import ExchangeSums
from liqcli.core.coverage import common_unknown, overall_share
from liqcli.core.formatting import format_exact, format_iso
from liqcli.core.model import US_PER_S
from liqcli.core.version import __version__
from liqcli.report.lake_records import comparison_record, interval_records, path_in_lake
from liqcli.report.overview_results import OverviewResults
from liqcli.report.overview_summary import write_summary
from liqcli.report.records import hours_record, largest_record, sums_record

SYMBOL_CASCADES = 3  # listed of each symbol
CSV_COLUMNS = (
    "rank", "symbol", "notional", "long_notional", "short_notional", "share", "events", "long_events", "short_events",
    "change", "previous_notional", "largest_notional", "largest_exchange", "largest_position", "largest_price",
    "largest_time", "cascades", "cascades_notional", "top_cascade_start", "top_cascade_notional", "exchanges",
    "coverage",
)  # fmt: skip


def build_overview_document(results: OverviewResults) -> dict[str, Any]:
    """Build the document; ``content_hash`` covers everything except the version and the command."""
    overview = results.overview
    content = {
        "meta": _meta(results),
        "summary": write_summary(results),
        "symbols": [_symbol(symbol) for symbol in overview.symbols],
        "cascades": [_burst(burst, market=True) for burst in overview.cascades.bursts],
        "exchanges": [_exchange(part, results) for part in overview.summary.exchanges],
        "hours": hours_record(overview.hours),
        "coverage": _coverage(results),
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    meta = {**content["meta"], "version": __version__}  # type: ignore[dict-item]
    return {**content, "meta": meta, "command": format_command(results), "content_hash": digest}


def render_symbols_csv(report: dict[str, Any]) -> str:
    """Render the symbols as CSV, one row each, in the order of their ranks."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(CSV_COLUMNS)
    for symbol in report["symbols"]:
        largest, top = symbol["largest"] or {}, symbol["cascades"]["largest"] or {}
        flat = {
            **symbol,
            **{f"largest_{name}": largest.get(name) for name in ("notional", "exchange", "position", "price", "time")},
            "cascades": symbol["cascades"]["count"],
            "cascades_notional": symbol["cascades"]["notional"],
            "top_cascade_start": top.get("start"),
            "top_cascade_notional": top.get("notional"),
            "exchanges": " ".join(symbol["exchanges"]),
        }
        writer.writerow(["" if flat[name] is None else flat[name] for name in CSV_COLUMNS])
    return out.getvalue()


def _meta(results: OverviewResults) -> dict[str, Any]:
    selection, overview = results.selection, results.overview
    window, query, sums = selection.window, selection.query, overview.summary.sums
    comparable = overview.comparable
    return {
        "symbol": "all",
        "symbols": [symbol.symbol for symbol in overview.liquidated],
        "start": format_iso(window.start_us),
        "end": format_iso(window.end_us),
        "exchanges": sorted(part.exchange for part in overview.summary.exchanges),
        "sources": list(overview.summary.sources),
        "kind": "realized",
        **sums_record(sums),
        "last_price": None,
        "bucket_s": None,
        "bin_width": None,
        "position": query.position,
        "min_usd": query.min_usd,
        "completeness": overview.summary.completeness,
        "price_kinds": list(overview.summary.price_kinds),
        "coverage": overview.coverage.share,
        "sample": results.sample,
        "previous": {
            "start": format_iso(selection.previous.start_us),
            "end": format_iso(selection.previous.end_us),
            "symbols": comparable.symbols,
            "of_symbols": comparable.all_symbols,
            "notional": comparable.notional,
            "previous_notional": comparable.previous,
            "change": comparable.ratio,
            "least_coverage": LEAST_COVERAGE,
        },
    }


def _symbol(symbol: SymbolOverview) -> dict[str, Any]:
    sums = symbol.summary.sums if symbol.summary else None
    bursts = symbol.cascades.bursts
    return {
        "rank": symbol.rank,
        "symbol": symbol.symbol,
        "notional": sums.notional if sums else 0.0,
        "long_notional": sums.long_notional if sums else 0.0,
        "short_notional": sums.short_notional if sums else 0.0,
        "events": sums.events if sums else 0,
        "long_events": sums.long_events if sums else 0,
        "short_events": sums.short_events if sums else 0,
        "share": symbol.share,
        "largest": largest_record(symbol.largest) if symbol.largest else None,
        "cascades": {
            "count": len(bursts),
            "notional": symbol.cascades.notional,
            "largest": _burst(bursts[0]) if bursts else None,
            "list": [_burst(burst) for burst in bursts[:SYMBOL_CASCADES]],
        },
        "exchanges": list(symbol.exchanges),
        "completeness": symbol.summary.completeness if symbol.summary else None,
        "coverage": symbol.coverage,
        "coverage_inferred": symbol.inferred,
        "change": symbol.change.ratio,
        "previous_notional": symbol.change.previous,
        "change_unknown": symbol.change.unknown,
    }


def _burst(burst: MarketBurst, market: bool = False) -> dict[str, Any]:
    record: dict[str, Any] = {
        "rank": burst.rank,
        "start": format_iso(burst.start_us),
        "end": format_iso(burst.end_us),
        "seconds": (burst.end_us - burst.start_us) / US_PER_S,
        "position": burst.position,
        "position_share": burst.position_share,
        "events": burst.events,
        "notional": burst.notional,
        "long_notional": burst.long_notional,
        "short_notional": burst.short_notional,
        "peak_per_minute": burst.peak_per_minute,
    }
    if market:
        record["symbols"] = burst.symbols
        record["leaders"] = [{"symbol": symbol, "share": share} for symbol, share in burst.leaders]
    return record


def _exchange(part: ExchangeSums, results: OverviewResults) -> dict[str, Any]:
    known = [c for c in results.selection.coverage if c.exchange == part.exchange]
    return {
        "exchange": part.exchange,
        "sources": list(part.sources),
        "symbols": list(part.symbols),
        "price_kinds": list(part.price_kinds),
        "completeness": "/".join(part.completeness),
        "share": part.sums.notional / results.overview.summary.sums.notional,
        "coverage": overall_share(known),
        **sums_record(part.sums),
    }


def _coverage(results: OverviewResults) -> dict[str, Any]:
    coverage, found = results.selection.coverage, results.overview.coverage
    return {
        "share": found.share,
        "inferred": found.inferred,
        "complete": found.complete,
        "partial": found.partial,
        "unknown_pairs": found.unknown,
        "gaps": interval_records(results.gaps),
        "unknown": interval_records(common_unknown(coverage)),
        "comparisons": [comparison_record(comparison) for comparison in results.selection.comparisons],
        "overlaps": [comparison.text for comparison in results.selection.comparisons],
        "damaged": [path_in_lake(path) for path in results.damaged],
        "left_out": [
            {"symbol": found.symbol, "file": path_in_lake(found.path), "reason": found.reason}
            for found in results.left_out
        ],
    }


def format_command(results: OverviewResults) -> str:
    """Build the ``liqcli overview`` command that gives the same numbers from the same lake, quoted for a shell."""
    window, query = results.selection.window, results.selection.query
    words = [
        "liqcli", "overview", "--since", format_iso(window.start_us), "--until", format_iso(window.end_us),
    ]  # fmt: skip
    if query.exchanges:
        words += ["--exchange", ",".join(query.exchanges)]
    if query.position != "both":
        words += ["--position", query.position]
    if query.min_usd:
        words += ["--min-usd", format_exact(query.min_usd)]
    for flag, value, default in (
        ("--palette", results.view.palette, "liq"),
        ("--theme", results.view.theme, "auto"),
    ):
        if value != default:
            words += [flag, value]
    return shlex.join([*words, "-o", "market.html"])
