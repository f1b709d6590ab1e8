"""Sum liquidations by hour of the window, or by hour of the day for longer windows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from liqcli.core.coverage import ExchangeCoverage
from liqcli.core.intervals import Interval
from liqcli.core.model import US_PER_S, Window
from liqcli.query.columns import HourRows

MINUTE_US = 60 * US_PER_S
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
# Longest window -> length of a step; for longer windows the hours of the day are summed.
STEPS = ((2 * HOUR_US, 5 * MINUTE_US), (8 * HOUR_US, 15 * MINUTE_US), (48 * HOUR_US, HOUR_US))


@dataclass(frozen=True, slots=True)
class HourSum:
    """
    One step: its start [µs UTC; since midnight where steps are hours of the day], events and USD of both sides.

    ``span_us`` is the part of the window that falls on the step: less at its ends, several days' worth where days are
    summed. ``coverage`` is the share of it with data, 0 to 1, the mean over the exchanges; None when unknown.
    """

    start_us: int
    span_us: int
    notional: float
    long_notional: float
    short_notional: float
    long_events: int
    short_events: int
    coverage: float | None


@dataclass(frozen=True, slots=True)
class HourTable:
    """The steps of a window in order, empty ones included; ``of_day`` when hours of several days are summed."""

    step_us: int
    of_day: bool
    rows: tuple[HourSum, ...]


def choose_steps(window: Window) -> tuple[int, int]:
    """Choose the length of a step, and the cycle after which steps repeat: a day, or 0 up to 2 days. [µs]"""
    step_us = next((step for longest, step in STEPS if window.length_us <= longest), HOUR_US)
    return step_us, DAY_US if window.length_us > STEPS[-1][0] else 0


def build_hours(rows: HourRows, window: Window, coverage: Sequence[ExchangeCoverage]) -> HourTable:
    """
    Spread the sums by hour over all steps of a window, with the coverage of each.

    Parameters
    ----------
    rows : HourRows
        Sums over the steps that :func:`choose_steps` returns for the window.
    window : Window
        Half-open. [UTC]
    coverage : sequence of ExchangeCoverage
        Empty when unknown.

    References
    ----------
    ``liqcli/query/sql/hours.sql``.
    """
    step_us, cycle_us = choose_steps(window)
    of_day = cycle_us > 0
    first, last = (0, DAY_US) if of_day else (window.start_us - window.start_us % step_us, window.end_us)
    starts = np.arange(first, last, step_us, dtype=np.int64)
    places = (rows.start_us - first) // step_us
    spans, shares = _measure_spans(window, coverage, step_us, cycle_us, len(starts))

    def spread(position: str, column: NDArray[np.int64]) -> NDArray[np.int64]:
        totals = np.zeros(len(starts), dtype=np.int64)
        mine = rows.position == position
        totals[places[mine]] = column[mine]
        return totals

    usd = {position: spread(position, rows.notional_e6) for position in ("long", "short")}
    events = {position: spread(position, rows.events) for position in ("long", "short")}
    steps = (
        HourSum(
            start_us=int(start),
            span_us=int(spans[k]),
            notional=int(usd["long"][k] + usd["short"][k]) / 1e6,
            long_notional=int(usd["long"][k]) / 1e6,
            short_notional=int(usd["short"][k]) / 1e6,
            long_events=int(events["long"][k]),
            short_events=int(events["short"][k]),
            coverage=None if shares is None or np.isnan(shares[k]) else float(shares[k]),
        )
        for k, start in enumerate(starts)
    )
    return HourTable(step_us, of_day, tuple(steps))


def _measure_spans(
    window: Window, coverage: Sequence[ExchangeCoverage], step_us: int, cycle_us: int, steps: int
) -> tuple[NDArray[np.int64], NDArray[np.float64] | None]:
    """Measure the part of the window on each step [µs] and the share of it with data, NaN when unknown."""
    first = window.start_us // step_us
    marks = np.arange(first, -(-window.end_us // step_us) + 1, dtype=np.int64)
    edges = np.clip(marks * step_us, window.start_us, window.end_us)
    places = marks[:-1] % (cycle_us // step_us) if cycle_us else marks[:-1] - first
    spans = np.zeros(steps, dtype=np.int64)
    np.add.at(spans, places, np.diff(edges))
    if not coverage:
        return spans, None
    recorded, unknown = np.zeros(steps, dtype=np.int64), np.zeros(steps, dtype=np.int64)
    for part in coverage:
        np.add.at(recorded, places, np.diff(_length_before(part.intervals, edges)))
        np.add.at(unknown, places, np.diff(_length_before(part.unknown, edges)))
    whole = spans * len(coverage)
    shares = np.divide(recorded, whole, out=np.zeros(steps), where=whole > 0)
    return spans, np.where(unknown > 0, np.nan, shares)


def _length_before(intervals: Sequence[Interval], moments: NDArray[np.int64]) -> NDArray[np.int64]:
    """Measure how much of sorted, disjoint intervals lies before each moment. [µs]"""
    if not intervals:
        return np.zeros(len(moments), dtype=np.int64)
    starts, ends = np.array(intervals, dtype=np.int64).T
    before = np.concatenate(([0], np.cumsum(ends - starts)))
    k = np.searchsorted(starts, moments, side="right") - 1
    inside = np.minimum(moments, ends[k]) - starts[k]
    return np.asarray(np.where(k >= 0, before[k] + inside, 0), dtype=np.int64)
