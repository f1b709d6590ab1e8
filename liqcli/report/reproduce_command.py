"""The command that reproduces a report: the user's options with relative times and defaults made explicit."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from liqcli.core.choices import AGAINST, DEFAULT_SECTIONS
from liqcli.core.durations import format_length
from liqcli.core.formatting import format_exact, format_iso
from liqcli.core.model import US_PER_S

if TYPE_CHECKING:
    from liqcli.report.results import WindowResults


def format_command(results: WindowResults) -> str:
    """Build the ``liqcli heatmap`` command that gives the same numbers from the same lake, quoted for a shell."""
    selection, grid, options, view = results.selection, results.grid, results.options, results.view
    query = selection.query
    words = [
        "liqcli", "heatmap", "--symbol", selection.label,
        "--since", format_iso(selection.window.start_us), "--until", format_iso(selection.window.end_us),
        "--bucket", f"{grid.bucket_us // US_PER_S}s", "--bin", grid.bin.text(),
    ]  # fmt: skip
    if query.exchanges:
        words += ["--exchange", ",".join(query.exchanges)]
    if query.position != "both":
        words += ["--position", query.position]
    if query.min_usd:
        words += ["--min-usd", format_exact(query.min_usd)]
    if query.price != "reported":
        words += ["--price", query.price]
    if options.price_low is not None and options.price_high is not None:
        words += ["--price-range", f"{format_exact(options.price_low)}:{format_exact(options.price_high)}"]
    words += _cluster_words(results)
    if results.levels is not None:
        words.append("--levels")
    if results.against is not None:
        words += ["--against", AGAINST[0]]
    for flag, value, default in (
        ("--by", view.by, "notional"),
        ("--palette", view.palette, "liq"),
        ("--scale", view.scale, "log"),
        ("--theme", view.theme, "auto"),
    ):
        if value != default:
            words += [flag, value]
    if view.sections != DEFAULT_SECTIONS:
        words += ["--sections", ",".join(view.sections)]
    return shlex.join([*words, "-o", "report.html"])


def format_fetch(results: WindowResults) -> str:
    """Build the command that fetches what the report lacks, candles before the window included, and renders again."""
    window = results.selection.window
    words = ["--since", format_iso(window.start_us), "--until", format_iso(window.end_us), "--fetch"]
    return shlex.join(["liqcli", "heatmap", "--symbol", results.selection.label, *words])


def _cluster_words(results: WindowResults) -> list[str]:
    chosen, usual = results.cluster_options, type(results.cluster_options)()
    words: list[str] = []
    if chosen.min_share != usual.min_share:
        words += ["--min-share", repr(chosen.min_share)]
    if chosen.max_clusters != usual.max_clusters:
        words += ["--max-clusters", str(chosen.max_clusters)]
    if chosen.half_life_us is not None:
        words += ["--half-life", format_length(chosen.half_life_us)]
    return words
