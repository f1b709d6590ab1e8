"""The picture of the bursts."""

from __future__ import annotations

from liqcli.charts.cascades import draw_cascades
from liqcli.charts.figure_spec import CascadeMark, CascadesSpec, HeadlineNumber
from liqcli.core.formatting import format_count, format_duration, format_share, format_time, format_usd
from liqcli.report.captions import coverage_headline, list_limits, list_origin
from liqcli.report.figure import RenderedFigure, compact_style, render_figure
from liqcli.report.results import WindowResults


def draw_cascades_figure(findings: WindowResults) -> RenderedFigure | None:
    """Draw when liquidations came in bursts; the same findings give the same bytes."""
    picture = build_cascades_picture(findings)
    if picture is None:
        return None
    drawing = draw_cascades(picture, **compact_style(findings))
    return render_figure(drawing, describe_cascades(findings), findings)


def build_cascades_picture(findings: WindowResults) -> CascadesSpec | None:
    """Choose what the picture says; None when there was no liquidation at all."""
    minutes, window = findings.minutes, findings.selection.window
    if minutes is None:
        return None
    return CascadesSpec(
        title=f"{findings.selection.label} liquidation cascades",
        subtitle=" · ".join([*list_origin(findings), *list_limits(findings)]),
        headline=_build_headline(findings),
        start_us=window.start_us,
        end_us=window.end_us,
        minutes_us=minutes.ts_us,
        long=minutes.long,
        short=minutes.short,
        median=minutes.median,
        hot=minutes.hot,
        hot_orders=minutes.hot_orders,
        bursts=[
            CascadeMark(c.rank, c.start_us, c.end_us, c.position, c.notional, c.share, c.price_from, c.price_to)
            for c in findings.cascades
        ],
        gaps=findings.gaps,
        prices=findings.prices,
        trace=(findings.trace["ts_us"], findings.trace["price"]) if findings.prices is None else None,
        sample=findings.sample,
    )


def describe_cascades(findings: WindowResults) -> str:
    """Say in a sentence what the picture shows, for readers who cannot see it."""
    bursts, minutes = findings.cascades, findings.minutes
    level = ""
    if minutes is not None:
        level = f" A burst begins at {format_usd(minutes.hot)} USD in {minutes.hot_orders} orders a minute."
    head = f"Realized {findings.selection.label} liquidations by minute and the cascades among them: "
    if not bursts:
        return f"{head}no burst rose above the window's baseline.{level}"
    usd = sum(c.notional for c in bursts)
    first = bursts[0]
    return (
        f"{head}{format_count(len(bursts))} with {format_usd(usd)} USD, "
        f"{format_share(usd, findings.summary.sums.notional)} of the window; the largest, mostly {first.position}s, "
        f"began {format_time(first.start_us)} UTC, lasted {format_duration(first.end_us - first.start_us)} "
        f"and held {format_usd(first.notional)} USD.{level}"
    )


def _build_headline(findings: WindowResults) -> tuple[HeadlineNumber, ...]:
    bursts, whole = findings.cascades, findings.summary.sums.notional
    usd = sum(c.notional for c in bursts)
    numbers = [
        HeadlineNumber(format_count(len(bursts)), "cascade" if len(bursts) == 1 else "cascades"),
        HeadlineNumber(f"{format_usd(usd)} USD", "in cascades"),
        HeadlineNumber(format_share(usd, whole), f"of {format_usd(whole)} USD"),
    ]
    if bursts:
        first = bursts[0]
        numbers.append(HeadlineNumber(format_usd(first.notional), f"largest, {first.position}s", first.position))
    return (*numbers, *coverage_headline(findings))
