"""From findings to pictures: which words and numbers stand on them."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from liqcli.report.cascade_figure import draw_cascades_poster
from liqcli.report.cumulative_figure import draw_cumulative_poster
from liqcli.report.figure import Poster
from liqcli.report.heatmap_figure import build_alt_text, build_picture, draw_heatmap_poster
from liqcli.report.open_interest_figure import draw_interest_poster
from liqcli.report.results import Findings

__all__ = ["PICTURES", "Poster", "build_alt_text", "build_picture", "draw_poster"]

# Name of a picture -> what draws it; None where what it is about is not known.
PICTURES: Mapping[str, Callable[[Findings], Poster | None]] = {
    "heatmap": draw_heatmap_poster,
    "cascades": draw_cascades_poster,
    "cumulative": draw_cumulative_poster,
    "open_interest": draw_interest_poster,
}


def draw_poster(findings: Findings, name: str = "heatmap") -> Poster | None:
    """Draw a picture of a window by its name; the same findings give the same bytes, None where it has no subject."""
    return PICTURES[name](findings)
