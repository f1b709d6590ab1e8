"""Legibility as drawn: cells large enough in every size, and the largest cell is where the eye lands."""

from decimal import Decimal
from itertools import product

import numpy as np
import pytest
from chart_cases import START, draw, make_candles, make_grid, make_picture
from matplotlib.colors import to_rgb
from products import pairs
from test_charts_colours import lab

from liqcli.analysis.price_bins import choose_bucket, choose_rows, fit_cells
from liqcli.charts.figure_spec import OpenInterestLine
from liqcli.charts.palettes import find_palette
from liqcli.charts.png import render_pixels
from liqcli.charts.themes import find_theme
from liqcli.core.model import US_PER_S

HOUR_S = 3600


def panel(figure, label):
    return next(axes for axes in figure.axes if axes.get_label() == label)


def lab_of(pixels):
    """CIELAB of sRGB pixels 0..255, shape (..., 3)."""
    rgb = np.asarray(pixels, dtype=np.float64) / 255
    light = np.where(rgb <= 0.04045, rgb / 12.92, ((rgb + 0.055) / 1.055) ** 2.4)
    flat = lab(light.reshape(-1, 3).T)
    return flat.T.reshape(light.shape)


@pytest.mark.parametrize(
    ("hours", "price", "size"),
    pairs([(24, 100_000.0), (1, 0.00002)], [(1600, 1000), (2400, 1500), (1600, 700), (800, 500), (800, 1100)]),
)
def test_default_cells_are_at_least_9_by_7_px(size, hours, price):
    """With two lines of subtitle, open interest and candles, which take the most space."""
    columns, rows = fit_cells(size)
    bucket_s = choose_bucket(hours * HOUR_S * US_PER_S, 10**6, columns) // US_PER_S
    buckets, bins = hours * HOUR_S // bucket_s, choose_rows(10**6, rows)
    step = Decimal(1).scaleb(int(np.floor(np.log10(price))) - 4)
    grid = make_grid(
        [(0, 0, "long", 10.0), (bins - 1, buckets - 1, "short", 5.0)],
        bins=bins,
        buckets=buckets,
        bucket_s=int(bucket_s),
        width=f"{step:f}",
        first_bin=int(price / float(step)),
    )
    interest = OpenInterestLine(grid.bucket_starts_us[:2], np.array([1e9, 2e9]), "USD", "binance BTCUSDT")
    portrait = size[0] < size[1]
    picture = make_picture(grid, prices=make_candles(grid, 60), interest=None if portrait else interest)
    figure = draw(picture, size=size)
    heat = panel(figure, "heat")
    box, (low, high) = heat.get_window_extent(), heat.get_ylim()
    assert box.width * grid.bucket_us / grid.window.length_us >= 9
    assert box.height * grid.bin.width / (high - low) >= 7


def test_default_steps_fit_from_an_hour_to_90_days_and_from_one_event_to_a_million():
    """The number of cells never exceeds what fits at 9 x 7 px, and busy windows use at least a third of it."""
    for size in ((1600, 1000), (2400, 1500), (1600, 700), (800, 500), (800, 1100)):
        columns, rows = fit_cells(size)
        for hours, power in product((1, 4, 24, 7 * 24, 30 * 24, 90 * 24), range(7)):
            length_us = hours * HOUR_S * US_PER_S
            buckets = length_us / choose_bucket(length_us, 10**power, columns)
            bins = choose_rows(10**power, rows)
            assert 1 <= buckets <= columns, (size, hours, power)
            assert 1 <= bins <= rows, (size, hours, power)
            if power >= 5:
                assert buckets >= columns / 3, (size, hours, power)
                assert bins >= rows / 3, (size, hours, power)
    assert fit_cells((1600, 1000)) == (144, 78)


@pytest.mark.parametrize(("palette", "theme"), pairs(["liq", "viridis", "cividis"], ["dark", "light"]))
def test_the_brightest_region_contains_the_largest_cell(theme, palette):
    """Brightness is the distance from the colour of the panel, averaged over the area of one cell."""
    random = np.random.default_rng(4)
    places = {(int(r), int(c)) for r, c in zip(random.integers(5, 70, 300), random.integers(5, 130, 300), strict=True)}
    cells = [(r, c, "long", float(np.exp(random.normal(8, 1.2)))) for r, c in sorted(places)]
    row, column = 41, 63
    cells.append((row, column, "short", 3e6))
    grid = make_grid(cells, bins=78, buckets=144, bucket_s=600)
    figure = draw(make_picture(grid, prices=make_candles(grid, 600), last_price=None), theme=theme, palette=palette)
    pixels = render_pixels(figure)
    heat = panel(figure, "heat")
    box, (low, high) = heat.get_window_extent(), heat.get_ylim()
    top, left = round(figure.bbox.height - box.y1), round(box.x0)
    area = pixels[top : top + round(box.height), left : left + round(box.width)]
    away = np.linalg.norm(
        lab_of(area) - lab_of(np.round(255 * np.array(to_rgb(find_theme(theme, palette).panel)))), axis=-1
    )
    tall, wide = 9, 11
    sums = np.pad(np.cumsum(np.cumsum(away, axis=0), axis=1), ((1, 0), (1, 0)))
    mean = (sums[tall:, wide:] - sums[:-tall, wide:] - sums[tall:, :-wide] + sums[:-tall, :-wide]) / (tall * wide)
    y, x = np.unravel_index(int(np.argmax(mean)), mean.shape)
    price = high - (y + tall / 2) * (high - low) / box.height
    bucket = (x + wide / 2) / box.width * 144
    assert abs((price - grid.price_edges[0]) / grid.bin.width - (row + 0.5)) <= 1.5
    assert abs(bucket - (column + 0.5)) <= 1.5


@pytest.mark.parametrize("theme", ["dark", "light"])
def test_hotter_is_never_nearer_to_the_panel_and_no_hue_of_the_heat_means_longs(theme):
    look = find_theme(theme)
    shades = lab_of(255 * find_palette("liq", theme)(np.linspace(0, 1, 65))[:, :3])
    away = np.linalg.norm(shades - lab_of(255 * np.array(to_rgb(look.panel))), axis=-1)
    assert (np.diff(away) > -1.5).all()  # 2.3 is the smallest difference that one sees
    for side in (look.long, look.short):
        assert np.linalg.norm(shades - lab_of(255 * np.array(to_rgb(side))), axis=-1).min() > 25


def test_the_same_picture_has_the_same_pixels():
    grid = make_grid([(3, 10, "long", 700.0), (9, 30, "short", 1300.0)], start_us=START)
    assert np.array_equal(*(render_pixels(draw(make_picture(grid))) for _ in range(2)))
