"""Fill the figure of estimated levels, and describe it in words."""

from __future__ import annotations

from liqcli.analysis.levels.calibration import Calibration
from liqcli.analysis.levels.estimate import LevelEstimate
from liqcli.charts.figure_spec import HeadlineNumber
from liqcli.charts.fonts import describe_stand_in
from liqcli.charts.levels import DESIGN, draw_levels
from liqcli.charts.levels_spec import LevelMark, LevelsSpec, MeasuredOutline
from liqcli.charts.png import render_pixels
from liqcli.core.choices import PaletteName, ThemeName
from liqcli.core.durations import format_length
from liqcli.core.formatting import (
    format_count,
    format_coverage,
    format_iso,
    format_percent_signed,
    format_price,
    format_time,
    format_usd,
)
from liqcli.report.figure import Figure
from liqcli.report.levels_data import LevelsData
from liqcli.report.levels_measured import MeasuredData, describe_measured


def draw_level_figure(
    data: LevelsData, theme: ThemeName, palette: PaletteName = "liq", size: tuple[int, int] | None = None
) -> Figure:
    """Draw the figure in one theme."""
    drawn = draw_levels(build_spec(data), theme=theme, palette=palette, size=size or DESIGN)
    pixels, note = render_pixels(drawn.figure), describe_stand_in(data.label)
    return Figure(pixels, describe_levels(data), theme, drawn.regions, note, drawn.figure.dpi, drawing=drawn.figure)


def build_spec(data: LevelsData) -> LevelsSpec:
    """Build what the figure shows."""
    estimate = data.estimate
    field = estimate.field
    window = estimate.window
    unknown = field.starts_us[~field.known]
    return LevelsSpec(
        title=f"{data.label} estimated liquidation levels",
        subtitle=describe_inputs(data),
        headline=_headline(estimate),
        kind="estimated",
        start_us=window.start_us,
        end_us=window.end_us,
        starts_us=field.starts_us,
        bucket_us=estimate.bucket_us,
        bin=field.bin,
        price_edges=field.price_edges,
        values=field.long_notional + field.short_notional,
        long=estimate.levels.long_notional,
        short=estimate.levels.short_notional,
        long_reach=(estimate.longs.price, estimate.longs.notional),
        short_reach=(estimate.shorts.price, estimate.shorts.notional),
        last_price=estimate.last_price,
        long_outside=estimate.levels.long_outside,
        short_outside=estimate.levels.short_outside,
        prices=data.prices,
        marks=_marks(estimate),
        measured=None if data.measured is None else _outline(data.measured),
        unknown=[(int(unknown[0]), int(unknown[-1]) + estimate.bucket_us)] if len(unknown) else (),
    )


def describe_inputs(data: LevelsData) -> str:
    """Describe window, inputs and weights in one line."""
    estimate = data.estimate
    window = estimate.window
    return " · ".join(
        [
            f"{format_length(window.length_us)} to {format_time(window.end_us)} UTC",
            f"estimated from open interest of {data.exchange} {data.contract}, not realized",
            f"leverage mix {describe_calibration(estimate.calibration)}",
            describe_tiers(data),
        ]
    )


def describe_calibration(calibration: Calibration) -> str:
    """Describe where the leverage weights come from."""
    if not calibration.calibrated:
        return f"uncalibrated ({calibration.reason})"
    return f"calibrated on {format_count(calibration.orders)} realized orders before the window"


def describe_tiers(data: LevelsData) -> str:
    """Describe which margin tiers were used."""
    tiers = data.estimate.tiers
    if tiers.date is None:
        return f"margin tiers: {tiers.source}"
    late = ", after the window" if tiers.date > format_iso(data.window.end_us)[:10] else ""
    return f"margin tiers: {tiers.source} of {tiers.date}{late}"


def _headline(estimate: LevelEstimate) -> tuple[HeadlineNumber, ...]:
    numbers = [HeadlineNumber(format_price(estimate.last_price), "last price")]
    for bands, position, word in (
        (estimate.short_bands, "short", "largest shorts"),
        (estimate.long_bands, "long", "largest longs"),
    ):
        if (band := bands.largest) is not None:
            place = f"{format_price(band.low)} ({format_percent_signed(band.distance_pct)})"
            numbers.append(HeadlineNumber(f"{format_usd(band.notional)} USD", f"{word} at {place}", position))  # type: ignore[arg-type]
    return tuple(numbers)


def _outline(data: MeasuredData) -> MeasuredOutline:
    levels = data.measured.levels
    covered = [side.covered for side in data.measured.sides if side.covered is not None]
    share = f"{format_coverage(sum(covered) / len(covered))} of open interest" if covered else "share unknown"
    return MeasuredOutline(levels.long_notional, levels.short_notional, f"{data.snapshot.exchange}, {share}")


def _marks(estimate: LevelEstimate) -> list[LevelMark]:
    marks = []
    for bands, position in ((estimate.long_bands, "long"), (estimate.short_bands, "short")):
        for word, band in (("largest", bands.largest), ("nearest", bands.nearest)):
            if band is not None and not (word == "nearest" and band == bands.largest):
                marks.append(LevelMark(word, position, band.low, band.high, band.notional))
    return marks


def describe_levels(data: LevelsData) -> str:
    """Describe the figure in one sentence, for readers who cannot see it."""
    estimate = data.estimate
    parts = []
    for bands, words in ((estimate.long_bands, "longs below"), (estimate.short_bands, "shorts above")):
        if (band := bands.largest) is None:
            parts.append(f"no {words} the price")
        else:
            place = f"{format_price(band.low)} – {format_price(band.high)} ({format_percent_signed(band.distance_pct)})"
            parts.append(f"the largest level of {words} the price is {format_usd(band.notional)} USD at {place}")
    return (
        f"Estimated, not realized: where open positions of {data.label} would be liquidated, by price and time to "
        f"{format_time(estimate.window.end_us)} UTC, with candles and, on the right, what stands now; at a last price "
        f"of {format_price(estimate.last_price)} {', and '.join(parts)}."
        f"{'' if data.measured is None else f' Outlined beside it, {describe_measured(data.measured)}.'}"
    )
