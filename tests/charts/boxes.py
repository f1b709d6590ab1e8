"""What is wrong with the words of a figure, by the renderer's own boxes."""

from itertools import combinations

from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.text import Text

from liqcli.charts.canvas import own_style


def list_texts(artist):
    """Every text of a figure that has words and is visible; ticks of hidden axes are not even made."""
    if not artist.get_visible():
        return
    if isinstance(artist, Text) and artist.get_text().strip():
        yield artist
    for child in artist.get_children():
        yield from list_texts(child)


def visible_texts(figure):
    """Every text that is drawn, with its box in pixels."""
    renderer = FigureCanvasAgg(figure).get_renderer()
    with own_style():
        return [(text.get_text(), text.get_window_extent(renderer)) for text in list_texts(figure)]


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
