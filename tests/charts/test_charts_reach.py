"""The price axis: a spike far outside does not squeeze the heat, what is cut off is marked, an asked range is kept."""

from dataclasses import replace

import numpy as np
import pytest
from boxes import faults, list_texts
from chart_cases import START, busy_picture, draw, draw_busy, make_busy, make_candles, make_grid, make_picture

from liqcli.charts.figure_spec import OpenInterestLine
from liqcli.charts.price_range import find_prices_outside, price_span
from liqcli.core.model import US_PER_S, Outside, Window

HOUR_US = 3600 * US_PER_S


def words(figure):
    return [text.get_text() for text in list_texts(figure)]


def panel(figure, label):
    return next(axes for axes in figure.axes if axes.get_label() == label)


def spiked(minutes=3, low=60_000.0):
    """The busy day (prices 95,000 to 103,000) with a crash to ``low`` for some minutes at 12:00."""
    candles = make_candles(make_busy(), 60, swing=0.45)
    lows = candles.low.copy()
    lows[720 : 720 + minutes] = low + np.arange(minutes)
    return busy_picture(prices=replace(candles, low=lows))


def test_a_short_spike_is_cut_off_and_named():
    picture = spiked()
    low, high = price_span(picture)
    assert 94_000 < low < 95_000
    assert high < 104_000
    figure = draw(picture)
    assert panel(figure, "heat").get_ylim() == (low, high)
    assert "▼ 60,000" in words(figure)
    assert list(faults(figure)) == []


def test_a_lasting_fall_is_drawn_whole():
    """Ten minutes of 1,440 are more than one in 200: that was the market, no spike."""
    low, _ = price_span(spiked(minutes=10))
    assert low < 60_000
    assert not any(text.startswith("▼ ") and text[2].isdigit() for text in words(draw(spiked(minutes=10))))


def test_a_spike_that_takes_little_room_stays():
    """94,500 is 500 below the heat, whose span is 8,000: less than 15% of the axis."""
    assert price_span(spiked(low=94_500.0))[0] < 94_500
    assert "▼ 94,500" not in words(draw(spiked(low=94_500.0)))


def test_of_few_candles_wicks_may_be_cut_off_but_no_body():
    grid = make_busy()
    candles = make_candles(grid, 3600)
    wick, body = candles.low.copy(), candles.close.copy()
    wick[12] = body[12] = 60_000.0
    assert price_span(busy_picture(prices=replace(candles, low=wick)))[0] > 90_000
    assert price_span(busy_picture(prices=replace(candles, low=wick, close=body)))[0] < 60_000


def test_spikes_up_and_down_and_only_the_furthest_of_neighbours():
    candles = make_candles(make_busy(), 60)
    lows, highs = candles.low.copy(), candles.high.copy()
    lows[700], lows[703], highs[1000] = 60_000.0, 59_000.0, 140_000.0
    figure = draw(busy_picture(prices=replace(candles, low=lows, high=highs)))
    marks = [text for text in words(figure) if text[:2] in ("▼ ", "▲ ") and text[2].isdigit()]
    assert sorted(marks) == ["▲ 140,000", "▼ 59,000"]


def test_runs_outside_and_their_extremes():
    prices = np.array([[1.0, 9.0, 11.0], [2.0, 4.0, 6.0], [3.0, 3.0, 5.0], [4.0, 9.0, 11.0], [5.0, 9.0, 25.0]])
    found = [(e.ts_us, e.price, e.way) for e in find_prices_outside(prices, 8.0, 20.0)]
    assert found == [(3.0, 3.0, "down"), (5.0, 25.0, "up")]
    assert find_prices_outside(np.empty((0, 3)), 8.0, 20.0) == []


def test_an_asked_range_is_the_axis_and_the_last_price_beyond_it_is_tagged_at_the_edge():
    picture = replace(busy_picture(), bounded=True, last_price=110_000.0)
    figure = draw(picture)
    edges = picture.grid.price_edges
    assert panel(figure, "heat").get_ylim() == (edges[0], edges[-1])
    assert "▲ 110,000" in words(figure)
    assert list(faults(figure)) == []
    below = draw(replace(picture, last_price=1.0))
    assert "▼ 1" in words(below)


@pytest.mark.parametrize("width", ["0.00000005", "0.01", "250"])
def test_one_event_gets_air_at_every_price_scale(width):
    grid = make_grid([(0, 20, "long", 5.0)], bins=1, width=width, first_bin=400)
    low, high = price_span(make_picture(grid, last_price=None))
    assert (high - low) / grid.bin.width == pytest.approx(24)


# ---------------------------------------------------------------------------------------------------- open interest


def interest(values):
    values = np.asarray(values, dtype=np.float64)
    return OpenInterestLine(START + np.arange(len(values)) * HOUR_US, values, "USD", "binance BTCUSDT")


def test_open_interest_has_a_strip_with_an_axis_and_says_its_ends():
    figure = draw(busy_picture(interest=interest([8.0e9, 7.5e9, 7.6e9])))
    strip, bars = panel(figure, "interest"), panel(figure, "bars")
    assert strip.get_xlim() == bars.get_xlim()
    assert strip.get_position().y1 < bars.get_position().y0
    (line,) = (a for a in strip.get_children() if a.get_label() == "open interest")
    assert list(line.get_ydata()) == [8.0e9, 7.5e9, 7.6e9]
    low, high = strip.get_ylim()
    assert low < 7.5e9 < 8.0e9 < high
    assert {"━ open interest", "8.00B to 7.60B USD -5.00% (binance BTCUSDT)", "7.50B", "8.00B"} <= set(words(figure))
    assert list(faults(figure)) == []


def test_unknown_open_interest_is_left_out():
    assert not any("open interest" in text for text in words(draw_busy()))
    flat = draw(busy_picture(interest=interest([5e9, 5e9])))
    assert "5.00B to 5.00B USD 0.00% (binance BTCUSDT)" in words(flat)


def test_what_the_axis_leaves_out_is_named_at_its_edge():
    """One event of 10 USD at 1.7 would make the axis 8 times as long; the last price at 1.7 is an arrow then."""
    grid = make_grid([(3, 5, "long", 1000.0)], bins=20, width="0.01", first_bin=20)
    left_out = replace(grid, above=Outside(1, 10_000_000, 1.7), below=Outside(2, 1_500_000, 0.01))
    line = (left_out.bucket_starts_us[:2], np.array([0.25, 1.7]))
    picture = make_picture(left_out, trace=line, prices=None, last_price=1.7)
    low, high = price_span(picture)
    assert 0.1 < low < 0.2
    assert 0.4 < high < 0.5
    figure = draw(picture)
    said = words(figure)
    assert {"▲ 1 event above, up to 1.7: 10.0 USD", "▼ 2 events below, down to 0.01: 1.50 USD"} <= set(said)
    assert "▲ 1.7" in said  # the tag of the last price
    assert list(faults(figure)) == []
    assert not any("event above" in text for text in words(draw(replace(picture, bounded=True))))
    # A last price that is near widens the axis as ever.
    assert price_span(replace(picture, last_price=0.45))[1] > 0.45


def test_the_time_axis_ends_with_the_window():
    """Buckets of 2 h from 00:00 on, a window from 00:30 to 03:10: no column reaches before or beyond it."""
    grid = make_grid([(3, 0, "long", 1000.0), (4, 1, "short", 500.0)], buckets=2, bucket_s=7200)
    window = Window(START + HOUR_US // 2, START + 3 * HOUR_US + HOUR_US // 6)
    figure = draw(make_picture(replace(grid, window=window), prices=None))
    for label in ("heat", "bars"):
        assert panel(figure, label).get_xlim() == window.interval
