"""No word leaves the page, none lies on another: by the renderer's own boxes, in the cases that break charts."""

from itertools import combinations

import pytest
from chart_cases import CASES, busy_picture, draw
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from liqcli.charts.sheet import own_style

SIZES = ((1200, 800), (2400, 1500), (900, 600), (1600, 700))


def visible_texts(figure):
    """Every text that is drawn, with its box in pixels."""
    canvas = FigureCanvasAgg(figure)
    with own_style():
        canvas.draw()
        found = [text for text in figure.findobj(Text) if text.get_visible() and text.get_text().strip()]
        return [(text.get_text(), text.get_window_extent(canvas.get_renderer())) for text in found]


def faults(figure):
    """What is wrong with the words of a figure, in words."""
    width, height = figure.bbox.width, figure.bbox.height
    boxes = visible_texts(figure)
    for text, box in boxes:
        if box.x0 < 0 or box.y0 < 0 or box.x1 > width or box.y1 > height:
            yield f"{text!r} leaves the page: {box.extents.round()}"
    for (text, box), (other, second) in combinations(boxes, 2):
        if min(box.x1, second.x1) > max(box.x0, second.x0) and min(box.y1, second.y1) > max(box.y0, second.y0):
            yield f"{text!r} lies on {other!r}"


@pytest.mark.parametrize("case", CASES)
def test_words_stay_apart(case):
    assert list(faults(draw(CASES[case]()))) == []


@pytest.mark.parametrize("case", ["busy", "long words", "tiny price", "many headlines", "month", "90 s", "40 bands"])
@pytest.mark.parametrize("size", SIZES)
def test_words_stay_apart_at_other_sizes(case, size):
    assert list(faults(draw(CASES[case](), size=size, theme="light"))) == []


def test_the_check_sees_an_overlap_and_a_clipped_word():
    figure = draw(busy_picture())
    figure.text(0.5, 0.5, "one")
    figure.text(0.5, 0.5, "two")
    figure.text(0.999, 0.7, "out of the page")
    told = list(faults(figure))
    assert "'one' lies on 'two'" in told
    assert any("leaves the page" in fault for fault in told)


@pytest.mark.parametrize("scale", ["log", "linear", "percentile"])
@pytest.mark.parametrize("palette", ["liq", "viridis", "magma", "cividis"])
def test_every_scale_and_palette_in_both_themes(scale, palette):
    for theme in ("dark", "light"):
        figure = draw(CASES["half uncovered"](), theme=theme, palette=palette, scale=scale)
        assert list(faults(figure)) == []
