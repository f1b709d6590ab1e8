"""How much of a window was recorded, where it was not, and where nobody knows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from liqcli.core.intervals import Interval, subtract_intervals, total_length
from liqcli.core.model import Window


@dataclass(frozen=True, slots=True)
class ExchangeCoverage:
    """
    Coverage of one exchange and symbol in a window.

    ``intervals`` covered stretches, ``unknown`` stretches of which nothing is known (rows without a fetch log, a thin
    imported file), ``cut`` stretches where the source could not give all [µs]; ``inferred`` is true when some of it was
    guessed from an imported file's silences; ``sources`` those with any word on it.
    """

    exchange: str
    symbol: str
    window: Window
    intervals: tuple[Interval, ...]
    cut: tuple[Interval, ...]
    inferred: bool
    sources: tuple[str, ...]
    unknown: tuple[Interval, ...] = ()

    @property
    def share(self) -> float | None:
        """Covered part of the window, 0 to 1; None where some of it is unknown."""
        return None if self.unknown else total_length(self.intervals) / self.window.length_us

    @property
    def gaps(self) -> list[Interval]:
        """Stretches that were not recorded. [µs]"""
        return subtract_intervals([self.window.interval], [*self.intervals, *self.unknown])


def overall_share(coverage: Sequence[ExchangeCoverage]) -> float | None:
    """Mean of the exchanges' shares: one of five silent for half the window makes 0.9. None when one is not known."""
    shares = [c.share for c in coverage]
    known = [share for share in shares if share is not None]
    return sum(known) / len(known) if known and len(known) == len(shares) else None


def common_gaps(coverage: Sequence[ExchangeCoverage], window: Window) -> list[Interval]:
    """Stretches that were recorded on no exchange: what the picture must not show as calm. [µs]"""
    return subtract_intervals([window.interval], [i for c in coverage for i in (*c.intervals, *c.unknown)])


def common_unknown(coverage: Sequence[ExchangeCoverage]) -> list[Interval]:
    """Stretches that are covered on no exchange, and of which at least one does not know. [µs]"""
    return subtract_intervals((i for c in coverage for i in c.unknown), (i for c in coverage for i in c.intervals))
