"""What columns compute themselves."""

from __future__ import annotations

import numpy as np

from liqcli.query.columns import SymbolMinuteRows


def ints(*values: int) -> np.ndarray:
    return np.array(values, dtype=np.int64)


def test_minutes_are_summed_over_symbols() -> None:
    """SOLUSDC has minute 3 alone, SOLUSDT minutes 0 and 3: minute 3 sums to 3 in 2 orders of 2 prints."""
    rows = SymbolMinuteRows(
        np.array(["SOLUSDC", "SOLUSDT", "SOLUSDT"], dtype=object),
        ints(180, 0, 180), ints(2, 630, 1), ints(2, 550, 1), ints(0, 80, 0), ints(1, 5, 1), ints(1, 6, 1),
    )  # fmt: skip
    summed = rows.sum_symbols()
    columns = (summed.minute_us, summed.usd_e6, summed.long_e6, summed.short_e6, summed.orders, summed.prints)
    assert [column.tolist() for column in columns] == [[0, 180], [630, 3], [550, 3], [80, 0], [5, 2], [6, 2]]
    assert SymbolMinuteRows(np.array([], dtype=object), *(ints() for _ in range(6))).sum_symbols().usd_e6.size == 0
