"""
The heat map in portrait format, for narrow screens: the same data, title, last price and sums in large type.

On a page it belongs into a ``<picture>`` as the source below 600 px; it is not a figure of its own there::

    portrait = draw_figure(results, PORTRAIT, replace(results.view, theme=theme, size=None))
    <picture>
      <source media="(max-width: 600px)" srcset="{{ portrait.data_uri }}" width="800" height="1100">
      <img …>
    </picture>

It is drawn for a width of 400 px at twice the resolution. It has no hover map, because positions differ.
"""

from __future__ import annotations

from dataclasses import replace

from liqcli.charts import draw_heatmap
from liqcli.charts.figure_spec import HeadlineNumber, HeatmapSpec
from liqcli.charts.heatmap import PORTRAIT
from liqcli.core.choices import ByName
from liqcli.core.durations import format_length
from liqcli.core.formatting import format_price, format_share, format_usd
from liqcli.report.figure import Figure, render_figure
from liqcli.report.heatmap_figure import build_spec, describe
from liqcli.report.hover_map import Mark
from liqcli.report.results import ViewOptions, WindowResults
from liqcli.report.shared_captions import list_limits, list_origin


def draw(results: WindowResults, view: ViewOptions) -> Figure:
    """Draw the heat map of a window in portrait format, 800 x 1100 px unless ``view.size`` says otherwise."""
    drawn = draw_heatmap(
        build_portrait_spec(results, view.by),
        theme=view.figure_themes[0],
        palette=view.palette,
        scale=view.scale,
        position=results.selection.query.position,
        size=view.size or PORTRAIT,
    )
    return render_figure(drawn, describe(results), results, view.figure_themes[0])


def build_portrait_spec(results: WindowResults, by: ByName = "notional") -> HeatmapSpec:
    """Shorten title, subtitle and headline of the heat map, and leave out open interest."""
    sums, window = results.summary.sums, results.selection.window
    headline = (
        HeadlineNumber(format_price(results.last_price), "last price"),
        HeadlineNumber(format_usd(sums.notional), "USD liquidated"),
        HeadlineNumber(format_share(sums.long_notional, sums.notional), "longs", "long"),
        HeadlineNumber(format_share(sums.short_notional, sums.notional), "shorts", "short"),
    )
    return replace(
        build_spec(results, by, results.portrait_grid),
        title=f"{results.selection.label} {format_length(window.length_us)}",
        subtitle=" · ".join(["realized liquidations", *list_origin(results)[1:], *list_limits(results)]),
        headline=headline,
        interest=None,
    )


def build_hover_map(results: WindowResults, figure: Figure) -> list[Mark]:
    """Return no marks: a page shows the hover map of the wide picture only."""
    del results, figure
    return []
