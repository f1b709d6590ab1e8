"""The forest plot of a score: the difference of each measure to its baseline, with its interval, around a line at 0."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from matplotlib.figure import Figure

from liqcli.charts.canvas import own_style
from liqcli.charts.themes import find_theme
from liqcli.core.choices import ThemeName

ROW, HEAD, WIDTH = 30, 118, 1100  # heights of a row, and of titles and axis; width [px]
DPI = 100
X_LABEL = "difference to the baseline in points; thick: 95% interval, thin: corrected for several looks"


@dataclass(frozen=True, slots=True)
class ForestRow:
    """One measure in points: ``difference`` and its interval, and the corrected interval, None where unknown."""

    label: str
    difference: float
    low: float | None
    high: float | None
    wide_low: float | None
    wide_high: float | None


def draw_forest(rows: Sequence[ForestRow], title: str, subtitle: str, theme: ThemeName = "dark") -> Figure:
    """Draw a forest plot; an interval that crosses the line at 0 is no evidence."""
    look = find_theme(theme)
    with own_style():
        height = HEAD + ROW * max(len(rows), 1)
        figure = Figure(figsize=(WIDTH / DPI, height / DPI), dpi=DPI, facecolor=look.page)
        axes = figure.add_axes((0.42, 62 / height, 0.55, ROW * max(len(rows), 1) / height), facecolor=look.page)
        axes.axvline(0.0, color=look.muted, linewidth=1.0)
        for place, row in enumerate(rows):
            if row.wide_low is not None and row.wide_high is not None:
                axes.plot([row.wide_low, row.wide_high], [place, place], color=look.muted, linewidth=1.2)
            if row.low is not None and row.high is not None:
                axes.plot([row.low, row.high], [place, place], color=look.text, linewidth=3.2, solid_capstyle="butt")
            axes.plot([row.difference], [place], marker="s", markersize=6.5, color=look.text)
        axes.set_ylim(len(rows) - 0.5, -0.5)
        axes.set_yticks(range(len(rows)), [row.label for row in rows])
        axes.tick_params(axis="both", colors=look.text, labelsize=10, length=0)
        axes.grid(axis="x", color=look.grid, linewidth=0.6)
        axes.set_axisbelow(True)
        for spine in axes.spines.values():
            spine.set_visible(False)
        axes.set_xlabel(
            "difference to the baseline, points; thick 95%, thin corrected for several looks",
            color=look.muted,
            fontsize=10,
        )
        figure.text(16 / WIDTH, 1 - 26 / height, title, color=look.text, fontsize=13, weight="bold")
        figure.text(16 / WIDTH, 1 - 47 / height, subtitle, color=look.muted, fontsize=9.5)
    return figure
