"""Pictures: arrays and dataclasses in, a matplotlib Figure out; no pyplot, no files."""

from __future__ import annotations

from liqcli.charts.compact_layout import DrawnFigure
from liqcli.charts.figure_spec import ClusterLabel, HeadlineNumber, HeatmapSpec
from liqcli.charts.heatmap import draw_heatmap
from liqcli.charts.hit_regions import Region
from liqcli.charts.png import render_png

__all__ = ["ClusterLabel", "DrawnFigure", "HeadlineNumber", "HeatmapSpec", "Region", "draw_heatmap", "render_png"]
