"""Regions stand where the renderer drew what they name."""

import pytest
from chart_cases import CASES, START, busy_picture, make_grid, make_picture
from matplotlib.backends.backend_agg import FigureCanvasAgg

from liqcli.charts import ClusterLabel, draw_heatmap
from liqcli.charts.canvas import own_style
from liqcli.charts.cluster_labels import label_words
from liqcli.core.model import US_PER_S

MINUTE_US = 60 * US_PER_S


def regions(drawing, kind):
    return {region.key: region for region in drawing.regions if region.kind == kind}


def panel(figure, label):
    return next(axes for axes in figure.axes if axes.get_label() == label)


def render(figure):
    """Draw a figure, and give its renderer."""
    with own_style():
        canvas = FigureCanvasAgg(figure)
        canvas.draw()
    return canvas.get_renderer()


def box_of(figure, artist, renderer):
    """Where an artist was drawn, in the words of a region: left, top, width, height from the upper left corner."""
    with own_style():
        box = artist.get_window_extent(renderer)
    width, height = figure.bbox.width, figure.bbox.height
    return pytest.approx((box.x0 / width, 1 - box.y1 / height, box.width / width, box.height / height), abs=1e-6)


def place_of(axes, x, y):
    """Where a point of an axes is drawn, from the upper left corner."""
    px, py = axes.transData.transform((x, y))
    return px / axes.figure.bbox.width, 1 - py / axes.figure.bbox.height


def test_panels_are_those_of_the_renderer():
    drawing = draw_heatmap(busy_picture())
    renderer = render(drawing.figure)
    for key, name in enumerate(("heat", "profile", "bars")):
        assert regions(drawing, "panel")[key][2:] == box_of(drawing.figure, panel(drawing.figure, name), renderer)


def test_clusters_run_across_heat_and_profile():
    drawing = draw_heatmap(
        busy_picture(bands=[ClusterLabel(1, 97_000.0, 98_000.0, 1.0, 0.1), ClusterLabel(2, 1.0, 2.0, 1.0, 0.1)])
    )
    heat, profile = panel(drawing.figure, "heat"), panel(drawing.figure, "profile")
    found = regions(drawing, "cluster")
    left, top = place_of(heat, heat.get_xlim()[0], 98_000.0)
    right, bottom = place_of(profile, profile.get_xlim()[1], 97_000.0)
    assert found[1][2:] == pytest.approx((left, top, right - left, bottom - top), abs=1e-7)
    assert list(found) == [1], "a band outside of the price axis has no place"


def test_labels_hold_their_words():
    picture = CASES["40 bands"]()
    drawing = draw_heatmap(picture)
    renderer = render(drawing.figure)
    labels = regions(drawing, "label")
    assert 5 <= len(labels) <= 10
    texts = {text.get_text(): text for text in drawing.figure.texts}
    for band in picture.bands:
        if (label := labels.get(band.rank)) is None:
            continue
        expected = box_of(drawing.figure, texts[label_words(band)], renderer).expected
        assert label.left <= expected[0]
        assert label.top <= expected[1]
        assert label.left + label.width >= expected[0] + expected[2]
        assert label.top + label.height >= expected[1] + expected[3]


def test_cascades_are_their_shaded_stretches_and_clipped_to_the_panel():
    hour = 60 * MINUTE_US
    long = (START + 5 * hour, START + 6 * hour, 2)
    short = (START + 10 * hour, START + 10 * hour, 1)
    early = (START - hour, START + hour, 3)
    grid = make_grid([(3, 10, "short", 700.0)])
    drawing = draw_heatmap(make_picture(grid, cascades=[long, short, early]))
    bars, found = panel(drawing.figure, "bars"), regions(drawing, "cascade")
    (shades,) = (artist for artist in bars.get_children() if artist.get_label() == "cascades")
    for rank, path in zip((2, 1), shades.get_paths(), strict=False):
        left, right = (place_of(bars, x, 0)[0] for x in (path.vertices[:, 0].min(), path.vertices[:, 0].max()))
        assert (found[rank].left, found[rank].width) == pytest.approx((left, right - left), abs=1e-7)
    assert found[1].width * 1600 == pytest.approx(3)
    frame = regions(drawing, "panel")[2]
    assert found[3].left == pytest.approx(frame.left)
    assert found[3].width == pytest.approx(frame.width / 24)  # one hour of the day is left of it
