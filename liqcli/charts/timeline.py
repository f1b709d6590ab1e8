"""The time axis that stacked panels share: positions, labels and gaps."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from matplotlib.axes import Axes
from matplotlib.colors import to_rgba
from matplotlib.patches import Rectangle

from liqcli.charts.canvas import Canvas
from liqcli.charts.ticks import format_day, time_ticks
from liqcli.core.choices import ThemeName
from liqcli.core.model import US_PER_S

GAP_WORDS = "not recorded"
_HATCH_OPACITY: dict[ThemeName, float] = {"dark": 0.22, "light": 0.14}
LABEL_SIZE = 13
_EVERY = 84  # minimum distance of two labels [px]
_LONG_US = 36 * 3600 * US_PER_S  # a longer axis shows days, so its end needs no date


@dataclass(frozen=True, slots=True)
class Timeline:
    """Times from ``start_us`` to ``end_us`` [µs UTC] between ``left`` and ``right``. [px]"""

    start_us: int
    end_us: int
    left: float
    right: float

    @property
    def width(self) -> float:
        """Width of the axis. [px]"""
        return self.right - self.left

    @property
    def us_per_px(self) -> float:
        """Time per pixel. [µs]"""
        return (self.end_us - self.start_us) / self.width

    def x(self, ts_us: float) -> float:
        """Position of a time. [px]"""
        return self.left + (ts_us - self.start_us) / self.us_per_px


def widen(start_us: float, end_us: float, least_us: float) -> tuple[float, float]:
    """Widen an interval around its centre to a minimum length. [µs]"""
    spare = max(least_us - (end_us - start_us), 0.0) / 2
    return start_us - spare, end_us + spare


def visible_gaps(gaps: Iterable[tuple[int, int]], time: Timeline) -> list[tuple[int, int]]:
    """Clip the gaps to the time axis and omit those outside."""
    clipped = [(max(start, time.start_us), min(end, time.end_us)) for start, end in gaps]
    return [(start, end) for start, end in clipped if start < end]


def draw_gaps(axes: Axes, sheet: Canvas, gaps: Iterable[tuple[int, int]], time: Timeline) -> None:
    """Hatch the gaps in a panel that shares the time axis."""
    bottom, top = axes.get_ylim()
    for start, end in visible_gaps(gaps, time):
        patch = Rectangle(
            (start, bottom),
            end - start,
            top - bottom,
            facecolor="none",
            edgecolor=to_rgba(sheet.theme.hatch, _HATCH_OPACITY[sheet.theme.name]),
            linewidth=0,
            hatch="//",
            zorder=2,
            label="gap",
        )
        patch.set_hatch_linewidth(sheet.points(1.0))
        axes.add_patch(patch)
        # Below the bands: their sums continue through a gap.
        axes.axvspan(start, end, facecolor=sheet.theme.gap, edgecolor="none", zorder=0.5)


def draw_time_axis(sheet: Canvas, time: Timeline, bottom: float, panels: Sequence[Axes]) -> None:
    """Draw time lines through the panels, with labels below ``bottom`` [px] and "UTC" at the end."""
    ticks = time_ticks(time.start_us, time.end_us, max(int(time.width / sheet.px(_EVERY)), 2))
    for axes in panels:
        axes.set_xlim(time.start_us, time.end_us)
        sheet.rule(axes, upright=[tick.ts_us for tick in ticks])
    y = bottom - sheet.px(20)
    said = any(tick.strong for tick in ticks) or time.end_us - time.start_us > _LONG_US
    zone = "UTC" if said else f"UTC {format_day(time.start_us, year=True)}"
    room = time.right - sheet.text_width(zone, LABEL_SIZE, bold=True) - sheet.px(14)
    sheet.text(time.right, y, zone, LABEL_SIZE, sheet.theme.muted, bold=True, ha="right")
    free = time.left
    for tick in ticks:
        half = sheet.text_width(tick.label, LABEL_SIZE, bold=tick.strong) / 2
        x = max(time.x(tick.ts_us), time.left + half)
        if free <= x - half and x + half <= room:
            free = x + half + sheet.px(8)
            color = sheet.theme.text if tick.strong else sheet.theme.muted
            sheet.text(x, y, tick.label, LABEL_SIZE, color, bold=tick.strong, ha="center")
