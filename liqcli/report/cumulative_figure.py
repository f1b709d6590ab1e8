"""The picture of the sums outward from the last price."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from liqcli.analysis.cumulative import DistanceSums
from liqcli.charts.cumulative import draw_cumulative
from liqcli.charts.figure_spec import CumulativeSpec, HeadlineNumber
from liqcli.core.formatting import format_price, format_usd
from liqcli.report.captions import coverage_headline, list_limits, list_origin, list_price_kinds
from liqcli.report.figure import RenderedFigure, compact_style, render_figure
from liqcli.report.results import WindowResults


def draw_cumulative_figure(findings: WindowResults) -> RenderedFigure:
    """Draw USD within x % of the last price; the same findings give the same bytes."""
    picture = build_cumulative_picture(findings)
    drawing = draw_cumulative(picture, **compact_style(findings))
    return render_figure(drawing, describe_cumulative(findings), findings)


def build_cumulative_picture(findings: WindowResults) -> CumulativeSpec:
    """Choose what the picture says."""
    sums = findings.cumulative
    return CumulativeSpec(
        title=f"{findings.selection.label} liquidated within x % of the last price",
        subtitle=" · ".join([*list_origin(findings), *_list_range(findings), *_list_words(findings)]),
        headline=(
            HeadlineNumber(format_price(sums.last_price), "last price"),
            HeadlineNumber(f"{format_usd(_total(sums.below))} USD", "liquidated below"),
            HeadlineNumber(f"{format_usd(_total(sums.above))} USD", "liquidated above"),
            *coverage_headline(findings),
        ),
        last_price=sums.last_price,
        step_pct=sums.step_pct,
        below_long=_usd(sums.below.long_e6),
        below_short=_usd(sums.below.short_e6),
        above_long=_usd(sums.above.long_e6),
        above_short=_usd(sums.above.short_e6),
        sample=findings.sample,
    )


def describe_cumulative(findings: WindowResults) -> str:
    """Say in a sentence what the picture shows, for readers who cannot see it."""
    sums = findings.cumulative
    parts = [
        f"{word} it {format_usd(_total(side))} USD, of it {format_usd(int(side.long_e6[-1]) / 1e6)} longs and "
        f"{format_usd(int(side.short_e6[-1]) / 1e6)} shorts"
        for word, side in (("below", sums.below), ("above", sums.above))
    ]
    return (
        f"Realized {findings.selection.label} liquidations summed up outward from the last price, "
        f"{format_price(sums.last_price)}: {'; '.join(parts)}."
    )


def _list_words(findings: WindowResults) -> list[str]:
    return [*list_price_kinds(findings.summary.exchanges), *list_limits(findings)]


def _list_range(findings: WindowResults) -> list[str]:
    options = findings.options
    if options.price_low is None or options.price_high is None:
        return []
    return [f"prices {format_price(options.price_low)} to {format_price(options.price_high)} only"]


def _total(side: DistanceSums) -> float:
    return (int(side.long_e6[-1]) + int(side.short_e6[-1])) / 1e6


def _usd(sums_e6: NDArray[np.int64]) -> NDArray[np.float64]:
    return sums_e6.astype(np.float64) / 1e6
