"""Pictures: arrays and dataclasses in, a matplotlib Figure out; no pyplot, no files."""

from __future__ import annotations

import io

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure

from liqcli.charts.heatmap import draw_heatmap
from liqcli.charts.layout import Drawing
from liqcli.charts.picture import Band, HeadlineNumber, HeatmapPicture
from liqcli.charts.regions import Region
from liqcli.charts.sheet import own_style

__all__ = ["Band", "Drawing", "HeadlineNumber", "HeatmapPicture", "Region", "draw_heatmap", "render_png"]


def render_png(figure: Figure) -> bytes:
    """
    Render a figure to PNG: the same figure gives the same bytes.

    No date and no program name is written, since a new matplotlib would change the latter.
    """
    out = io.BytesIO()
    with own_style():
        FigureCanvasAgg(figure).print_png(out, metadata={"Software": None})  # type: ignore[no-untyped-call]
    return out.getvalue()
