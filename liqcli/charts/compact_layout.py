"""Layout that the compact figures share: size, page, stacked panels, and a value axis on the right."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import TypeVar

from matplotlib.axes import Axes
from matplotlib.figure import Figure

from liqcli.charts.canvas import Box, Canvas, own_style
from liqcli.charts.hit_regions import Region
from liqcli.charts.palettes import find_palette
from liqcli.charts.themes import find_theme
from liqcli.charts.ticks import round_ticks
from liqcli.core.choices import PaletteName, ThemeName
from liqcli.core.errors import UsageError

COMPACT = (1600, 640)  # [px]
EDGE, CAPTION, FOOT = 28, 26, 44  # left margin; text above a panel; time labels below the last panel [px]
AXIS_SIZE = 12.5
_SMALLEST, _LARGEST = (800, 420), (6000, 4000)

Spec = TypeVar("Spec")


@dataclass(frozen=True, slots=True)
class DrawnFigure:
    """A matplotlib figure and the regions of its elements."""

    figure: Figure
    regions: list[Region]


@dataclass(frozen=True, slots=True)
class ValueAxis:
    """Values from ``low`` to ``high`` over the height of a panel."""

    box: Box
    low: float
    high: float

    def y(self, value: float) -> float:
        """Height of a value. [px]"""
        return self.box.bottom + self.box.height * (value - self.low) / (self.high - self.low)


def draw_compact(
    compose: Callable[[Canvas, Spec], list[Region]],
    picture: Spec,
    theme: ThemeName,
    palette: PaletteName,
    size: tuple[int, int],
    dpi: float,
) -> DrawnFigure:
    """
    Open the page of a compact figure and let ``compose`` draw on it; ``compose`` returns the regions of its elements.

    Raises
    ------
    UsageError
        Unknown theme or palette, or a size too small or too large.
    """
    if not all(low <= side <= high for low, side, high in zip(_SMALLEST, size, _LARGEST, strict=True)):
        raise UsageError(f"a picture of {size[0]} x {size[1]} px: between 800 x 420 and 6000 x 4000 is possible")
    look = find_theme(theme, palette)
    with own_style():
        sheet = Canvas(size, dpi, look, find_palette(palette, look.name), COMPACT)
        regions = compose(sheet, picture)
    return DrawnFigure(sheet.figure, regions)


def list_axis(sheet: Canvas, axis: ValueAxis, every: float = 44) -> tuple[list[float], float]:
    """Choose round values at least ``every`` px apart; returns them and their step."""
    return round_ticks(axis.low, axis.high, max(int(axis.box.height / sheet.px(every)), 1))


def write_axis(sheet: Canvas, axes: Axes, axis: ValueAxis, labels: list[tuple[float, str]]) -> None:
    """Draw faint lines through a panel and their labels on its right, except on the edges."""
    axes.set_ylim(axis.low, axis.high)
    sheet.rule(axes, across=[value for value, _ in labels])
    half = sheet.px(AXIS_SIZE * 0.7)
    for value, text in labels:
        y = axis.y(value)
        if axis.box.bottom + half < y < axis.box.top - half:
            sheet.text(axis.box.right + sheet.px(8), y, text, AXIS_SIZE, sheet.theme.muted, va="center_baseline")
