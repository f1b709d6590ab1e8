"""Positions and labels of grid lines: round prices, times in UTC and amounts."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime

from liqcli.core.model import US_PER_S, from_us, to_us

_MONTHS = ("Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec")  # no locale
_DAY_S = 86_400
_STEPS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 10_800, 14_400, 21_600, 43_200)
_STEPS_DAYS = (1, 2, 3, 4, 7, 14)
_STEPS_MONTHS = (1, 2, 3, 6, 12, 24, 60, 120)
_MONDAY = 4  # 1970-01-05 was a Monday: steps of weeks start there


@dataclass(frozen=True, slots=True)
class TimeTick:
    """A time on the axis; ``strong`` where a day (or a year) starts."""

    ts_us: int
    label: str
    strong: bool


def format_day(ts_us: int, year: bool = False) -> str:
    """Format a day as ``5 Dec`` or ``5 Dec 2024``, independent of the locale."""
    day = from_us(ts_us)
    text = f"{day.day} {_MONTHS[day.month - 1]}"
    return f"{text} {day.year}" if year else text


def time_ticks(start_us: int, end_us: int, most: int) -> list[TimeTick]:
    """
    Choose at most ``most`` round times in ``[start, end]``, with the finest possible step.

    Parameters
    ----------
    start_us, end_us : int
        Ends of the axis. [µs UTC]
    most : int
        Number of labels that fit.
    """
    span_s = (end_us - start_us) / US_PER_S
    for step in _STEPS_S:
        if span_s / step <= most:
            return [_clock_tick(ts, step) for ts in _multiples(start_us, end_us, step * US_PER_S, 0)]
    for days in _STEPS_DAYS:
        if span_s / (days * _DAY_S) <= most:
            offset = _MONDAY * _DAY_S * US_PER_S if days % 7 == 0 else 0
            ticks = _multiples(start_us, end_us, days * _DAY_S * US_PER_S, offset)
            return [TimeTick(ts, format_day(ts), False) for ts in ticks]
    return list(_month_ticks(start_us, end_us, most))


def _multiples(start_us: int, end_us: int, step_us: int, offset_us: int) -> Iterator[int]:
    first = -(-(start_us - offset_us) // step_us) * step_us + offset_us
    yield from range(first, end_us + 1, step_us)


def _clock_tick(ts_us: int, step_s: int) -> TimeTick:
    moment = from_us(ts_us)
    if moment.hour == moment.minute == moment.second == 0:
        return TimeTick(ts_us, format_day(ts_us), True)
    return TimeTick(ts_us, f"{moment:%H:%M:%S}" if step_s < 60 else f"{moment:%H:%M}", False)


def _month_ticks(start_us: int, end_us: int, most: int) -> Iterator[TimeTick]:
    months = (end_us - start_us) / US_PER_S / _DAY_S / 30.44
    step = next((s for s in _STEPS_MONTHS if months / s <= most), _STEPS_MONTHS[-1])
    first = from_us(start_us)
    count = first.year * 12
    while True:
        moment = datetime(count // 12, count % 12 + 1, 1, tzinfo=UTC)
        ts_us = to_us(moment)
        if ts_us > end_us:
            return
        if ts_us >= start_us:
            january = moment.month == 1
            yield TimeTick(ts_us, str(moment.year) if january else _MONTHS[moment.month - 1], january)
        count += step


def nice_step(least: float) -> float:
    """Return the smallest of {1, 2, 2.5, 5} x 10^k that is at least ``least``."""
    base = 10.0 ** math.floor(math.log10(least))
    for factor in (1.0, 2.0, 2.5, 5.0, 10.0):
        if factor * base >= least * (1 - 1e-9):
            return factor * base
    return 10.0 * base


def round_ticks(low: float, high: float, most: int) -> tuple[list[float], float]:
    """Choose about ``most`` round values in ``[low, high]``; returns them and their step."""
    step = nice_step((high - low) / max(most, 1))
    first, last = math.ceil(low / step - 1e-9), math.floor(high / step + 1e-9)
    decimals = max(
        0, 1 - math.floor(math.log10(step))
    )  # 2.5 needs one more digit; rounding removes 0.30000000000000004
    return [round(k * step, decimals) for k in range(first, last + 1)], round(step, decimals)


def scale_ticks(low: float, high: float, logarithmic: bool) -> list[float]:
    """Choose round values for the legend: decades on a log scale (with 2 and 5 on a short one), else even steps."""
    if not logarithmic or low <= 0:
        return [tick for tick in round_ticks(low, high, 5)[0] if tick > 0]
    factors = (1.0,) if high / low > 300 else (1.0, 2.0, 5.0)
    first, last = math.floor(math.log10(low)), math.ceil(math.log10(high))
    ticks = [factor * 10.0**k for k in range(first, last + 1) for factor in factors]
    return [tick for tick in ticks if low <= tick <= high]
