"""
The document of one window: one dict that feeds HTML, Markdown and JSON.

Numbers are plain floats and ints [USD, quote, base coin], times ISO 8601 UTC text; keys are those of
``docs/units.md#json``. :mod:`liqcli.report.records` converts the single results.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Iterable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np

from liqcli.analysis.cluster_zones import join_clusters
from liqcli.analysis.clusters import largest_above, largest_below, nearest_above, nearest_below
from liqcli.analysis.context import BARS_NEEDED
from liqcli.analysis.summary import ExchangeSums, busiest_bucket
from liqcli.core.choices import check_choice
from liqcli.core.coverage import common_unknown, overall_share
from liqcli.core.formatting import format_counted, format_duration, format_iso
from liqcli.core.model import US_PER_S
from liqcli.core.version import __version__
from liqcli.report.against import build_against
from liqcli.report.brief import build_brief
from liqcli.report.lake_records import (
    comparison_record,
    coverage_record,
    gap_records,
    interval_records,
    market_prices_record,
    path_in_lake,
    totals_record,
)
from liqcli.report.levels_data import LevelsData
from liqcli.report.levels_document import build_levels_document
from liqcli.report.records import (
    band_record,
    cascade_record,
    checklist_record,
    cluster_record,
    context_record,
    cumulative_record,
    distance_records,
    few_orders_record,
    hours_record,
    largest_record,
    sums_record,
)
from liqcli.report.reproduce_command import format_command, format_fetch
from liqcli.report.results import WindowResults

if TYPE_CHECKING:
    from liqcli.report.level_score import LevelScore


def build_document(results: WindowResults) -> dict[str, Any]:
    """Build the whole document; ``content_hash`` covers all sections, not version, brief or command."""
    content = {name: build(results) for name, build in SECTIONS.items()}
    if results.levels is not None:
        content["levels"] = _levels(results.levels, results.levels_score)
    if results.against is not None:
        content["against"] = build_against(results, results.against)
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return {
        **_add_version(content),
        "brief": build_brief(content),
        "command": format_command(results),
        "content_hash": digest,
    }


def _levels(levels: LevelsData | str, scored: LevelScore | None) -> dict[str, Any]:
    """Build the part on estimated levels, or state why there are none."""
    if isinstance(levels, str):
        return {"reason": levels}
    from liqcli.report.score_document import describe_score  # only where asked for: slow to import

    score = scored and {
        "start": format_iso(scored.inputs.window.start_us),
        "end": format_iso(scored.inputs.window.end_us),
        "days": scored.score.days,
        "events": scored.score.events,
        "verdict": scored.score.verdict,
        "sentence": describe_score("levels", scored.score, scored.inputs.window),
    }
    return {"reason": None, **build_levels_document(levels), "score": score}


def build_sections(results: WindowResults, names: Iterable[str]) -> dict[str, Any]:
    """
    Build some sections of the document; only what they need is computed.

    Raises
    ------
    UsageError
        Unknown section.
    """
    known = tuple(SECTIONS)
    return _add_version({name: SECTIONS[check_choice(name, known, "section")](results) for name in names})


def _add_version(content: dict[str, Any]) -> dict[str, Any]:
    return {**content, "meta": {**content["meta"], "version": __version__}} if "meta" in content else content


def _clusters(results: WindowResults) -> list[dict[str, Any]]:
    """Convert the clusters by rank, each with its trade checklist."""
    return [
        {**cluster_record(cluster), "checklist": checklist_record(checklist)}
        for cluster, checklist in zip(results.clusters, results.checklists, strict=True)
    ]


def _nearest(results: WindowResults) -> dict[str, int | None]:
    """Select the ranks of the nearest and the largest cluster above and below the last price."""
    clusters = results.clusters
    chosen = {
        "nearest_above": nearest_above(clusters),
        "nearest_below": nearest_below(clusters),
        "largest_above": largest_above(clusters),
        "largest_below": largest_below(clusters),
    }
    return {name: cluster.rank if cluster else None for name, cluster in chosen.items()}


def _meta(results: WindowResults) -> dict[str, Any]:
    window, sums = results.selection.window, results.summary.sums
    query = results.selection.query
    busiest_us, busiest_usd = busiest_bucket(results.grid)
    return {
        "symbol": results.selection.label,
        "symbols": list(results.selection.symbols),
        "dated": [asdict(part) for part in results.summary.dated],
        "start": format_iso(window.start_us),
        "end": format_iso(window.end_us),
        "exchanges": sorted(e.exchange for e in results.summary.exchanges),
        "sources": list(results.summary.sources),
        "kind": "realized",
        **sums_record(sums),
        "last_price": results.last_price,
        "last_price_basis": results.last.basis,
        "last_price_kind": results.last.kind,
        "last_price_at": format_iso(results.last.ts_us),
        "price_line": results.prices.basis if results.prices else None,
        "candles_stand_in": results.candle_stand_in,
        "bucket_s": results.grid.bucket_us / US_PER_S,
        "bin_width": results.grid.bin.width,
        "position": query.position,
        "min_usd": query.min_usd,
        "price": query.price,
        "market_prices": market_prices_record(results.selection.market_prices),
        "busiest_start": format_iso(busiest_us),
        "busiest_notional": busiest_usd,
        "outside_notional": results.grid.outside_notional,
        "outside_events": results.grid.outside_events,
        "outside": _outside(results),
        "completeness": results.summary.completeness,
        "price_kinds": list(results.summary.price_kinds),
        "coverage": overall_share(results.selection.coverage),
        "sample": results.sample,
        "too_little_data": results.too_little_data,
    }


def _outside(results: WindowResults) -> dict[str, Any]:
    """Sum what lies outside the price axis at either end; ``requested`` is true for ``--price-range``."""
    requested = results.options.price_low is not None or results.options.price_high is not None
    ends = {"below": results.grid.below, "above": results.grid.above}
    return {
        "requested": requested,
        **{
            name: {"events": end.events, "notional": end.notional, "furthest_price": end.price}
            for name, end in ends.items()
        },
    }


def _grid(results: WindowResults) -> dict[str, Any]:
    grid = results.grid
    # Whole dollars are written as integers to keep the file small.
    cells = grid.notional.tolist()
    return {
        "bucket_start": [format_iso(t) for t in grid.bucket_starts_us.tolist()],
        "price_edges": grid.price_edges.tolist(),
        "notional": [[int(v) if v == int(v) else v for v in row] for row in cells],
    }


def _hottest(results: WindowResults) -> dict[str, Any]:
    """Select the cell with the most USD; ties go to the earlier, then the lower cell."""
    grid = results.grid
    usd_e6 = grid.notional_e6.T
    column, row = divmod(int(np.argmax(usd_e6)), usd_e6.shape[1])
    return {
        "start": format_iso(int(grid.bucket_starts_us[column])),
        "low": float(grid.price_edges[row]),
        "high": float(grid.price_edges[row + 1]),
        "notional": usd_e6[column, row].item() / 1e6,
        "long_notional": float(grid.long_notional[row, column]),
        "short_notional": float(grid.short_notional[row, column]),
        "events": int(grid.events[row, column]),
    }


def _exchange(part: ExchangeSums, results: WindowResults) -> dict[str, Any]:
    known = [c for c in results.selection.coverage if c.exchange == part.exchange]
    return {
        "exchange": part.exchange,
        "sources": list(part.sources),
        "symbols": list(part.symbols),
        "price_kinds": list(part.price_kinds),
        "completeness": "/".join(part.completeness),
        "share": part.sums.notional / results.summary.sums.notional,
        "coverage": overall_share(known),
        **sums_record(part.sums),
    }


def _coverage(results: WindowResults) -> dict[str, Any]:
    coverage = results.selection.coverage
    return {
        "share": overall_share(coverage),
        "inferred": any(c.inferred for c in coverage),
        "gaps": gap_records(results.gaps, results.data.prices),
        "unknown": interval_records(common_unknown(coverage)),
        "by_exchange": [coverage_record(c) for c in coverage],
        "overlaps": [comparison.text for comparison in results.selection.comparisons],
        "comparisons": [comparison_record(comparison) for comparison in results.selection.comparisons],
        "damaged": [path_in_lake(path) for path in results.damaged],
        "totals": [totals_record(series) for series in results.data.totals],
    }


def _missing(results: WindowResults) -> dict[str, Any]:
    """List what is unknown, and the command that fetches what sources have of it; None for synthetic data."""
    context, gaps = results.context, results.gaps
    parts = []
    if gaps:
        length = format_duration(sum(end - start for start, end in gaps))
        parts.append(f"liquidations in {format_counted(len(gaps), 'gap')} ({length})")
    if context.basis is None:
        parts.append("candles, so trend, RSI, ATR, volume and prices after cascades")
    elif context.rsi is None:
        parts.append(f"trend, RSI and ATR ({context.bars} of {BARS_NEEDED} bars)")
    if context.basis is not None and context.taker_share is None:
        parts.append("order flow")
    if context.open_interest.unit is None:
        parts.append("open interest")
    return {"parts": parts, "command": format_fetch(results) if parts and not results.sample else None}


def _cumulative(results: WindowResults) -> dict[str, Any]:
    return {**cumulative_record(results.cumulative), "reach": distance_records(results.cumulative)}


# In the order of the document.
SECTIONS: dict[str, Callable[[WindowResults], Any]] = {
    "meta": _meta,
    "grid": _grid,
    "hottest": _hottest,
    "clusters": _clusters,
    "zones": lambda results: [asdict(zone) for zone in join_clusters(results.clusters)],
    "nearest": _nearest,
    "heavy_outside": lambda results: [asdict(step) for step in results.heavy_steps],
    "largest_event": lambda results: largest_record(results.largest),
    "cascades": lambda results: [cascade_record(c) for c in results.cascades],
    "few_orders": lambda results: None if results.too_little_data else few_orders_record(results.minutes),
    "context": lambda results: context_record(results.context, results.cascades),
    "checklist": lambda results: checklist_record(results.window_checklist),
    "bands": lambda results: [band_record(b) for b in results.bands],
    "exchanges": lambda results: [_exchange(e, results) for e in results.summary.exchanges],
    "cumulative": _cumulative,
    "hours": lambda results: hours_record(results.hours),
    "coverage": _coverage,
    "missing": _missing,
}
