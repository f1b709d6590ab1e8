"""
Render with Agg, and measure each text once per process.

matplotlib measures a label when it is laid out and again when it is drawn, in each theme anew.
"""

from __future__ import annotations

from functools import cache, lru_cache

from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

TextSize = tuple[float, float, float]


@lru_cache(maxsize=8192)
def measure_text(text: str, font: FontProperties, dpi: float) -> TextSize:
    """Return width, height and descent of a line of text. [px]"""
    width, height, descent = _ruler(dpi).get_text_width_height_descent(text, font, ismath=False)  # type: ignore[no-untyped-call]
    return float(width), float(height), float(descent)


@cache
def _ruler(dpi: float) -> RendererAgg:
    return RendererAgg(1, 1, dpi)  # type: ignore[no-untyped-call]


class MeasuringRenderer(RendererAgg):
    """Agg renderer with :func:`measure_text`."""

    def get_text_width_height_descent(self, s: str, prop: FontProperties, ismath: bool | str) -> TextSize:
        """Return width, height and descent of a line of text. [px]"""
        if ismath:
            size: TextSize = super().get_text_width_height_descent(s, prop, ismath)  # type: ignore[no-untyped-call]
            return size
        return measure_text(s, prop, self.dpi)


class MeasuringCanvas(FigureCanvasAgg):
    """Agg canvas that keeps its :class:`MeasuringRenderer` until its size changes."""

    def __init__(self, figure: Figure) -> None:
        super().__init__(figure)
        self._size: tuple[float, ...] = ()
        self._own: MeasuringRenderer | None = None

    def get_renderer(self) -> MeasuringRenderer:
        """Return the renderer of this canvas."""
        width, height = self.get_width_height(physical=True)
        size = width, height, self.figure.dpi
        if self._own is None or size != self._size:
            self._own, self._size = MeasuringRenderer(width, height, self.figure.dpi), size  # type: ignore[no-untyped-call]
        return self._own
