"""
Arithmetic on half-open time intervals, for coverage and for planning downloads.

An interval is a pair ``(start, end)`` of integers [µs since the epoch] with ``start < end``.
"""

from __future__ import annotations

from collections.abc import Iterable

Interval = tuple[int, int]


class Intervals(tuple[Interval, ...]):
    """
    Intervals in order of time that neither overlap nor touch.

    ``a & b`` is the time in both, ``a | b`` in at least one, ``a - b`` in ``a`` alone; ``b`` may be any intervals.
    """

    __slots__ = ()

    def __new__(cls, intervals: Iterable[Interval] = ()) -> Intervals:
        """Sort any intervals, drop empty ones, and join those that overlap or touch."""
        if isinstance(intervals, Intervals):
            return intervals
        merged: list[Interval] = []
        for start, end in sorted(i for i in intervals if i[0] < i[1]):
            if merged and start <= merged[-1][1]:
                merged[-1] = (merged[-1][0], max(merged[-1][1], end))
            else:
                merged.append((start, end))
        return super().__new__(cls, merged)

    @property
    def length(self) -> int:
        """Sum of the lengths. [µs]"""
        return sum(end - start for start, end in self)

    def __and__(self, others: Iterable[Interval]) -> Intervals:
        return self - (self - others)

    def __or__(self, others: Iterable[Interval]) -> Intervals:
        return Intervals([*self, *others])

    def __sub__(self, holes: Iterable[Interval]) -> Intervals:
        cuts, place = Intervals(holes), 0
        left: list[Interval] = []
        for start, end in self:
            while place < len(cuts) and cuts[place][0] < end:
                low, high = cuts[place]
                if start < low:
                    left.append((start, low))
                start = max(start, high)
                if high > end:  # it can overlap the next interval
                    break
                place += 1
            if start < end:
                left.append((start, end))
        return Intervals(left)


NO_INTERVALS = Intervals()
