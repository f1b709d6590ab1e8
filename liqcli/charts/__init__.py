"""
Draw figures with matplotlib: a spec of plain arrays in, a matplotlib figure and the regions of its elements out.

Layout, colours, axes, ticks, fonts and rendering to pixels belong here. Choosing what a figure says, its captions and
its hover map belong in ``report``; numbers are computed in ``analysis``. Charts read no lake, use no pyplot and write
no files.
"""

from __future__ import annotations

import liqcli.charts.start  # noqa: F401  (first: it imports matplotlib)
from liqcli.charts.compact_layout import DrawnFigure
from liqcli.charts.figure_spec import ClusterLabel, HeadlineNumber, HeatmapSpec
from liqcli.charts.heatmap import draw_heatmap
from liqcli.charts.hit_regions import Region
from liqcli.charts.png import render_png

__all__ = ["ClusterLabel", "DrawnFigure", "HeadlineNumber", "HeatmapSpec", "Region", "draw_heatmap", "render_png"]
