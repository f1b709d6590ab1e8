"""The result of a score: measures with their comparison, and the verdict."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from liqcli.analysis.score.intervals import Estimate

Verdict = Literal["skill", "no evidence", "too little data"]
LEAST_DAYS, LEAST_EVENTS = 10, 200


@dataclass(frozen=True, slots=True)
class Measure:
    """
    One measure and the baseline it is compared with; ``difference`` is the measure minus the baseline.

    Intervals are 95 %. ``wide_low`` and ``wide_high`` are the interval of the difference corrected for all measures
    that were looked at; the verdict uses it where there are several. Bounds are None where there are too few days.
    """

    name: str
    value: float
    low: float | None
    high: float | None
    baseline: str
    baseline_value: float
    difference: float
    difference_low: float | None
    difference_high: float | None
    wide_low: float | None
    wide_high: float | None


@dataclass(frozen=True, slots=True)
class Score:
    """
    What a score found: ``days`` that could be used, ``events`` judged, and the measures, the deciding one first.

    ``touches``: how often price reached a cluster and then moved away or beyond; None for levels.
    """

    days: int
    events: int
    verdict: Verdict
    measures: tuple[Measure, ...]
    touches: int | None = None


def build_measure(name: str, baseline: str, value: Estimate, baseline_value: float, difference: Estimate) -> Measure:
    """Combine the estimates of a measure; a value that no day has becomes NaN with unknown bounds."""
    return Measure(
        name,
        value.value,
        _bound(value.low),
        _bound(value.high),
        baseline,
        baseline_value,
        difference.value,
        _bound(difference.low),
        _bound(difference.high),
        _bound(difference.wide_low),
        _bound(difference.wide_high),
    )


def judge(days: int, events: int, lowest: float | None) -> Verdict:
    """Return the verdict, from the lower end of the interval that decides."""
    if days < LEAST_DAYS or events < LEAST_EVENTS:
        return "too little data"
    return "skill" if lowest is not None and lowest > 0 else "no evidence"


def _bound(value: float) -> float | None:
    return value if abs(value) < float("inf") else None
