"""The figure of cascades: content, texts and hover map."""

from __future__ import annotations

from liqcli.charts.cascades import draw_cascades
from liqcli.charts.figure_spec import CascadeMark, CascadesSpec, HeadlineNumber
from liqcli.core.formatting import format_count, format_duration, format_share, format_time, format_usd
from liqcli.report.figure import Figure, compact_style, render_figure
from liqcli.report.hover_map import Mark, PixelRegions, describe_cascade
from liqcli.report.results import ViewOptions, WindowResults
from liqcli.report.shared_captions import coverage_headline, list_limits, list_origin

_MARK_KINDS = {"cascade": "flash", "label": "entry"}  # kind of a region -> kind of the mark over it


def draw(results: WindowResults, view: ViewOptions) -> Figure | None:
    """Draw the cascades; None where the window has no liquidation. The same results give the same bytes."""
    spec = build_spec(results)
    if spec is None:
        return None
    drawn = draw_cascades(spec, **compact_style(view))
    return render_figure(drawn, describe(results), results, view.figure_themes[0])


def build_spec(results: WindowResults) -> CascadesSpec | None:
    """Collect what the figure shows; None where the window has no liquidation."""
    minutes, window = results.minutes, results.selection.window
    if minutes is None:
        return None
    return CascadesSpec(
        title=f"{results.selection.label} liquidation cascades",
        subtitle=" · ".join([*list_origin(results), *list_limits(results)]),
        headline=_build_headline(results),
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
            for c in results.cascades
        ],
        gaps=results.gaps,
        prices=results.prices,
        trace=(results.trace.ts_us, results.trace.price) if results.prices is None else None,
        sample=results.sample,
    )


def describe(results: WindowResults) -> str:
    """Write the alt text."""
    bursts, minutes = results.cascades, results.minutes
    level = ""
    if minutes is not None:
        level = f" Cascade threshold: {format_usd(minutes.hot)} USD and {minutes.hot_orders} orders per minute."
    head = f"Realized {results.selection.label} liquidations by minute with cascades: "
    if not bursts:
        return f"{head}none in this window.{level}"
    usd = sum(c.notional for c in bursts)
    first = bursts[0]
    return (
        f"{head}{format_count(len(bursts))} with {format_usd(usd)} USD, "
        f"{format_share(usd, results.summary.sums.notional)} of the window; the largest started at "
        f"{format_time(first.start_us)} UTC and lasted {format_duration(first.end_us - first.start_us)}, with "
        f"{format_usd(first.notional)} USD, mostly {first.position}s.{level}"
    )


def _build_headline(results: WindowResults) -> tuple[HeadlineNumber, ...]:
    bursts, whole = results.cascades, results.summary.sums.notional
    usd = sum(c.notional for c in bursts)
    numbers = [
        HeadlineNumber(format_count(len(bursts)), "cascade" if len(bursts) == 1 else "cascades"),
        HeadlineNumber(f"{format_usd(usd)} USD", "in cascades"),
        HeadlineNumber(format_share(usd, whole), f"of {format_usd(whole)} USD"),
    ]
    if bursts:
        first = bursts[0]
        numbers.append(HeadlineNumber(format_usd(first.notional), f"largest, {first.position}s", first.position))
    return (*numbers, *coverage_headline(results))


def build_hover_map(results: WindowResults, figure: Figure) -> list[Mark]:
    """Describe each cascade over its shaded span and over its row in the list."""
    regions, texts = (
        PixelRegions(figure.regions, figure.width, figure.height),
        {c.rank: describe_cascade(c) for c in results.cascades},
    )
    found = [(kind, region) for name, kind in _MARK_KINDS.items() for region in regions.find(name).values()]
    return [regions.mark(kind, r, texts[r.key]) for kind, r in found if r.width and r.height]
