"""Each case that breaks charts, drawn once: words apart, cells and axes as given, regions where they are drawn."""

import numpy as np
import pytest
from boxes import faults, list_texts
from chart_cases import CASES

from liqcli.charts import draw_heatmap
from liqcli.core.formatting import format_usd


def panel(figure, label):
    return next(axes for axes in figure.axes if axes.get_label() == label)


@pytest.mark.slow
@pytest.mark.parametrize("case", CASES)
def test_every_case(case):
    picture = CASES[case]()
    drawing = draw_heatmap(picture)
    heat = panel(drawing.figure, "heat")
    assert list(faults(drawing.figure)) == []
    check_cells(picture, heat)
    check_axes(picture, heat)
    check_regions(picture, drawing, heat)
    if picture.unit == "USD" and picture.values.any():
        assert f"max {format_usd(picture.values.max())}" in [text.get_text() for text in list_texts(drawing.figure)]


def check_cells(picture, heat):
    """Each filled cell is drawn once, at its place, with its value."""
    grid = picture.grid
    drawn = np.zeros(np.shape(picture.values))
    for cells in (artist for artist in heat.get_children() if artist.get_label() == "cells" and artist.get_paths()):
        centres = np.array([path.vertices[:4] for path in cells.get_paths()]).mean(axis=1)
        columns = np.floor((centres[:, 0] - grid.bucket_starts_us[0]) / grid.bucket_us).astype(int)
        rows = np.searchsorted(grid.price_edges, centres[:, 1], side="right") - 1
        assert len(centres) == np.count_nonzero(picture.values)
        drawn[rows, columns] = np.asarray(cells.get_array())
    assert np.array_equal(drawn, picture.values)


def check_axes(picture, heat):
    """The axes hold the grid, the candles and the last price."""
    (left, right), (low, high) = heat.get_xlim(), heat.get_ylim()
    grid = picture.grid
    assert left <= grid.bucket_starts_us[0]
    assert right >= grid.bucket_starts_us[-1] + grid.bucket_us
    assert low <= grid.price_edges[0]
    assert high >= grid.price_edges[-1]
    assert low >= 0
    if picture.prices is not None:
        assert low <= picture.prices.low.min()
        assert high >= picture.prices.high.max()
    if picture.last_price is not None:
        assert low <= picture.last_price <= high


def check_regions(picture, drawing, heat):
    """All regions lie on the page, and a cell is where its bucket crosses its bin."""
    for region in drawing.regions:
        assert min(region.width, region.height) > 0, region
        assert min(region.left, region.top) >= 0, region
        assert region.left + region.width <= 1 + 1e-9, region
        assert region.top + region.height <= 1 + 1e-9, region
    buckets, bins = (
        {region.key: region for region in drawing.regions if region.kind == kind} for kind in ("bucket", "bin")
    )
    assert (len(bins), len(buckets)) == np.shape(picture.values)
    grid, box = picture.grid, heat.figure.bbox
    for column in (0, len(buckets) // 2, len(buckets) - 1):
        for row in (0, len(bins) // 2, len(bins) - 1):
            start, low, high = grid.bucket_starts_us[column], grid.price_edges[row], grid.price_edges[row + 1]
            left, top = heat.transData.transform((start, high)) / box.size
            right, bottom = heat.transData.transform((start + grid.bucket_us, low)) / box.size
            crossing = (buckets[column].left, bins[row].top, buckets[column].width, bins[row].height)
            assert crossing == pytest.approx((left, 1 - top, right - left, top - bottom), abs=1e-7)
