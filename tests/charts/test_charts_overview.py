"""The picture of the whole market: areas in proportion, no word on another, regions over what they describe."""

from dataclasses import replace

import numpy as np
import pytest
from boxes import faults
from products import pairs

from liqcli.charts import HeadlineNumber
from liqcli.charts.bars import BarSeries
from liqcli.charts.canvas import Box
from liqcli.charts.overview import LANDSCAPE, PORTRAIT, draw_overview
from liqcli.charts.overview_spec import Lane, LaneMark, OverviewSpec
from liqcli.charts.treemap import Tile, lay_out_tiles
from liqcli.core.errors import UsageError

HOUR_US = 3_600_000_000
START = 1_772_323_200_000_000
DAY_US = 24 * HOUR_US


def make_tiles(count):
    return [Tile(f"COIN{k}USDT", 3e6 / k**1.2, 1e6 * (k % 5) / k**1.2, f"COIN{k}") for k in range(1, count + 1)]


def make_picture(count=220, lanes=30, **changes):
    random = np.random.default_rng(3)
    starts = START + np.arange(144) * DAY_US // 144
    picture = OverviewSpec(
        title="Liquidations of the whole market",
        subtitle="realized · binance, bybit and 4 more (partly sampled, totals are minimums) · 2026-03-01 00:00 UTC on",
        headline=(HeadlineNumber("88.3M USD", "liquidated"), HeadlineNumber("61.2M", "longs", "long")),
        start_us=START,
        end_us=START + DAY_US,
        tiles=sorted(make_tiles(count), key=lambda tile: -tile.usd),
        bars=BarSeries(starts, DAY_US // 144, random.random(144) * 1e6, random.random(144) * 2e6, "USD"),
        bursts=[(START + k * HOUR_US, START + k * HOUR_US + HOUR_US // 6, k) for k in range(1, 20)],
        lanes=[
            Lane(f"COIN{k}USDT", 1e6 / k, [LaneMark(START + k * HOUR_US // 2, START + k * HOUR_US, 1e6 / k, "long")])
            for k in range(1, lanes + 1)
        ],
        gaps=[(START + 3 * HOUR_US, START + 5 * HOUR_US)],
    )
    return replace(picture, **changes)


CASES = {
    "220 symbols": make_picture,
    "one symbol": lambda: make_picture(1, 0, bursts=(), gaps=()),
    "two symbols": lambda: make_picture(2, 1),
    "equal symbols": lambda: make_picture(tiles=[Tile(f"C{k}USDT", 1.0, 0.0) for k in range(40)]),
    "one giant": lambda: make_picture(tiles=[Tile("BTCUSDT", 1e9, 0.0), *make_tiles(30)]),
    "tiny sums": lambda: make_picture(tiles=[Tile("AUSDT", 1e-6, 0.0), Tile("BUSDT", 0.0, 1e-6)]),
    "letters without a font": lambda: make_picture(tiles=[Tile("币安人生USDT", 3.0, 1.0), Tile("$x^2$USDT", 1.0, 1.0)]),
    "sample": lambda: make_picture(sample=True),
}


@pytest.mark.parametrize(("case", "size"), pairs(CASES, [LANDSCAPE, PORTRAIT, (900, 700), (3200, 2000)]))
def test_words_stay_apart(case, size):
    assert list(faults(draw_overview(CASES[case](), size=size).figure)) == []


@pytest.mark.parametrize("sizes", [[1], [6, 6, 4, 3, 2, 2, 1], [100, 1, 1, 1], [5] * 7, [1e9, 1e-3]])
@pytest.mark.parametrize("box", [Box(10, 20, 600, 400), Box(0, 0, 100, 900)])
def test_tiles_fill_the_box_in_proportion(sizes, box):
    boxes = lay_out_tiles(sizes, box)
    per_px = box.width * box.height / sum(sizes)
    assert [b.width * b.height for b in boxes] == pytest.approx([size * per_px for size in sizes], abs=1e-6)
    for k, one in enumerate(boxes):
        assert one.left >= box.left - 1e-6
        assert one.right <= box.right + 1e-6
        assert one.bottom >= box.bottom - 1e-6
        assert one.top <= box.top + 1e-6
        for other in boxes[k + 1 :]:
            across = min(one.right, other.right) - max(one.left, other.left)
            along = min(one.top, other.top) - max(one.bottom, other.bottom)
            assert across <= 1e-6 or along <= 1e-6


def test_the_example_of_the_paper():
    """Bruls, Huizing, van Wijk, figure 5: 6, 6, 4, 3, 2, 2, 1 in a box of 6 x 4."""
    boxes = lay_out_tiles([6, 6, 4, 3, 2, 2, 1], Box(0, 0, 6, 4))
    assert [(round(b.width, 6), round(b.height, 6)) for b in boxes[:4]] == [
        (3, 2),
        (3, 2),
        (round(12 / 7, 6), round(7 / 3, 6)),
        (round(9 / 7, 6), round(7 / 3, 6)),
    ]


def test_regions_are_the_tiles_and_cascades():
    drawn = draw_overview(make_picture(2, 1, bursts=[(START, START + HOUR_US, 1)]))
    tiles = {r.key: r for r in drawn.regions if r.kind == "tile"}
    assert sorted(tiles) == [1, 2]
    assert tiles[1].width * tiles[1].height > tiles[2].width * tiles[2].height
    assert [r.key for r in drawn.regions if r.kind == "cascade"] == [1]


def test_joined_symbols_have_no_region():
    drawn = draw_overview(make_picture(220))
    count = len([r for r in drawn.regions if r.kind == "tile"])
    words = [text.get_text() for text in drawn.figure.texts]
    assert f"{220 - count} others" in words


def test_a_size_that_cannot_be_drawn():
    with pytest.raises(UsageError, match="between 700 and 6000"):
        draw_overview(make_picture(), size=(300, 9000))
