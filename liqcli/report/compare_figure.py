"""The picture of several symbols side by side: content and alt text."""

from __future__ import annotations

import numpy as np

from liqcli.charts.compare import ComparePanel, CompareSpec, draw_compare
from liqcli.charts.figure_spec import HeadlineNumber, Tone
from liqcli.charts.fonts import describe_stand_in
from liqcli.charts.png import render_pixels
from liqcli.core.choices import ThemeName
from liqcli.core.coverage import overall_share
from liqcli.core.formatting import format_counted, format_coverage, format_price, format_share, format_time, format_usd
from liqcli.report.compare_results import CompareResults
from liqcli.report.figure import Figure
from liqcli.report.results import WindowResults


def draw_compare_figure(results: CompareResults, theme: ThemeName | None = None, portrait: bool = False) -> Figure:
    """Draw the picture in a theme, or in the first of the results; ``portrait`` is laid out for phones."""
    view = results.view
    theme = theme or view.figure_themes[0]
    drawn = draw_compare(
        build_spec(results), theme=theme, palette=view.palette, scale=view.scale, size=view.size, portrait=portrait
    )
    return Figure(
        render_pixels(drawn.figure),
        describe(results),
        theme,
        drawn.regions,
        describe_stand_in(" ".join(results.names)),
        drawn.figure.dpi,
        drawing=drawn.figure,
    )


def build_spec(results: CompareResults) -> CompareSpec:
    """Collect what the picture shows."""
    window, found = results.window, results.found
    usd = sum(own.summary.sums.notional for own in found.values())
    parts = ["realized", f"{format_time(window.start_us)} to {format_time(window.end_us)} UTC"]
    parts += [f"{results.query.position}s only"] if results.query.position != "both" else []
    parts.append("each panel has its own price axis")
    panels = [
        build_panel(name, found[name]) if name in found else ComparePanel(name, [("no liquidations", "warn")])
        for name in results.names
    ]
    return CompareSpec(
        title=f"Liquidations of {', '.join(results.names)}",
        subtitle=" · ".join(parts),
        headline=(HeadlineNumber(f"{format_usd(usd)} USD", "liquidated"),),
        start_us=window.start_us,
        end_us=window.end_us,
        panels=panels,
        sample=any(own.sample for own in found.values()),
    )


def build_panel(name: str, own: WindowResults) -> ComparePanel:
    """Collect what the panel of one symbol shows."""
    sums, share = own.summary.sums, overall_share(own.selection.coverage)
    complete: Tone = "plain" if share is not None and share >= 0.999 else "warn"
    words: list[tuple[str, Tone]] = [
        (f"{format_usd(sums.notional)} USD", "plain"),
        (f"{format_share(sums.long_notional, sums.notional)} longs", "long"),
        (f"{format_share(sums.short_notional, sums.notional)} shorts", "short"),
        (format_counted(sums.events, "event"), "plain"),
        (f"last {format_price(own.last_price)}", "plain"),
        (f"coverage {'unknown' if share is None else format_coverage(share)}", complete),
    ]
    if own.prices is not None and len(own.prices.ts_us):
        price = own.prices.ts_us + own.prices.step_us, own.prices.close
    else:
        price = own.trace.ts_us, np.asarray(own.trace.price, dtype=np.float64)
    return ComparePanel(name, words, own.grid, price, own.gaps)


def describe(results: CompareResults) -> str:
    """Write the alt text."""
    said = [f"{name} {format_usd(own.summary.sums.notional)} USD" for name, own in results.found.items()]
    said += [f"{name} none" for name in results.missing]
    return f"Realized liquidations by time and price, one panel per symbol on one time axis: {', '.join(said)}."
