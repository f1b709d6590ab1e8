"""The automatic price axis and the tick: which events are drawn or left out, and the step of bins."""

from __future__ import annotations

import numpy as np
import pytest
from test_heatmap import DAY, HOUR, T0, grid_of

from liqcli.analysis.drawn_range import find_tick, fit_axis
from liqcli.analysis.heatmap import GridOptions
from liqcli.analysis.price_bins import check_bucket, choose_bin, suit_width
from liqcli.core.errors import UsageError
from liqcli.core.model import Outside, Window
from liqcli.query.columns import ProfileRows
from liqcli.query.duckdb_engine import DuckDBEngine
from liqcli.report.window_scans import scan_grid


def profile_of(prices: dict[float, float], events: int = 1) -> ProfileRows:
    """Profile of a mapping price -> USD, with the same number of events at each price."""
    usd = [round(usd * 1e6) for _, usd in sorted(prices.items())]
    return ProfileRows(np.array(sorted(prices)), np.full(len(prices), events), np.array(usd))


@pytest.fixture(scope="module")
def engine():
    with DuckDBEngine() as opened:
        yield opened


def test_ten_dollars_far_away_do_not_stretch_the_axis():
    """21 prices from 0.2000 to 0.2020 with 1,000 USD each; 10 USD at 1.7 are 0.05%, 0.5% is 105 USD."""
    prices = {round(0.2 + k / 10_000, 4): 1000.0 for k in range(21)}
    assert fit_axis(profile_of({**prices, 1.7: 10.0})) == (0.2, 0.202)
    assert fit_axis(profile_of({**prices, 1.7: 106.0})) == (0.2, 1.7)  # 106 of 21,106 is over 0.5%
    # Within half of the range beyond it, 0.203, it is drawn: it flattens nothing.
    assert fit_axis(profile_of({**prices, 0.203: 10.0})) == (0.2, 0.203)
    # Where candles went that far, the axis goes there anyway.
    assert fit_axis(profile_of({**prices, 1.7: 10.0}), (0.2, 1.6)) == (0.2, 1.7)


def test_all_at_one_price_but_a_cent_far_away():
    """A range of nothing: half a percent of the price, 0.5 at 100, is drawn beside it."""
    assert fit_axis(profile_of({100.0: 1000.0, 100.4: 1.0, 101.0: 1.0})) == (100.0, 100.4)
    assert fit_axis(profile_of({100.0: 1000.0})) == (100.0, 100.0)


def test_cells_and_what_lies_outside_are_all_events(engine):
    """10 USD at 1.7 and 0.4 USD at 0.01 beside 2,100 USD: together less than 0.5%, 10.55 USD."""
    events = [(T0 + k, round(0.2 + k % 21 / 10_000, 4), "long", 100_000_000, 1.0) for k in range(21)]
    events += [(T0, 1.7, "short", 10_000_000, 1.0), (T0, 0.01, "long", 400_000, 1.0)]
    grid = grid_of(engine, events, Window(T0, T0 + DAY))
    assert (grid.below, grid.above) == (Outside(1, 400_000, 0.01), Outside(1, 10_000_000, 1.7))
    assert (int(grid.events.sum()), grid.outside_events) == (21, 2)
    assert int(grid.notional_e6.sum()) + round(grid.outside_notional * 1e6) == sum(e[3] for e in events)
    assert (grid.bin.text(), float(grid.price_edges[0]), float(grid.price_edges[-1])) == ("0.0001", 0.2, 0.2021)


def test_what_is_left_out_does_not_depend_on_the_bins(engine):
    events = [(T0 + k, 100 + k % 21 / 10, "long", 100_000_000, 1.0) for k in range(210)]
    events += [(T0, 104.0, "short", 1_000_000, 1.0)]
    for width in ("0.1", "1", "10"):
        grid = grid_of(engine, events, Window(T0, T0 + DAY), width)
        assert (grid.outside_events, grid.price_low, grid.above.price) == (1, 0.0, 104.0)
    asked = grid_of(engine, events, Window(T0, T0 + DAY), "1", low=100.0, high=105.0)
    assert asked.outside_events == 0  # who asks for prices gets them


@pytest.mark.parametrize(
    ("step", "digits", "tick"),
    [(1, 4, "0.0001"), (5, 1, "0.5"), (2, 3, "0.002"), (25, 2, "0.25"), (1, -1, "10"), (1, 8, "0.00000001")],
)
def test_tick(step, digits, tick):
    """Thirty prices from 1,000 steps on, those of a tick of step x 10^-digits."""
    prices = [
        float(f"{(1000 + k) * step * 10.0**-digits:.{max(digits, 0)}f}") for k in (*range(25), 31, 33, 37, 41, 47)
    ]
    found = find_tick(profile_of(dict.fromkeys(prices, 1.0)), prices[0] * 1e-7)
    assert found is not None
    assert found.text() == tick


def test_a_few_averages_between_the_ticks_hide_no_tick():
    """Of 100 events 9 lie between: nine of ten are on 0.1."""
    on, off = {100 + k / 10: 1.0 for k in range(91)}, {100.03 + k / 10: 1.0 for k in range(9)}
    found = find_tick(profile_of({**on, **off}), 0.001)
    assert found is not None
    assert found.text() == "0.1"
    more = {100.03 + k / 10: 1.0 for k in range(12)}
    finer = find_tick(profile_of({**on, **more}), 0.001)
    assert finer is not None
    assert finer.text() == "0.01"


def test_few_prices_prove_no_coarse_tick():
    """96,000 and 97,000 are multiples of 1,000 by chance; with four figures a tick of 10 is believed."""
    assert find_tick(profile_of({96_000.0: 1.0, 97_000.0: 1.0}), 1.0).text() == "10"
    assert find_tick(profile_of({0.2: 1.0, 0.2012: 1.0}), 0.00001).text() == "0.0001"
    assert find_tick(profile_of({96_123.4: 1.0, 97_000.0: 1.0}), 1.0) is None  # 0.1, too fine to matter to bins of 1


def test_automatic_bins_are_multiples_of_the_tick(engine):
    """0.2012 to 0.2016 in 160 rows would be 0.0000025, a fortieth of the tick of 0.0001."""
    assert suit_width(0.2012, 0.2016) == pytest.approx(0.0000025)
    events = [(T0 + k, round(0.2012 + k % 5 / 10_000, 4), "long", 1_000_000, 1.0) for k in range(50)]
    assert grid_of(engine, events, Window(T0, T0 + DAY)).bin.text() == "0.0001"
    # 2.5 would hold two ticks of 1, then three: 2 and 5 are even.
    prices = profile_of({1000.0 + k: 1.0 for k in range(400)})
    tick = find_tick(prices, 2.5)
    assert (tick.text(), choose_bin(1000, 1400).text(), choose_bin(1000, 1400, tick=tick).text()) == ("1", "2.5", "2")


def test_bucket_longer_than_the_window_is_rejected():
    day = Window(T0, T0 + DAY)
    with pytest.raises(UsageError, match="--bucket: 3d is longer than the window of 24h; the largest is 24h"):
        check_bucket(3 * DAY, day)
    check_bucket(DAY, day)
    check_bucket(None, day)
    check_bucket(1_000_000, Window(T0, T0 + 1))  # what the command of a report pins is never refused
    assert HOUR < DAY


def test_a_range_asked_for_by_one_end(engine):
    events = [(T0, 100.0, "long", 1_000_000, 1.0), (T0, 200.0, "short", 2_000_000, 1.0)]
    grid_of(engine, events, Window(T0, T0 + DAY))
    grid = scan_grid(engine, Window(T0, T0 + DAY), GridOptions(price_high=150.0))
    assert (int(grid.events.sum()), grid.above) == (1, Outside(1, 2_000_000, 200.0))
