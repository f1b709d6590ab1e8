"""The figure of cumulative USD by distance from the last price: content, texts and hover map."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.cumulative import DistanceSums
from liqcli.charts.cumulative import draw_cumulative
from liqcli.charts.figure_spec import CumulativeSpec, HeadlineNumber
from liqcli.core.formatting import format_percent_signed, format_price, format_usd
from liqcli.report.figure import Figure, compact_style, render_figure
from liqcli.report.hover_map import Mark, PixelRegions, describe_sides
from liqcli.report.results import ViewOptions, WindowResults
from liqcli.report.shared_captions import coverage_headline, list_limits, list_origin, list_price_kinds


def draw(results: WindowResults, view: ViewOptions) -> Figure:
    """Draw the USD liquidated within x% of the last price; the same results give the same bytes."""
    drawn = draw_cumulative(build_spec(results), **compact_style(view))
    return render_figure(drawn, describe(results), results, view.figure_themes[0])


def build_spec(results: WindowResults) -> CumulativeSpec:
    """Collect what the figure shows."""
    sums = results.cumulative
    return CumulativeSpec(
        title=f"{results.selection.label} liquidated within x% of the last price",
        subtitle=" · ".join([*list_origin(results), *_list_range(results), *_list_notes(results)]),
        headline=(
            HeadlineNumber(format_price(sums.last_price), "last price"),
            HeadlineNumber(f"{format_usd(_total(sums.below))} USD", "liquidated below"),
            HeadlineNumber(f"{format_usd(_total(sums.above))} USD", "liquidated at or above"),
            *coverage_headline(results),
        ),
        last_price=sums.last_price,
        step_pct=sums.step_pct,
        below_long=_usd(sums.below.long_e6),
        below_short=_usd(sums.below.short_e6),
        above_long=_usd(sums.above.long_e6),
        above_short=_usd(sums.above.short_e6),
        sample=results.sample,
    )


def describe(results: WindowResults) -> str:
    """Write the alt text."""
    sums = results.cumulative
    parts = [
        f"{words} it {format_usd(_total(side))} USD ({format_usd(int(side.long_e6[-1]) / 1e6)} longs, "
        f"{format_usd(int(side.short_e6[-1]) / 1e6)} shorts)"
        for words, side in (("below", sums.below), ("at or above", sums.above))
    ]
    return (
        f"Realized {results.selection.label} liquidations by distance from the last price, "
        f"{format_price(sums.last_price)}: {'; '.join(parts)}."
    )


def _list_notes(results: WindowResults) -> list[str]:
    return [*list_price_kinds(results.summary.exchanges), *list_limits(results)]


def _list_range(results: WindowResults) -> list[str]:
    options = results.options
    if options.price_low is None or options.price_high is None:
        return []
    return [f"prices {format_price(options.price_low)} to {format_price(options.price_high)} only"]


def _total(side: DistanceSums) -> float:
    return (int(side.long_e6[-1]) + int(side.short_e6[-1])) / 1e6


def _usd(sums_e6: NDArray[np.int64]) -> NDArray[np.float64]:
    return sums_e6.astype(np.float64) / 1e6


def build_hover_map(results: WindowResults, figure: Figure) -> list[Mark]:
    """Describe for each step the USD between the last price and its far edge."""
    regions, sums = PixelRegions(figure.regions, figure.width, figure.height), results.cumulative

    def describe_step(key: int) -> str:
        side, steps, sign = (sums.above, key + 1, 1) if key >= 0 else (sums.below, -key, -1)
        percent = sign * steps * sums.step_pct
        price = format_price(sums.last_price * (1 + percent / 100))
        long, short = int(side.long_e6[steps]) / 1e6, int(side.short_e6[steps]) / 1e6
        return f"within {format_percent_signed(percent)} ({price})\n{describe_sides(long, short)}"

    return [regions.mark("column", region, describe_step(key)) for key, region in regions.find("step").items()]
