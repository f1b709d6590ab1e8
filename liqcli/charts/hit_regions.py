"""Positions of the elements of a figure as plain data, from which a page builds its hover map."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from liqcli.charts.bars import LEAST_CASCADE_PX
from liqcli.charts.canvas import Box, Canvas
from liqcli.charts.figure_spec import HeatmapSpec
from liqcli.charts.heatmap_layout import HeatmapLayout
from liqcli.charts.timeline import widen


class Region(NamedTuple):
    """
    A rectangle in fractions of the figure's width and height, from its **upper left** corner.

    ``kind`` and ``key`` identify the element:

    ========== ==================================================================================
    panel      0 heat, 1 profile, 2 bars
    bucket     column ``key`` of the grid, from the top of the heat to the bottom of the bars
    bin        row ``key`` of the grid, from the left of the heat to the right of the profile
    cluster    the cluster of rank ``key``, from the left of the heat to the right of the profile
    label      the label of that cluster in the heat, if it has one
    cascade    the cascade of rank ``key``, over the height of the bars
    ========== ==================================================================================

    Regions are clipped to their panels; those outside are omitted.
    """

    kind: str
    key: int
    left: float
    top: float
    width: float
    height: float


def map_regions(
    sheet: Canvas, picture: HeatmapSpec, view: HeatmapLayout, labels: Sequence[tuple[int, Box]]
) -> list[Region]:
    """
    List the regions of a heat map.

    Parameters
    ----------
    sheet, picture, view
        The page, its content and its layout.
    labels : sequence of (rank, box)
        Boxes of the cluster labels. [px]
    """
    page = Page(sheet.width, sheet.height)
    panels = enumerate((view.heat, view.profile, view.bars))
    found = [page.region("panel", key, box) for key, box in panels]
    found += _map_buckets(page, picture, view)
    found += _map_bins(page, picture, view)
    for band in picture.bands:
        found += _across(page, view, "cluster", band.rank, band.low, band.high)
    found += [page.region("label", rank, box) for rank, box in labels]
    least_us = sheet.px(LEAST_CASCADE_PX) * view.time.us_per_px
    for start_us, end_us, rank in picture.cascades:
        start, end = widen(start_us, end_us, least_us)
        left, right = max(view.time.x(start), view.bars.left), min(view.time.x(end), view.bars.right)
        if left < right:
            found.append(page.region("cascade", rank, Box(left, view.bars.bottom, right - left, view.bars.height)))
    return found


class Page(NamedTuple):
    """Size of a figure. [px]"""

    width: float
    height: float

    def region(self, kind: str, key: int, box: Box) -> Region:
        """Convert a box in pixels from the lower left to fractions from the upper left."""
        left, top = box.left / self.width, 1 - box.top / self.height
        return Region(kind, key, left, top, box.width / self.width, box.height / self.height)


def _map_buckets(page: Page, picture: HeatmapSpec, view: HeatmapLayout) -> Iterator[Region]:
    starts = picture.grid.bucket_starts_us
    edges = np.append(starts, starts[-1] + picture.grid.bucket_us)
    height = view.heat.top - view.bars.bottom
    for key, (start, end) in enumerate(pairwise(edges.tolist())):
        left, right = max(view.time.x(start), view.heat.left), min(view.time.x(end), view.heat.right)
        yield page.region("bucket", key, Box(left, view.bars.bottom, right - left, height))


def _map_bins(page: Page, picture: HeatmapSpec, view: HeatmapLayout) -> Iterator[Region]:
    edges = picture.grid.price_edges.tolist()
    for key, (low, high) in enumerate(pairwise(edges)):
        yield from _across(page, view, "bin", key, low, high)


def _across(page: Page, view: HeatmapLayout, kind: str, key: int, low: float, high: float) -> Iterator[Region]:
    bottom, top = max(view.y(low), view.heat.bottom), min(view.y(high), view.heat.top)
    if bottom < top:
        width = view.profile.right - view.heat.left
        yield page.region(kind, key, Box(view.heat.left, bottom, width, top - bottom))
