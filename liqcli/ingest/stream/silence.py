"""How long a stream is usually silent, learnt from its own events, and how far its clock is from this machine's."""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from liqcli.core.model import US_PER_S

DEFAULT_S = 3600.0  # until enough is known, for streams that do not state their own
SHORTEST_S, LONGEST_S = 60.0, 86_400.0
ENOUGH = 200  # gaps; with fewer than a thousand the 99.9 % gap is the longest one
QUANTILE, TIMES = 0.999, 3.0
FORGET = 20_000  # gaps, after which all counts are halved: a stream may change
STEP = 1.2  # ratio of the limits of two neighbouring classes of gaps
SHORTEST_CLASS_S = 0.1


@dataclass(slots=True)
class GapStatistics:
    """Numbers of gaps between two proofs that a stream delivers, by length; class ``k`` ends at 0.1 s x 1.2^k."""

    counts: dict[int, float] = field(default_factory=dict)
    total: float = 0.0

    def add(self, gap_us: int) -> None:
        """Count a gap. [µs]"""
        gap_s = gap_us / US_PER_S
        if gap_s > LONGEST_S:
            return
        number = 0
        if gap_s > SHORTEST_CLASS_S:
            number = math.ceil(math.log(gap_s / SHORTEST_CLASS_S, STEP))
        self.counts[number] = self.counts.get(number, 0) + 1
        self.total += 1
        if self.total > FORGET:
            self.counts = {k: n / 2 for k, n in self.counts.items() if n > 0.01}
            self.total = sum(self.counts.values())

    @property
    def longest_usual_s(self) -> float | None:
        """The 99.9 % gap, rounded up to the end of its class; None if too few gaps are known. [s]"""
        if self.total < ENOUGH:
            return None
        left = self.total * (1 - QUANTILE)
        for number in sorted(self.counts, reverse=True):
            left -= self.counts[number]
            if left < 0:
                return float(SHORTEST_CLASS_S * STEP**number)
        return None

    def is_usual(self, gap_us: int, default_s: float | None) -> bool:
        """Return whether a silence is not suspect; nearly every gap is shorter than any patience."""
        if gap_us <= min(SHORTEST_S, default_s or DEFAULT_S) * US_PER_S:
            return True
        return gap_us <= self.patience_us(default_s)

    def patience_us(self, default_s: float | None) -> int:
        """Silence after which the stream is suspect. [µs]"""
        usual_s = self.longest_usual_s
        if usual_s is None:
            return round((default_s or DEFAULT_S) * US_PER_S)
        return round(min(LONGEST_S, max(SHORTEST_S, TIMES * usual_s)) * US_PER_S)

    def to_dict(self) -> dict[str, float]:
        """Return the counts as plain data."""
        return {str(number): count for number, count in sorted(self.counts.items())}

    @classmethod
    def from_dict(cls, plain: Mapping[str, Any]) -> GapStatistics:
        """
        Rebuild from plain data.

        Raises
        ------
        ValueError, TypeError
            Not made by :meth:`to_dict`.
        """
        counts = {int(number): float(count) for number, count in plain.items()}
        if any(not 0 <= number <= 100 or not 0 <= count < math.inf for number, count in counts.items()):
            raise ValueError("not counts of gaps")
        return cls(counts, sum(counts.values()))


@dataclass(slots=True)
class ClockOffset:
    """
    Difference of this machine's clock from the exchange's, by the times in messages.

    A message arrives after it was sent, so the smallest difference of the last minutes is nearest to the offset; it is
    too large by the shortest delay of the network, a fraction of a second.
    """

    minutes: deque[tuple[int, int]] = field(default_factory=lambda: deque(maxlen=10))

    def add(self, sent_us: int, now_us: int) -> None:
        """Add a message. [µs UTC]"""
        minute, apart_us = now_us // (60 * US_PER_S), now_us - sent_us
        if self.minutes and self.minutes[-1][0] == minute:
            apart_us = min(apart_us, self.minutes.pop()[1])
        self.minutes.append((minute, apart_us))

    @property
    def offset_us(self) -> int | None:
        """The offset; None without messages. [µs]"""
        return min((apart_us for _, apart_us in self.minutes), default=None)
