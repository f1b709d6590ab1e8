"""Coverage of a window: which parts have data, which do not, and which are unknown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from liqcli.core.intervals import NO_INTERVALS, Intervals
from liqcli.core.model import Window


@dataclass(frozen=True, slots=True)
class ExchangeCoverage:
    """
    Coverage of one exchange and symbol in a window.

    ``intervals`` are covered; ``unknown`` intervals have rows without a fetch log or lie in a thin imported file;
    ``cut`` ones could not be returned completely by the source [µs]; ``inferred`` is true when some of it was inferred
    from the silences of an imported file; ``sources`` are those that contribute.
    """

    exchange: str
    symbol: str
    window: Window
    intervals: Intervals
    cut: Intervals
    inferred: bool
    sources: tuple[str, ...]
    unknown: Intervals = NO_INTERVALS

    @property
    def share(self) -> float | None:
        """Covered share of the window, 0 to 1; None when some of it is unknown."""
        return None if self.unknown else self.intervals.length / self.window.length_us

    @property
    def gaps(self) -> Intervals:
        """Intervals without data. [µs]"""
        return Intervals([self.window.interval]) - self.intervals - self.unknown


def overall_share(coverage: Sequence[ExchangeCoverage]) -> float | None:
    """Average the shares of the exchanges; None if one is unknown. One of five half missing gives 0.9."""
    shares = [c.share for c in coverage]
    known = [share for share in shares if share is not None]
    return sum(known) / len(known) if known and len(known) == len(shares) else None


def common_gaps(coverage: Sequence[ExchangeCoverage], window: Window) -> Intervals:
    """Find intervals without data on any exchange, which must not look like a quiet market. [µs]"""
    return Intervals([window.interval]) - (i for c in coverage for i in (*c.intervals, *c.unknown))


def common_unknown(coverage: Sequence[ExchangeCoverage]) -> Intervals:
    """Find intervals that no exchange covers and that are unknown on at least one. [µs]"""
    return Intervals(i for c in coverage for i in c.unknown) - (i for c in coverage for i in c.intervals)
