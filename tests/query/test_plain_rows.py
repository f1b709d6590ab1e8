"""Numbers of rows as exact integers, and sides as numbers."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pytest

from liqcli.query.plain_rows import Filters, NotPlainError, RowGroup, read_rows, to_integers

GROUP = RowGroup("gate", "SOLUSDT", "gate", "fill", "full", None)
BELOW_HALF = 0.49999999999999994  # 0.5 more is 1.0 as a double


@pytest.mark.parametrize(
    ("numbers", "rounded"),
    [
        ([0.5, 1.5, 2.5, 2.4999999999999996], [1, 2, 3, 2]),
        ([BELOW_HALF, 0.5], [0, 1]),
        ([2.0**52 - 0.5, 7.5], [2**52, 8]),  # half a unit is the smallest step below 2^52
        ([2.0**52 + 1, 7.5], [2**52 + 1, 8]),
        ([], []),
    ],
    ids=["halves", "below half", "half of a large number", "large odd number", "none"],
)
def test_numbers_are_rounded_half_up(numbers, rounded) -> None:
    assert to_integers(np.array(numbers), 1.0).tolist() == rounded


def test_numbers_whose_sum_could_overflow_are_left_to_the_sql_files() -> None:
    """2000 numbers of 5 * 10^15 add up to 10^19, more than 64 bits hold."""
    with pytest.raises(NotPlainError):
        to_integers(np.full(2000, 5e15), 1.0)
    assert to_integers(np.full(1000, 5e15), 1.0).sum() == 5 * 10**18


@pytest.mark.parametrize("names", [["long", "short"], ["short", "long"], ["long"], ["short"]], ids="-".join)
def test_a_side_is_0_for_long_in_any_dictionary(names) -> None:
    codes = list(range(len(names))) * 3
    numbers = pa.array(np.full(len(codes), 2.0))
    position = pa.DictionaryArray.from_arrays(pa.array(codes, pa.int32()), names)
    batch = pa.record_batch(
        {"ts": pa.array(codes, pa.timestamp("us")), "position": position, "price": numbers, "notional": numbers}
    )
    rows = read_rows(batch, GROUP, Filters("both", 0.0))
    assert rows.side.tolist() == [["long", "short"].index(names[code]) for code in codes]
    assert rows.usd_e6.tolist() == [2_000_000] * len(codes)
