"""The small map that ``liqcli heatmap`` prints on a terminal."""

from __future__ import annotations

import os
import shutil
import sys
from typing import TYPE_CHECKING

import typer

from liqcli.cli.output import STATE, say

if TYPE_CHECKING:
    from liqcli.api import Heatmap
    from liqcli.charts.terminal_map import ColourMode

ROWS_AROUND = 10  # lines of the terminal for title, axis, legend and messages
LEAST_LINES, MOST_LINES = 8, 18


def wants_preview(flag: bool | None, has_files: bool) -> bool:
    """
    Return whether to print the map: only on a terminal that can show it, and never with ``--quiet``.

    Without the flag it is printed if no file was named, unless ``preview = false`` in ``liqcli.toml``.
    """
    if not sys.stdout.isatty() or STATE.quiet or not _shows_blocks():
        return False
    return (not has_files and _setting()) if flag is None else flag


def print_preview(results: Heatmap) -> None:
    """Print title, map and hottest cell."""
    from liqcli.charts.terminal_map import LEAST_COLUMNS, draw_terminal_map
    from liqcli.report.heatmap_figure import build_spec

    screen = shutil.get_terminal_size()
    if screen.columns < LEAST_COLUMNS:
        say(f"no map: the terminal has {screen.columns} columns, it needs {LEAST_COLUMNS}")
        return
    view = results.results.view
    drawn = draw_terminal_map(
        build_spec(results.results, view.by),
        columns=screen.columns,
        lines=max(LEAST_LINES, min(MOST_LINES, screen.lines - ROWS_AROUND)),
        colours=_choose_colours(),
        palette=view.palette,
        scale=view.scale,
    )
    typer.echo(f"{_title(results)}\n\n{drawn}\n{_hottest(results)}", color=True)


def _choose_colours() -> ColourMode:
    """Ask rich, which reads NO_COLOR, TERM and COLORTERM."""
    from rich.console import Console

    system = Console(file=sys.stdout, force_terminal=True).color_system
    if os.environ.get("NO_COLOR") or system is None:
        return "none"
    return "truecolor" if system == "truecolor" else "256" if system == "256" else "none"


def _shows_blocks() -> bool:
    try:
        "▀░".encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return True


def _setting() -> bool:
    from liqcli.core.settings import find_settings
    from liqcli.core.settings_file import read_settings

    return read_settings(find_settings(None)).preview


def _title(results: Heatmap) -> str:
    from liqcli.core.formatting import format_counted, format_time, format_usd

    sums, window = results.results.summary.sums, results.window
    synthetic = "SYNTHETIC SAMPLE · " if results.results.sample else ""
    return (
        f"{synthetic}{results.symbol} · {format_time(window.start_us)} to {format_time(window.end_us)} UTC\n"
        f"{format_counted(sums.events, 'event')}, {format_usd(sums.notional)} USD realized: "
        f"{format_usd(sums.long_notional)} longs, {format_usd(sums.short_notional)} shorts"
    )


def _hottest(results: Heatmap) -> str:
    """Name the cell of the report's grid with the most USD."""
    from liqcli.core.formatting import format_price, format_time, format_usd
    from liqcli.report.heatmap_figure import find_hottest_cells

    grid = results.grid
    cells = find_hottest_cells(grid, most=1)
    if not cells:
        return "no event inside the price range"
    row, column = cells[0]
    low, high = (format_price(float(grid.price_edges[row + k]), grid.bin.width) for k in (0, 1))
    usd = format_usd(float(grid.notional_e6[row, column]) / 1e6)
    return f"hottest cell: {low} to {high} at {format_time(int(grid.bucket_starts_us[column]))} UTC, {usd} USD"
