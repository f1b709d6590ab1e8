"""
Render with Agg, but measure each text once per process, and rasterise it once for both themes.

matplotlib measures a label when it is laid out and again when it is drawn, and half the time of a figure is its text.
"""

from __future__ import annotations

from collections import OrderedDict
from functools import cache, lru_cache
from typing import TYPE_CHECKING, Any

from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg
from matplotlib.figure import Figure
from matplotlib.font_manager import FontProperties

if TYPE_CHECKING:
    from matplotlib.backend_bases import GraphicsContextBase
    from matplotlib.text import Text

TextSize = tuple[float, float, float]


@lru_cache(maxsize=8192)
def measure_text(text: str, font: FontProperties, dpi: float) -> TextSize:
    """Return width, height and descent of a line of text. [px]"""
    width, height, descent = _ruler(dpi).get_text_width_height_descent(text, font, ismath=False)  # type: ignore[no-untyped-call]
    return float(width), float(height), float(descent)


@cache
def _ruler(dpi: float) -> RendererAgg:
    return RendererAgg(1, 1, dpi)  # type: ignore[no-untyped-call]


Glyphs = list[tuple[Any, ...]]
_MOST_TEXTS = 512  # kept, about 10 kB each
_DRAWN: OrderedDict[tuple[object, ...], Glyphs] = OrderedDict()


class _Recorder:
    """Passes glyphs on to Agg, and keeps them: their pixels and places, without the colour."""

    def __init__(self, agg: Any) -> None:  # noqa: ANN401  (a class of matplotlib's C++ module)
        self._agg = agg
        self.glyphs: Glyphs = []

    def draw_text_image(self, *glyph: Any) -> None:  # noqa: ANN401
        self.glyphs.append(glyph[:-1])
        self._agg.draw_text_image(*glyph)

    def __getattr__(self, name: str) -> Any:  # noqa: ANN401
        return getattr(self._agg, name)


class MeasuringRenderer(RendererAgg):
    """Agg renderer with :func:`measure_text`, which draws a text like an earlier one from its pixels."""

    _renderer: Any

    def draw_text(
        self,
        gc: GraphicsContextBase,
        x: float,
        y: float,
        s: str,
        prop: FontProperties,
        angle: float,
        ismath: bool | str = False,
        mtext: Text | None = None,
    ) -> None:
        """Draw a line of text; where the theme alone differs, only its colour is new."""
        key = s, prop, self.dpi, self.height, x, y, angle, ismath
        agg, glyphs = self._renderer, _DRAWN.pop(key, None)
        if glyphs is None:
            self._renderer = recorder = _Recorder(agg)
            try:
                super().draw_text(gc, x, y, s, prop, angle, ismath, mtext)  # type: ignore[no-untyped-call]
            finally:
                self._renderer = agg
            glyphs = recorder.glyphs
        else:
            for glyph in glyphs:
                agg.draw_text_image(*glyph, gc)
        _DRAWN[key] = glyphs
        if len(_DRAWN) > _MOST_TEXTS:
            _DRAWN.popitem(last=False)

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
