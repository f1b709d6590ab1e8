"""The picture of the whole market: content, texts and hover map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.overview_cascades import MarketCascades
from liqcli.charts.bars import BarSeries
from liqcli.charts.figure_spec import HeadlineNumber, Tone
from liqcli.charts.fonts import describe_stand_in
from liqcli.charts.overview import LANDSCAPE, PORTRAIT, draw_overview
from liqcli.charts.overview_spec import Lane, LaneMark, OverviewSpec
from liqcli.charts.png import render_pixels
from liqcli.charts.treemap import Tile
from liqcli.core.choices import ThemeName
from liqcli.core.formatting import format_count, format_counted, format_coverage, format_share, format_time, format_usd
from liqcli.core.model import US_PER_S, Window
from liqcli.core.symbols import split_symbol
from liqcli.core.wording import SHORT_COMPLETENESS, list_exchanges
from liqcli.report.figure import Figure
from liqcli.report.hover_map import Mark, PixelRegions, describe_sides
from liqcli.report.overview_results import OverviewResults

STEPS_S = (60, 300, 600, 900, 1800, 3600, 7200, 14400, 43200, 86400, 604800)
MOST_BARS = 160


def draw_overview_figure(results: OverviewResults, theme: ThemeName | None = None, portrait: bool = False) -> Figure:
    """Draw the picture in a theme, or in the first of the results; ``portrait`` is laid out for phones."""
    view = results.view
    theme = theme or view.figure_themes[0]
    spec = build_spec(results)
    size = PORTRAIT if portrait else view.size or LANDSCAPE
    drawn = draw_overview(spec, theme=theme, palette=view.palette, size=size)
    return Figure(
        render_pixels(drawn.figure),
        describe(results),
        theme,
        drawn.regions,
        describe_stand_in(" ".join(tile.name for tile in spec.tiles[:40])),
        drawn.figure.dpi,
        drawing=drawn.figure,
    )


def build_spec(results: OverviewResults) -> OverviewSpec:
    """Collect what the picture shows."""
    window, overview = results.selection.window, results.overview
    cascades = overview.cascades
    parts = [
        "realized",
        f"{list_exchanges([part.exchange for part in overview.summary.exchanges])} "
        f"({SHORT_COMPLETENESS[overview.summary.completeness]})",
        f"{format_time(window.start_us)} to {format_time(window.end_us)} UTC",
    ]
    if results.selection.query.position != "both":
        parts.append(f"{results.selection.query.position}s only")
    return OverviewSpec(
        title="Liquidations of the whole market",
        subtitle=" · ".join(parts),
        headline=_build_headline(results),
        start_us=window.start_us,
        end_us=window.end_us,
        tiles=[
            Tile(
                symbol.symbol,
                symbol.summary.sums.long_notional,
                symbol.summary.sums.short_notional,
                split_symbol(symbol.symbol)[0],
            )
            for symbol in overview.symbols
            if symbol.summary
        ],
        bars=sum_bars(cascades, window),
        bursts=[(burst.start_us, burst.end_us, burst.rank) for burst in cascades.bursts],
        lanes=_build_lanes(cascades),
        gaps=results.gaps,
        sample=results.sample,
    )


def sum_bars(cascades: MarketCascades, window: Window) -> BarSeries:
    """Sum the minutes of the market into at most 160 bars of a round length."""
    length_s = window.length_us / US_PER_S
    step_us = next((s for s in STEPS_S if length_s / s <= MOST_BARS), STEPS_S[-1]) * US_PER_S
    starts, place = np.unique(cascades.ts_us // step_us, return_inverse=True)

    def total(side: NDArray[np.float64]) -> NDArray[np.float64]:
        return np.bincount(place, weights=side, minlength=len(starts)).astype(np.float64)

    return BarSeries(starts * step_us, step_us, total(cascades.long), total(cascades.short), "USD")


def describe(results: OverviewResults) -> str:
    """Write the alt text."""
    overview = results.overview
    sums = overview.summary.sums
    first = overview.symbols[0]
    return (
        f"Realized liquidations of {format_counted(len(overview.liquidated), 'symbol')}: "
        f"{format_usd(sums.notional)} USD, {format_share(sums.long_notional, sums.notional)} of it longs; "
        f"{first.symbol} holds {format_share(first.share, 1.0)}. Treemap by symbol, and a timeline with "
        f"{format_counted(len(overview.cascades.bursts), 'cascade')} of the market."
    )


def build_hover_map(results: OverviewResults, figure: Figure) -> list[Mark]:
    """Describe each tile and each cascade of the market on hovering."""
    regions = PixelRegions(figure.regions, figure.width, figure.height)
    by_rank = {symbol.rank: symbol for symbol in results.overview.symbols}
    marks = []
    for rank, region in regions.find("tile").items():
        if symbol := by_rank.get(rank):
            sums = symbol.summary.sums if symbol.summary else None
            sides = describe_sides(sums.long_notional, sums.short_notional) if sums else ""
            title = f"{rank}. {symbol.symbol}: {format_usd(symbol.notional)} USD\n{sides}"
            marks.append(regions.mark("tile", region, title))
    bursts = {burst.rank: burst for burst in results.overview.cascades.bursts}
    for rank, region in regions.find("cascade").items():
        burst = bursts[rank]
        title = (
            f"Cascade {rank}: {format_time(burst.start_us)} UTC, {format_usd(burst.notional)} USD, "
            f"{format_share(burst.position_share, 1.0)} {burst.position}s"
        )
        marks.append(regions.mark("flash", region, title))
    return marks


def _build_lanes(cascades: MarketCascades) -> list[Lane]:
    order = sorted(cascades.by_symbol.items(), key=lambda item: (-item[1].notional, item[0]))
    return [
        Lane(name, found.notional, [LaneMark(b.start_us, b.end_us, b.notional, b.position) for b in found.bursts])
        for name, found in order
    ]


def _build_headline(results: OverviewResults) -> tuple[HeadlineNumber, ...]:
    overview = results.overview
    sums, cover = overview.summary.sums, overview.coverage
    numbers = [
        HeadlineNumber(f"{format_usd(sums.notional)} USD", "liquidated"),
        HeadlineNumber(format_usd(sums.long_notional), "longs", "long"),
        HeadlineNumber(format_usd(sums.short_notional), "shorts", "short"),
        HeadlineNumber(format_count(len(overview.liquidated)), "symbols"),
        HeadlineNumber(format_count(sums.events), "events"),
    ]
    if cover.share is None:
        return (*numbers, HeadlineNumber("unknown", "coverage", "warn"))
    tone: Tone = "plain" if cover.share >= 0.999 and not cover.unknown else "warn"
    return (*numbers, HeadlineNumber(format_coverage(cover.share), "coverage", tone))
