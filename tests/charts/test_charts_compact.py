"""The compact pictures: what is drawn is what was given, no word lies on another, bytes repeat and are few."""

import io
from dataclasses import replace
from functools import cache

import numpy as np
import pytest
from boxes import faults, list_texts
from chart_cases import START
from compact_cases import (
    CASCADES,
    CUMULATIVE,
    DAY_US,
    INTEREST,
    MINUTE_US,
    cascades,
    cumulative,
    interest,
    make_bursts,
    make_zeros,
)
from PIL import Image
from products import pairs

from liqcli.charts import render_png
from liqcli.charts.cascades import draw_cascades
from liqcli.charts.cumulative import draw_cumulative
from liqcli.charts.open_interest import draw_interest_picture
from liqcli.core.errors import UsageError
from liqcli.core.formatting import format_usd

PICTURES = {
    "cascades": (draw_cascades, CASCADES),
    "open interest": (draw_interest_picture, INTEREST),
    "cumulative": (draw_cumulative, CUMULATIVE),
}
EVERY = [(name, case) for name, (_, cases) in PICTURES.items() for case in cases]

SIZES = ((800, 500), (1000, 480), (2400, 900), (1600, 500))
SIDES = (("▼", "longs"), ("▲", "shorts"))


def make(name, case, **style):
    draw, cases = PICTURES[name]
    return draw(cases[case](), **style)


def panel(figure, label):
    return next(axes for axes in figure.axes if axes.get_label() == label)


def artists(figure, where, label):
    return [artist for artist in panel(figure, where).get_children() if artist.get_label() == label]


def words(figure):
    return [text.get_text() for text in list_texts(figure)]


def regions(drawing, kind):
    return {region.key: region for region in drawing.regions if region.kind == kind}


@cache
def drawn(name, case="day"):
    """A picture drawn once: only to be read."""
    return make(name, case)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "case"), EVERY)
def test_words_stay_apart_and_regions_on_the_page(name, case):
    drawing = make(name, case)
    assert list(faults(drawing.figure)) == []
    for region in drawing.regions:
        assert min(region.width, region.height) > 0, region
        assert min(region.left, region.top) >= 0, region
        assert region.left + region.width <= 1 + 1e-9, region
        assert region.top + region.height <= 1 + 1e-9, region


@pytest.mark.parametrize(
    ("name", "case", "size"), pairs([(name, case) for name in PICTURES for case in ("day", "long words")], SIZES)
)
def test_words_stay_apart_at_other_sizes(name, case, size):
    assert list(faults(make(name, case, size=size, theme="light").figure)) == []


@pytest.mark.parametrize(("name", "theme"), pairs(PICTURES, ["dark", "light"]))
def test_bytes_repeat_and_are_few(name, theme):
    png = render_png(make(name, "day", theme=theme).figure)
    assert png == render_png(make(name, "day", theme=theme).figure)
    assert len(png) < 400_000
    assert Image.open(io.BytesIO(png)).size == (1600, 640)


@pytest.mark.parametrize("name", PICTURES)
@pytest.mark.parametrize("flag", [{"theme": "blue"}, {"palette": "jet"}, {"size": (800, 300)}])
def test_what_cannot_be_drawn_is_said(name, flag):
    with pytest.raises(UsageError):
        make(name, "day", **flag)


# ---------------------------------------------------------------------------------------------------- bursts


def test_each_minute_reaches_as_high_as_its_logarithm():
    minutes = START + np.array([0, 60, 600, 700]) * MINUTE_US
    long, short = np.array([1e3, 0.0, 1e5, 10.0]), np.array([0.0, 1e4, 1e5, 0.0])
    figure = draw_cascades(cascades(minutes_us=minutes, long=long, short=short, bursts=())).figure
    (up,), (down,) = artists(figure, "rate", "minutes short"), artists(figure, "rate", "minutes long")
    zero = up.get_paths()[0].vertices[:, 1].min()
    high = [path.vertices[:, 1].max() - zero for path in up.get_paths()]
    low = [zero - path.vertices[:, 1].min() for path in down.get_paths()]
    assert high[1] == pytest.approx(low[1])  # the same sum on both sides
    decade = high[1] - high[0]
    assert low[1] - low[0] == pytest.approx(2 * decade)  # 1K to 100K
    level = [line.get_ydata()[0] - zero for line in artists(figure, "rate", "level")]
    assert level == pytest.approx([high[1] + decade * np.log10(0.735), -high[1] - decade * np.log10(0.735)])


def test_a_bar_shows_the_largest_minute_and_says_so():
    minutes = START + np.arange(6) * MINUTE_US
    long = np.array([1.0, 5.0, 2.0, 0.0, 0.0, 7.0]) * 1e5
    picture = cascades(minutes_us=minutes, long=long, short=0 * long, bursts=())
    figure = draw_cascades(picture).figure
    (down,) = artists(figure, "rate", "minutes long")
    step = next(text for text in words(figure) if text.startswith("liquidated"))
    assert step == "liquidated, USD in the largest minute of each 2, log scale"  # 1440 minutes, some 1500 px
    assert [tuple(np.unique(path.vertices[:, 0]) - START) for path in down.get_paths()] == [
        (0, 2 * MINUTE_US),
        (2 * MINUTE_US, 4 * MINUTE_US),
        (4 * MINUTE_US, 6 * MINUTE_US),
    ]
    hour = draw_cascades(replace(picture, end_us=START + 60 * MINUTE_US)).figure
    assert "liquidated, USD per minute, log scale" in words(hour)


def test_bursts_are_shaded_ranked_and_listed():
    drawing = drawn("cascades")
    shown = regions(drawing, "cascade")
    assert sorted(shown) == list(range(1, 20))
    rate = panel(drawing.figure, "rate")
    burst = max(make_bursts(19), key=lambda b: b.end_us - b.start_us)
    left = rate.transData.transform((burst.start_us, 0))[0] / 1600
    right = rate.transData.transform((burst.end_us, 0))[0] / 1600
    assert (shown[burst.rank].left, shown[burst.rank].width) == pytest.approx((left, right - left), abs=1e-7)
    said = words(drawing.figure)
    assert said.count("1") == 2  # over the minutes and in the list
    assert {"▲ shorts", "▼ longs", "5.00M", "30%"} <= set(said)
    assert [region.key for region in drawing.regions if region.kind == "label"] == list(range(1, 20))


def test_ranks_stay_near_their_bursts_best_ranks_first():
    drawing = drawn("cascades", "crowded")  # 120 bursts a minute apart: 0.7 px each, at the left edge
    rate, price = regions(drawing, "panel").values()
    between = price.top + price.height, rate.top
    plates = [(int(t.get_text()), *t.get_position()) for t in drawing.figure.texts if t.get_text().isdigit()]
    chips = {rank: x for rank, x, y in plates if between[0] < 1 - y < between[1] and x < rate.left + rate.width}
    assert {1, 2} <= set(chips)
    assert len(chips) < 12
    for rank, x in chips.items():
        burst = regions(drawing, "cascade")[rank]
        assert abs(x - burst.left - burst.width / 2) * 1600 < 47, rank


def test_what_the_list_cannot_hold_is_summed_up():
    said = words(drawn("cascades", "crowded").figure)
    rest = next(text for text in said if text.endswith(" in total"))
    listed = sum(1 for text in said if text.endswith("longs") or text.endswith("shorts")) - 3  # strip and headline
    left = sum(b.usd for b in make_bursts(120)[listed:])
    assert rest == f"{120 - listed} more, {left / 1e6:.2f}M USD in total"


def test_a_window_without_bursts_says_so_and_uses_the_page():
    drawing = draw_cascades(cascades(bursts=()))
    assert "no cascades in this window" in words(drawing.figure)
    assert regions(drawing, "panel")[0].width > 0.9
    assert regions(drawn("cascades"), "panel")[0].width < 0.75


def test_price_is_drawn_where_it_is_known():
    picture = cascades()
    (line,) = artists(drawn("cascades").figure, "price", "price")
    (points,) = line.get_segments()
    assert points[-1].tolist() == [START + DAY_US, picture.prices.close[-1]]
    assert not any(axes.get_label() == "price" for axes in drawn("cascades", "no price").figure.axes)


# ---------------------------------------------------------------------------------------------------- open interest


def test_lines_are_the_snapshots_and_the_words_their_ends():
    picture = interest()
    figure = drawn("open interest").figure
    for name, given in (("interest", picture.interest), ("contracts", picture.contracts)):
        (line,) = artists(figure, "interest", name)
        assert np.array_equal(line.get_xdata(), given.ts_us)
        assert np.array_equal(line.get_ydata(), given.values)
    low, high = panel(figure, "interest").get_ylim()
    assert low < picture.interest.values.min()
    assert high > picture.contracts.values.max()
    assert panel(figure, "interest").get_xlim() == panel(figure, "bars").get_xlim() == (START, START + DAY_US)
    assert "axis does not start at 0 · hatched: not recorded" in words(figure)


def test_bars_under_the_lines_add_up():
    picture = interest()
    figure = drawn("open interest").figure
    (up,), (down,) = artists(figure, "bars", "bars short"), artists(figure, "bars", "bars long")
    assert max(path.vertices[:, 1].max() for path in up.get_paths()) == picture.short.max()
    assert min(path.vertices[:, 1].min() for path in down.get_paths()) == -picture.long.max()


def test_a_bucket_reaches_over_both_panels():
    drawing = drawn("open interest")
    bucket, above, below = regions(drawing, "bucket")[144], *regions(drawing, "panel").values()
    assert len(regions(drawing, "bucket")) == 288
    assert bucket.left == pytest.approx(below.left + below.width / 2)
    assert bucket.top == pytest.approx(above.top)
    assert bucket.top + bucket.height == pytest.approx(below.top + below.height)


# ---------------------------------------------------------------------------------------------------- cumulative


def test_curves_end_at_the_whole_and_stack():
    picture = cumulative()
    figure = drawn("cumulative").figure
    for side, way in (("below", -1), ("above", 1)):
        long, short = getattr(picture, f"{side}_long"), getattr(picture, f"{side}_short")
        (total,) = artists(figure, "sums", f"{side} total")
        assert np.array_equal(total.get_ydata()[:-1], long + short)
        assert total.get_ydata()[-1] == long[-1] + short[-1]
        assert np.array_equal(total.get_xdata()[:-1], way * np.arange(len(long)))
        (area,) = artists(figure, "sums", f"{side} short")
        assert area.get_paths()[0].vertices[:, 1].max() == long[-1] + short[-1]


def test_numbers_under_the_curve_are_the_sums_there():
    picture = cumulative()
    said = words(drawn("cumulative").figure)
    assert {"-1.0%", "+0.5%"} <= set(said)
    below, above = (picture.below_short[20], picture.below_long[20]), (picture.above_short[10], picture.above_long[10])
    for distance, sums in (("-1.0%", below), ("+0.5%", above)):
        at = said.index(distance)
        assert said[at + 2 : at + 4] == [format_usd(float(value)) for value in sums]
    assert said[said.index("-1.0%") + 1] == "90,295"  # 99% of 91,206.8
    assert f"below the last price: {format_usd(picture.below_long[-1] + picture.below_short[-1])} USD" in said
    upper = format_usd(picture.above_long[-1] + picture.above_short[-1])
    assert f"at or above the last price: {upper} USD" in said  # a print at the last price counts there


@pytest.mark.parametrize("width", [800, 1000, 1200, 1600])
def test_longs_are_never_named_without_shorts_over_the_curve(width):
    said = words(draw_cumulative(cumulative(), size=(width, 500)).figure)
    totals = [len([text for text in said if text.startswith(f"{sign} {side} ")]) for sign, side in SIDES]
    assert totals[0] == totals[1] > 0


def test_no_column_lies_below_a_price_of_nothing():
    """Prices reach 30 times as high: a tenth of the width is left for the 100% that can lie below."""
    picture = cumulative(step_pct=50.0, below_long=make_zeros(1), below_short=make_zeros(1))
    said = words(draw_cumulative(picture).figure)
    assert "+2,500%" in said
    assert not [text for text in said if text.startswith("-") and float(text.split()[0].replace(",", "")) < -100]


def test_steps_count_from_the_last_price():
    drawing = drawn("cumulative")
    steps, sums = regions(drawing, "step"), panel(drawing.figure, "sums")
    assert sorted(steps) == list(range(-76, 60))
    zero = sums.transData.transform((0, 0))[0] / 1600
    assert steps[0].left == pytest.approx(zero, abs=1e-7)
    assert steps[-1].left + steps[-1].width == pytest.approx(zero, abs=1e-7)
