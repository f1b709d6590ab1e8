"""
Pictures of the right size without contents, for tests that read only what is written beside them.

Drawing takes two thirds of the time of a page, and nearly all of that is text.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from matplotlib.backends.backend_agg import FigureCanvasAgg, RendererAgg


def skip_drawing(set_attribute: Callable[[object, str, Any], object] = setattr) -> None:
    """Let a figure's canvas stay empty; everything up to drawing runs."""
    set_attribute(FigureCanvasAgg, "draw", _clear)


def guess_text_sizes() -> None:
    """Estimate sizes of text from its length. Only for a process of its own: liqcli keeps what it measured."""
    setattr(RendererAgg, "get_text_width_height_descent", _guess_size)  # noqa: B010 - a plain assignment fails mypy


def _clear(canvas: FigureCanvasAgg) -> None:
    canvas.renderer = canvas.get_renderer()
    canvas.renderer.clear()


def _guess_size(renderer: RendererAgg, text: str, prop: Any, ismath: object) -> tuple[float, float, float]:
    height = prop.get_size_in_points() * renderer.dpi / 72
    return 0.55 * height * len(text), height, 0.2 * height
