"""The document of several symbols side by side: one dict that feeds HTML, Markdown and JSON."""

from __future__ import annotations

import hashlib
import json
import shlex
from typing import Any

from liqcli.core.coverage import overall_share
from liqcli.core.formatting import format_exact, format_iso
from liqcli.core.model import US_PER_S
from liqcli.core.version import __version__
from liqcli.report.compare_results import CompareResults
from liqcli.report.records import cascade_record, cluster_record, sums_record
from liqcli.report.results import WindowResults

LISTED = 3  # clusters and cascades of each symbol


def build_compare_document(results: CompareResults) -> dict[str, Any]:
    """Build the document; ``content_hash`` covers everything except the version and the command."""
    found = list(results.found.values())
    meta = {
        "symbols": list(results.names),
        "start": format_iso(results.window.start_us),
        "end": format_iso(results.window.end_us),
        "kind": "realized",
        "bucket_s": found[0].grid.bucket_us / US_PER_S,
        "largest_cell": max(float(own.grid.notional.max()) for own in found),
        "position": results.query.position,
        "min_usd": results.query.min_usd,
        "sample": any(own.sample for own in found),
        "missing": dict(results.missing),
    }
    content = {"meta": meta, "symbols": [_symbol(name, own) for name, own in results.found.items()]}
    digest = hashlib.sha256(json.dumps(content, sort_keys=True).encode()).hexdigest()
    return {
        **content,
        "meta": {**meta, "version": __version__},
        "command": format_command(results),
        "content_hash": digest,
    }


def _symbol(name: str, own: WindowResults) -> dict[str, Any]:
    return {
        "name": name,
        "symbol": own.selection.label,
        "symbols": list(own.selection.symbols),
        "exchanges": sorted(part.exchange for part in own.summary.exchanges),
        "sources": list(own.summary.sources),
        **sums_record(own.summary.sums),
        "last_price": own.last_price,
        "last_price_basis": own.last.basis,
        "bin_width": own.grid.bin.width,
        "completeness": own.summary.completeness,
        "price_kinds": list(own.summary.price_kinds),
        "coverage": overall_share(own.selection.coverage),
        "too_little_data": own.too_little_data,
        "clusters": [cluster_record(cluster) for cluster in own.clusters[:LISTED]],
        "cascades": [cascade_record(cascade) for cascade in own.cascades[:LISTED]],
        "cascade_count": len(own.cascades),
    }


def format_command(results: CompareResults) -> str:
    """Build the ``liqcli compare`` command that gives the same numbers from the same lake, quoted for a shell."""
    query, view = results.query, results.view
    grid = next(iter(results.found.values())).grid
    words = [
        "liqcli", "compare", "--symbol", ",".join(results.names),
        "--since", format_iso(results.window.start_us), "--until", format_iso(results.window.end_us),
        "--bucket", f"{grid.bucket_us // US_PER_S}s",
    ]  # fmt: skip
    if query.exchanges:
        words += ["--exchange", ",".join(query.exchanges)]
    if query.position != "both":
        words += ["--position", query.position]
    if query.min_usd:
        words += ["--min-usd", format_exact(query.min_usd)]
    for flag, value, usual in (
        ("--palette", view.palette, "liq"),
        ("--scale", view.scale, "log"),
        ("--theme", view.theme, "auto"),
    ):
        if value != usual:
            words += [flag, value]
    return shlex.join([*words, "-o", "compare.html"])
