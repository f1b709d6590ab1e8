"""Merge rows of candles or open interest with the same time; contradictions are reported, not merged."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import pairwise

from liqcli.core.market_data import INTERVAL_US, INTERVALS, Candle, OpenInterest, infer_interval
from liqcli.core.model import US_PER_S

MOST_CONFLICTS = 0.01  # of the shared times; more means another series, not a few faulty rows
LONGEST_RUN = 12  # consecutive steps of another length that gaps cannot explain


@dataclass(slots=True)
class Series:
    """
    Rows of one exchange, symbol and interval, one per time.

    ``conflicts`` maps times with contradicting rows to a description of two values; ``grown`` counts rows that are
    another state of a candle that was still open.
    """

    rows: dict[int, Candle | OpenInterest] = field(default_factory=dict)
    conflicts: dict[int, str] = field(default_factory=dict)
    grown: int = 0

    def add(self, row: Candle | OpenInterest) -> None:
        """Add a row; if it contradicts another of the same time, neither is kept."""
        held = self.rows.get(row.ts_us)
        if held is None:
            self.rows[row.ts_us] = row
            return
        joined = join_rows(held, row)
        if joined is None:
            self.conflicts.setdefault(row.ts_us, describe_conflict(held, row))
            return
        self.rows[row.ts_us] = joined
        self.grown += is_later_state(held, row) or is_later_state(row, held)


def join_rows(held: Candle | OpenInterest, row: Candle | OpenInterest) -> Candle | OpenInterest | None:
    """
    Merge two rows of the same time; the order does not matter.

    Missing numbers are taken from the other row. Of two states of a candle that was still open the later one is used.
    None when the rows contradict each other.
    """
    if is_later_state(held, row):
        return row
    if is_later_state(row, held):
        return held
    values = []
    for mine, other in zip(held[1:], row[1:], strict=True):
        if mine is not None and other is not None and not _same(mine, other):
            return None
        known = [value for value in (mine, other) if value is not None]
        values.append(min(known) if known else None)
    return type(held)(held.ts_us, *values)  # type: ignore[arg-type]


def is_later_state(before: Candle | OpenInterest, after: Candle | OpenInterest) -> bool:
    """Return True if a candle may be a later state of the same open candle: same open, wider range, more volume."""
    if not (isinstance(before, Candle) and isinstance(after, Candle)):
        return False
    if before.volume is None or after.volume is None or _same(before.volume, after.volume):
        return False
    wider = after.high >= before.high and after.low <= before.low
    return _same(before.open, after.open) and wider and after.volume > before.volume


def describe_conflict(held: Candle | OpenInterest, row: Candle | OpenInterest) -> str:
    """Describe the first number in which two rows of the same time differ: ``close 100 and 105``."""
    for name, mine, other in zip(held._fields[1:], held[1:], row[1:], strict=True):
        if mine is not None and other is not None and not _same(mine, other):
            return f"{name} {mine:.10g} and {other:.10g}"
    return "equal"


def is_mixture(conflicts: int, shared: int) -> bool:
    """Return True if there are so many conflicts among shared times that two different series must be mixed."""
    return conflicts > MOST_CONFLICTS * shared


def find_interval(times_us: Iterable[int]) -> str | None:
    """
    Infer the interval of candles from their open times; None when it is ambiguous.

    It is ambiguous with fewer than two times, when the most common step is no usual interval, and when a run of steps
    of another usual interval shows that candles of several intervals are mixed.
    """
    times = sorted(times_us)
    name = infer_interval(times)
    if name is None:
        return None
    run, before = 0, 0
    for step in (after - earlier for earlier, after in pairwise(times)):
        run = run + 1 if step == before else 1
        before = step
        if run >= LONGEST_RUN and step != INTERVAL_US[name] and step // US_PER_S in INTERVALS:
            return None
    return name


def list_steps(times_us: Iterable[int]) -> str:
    """Format the most common steps between times: ``60 s (1,440 times), 3600 s (24 times)``."""
    steps = Counter((b - a) / US_PER_S for a, b in pairwise(sorted(set(times_us))))
    return ", ".join(f"{step:g} s ({count:,} times)" for step, count in steps.most_common(3)) or "only one time"


def join_held(
    held: Mapping[int, Candle | OpenInterest], fresh: Mapping[int, Candle | OpenInterest]
) -> tuple[dict[int, Candle | OpenInterest], dict[int, str]]:
    """
    Merge fresh rows with those a lake holds.

    Returns
    -------
    rows, conflicts
        The rows to write: fresh ones, merged with stored ones of the same time; and the times at which fresh and stored
        rows contradict each other, each with a description of two values.
    """
    rows: dict[int, Candle | OpenInterest] = {}
    conflicts: dict[int, str] = {}
    for ts_us, row in fresh.items():
        before = held.get(ts_us)
        joined = row if before is None else join_rows(before, row)
        if joined is None and before is not None:
            conflicts[ts_us] = describe_conflict(before, row)
        elif joined is not None:
            rows[ts_us] = joined
    return rows, conflicts


def _same(mine: float, other: float) -> bool:
    return math.isclose(mine, other, rel_tol=1e-9)
