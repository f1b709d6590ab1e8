"""Infer from the events of an imported file when its recorder ran."""

from __future__ import annotations

from itertools import pairwise
from typing import TYPE_CHECKING

from liqcli.core.intervals import Intervals
from liqcli.core.times import MINUTE_US

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

FEWEST_MINUTES = 30  # with an event; with fewer, nothing can be inferred about the recorder
SHORTEST_GAP_US = 15 * MINUTE_US
LONGEST_PAUSE_US = 60 * MINUTE_US  # a longer pause does not prove that the recorder ran
APART = 5  # a pause this many times longer than all shorter ones in the file is a gap


class Heartbeat:
    """Record when events of a file occurred, minute by minute, so that memory does not grow with the file's size."""

    def __init__(self) -> None:
        self._minutes: dict[int, tuple[int, int]] = {}

    def add_all(self, times: NDArray[np.int64]) -> None:
        """Record events at any number of times. [µs UTC]"""
        import numpy as np

        minutes = times // MINUTE_US
        at = _find_runs(minutes)
        first, last, minutes = np.minimum.reduceat(times, at), np.maximum.reduceat(times, at), minutes[at]
        order = np.argsort(minutes, kind="stable")  # runs of one minute, if the times are not sorted
        first, last, minutes = first[order], last[order], minutes[order]
        at = _find_runs(minutes)
        first, last = np.minimum.reduceat(first, at), np.maximum.reduceat(last, at)
        for minute, early, late in zip(minutes[at].tolist(), first.tolist(), last.tolist(), strict=True):
            known = self._minutes.get(minute)
            self._minutes[minute] = (min(known[0], early), max(known[1], late)) if known else (early, late)

    def infer_coverage(self) -> tuple[Intervals, Intervals]:
        """
        Infer when a recorder ran from the pauses between the events of all its symbols.

        Pauses are measured from a minute with events to the next such minute. So that a few holes do not set their own
        limit, pauses are compared with each other, and the shortest 90% are taken as normal:

        - gap: at least 15 minutes, and five times as long as every shorter pause; or more than 2 hours and more than
          sixty times the 90th percentile.
        - covered: any other pause of up to an hour.
        - unknown: any other, longer pause. If fewer than 30 minutes have an event, or more time is unknown than
          covered, everything but the gaps is unknown.

        Returns
        -------
        covered, unknown
            Half-open, from an event to the instant after an event; the rest between the first and the last event is a
            gap. [µs UTC]
        """
        active = [self._minutes[minute] for minute in sorted(self._minutes)]
        if not active:
            return Intervals(), Intervals()
        if len(active) < FEWEST_MINUTES:
            return Intervals(), Intervals([(active[0][0], active[-1][1] + 1)])
        pauses = [(before[1] + 1, after[0]) for before, after in pairwise(active)]
        limit = _find_gap_limit([end - start + 1 for start, end in pauses])
        gaps = [(start, end) for start, end in pauses if end - start + 1 >= limit]
        unknown = Intervals(i for i in pauses if LONGEST_PAUSE_US < i[1] - i[0] + 1 < limit)
        present = Intervals([(active[0][0], active[-1][1] + 1)]) - gaps
        covered = present - unknown
        thin = unknown.length > covered.length
        return (Intervals(), present) if thin else (covered, unknown)


def _find_runs(values: NDArray[np.int64]) -> NDArray[np.intp]:
    """Find the start of each run of equal values."""
    import numpy as np

    return np.flatnonzero(np.r_[True, values[1:] != values[:-1]])


def _find_gap_limit(pauses: list[int]) -> int:
    """Find the minimum length of a gap. [µs]"""
    ordered = sorted(pauses)
    usual = int(0.9 * (len(ordered) - 1))
    limit = max(2 * LONGEST_PAUSE_US, 60 * ordered[usual]) + 1
    for shorter, longer in pairwise(ordered[usual:]):
        if longer >= max(SHORTEST_GAP_US, APART * shorter):
            return min(limit, longer)
    return limit
