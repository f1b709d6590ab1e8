"""The axis of the cluster search, worked out by hand."""

from __future__ import annotations

import numpy as np
import pytest

from liqcli.analysis.price_axis import build_axis, choose_fine_width, find_span, find_tick


@pytest.mark.parametrize(
    ("lowest", "highest", "width"),
    [
        (94_000.0, 98_000.0, "1"),  # 9.4 of the price, 4 of the range: the power of ten below is 1
        (97_900.0, 98_000.0, "0.1"),  # a calm hour: a 1,000th of 100
        (98_000.0, 98_000.0, "1"),  # one price: 9.8
        (0.0000095, 0.0000105, "0.0000000001"),  # 9.5e-10 and 1e-9
        (0.2, 1.7, "0.00001"),  # 2e-5: an order far away makes the bins no coarser
        (1e-9, 100_000.0, "0.01"),  # not below a ten-millionth of the highest price
    ],
)
def test_fine_bins_fit_the_price(lowest, highest, width):
    assert choose_fine_width(lowest, highest).text() == width


def axis_of(prices, usd=None, fine=(1.0, 2.0)):
    """The axis of events at whole prices, in fine bins of 1."""
    bins, events = np.unique(np.asarray(prices, dtype=np.int64), return_counts=True)
    money = events * 1000 if usd is None else np.asarray(usd, dtype=np.int64)
    return build_axis(choose_fine_width(10_000.0, 30_000.0), bins, money, events)


def test_the_widest_band_has_four_thousandths_of_the_price():
    """At 100,000 it is 400, a tenth of that 40, the nearest step 50: 8 steps and one more for edges inside of steps."""
    axis = axis_of(range(96_000, 104_001))
    assert (axis.step.width, axis.widest, axis.low, axis.high) == (50, 9, 96_000, 104_050)


def test_the_widest_band_follows_a_wide_span_and_a_narrow_range():
    """60,000 to 140,000: 99% of it is 79,200, a twentieth 3,960. 99,900 to 100,100: a tenth is 20, a step 2."""
    wide, narrow = axis_of(range(60_000, 140_001)), axis_of(range(99_900, 100_101))
    assert (wide.step.width, wide.widest, wide.widest_alone) == (500, 9, 9)
    assert (narrow.step.width, narrow.widest) == (2, 12)
    assert narrow.widest_alone == 201  # a band that stands alone may still have 400, 0.4% of 100,000


def test_an_order_far_away_does_not_stretch_the_axis():
    """Half of the span of 7,920 beyond it is 107,920 at the most; the last events before that are at 104,000."""
    near = axis_of([*range(96_000, 104_001), 107_800])
    for prices in ([*range(96_000, 104_001), 800_000], [*range(96_000, 104_001), 108_000]):
        axis = axis_of(prices)
        assert (axis.step.width, axis.low, axis.high) == (50, 96_000, 104_050)
    assert (near.step.width, near.low, near.high) == (50, 96_000, 107_850)


def test_steps_are_multiples_of_the_tick():
    """Prices at multiples of 25: a step of 40 is nearer to 25 than to 50."""
    axis = axis_of(range(96_000, 104_001, 25))
    assert axis.step.width == 50
    assert find_tick(np.arange(0, 1000, 20), np.ones(50, dtype=np.int64), 100) == 20
    assert find_tick(np.arange(0, 1000, 20), np.ones(50, dtype=np.int64), 10) == 10  # no wider than asked for
    odd = np.concatenate([np.arange(0, 1000, 20), [7]])
    assert find_tick(odd, np.ones(51, dtype=np.int64), 100) == 20  # one of 51 is no tick
    assert find_tick(odd, np.array([1] * 50 + [10]), 100) == 1


def test_the_span_leaves_out_half_a_percent_on_either_side():
    """USD 4, 96, 800, 96, 4: below the 5th and above the 995th dollar lie the outermost."""
    assert find_span(np.array([1, 2, 3, 4, 5]), np.array([4, 96, 800, 96, 4])) == (2, 3, 4)
