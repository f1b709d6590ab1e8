"""How much of a window was really listened to, and where not."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from liqcli.coverage import WindowMemory
from liqcli.intervals import Interval, clip_intervals, merge_intervals, subtract_intervals, total_length
from liqcli.model import Window


@dataclass(frozen=True, slots=True)
class ExchangeCoverage:
    """
    Coverage of one exchange and symbol in a window.

    ``intervals`` covered stretches and ``cut`` the stretches where the source could not give all [µs]; ``inferred`` is
    true when some of it was guessed from an imported file's silences; ``sources`` those with any word on it.
    """

    exchange: str
    symbol: str
    window: Window
    intervals: tuple[Interval, ...]
    cut: tuple[Interval, ...]
    inferred: bool
    sources: tuple[str, ...]

    @property
    def share(self) -> float:
        """Covered part of the window, 0 to 1."""
        return total_length(self.intervals) / self.window.length_us

    @property
    def gaps(self) -> list[Interval]:
        """Stretches nobody listened to. [µs]"""
        return subtract_intervals([self.window.interval], self.intervals)


def build_coverage(
    exchange: str, symbol: str, memories: Mapping[str, WindowMemory], window: Window
) -> ExchangeCoverage:
    """Join what all sources of one exchange and symbol remember, clipped to the window."""
    parts = {s: clip_intervals(m.covered(), window.interval) for s, m in memories.items()}
    asked = [i for m in memories.values() for i in m.covered(("complete", "provisional", "cut"))]
    covered = merge_intervals(i for part in parts.values() for i in part)
    cut = clip_intervals((i for m in memories.values() for i in m.covered(("cut",))), window.interval)
    guessed = subtract_intervals(covered, asked)
    return ExchangeCoverage(
        exchange,
        symbol,
        window,
        tuple(covered),
        tuple(cut),
        bool(guessed),
        tuple(sorted(s for s, part in parts.items() if part)),
    )


def overall_share(coverage: Sequence[ExchangeCoverage]) -> float | None:
    """Mean of the exchanges' shares: one of five silent for half the window makes 0.9. None when nothing is known."""
    return sum(c.share for c in coverage) / len(coverage) if coverage else None


def common_gaps(coverage: Sequence[ExchangeCoverage], window: Window) -> list[Interval]:
    """Stretches that no exchange covers: what the picture must not show as calm. [µs]"""
    return subtract_intervals([window.interval], [i for c in coverage for i in c.intervals])
