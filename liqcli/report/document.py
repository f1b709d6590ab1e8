"""One selection, one dict: everything a report says, as plain numbers and words, for HTML, Markdown and JSON alike."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import Any

import numpy as np

from liqcli.analysis.clusters import Cluster, largest_above, largest_below, nearest_above, nearest_below
from liqcli.analysis.summary import ExchangeSums, busiest_bucket
from liqcli.core.coverage import common_unknown, overall_share
from liqcli.core.formatting import format_iso
from liqcli.core.model import US_PER_S, HeatmapGrid
from liqcli.core.version import __version__
from liqcli.report.records import (
    band_record,
    cascade_record,
    checklist_record,
    cluster_record,
    comparison_record,
    context_record,
    coverage_record,
    cumulative_record,
    distance_records,
    hours_record,
    interval_records,
    market_prices_record,
    sums_record,
)
from liqcli.report.reproduce_command import format_command
from liqcli.report.results import WindowResults


def build_document(findings: WindowResults) -> dict[str, Any]:
    """
    Build the one dict that feeds HTML, Markdown and JSON.

    Numbers are plain floats and ints [USD, quote, base coin], times ISO 8601 UTC text; keys are those of
    ``docs/units.md#json``.
    """
    content: dict[str, Any] = {
        "meta": _meta(findings),
        "grid": _grid(findings.grid),
        "hottest": _hottest(findings.grid),
        "clusters": build_cluster_records(findings),
        "nearest": _nearest(findings.clusters),
        "heavy_outside": [asdict(step) for step in findings.heavy_steps],
        "cascades": [cascade_record(c) for c in findings.cascades],
        "context": context_record(findings.context, findings.cascades),
        "checklist": checklist_record(findings.window_checklist),
        "bands": [band_record(b) for b in findings.bands],
        "exchanges": [_exchange(e, findings) for e in findings.summary.exchanges],
        "cumulative": {**cumulative_record(findings.cumulative), "reach": distance_records(findings.cumulative)},
        "hours": hours_record(findings.hours),
        "coverage": _coverage(findings),
    }
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return {
        **content,
        "meta": {**content["meta"], "version": __version__},
        "command": format_command(findings),
        "content_hash": digest,
    }


def build_cluster_records(findings: WindowResults) -> list[dict[str, Any]]:
    """Write the clusters, best rank first, each with its checklist and the ranks of the cascades that struck it."""
    return [
        {**cluster_record(cluster), "checklist": checklist_record(checklist)}
        for cluster, checklist in zip(findings.clusters, findings.checklists, strict=True)
    ]


def _nearest(clusters: Sequence[Cluster]) -> dict[str, int | None]:
    """Ranks of the clusters that lie nearest to the last price and of the largest, above and below it."""
    chosen = {
        "nearest_above": nearest_above(clusters),
        "nearest_below": nearest_below(clusters),
        "largest_above": largest_above(clusters),
        "largest_below": largest_below(clusters),
    }
    return {name: cluster.rank if cluster else None for name, cluster in chosen.items()}


def _meta(findings: WindowResults) -> dict[str, Any]:
    window, sums = findings.selection.window, findings.summary.sums
    query = findings.selection.query
    busiest_us, busiest_usd = busiest_bucket(findings.grid)
    return {
        "symbol": findings.selection.label,
        "symbols": list(findings.selection.symbols),
        "dated": [asdict(part) for part in findings.summary.dated],
        "start": format_iso(window.start_us),
        "end": format_iso(window.end_us),
        "exchanges": sorted(e.exchange for e in findings.summary.exchanges),
        "sources": list(findings.summary.sources),
        "kind": "realized",
        **sums_record(sums),
        "last_price": findings.last_price,
        "last_price_basis": findings.last.basis,
        "last_price_kind": findings.last.kind,
        "last_price_at": format_iso(findings.last.ts_us),
        "price_line": findings.prices.basis if findings.prices else None,
        "candles_stand_in": findings.candle_stand_in,
        "bucket_s": findings.grid.bucket_us / US_PER_S,
        "bin_width": findings.grid.bin.width,
        "position": query.position,
        "min_usd": query.min_usd,
        "price": query.price,
        "market_prices": market_prices_record(findings.selection.market_prices),
        "busiest_start": format_iso(busiest_us),
        "busiest_notional": busiest_usd,
        "outside_notional": findings.grid.outside_notional,
        "outside_events": findings.grid.outside_events,
        "outside": _outside(findings),
        "completeness": findings.summary.completeness,
        "price_kinds": list(findings.summary.price_kinds),
        "coverage": overall_share(findings.selection.coverage),
        "sample": findings.sample,
        "too_little_data": findings.too_little_data,
    }


def _outside(findings: WindowResults) -> dict[str, Any]:
    """What the price axis leaves out at either end, and whether somebody asked for that."""
    asked = findings.options.price_low is not None or findings.options.price_high is not None
    ends = {"below": findings.grid.below, "above": findings.grid.above}
    return {
        "requested": asked,
        **{
            name: {"events": end.events, "notional": end.notional, "furthest_price": end.price}
            for name, end in ends.items()
        },
    }


def _grid(grid: HeatmapGrid) -> dict[str, Any]:
    # Cells are whole millionths of a dollar; whole dollars are written without a point to keep the file small.
    cells = grid.notional.tolist()
    return {
        "bucket_start": [format_iso(t) for t in grid.bucket_starts_us.tolist()],
        "price_edges": grid.price_edges.tolist(),
        "notional": [[int(v) if v == int(v) else v for v in row] for row in cells],
    }


def _hottest(grid: HeatmapGrid) -> dict[str, Any]:
    """The cell with the most USD, the earlier, then the lower one on a tie."""
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


def _exchange(part: ExchangeSums, findings: WindowResults) -> dict[str, Any]:
    known = [c for c in findings.selection.coverage if c.exchange == part.exchange]
    return {
        "exchange": part.exchange,
        "sources": list(part.sources),
        "symbols": list(part.symbols),
        "price_kinds": list(part.price_kinds),
        "completeness": "/".join(part.completeness),
        "share": part.sums.notional / findings.summary.sums.notional,
        "coverage": overall_share(known),
        **sums_record(part.sums),
    }


def _coverage(findings: WindowResults) -> dict[str, Any]:
    coverage = findings.selection.coverage
    return {
        "share": overall_share(coverage),
        "inferred": any(c.inferred for c in coverage),
        "gaps": interval_records(findings.gaps),
        "unknown": interval_records(common_unknown(coverage)),
        "by_exchange": [coverage_record(c) for c in coverage],
        "overlaps": [comparison.text for comparison in findings.selection.comparisons],
        "comparisons": [comparison_record(comparison) for comparison in findings.selection.comparisons],
        "damaged": [_place_in_lake(path) for path in findings.damaged],
    }


def _place_in_lake(path: Path) -> str:
    """Name a file without telling where the lake lies: a report is handed on, and is the same from a moved lake."""
    kinds = [k for k, part in enumerate(path.parts) if part in ("liquidations", "candles", "open_interest")]
    return Path(*path.parts[kinds[-1] :]).as_posix() if kinds else path.name
