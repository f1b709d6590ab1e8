"""The heat map: title, subtitle, headline numbers, hot bands."""

from __future__ import annotations

from liqcli.analysis.summary import cell_values
from liqcli.charts import draw_heatmap
from liqcli.charts.figure_spec import ClusterLabel, HeadlineNumber, HeatmapSpec
from liqcli.charts.heatmap import DESIGN
from liqcli.core.formatting import format_count, format_counted, format_price, format_share, format_usd
from liqcli.core.symbols import split_symbol
from liqcli.core.times import format_length
from liqcli.report.captions import coverage_headline, list_limits, list_origin, list_price_kinds
from liqcli.report.figure import RenderedFigure, render_figure
from liqcli.report.open_interest_figure import build_interest
from liqcli.report.results import WindowResults


def draw_heatmap_figure(findings: WindowResults) -> RenderedFigure:
    """Draw the heat map of a window; the same findings give the same bytes."""
    view = findings.view
    drawing = draw_heatmap(
        build_picture(findings),
        theme=view.theme,  # type: ignore[arg-type]
        palette=view.palette,  # type: ignore[arg-type]
        scale=view.scale,  # type: ignore[arg-type]
        position=findings.selection.query.position,  # type: ignore[arg-type]
        size=view.size or DESIGN,
    )
    return render_figure(drawing, build_alt_text(findings), findings)


def build_picture(findings: WindowResults) -> HeatmapSpec:
    """Choose what the picture says: title, subtitle, headline numbers, hot bands."""
    grid, by = findings.grid, findings.view.by
    base, _quote = split_symbol(findings.selection.symbols[0])
    trace = (findings.trace["ts_us"], findings.trace["price"])
    return HeatmapSpec(
        title=f"{findings.selection.label} liquidation heat map",
        subtitle=build_subtitle(findings),
        headline=build_headline(findings),
        grid=grid,
        values=cell_values(grid, by),
        unit={"notional": "USD", "count": "events", "qty": base}[by],
        gaps=findings.gaps,
        prices=findings.prices,
        trace=None if findings.prices is not None else trace,
        last_price=findings.last_price,
        bands=[ClusterLabel(c.rank, c.low, c.high, c.notional, c.share) for c in findings.clusters],
        cascades=[(c.start_us, c.end_us, c.rank) for c in findings.cascades],
        interest=build_interest(findings),
        bounded=findings.options.price_low is not None,
        sample=findings.sample,
    )


def build_subtitle(findings: WindowResults) -> str:
    """Write the line under the title: realized, who, how completely, when, in which steps."""
    grid, options = findings.grid, findings.options
    quote = split_symbol(findings.selection.symbols[0])[1] or "USD"
    parts = [
        *list_origin(findings),
        f"{format_length(grid.bucket_us)} × {format_price(grid.bin.width, grid.bin.width)} {quote}",
    ]
    if options.price_low is not None and options.price_high is not None:
        inside = format_usd(findings.summary.sums.notional - grid.outside_notional)
        bounds = f"{format_price(options.price_low)} to {format_price(options.price_high)}"
        parts.append(f"prices {bounds} only: {inside} of {format_usd(findings.summary.sums.notional)} USD")
    return " · ".join([*parts, *list_price_kinds(findings.summary.exchanges), *list_limits(findings)])


def build_headline(findings: WindowResults) -> tuple[HeadlineNumber, ...]:
    """Choose the figures at the top: events, USD, longs, shorts, coverage."""
    sums = findings.summary.sums
    whole = sums.notional
    numbers = [
        HeadlineNumber(format_count(sums.events), "event" if sums.events == 1 else "events"),
        HeadlineNumber(f"{format_usd(whole)} USD", "liquidated"),
        HeadlineNumber(
            f"{format_usd(sums.long_notional)}  {format_share(sums.long_notional, whole)}", "longs, USD", "long"
        ),
        HeadlineNumber(
            f"{format_usd(sums.short_notional)}  {format_share(sums.short_notional, whole)}", "shorts, USD", "short"
        ),
    ]
    return (*numbers, *coverage_headline(findings))


def build_alt_text(findings: WindowResults) -> str:
    """Say in a sentence what the picture shows, for readers who cannot see it."""
    sums = findings.summary.sums
    hottest = "; too little data for clusters" if findings.too_little_data else ""
    if findings.clusters:
        first = findings.clusters[0]
        low, high = format_price(first.low, first.step), format_price(first.high, first.step)
        hottest = f"; the largest cluster is {low} to {high} with {format_usd(first.notional)} USD"
    return (
        f"Heat map of realized {findings.selection.label} liquidations by price and UTC time: "
        f"{format_counted(sums.events, 'event')}, {format_usd(sums.notional)} USD, of it "
        f"{format_usd(sums.long_notional)} longs and {format_usd(sums.short_notional)} shorts{hottest}; "
        f"last price {format_price(findings.last_price)}.{_tell_outside(findings)}"
    )


def _tell_outside(findings: WindowResults) -> str:
    grid = findings.grid
    if not grid.outside_events or findings.options.price_low is not None:
        return ""
    counted, usd = format_counted(grid.outside_events, "event"), format_usd(grid.outside_notional)
    return f" {counted} of {usd} USD lie{'s' * (grid.outside_events == 1)} beyond the price axis."
