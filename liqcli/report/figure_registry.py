"""From findings to pictures: which words and numbers stand on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from liqcli.report.cascade_figure import draw_cascades_figure
from liqcli.report.cumulative_figure import draw_cumulative_figure
from liqcli.report.figure import RenderedFigure
from liqcli.report.heatmap_figure import build_alt_text, build_picture, draw_heatmap_figure
from liqcli.report.open_interest_figure import draw_open_interest_figure
from liqcli.report.results import WindowResults

__all__ = ["PICTURES", "RenderedFigure", "build_alt_text", "build_picture", "draw_figure"]

# Name of a picture -> what draws it; None where what it is about is not known.
PICTURES: Mapping[str, Callable[[WindowResults], RenderedFigure | None]] = {
    "heatmap": draw_heatmap_figure,
    "cascades": draw_cascades_figure,
    "cumulative": draw_cumulative_figure,
    "open_interest": draw_open_interest_figure,
}


def draw_figure(findings: WindowResults, name: str = "heatmap") -> RenderedFigure | None:
    """Draw a picture of a window by its name; the same findings give the same bytes, None where it has no subject."""
    return PICTURES[name](findings)
