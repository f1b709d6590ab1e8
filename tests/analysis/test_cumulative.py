"""USD within x% of the last price: exact at every step, and in total equal to the grid."""

from __future__ import annotations

from dataclasses import replace
from decimal import Decimal

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liqcli.analysis.cumulative import (
    MOST_RINGS,
    choose_ring,
)
from liqcli.analysis.heatmap import ConservationError, GridOptions
from liqcli.analysis.price_bins import parse_bin
from liqcli.core.model import Window
from liqcli.query.duckdb_engine import DuckDBEngine
from liqcli.report.records import cumulative_record, distance_records
from liqcli.report.window_scans import scan_cumulative, scan_grid

WINDOW = Window(0, 3_600_000_000)


@pytest.fixture(scope="module")
def engine():
    with DuckDBEngine() as opened:
        yield opened


def build(engine, events, last_price, bin_width="0.5", low=None, high=None):
    """Events are (price, position, USD)."""
    words = {name: pa.array(["x"] * len(events)) for name in ("exchange", "symbol", "source", "price_kind")}
    table = {
        "ts_us": pa.array([0] * len(events), pa.int64()),
        "price": pa.array([price for price, _, _ in events], pa.float64()),
        "position": pa.array([position for _, position, _ in events]),
        "qty": pa.array([1.0] * len(events)),
        "completeness": pa.array(["full"] * len(events)),
        "notional_e6": pa.array([round(usd * 1e6) for _, _, usd in events], pa.int64()),
        **words,
    }
    engine.register("liquidations", pa.table(table))
    grid = scan_grid(engine, WINDOW, GridOptions(None, parse_bin(bin_width), None, low, high))
    return scan_cumulative(engine, grid, last_price, (low, high)), grid


def test_sums_outward_worked_out_by_hand(engine):
    events = [
        (98.0, "long", 100.0),  # 2% below
        (99.5, "long", 30.0),  # 0.5% below
        (99.5, "short", 7.0),
        (100.0, "short", 4.0),  # the last price itself lies above
        (101.0, "short", 50.0),  # 1% above
    ]
    found, _ = build(engine, events, 100.0)
    assert found.step_pct == 0.02  # the grid reaches from 98 to 101.5: 2% by 125 steps is 0.016
    record = cumulative_record(found)
    at = round(0.5 / 0.02)
    assert record["below_long"][: at + 2] == [0.0] * at + [30.0, 30.0]  # the ring of 99.5 ends 0.5% below
    assert record["below_long"][-1] == 130.0
    assert record["below_short"][-1] == 7.0
    assert record["above_short"][0] == 0.0
    assert record["above_short"][1] == 4.0
    assert record["above_short"][round(1 / 0.02)] == 4.0  # a print 1% above lies not within 1%, but from there on
    assert record["above_short"][round(1 / 0.02) + 1] == 54.0
    assert record["above_long"] == [0.0] * len(record["above_short"])


def test_reach_at_round_distances_by_hand(engine):
    events = [
        (98.0, "long", 100.0),
        (99.5, "long", 30.0),
        (99.5, "short", 7.0),
        (100.0, "short", 4.0),
        (101.0, "short", 50.0),
    ]
    found, _ = build(engine, events, 100.0)
    keys = ("within_pct", "price_below", "price_above", "below", "below_long", "below_short", "above", "above_short")
    assert [tuple(row[key] for key in keys) for row in distance_records(found)] == [
        (0.1, 99.9, pytest.approx(100.1), 0, 0, 0, 4, 4),
        (0.2, 99.8, pytest.approx(100.2), 0, 0, 0, 4, 4),
        (0.5, 99.5, pytest.approx(100.5), 37, 30, 7, 4, 4),  # the edge below belongs to the ring
        (1.0, 99.0, 101.0, 37, 30, 7, 4, 4),  # the edge above does not
        (2.0, 98.0, 102.0, 137, 130, 7, 54, 54),
    ]


@settings(max_examples=25, deadline=None)
@given(
    prices=st.lists(st.integers(1, 400), min_size=1, max_size=30),
    last=st.integers(1, 400),
    scale=st.sampled_from([Decimal("0.00000001"), Decimal("0.01"), Decimal("250")]),
)
def test_both_sides_together_are_the_grid_at_any_price_scale(engine, prices, last, scale):
    events = [(float(k * scale), "long" if k % 3 else "short", k + 0.25) for k in prices]
    last_price = float(last * scale)
    found, grid = build(engine, events, last_price, bin_width=f"{scale:f}")
    sides = (found.below.long_e6, found.above.long_e6), (found.below.short_e6, found.above.short_e6)
    for (below, above), cells in zip(sides, (grid.long_notional, grid.short_notional), strict=True):
        assert below[-1] + above[-1] == np.rint(cells * 1e6).sum()
        assert (np.diff(below) >= 0).all()
        assert (np.diff(above) >= 0).all()
    # Of what is drawn: a far print with less than 0.5% of the USD may lie outside the axis.
    under = sum(
        round(usd * 1e6) for price, _, usd in events if grid.price_low <= price < min(last_price, grid.price_high)
    )
    assert found.below.long_e6[-1] + found.below.short_e6[-1] == under


def test_only_the_asked_prices_count(engine):
    events = [(90.0, "long", 1.0), (100.0, "long", 2.0), (110.0, "long", 4.0), (120.0, "long", 8.0)]
    found, grid = build(engine, events, 105.0, low=100.0, high=115.0)
    assert cumulative_record(found)["below_long"][-1] == 2.0
    assert cumulative_record(found)["above_long"][-1] == 4.0
    assert grid.notional.sum() == 6.0


def test_a_print_at_the_last_price_lies_above_it_at_every_price(engine):
    """0.00010000875 x 10000 / 10000 is the next double above it: the last print itself counted as below."""
    found, _ = build(engine, [(9.9e-05, "long", 1.0), (0.00010000875, "short", 2.0)], 0.00010000875, "0.000001")
    assert (found.step.num, found.step.den) == (1, 10000)
    assert (found.below.short_e6[-1], found.above.short_e6[-1]) == (0, 2_000_000)


def test_no_price_lies_below_nothing(engine):
    """Eleven times the last price is 1,000% above it; a hundred percent below it is all there is."""
    found, _ = build(engine, [(1.0, "long", 1.0), (10.9, "short", 2.0)], 1.0, bin_width="0.1")
    last = distance_records(found)[-1]
    assert (last["within_pct"], last["price_below"], last["price_above"]) == (1000.0, 0.0, 11.0)


def test_a_price_range_may_end_inside_a_bin(engine):
    """Bins of 2 reach from 102 to 106, but 105.5 was not asked for, in the grid or here."""
    events = [(102.1, "long", 1.0), (102.3, "long", 2.0), (105.2, "short", 4.0), (105.5, "short", 8.0)]
    found, grid = build(engine, events, 104.0, bin_width="2", low=102.3, high=105.5)
    assert grid.price_edges.tolist() == [102.0, 104.0, 106.0]
    assert cumulative_record(found)["below_long"][-1] == 2.0
    assert cumulative_record(found)["above_short"][-1] == 4.0


def test_sums_beyond_what_a_double_counts_exactly(engine):
    """Above 9 billion USD, in a window as in one cell, every millionth is still there."""
    events = [(99.0 + k / 10, side, 3e9 + 0.000001) for k in range(20) for side in ("long", "long", "long", "short")]
    found, grid = build(engine, events, 100.0)
    assert int(grid.long_e6.max()) == 5 * 3 * 3_000_000_000_000_001  # half a dollar: five of the twenty prices
    record = cumulative_record(found)
    assert record["below_long"][-1] == 10 * 3 * 3_000_000_000_000_001 / 1e6
    assert int(grid.notional_e6.sum()) == 80 * 3_000_000_000_000_001
    found, _ = build(engine, [(100.0, "long", 18_452_941_617.0618), (100.0, "short", 19_922_054_172.509764)], 100.0)
    assert distance_records(found)[-1]["above"] == 38_374_995_789_571_564 / 1e6  # not the sum of two rounded sums


def test_grid_of_other_events_is_rejected(engine):
    _, grid = build(engine, [(100.0, "long", 1.0)], 100.0)
    with pytest.raises(ConservationError, match="rings 1000000, grid 2000000"):
        scan_cumulative(engine, replace(grid, long_e6=grid.long_e6 * 2), 100.0)


@pytest.mark.parametrize(
    ("low", "high", "last", "step"),
    [(98.0, 101.0, 100.0, "2/10000"), (50.0, 101.0, 100.0, "5/1000"), (99.9, 100.1, 100.0, "1/100000")],
)
def test_steps_are_round(low, high, last, step):
    ring = choose_ring(low, high, last)
    assert f"{ring.num}/{ring.den}" == step
    rings = max(last - low, high - last) / last / ring.width
    assert 49 < rings <= MOST_RINGS + 1e-6


def test_a_last_price_far_from_all_events(engine):
    found, _ = build(engine, [(1.0, "long", 5.0), (2.0, "short", 3.0)], 1000.0)
    assert cumulative_record(found)["below_long"][-1] == 5.0
    assert cumulative_record(found)["above_long"] == [0.0]
    assert len(found.below.long_e6) <= MOST_RINGS + 2
