"""The command that re-makes a report: the user's words with every moving part (now, latest, defaults) pinned."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from liqcli.formats import format_iso
from liqcli.model import US_PER_S, HeatmapGrid

if TYPE_CHECKING:
    from liqcli.analysis.heatmap import GridOptions
    from liqcli.analysis.selection import Selection
    from liqcli.report import View


def format_command(selection: Selection, grid: HeatmapGrid, options: GridOptions, view: View) -> str:
    """Write the ``liqcli heatmap`` line that gives the same numbers from the same lake, safe to paste in a shell."""
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
        words += ["--min-usd", f"{query.min_usd!r}"]
    if options.price_low is not None and options.price_high is not None:
        words += ["--price-range", f"{options.price_low!r}:{options.price_high!r}"]
    for flag, value, default in (
        ("--by", view.by, "notional"),
        ("--palette", view.palette, "liq"),
        ("--scale", view.scale, "log"),
        ("--theme", view.theme, "dark"),
    ):
        if value != default:
            words += [flag, value]
    return shlex.join([*words, "-o", "report.html"])
