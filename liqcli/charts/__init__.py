"""Pictures: arrays and dataclasses in, a matplotlib Figure out; no pyplot, no files."""

from __future__ import annotations

from liqcli.charts.heatmap import draw_heatmap
from liqcli.charts.layout import Drawing
from liqcli.charts.picture import Band, HeadlineNumber, HeatmapPicture
from liqcli.charts.png import render_png
from liqcli.charts.regions import Region

__all__ = ["Band", "Drawing", "HeadlineNumber", "HeatmapPicture", "Region", "draw_heatmap", "render_png"]
