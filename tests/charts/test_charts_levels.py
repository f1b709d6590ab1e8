"""The figure of levels: words stay apart, the mark is there, and longs lie below the price."""

import numpy as np
import pytest
from boxes import faults, visible_texts
from matplotlib.collections import PolyCollection
from matplotlib.colors import to_rgba

from liqcli.charts.figure_spec import HeadlineNumber
from liqcli.charts.levels import draw_levels
from liqcli.charts.levels_colors import FieldScale, find_field_palette
from liqcli.charts.levels_spec import LevelMark, LevelsSpec
from liqcli.charts.themes import find_theme
from liqcli.core.errors import UsageError
from liqcli.core.model import BinWidth, PriceSeries

HOUR = 3_600_000_000
START = 1_772_323_200_000_000


HALF = BinWidth(1, 2)


def picture(price=100.0, width=HALF, columns=48, rows=60, **changes):
    edges = np.array([width.edge(k) for k in range(round(price / width.width) - rows // 2, 0x7FFF)][: rows + 1])
    rng = np.random.default_rng(1)
    starts = START + HOUR * np.arange(columns)
    mass = rng.exponential(1e6, (rows, columns))
    middle = (edges[:-1] + edges[1:]) / 2
    long, short = np.where(middle < price, mass[:, -1], 0), np.where(middle > price, mass[:, -1], 0)
    close = price * (1 + 0.02 * np.sin(np.arange(columns) / 5))
    candles = PriceSeries(starts, close * 0.999, close * 1.004, close * 0.996, close, HOUR, "made-up candle")
    below, above = np.flatnonzero(long)[::-1], np.flatnonzero(short)
    spec = {
        "title": "BTC estimated liquidation levels",
        "subtitle": "2d to 2026-03-03 00:00 UTC · estimated from open interest of made-up, not realized · uncalibrated",
        "headline": (HeadlineNumber("100", "last price"), HeadlineNumber("1.2M USD", "largest longs at 80", "long")),
        "kind": "estimated",
        "start_us": START,
        "end_us": START + columns * HOUR,
        "starts_us": starts,
        "bucket_us": HOUR,
        "bin": width,
        "price_edges": edges,
        "values": mass,
        "long": long,
        "short": short,
        "long_reach": (np.append(price, edges[below]), np.append(0, np.cumsum(long[below]))),
        "short_reach": (np.append(price, edges[above + 1]), np.append(0, np.cumsum(short[above]))),
        "last_price": price,
        "long_outside": 1e9,
        "short_outside": 2e9,
        "prices": candles,
        "marks": [
            LevelMark("nearest", "long", edges[rows // 2 - 3], edges[rows // 2 - 2], 1e6),
            LevelMark("largest", "long", edges[4], edges[5], 4e6),
            LevelMark("nearest", "short", edges[rows // 2 + 2], edges[rows // 2 + 3], 1e6),
            LevelMark("largest", "short", edges[-2], edges[-1], 4e6),
        ],
    }
    return LevelsSpec(**{**spec, **changes})


@pytest.mark.parametrize("size", [(1600, 1000), (1200, 800), (2400, 1500), (800, 500)])
@pytest.mark.parametrize("theme", ["dark", "light"])
def test_words_stay_apart(size, theme):
    assert list(faults(draw_levels(picture(), theme=theme, size=size).figure)) == []


@pytest.mark.parametrize("palette", ["liq", "viridis", "magma", "cividis"])
def test_extreme_cases_can_be_drawn(palette):
    empty = picture(values=np.zeros((60, 48)), long=np.zeros(60), short=np.zeros(60), marks=(), prices=None)
    tiny = picture(price=1e-5, width=BinWidth(1, 10**8))
    gap = picture(unknown=[(START, START + 10 * HOUR)])
    for spec in (empty, tiny, gap):
        assert list(faults(draw_levels(spec, palette=palette).figure)) == []


def test_the_picture_says_estimated_three_times():
    texts = [text for text, _ in visible_texts(draw_levels(picture()).figure)]
    assert "ESTIMATED, NOT REALIZED" in texts
    assert "Estimated USD that stands now · Σ sum" in texts
    assert any(text.startswith("estimated USD per 0.5 of price") for text in texts)


def test_bars_of_longs_lie_below_the_price_and_of_shorts_above():
    drawn = {c.get_label(): c for c in draw_levels(picture()).figure.findobj(PolyCollection)}
    for name, inside in (("longs", lambda y: y.max() <= 100.0), ("shorts", lambda y: y.min() >= 100.0)):
        corners = np.concatenate([path.vertices for path in drawn[name].get_paths()])
        assert inside(corners[:, 1])
    assert np.allclose(drawn["longs"].get_facecolor()[0], to_rgba(find_theme("dark").long))


def test_more_is_brighter_on_dark_and_nothing_is_the_panel():
    scale = FieldScale(np.array([[0.0, 1.0, 50.0, 100.0]]))
    assert scale.largest == 100
    places = scale.spread(np.array([0.0, 1.0, 50.0, 100.0, 1000.0]))
    assert places[0] == 0
    assert (np.diff(places) >= 0).all()
    assert places[-1] == 1
    for name, sign in (("dark", 1), ("light", -1)):
        theme = find_theme(name)
        colors = find_field_palette("liq", theme)(np.linspace(0, 1, 9))
        panel = [int(theme.panel[k : k + 2], 16) / 255 for k in (1, 3, 5)]
        np.testing.assert_allclose(colors[0, :3], panel, atol=0.01)
        assert (sign * np.diff(colors[:, :3] @ [0.3, 0.6, 0.1]) > 0).all()


def test_an_impossible_size_is_refused():
    with pytest.raises(UsageError, match="between 800 x 500"):
        draw_levels(picture(), size=(100, 100))


def test_the_scale_has_ticks_along_its_whole_length():
    figure = draw_levels(picture(values=np.full((60, 48), 75e6))).figure
    assert [text for text, _ in visible_texts(figure) if text in ("1M", "10M", "20M", "40M", "60M")] == [
        "20M",
        "40M",
        "60M",
    ]
