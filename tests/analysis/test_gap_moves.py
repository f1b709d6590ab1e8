"""The largest move of the price inside a gap, by hand."""

from __future__ import annotations

import numpy as np
import pytest

from liqcli.analysis.gap_moves import GapMove, measure_move
from liqcli.core.model import PriceSeries

MINUTE = 60_000_000
# open, high, low, close of five minutes
CANDLES = np.array(
    [(100, 130, 99, 101), (100, 104, 98, 103), (103, 103, 90, 95), (95, 108, 94, 107), (107, 150, 50, 100)],
    dtype=np.float64,
)
SERIES = PriceSeries(np.arange(5, dtype=np.int64) * MINUTE, *CANDLES.T, MINUTE, "test 1m candle")


@pytest.mark.parametrize(
    ("gap", "expected"),
    [
        ((1 * MINUTE, 4 * MINUTE), GapMove(100.0, 90.0, -10.0)),  # down 10, up 8
        ((3 * MINUTE, 4 * MINUTE), GapMove(95.0, 108.0, 100 * 13 / 95)),
        ((1 * MINUTE - 1, 4 * MINUTE + 1), GapMove(100.0, 90.0, -10.0)),  # half a candle may belong to recorded time
        ((1 * MINUTE + 1, 2 * MINUTE + 1), None),
        ((9 * MINUTE, 10 * MINUTE), None),
    ],
)
def test_only_whole_candles_inside_the_gap_count(gap, expected):
    assert measure_move(gap, SERIES) == expected


def test_without_candles_nothing_is_known():
    assert measure_move((0, MINUTE), None) is None
