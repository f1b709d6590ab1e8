"""
Compare a symbol's window with the one before: only where both are recorded alike, else the change is unknown.

Without this, a source that was added or a recorder that was off would show as a market that doubled or died.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from liqcli.analysis.summary import WindowSummary
from liqcli.core.coverage import ExchangeCoverage
from liqcli.core.formatting import format_coverage

LEAST_COVERAGE = 0.98  # of both windows, on each exchange: less would move the change by more than its second digit


@dataclass(frozen=True, slots=True)
class Change:
    """
    The change of a symbol's USD against the window before.

    ``previous`` is the sum of that window [USD], None when the two cannot be compared; ``unknown`` then says why.
    """

    notional: float
    previous: float | None
    unknown: str | None = None

    @property
    def ratio(self) -> float | None:
        """The relative change: 0.35 is 35% more, -1 nothing any more; None when unknown or when nothing was before."""
        return self.notional / self.previous - 1 if self.previous else None


@dataclass(frozen=True, slots=True)
class Comparable:
    """Sums of the ``symbols`` whose change is known, out of ``all_symbols``. [USD]"""

    symbols: int
    all_symbols: int
    notional: float
    previous: float

    @property
    def ratio(self) -> float | None:
        """The relative change of their sum; None when there are none, or nothing was before."""
        return self.notional / self.previous - 1 if self.previous else None


def compare_symbols(
    now: WindowSummary | None,
    before: WindowSummary | None,
    coverage: Sequence[ExchangeCoverage],
    previous_coverage: Sequence[ExchangeCoverage],
) -> Change:
    """
    Compare the sums of one symbol, or of several added up; None is a window without events.

    The change is unknown unless the same exchanges and symbols are recorded in both windows, each for at least 98% of
    both, and publish the same kind of feed (every liquidation or a sample).
    """
    usd = now.sums.notional if now else 0.0
    unknown = _find_obstacle(now, before, coverage, previous_coverage)
    if unknown:
        return Change(usd, None, unknown)
    return Change(usd, before.sums.notional if before else 0.0)


def sum_comparable(changes: Sequence[Change]) -> Comparable:
    """Sum the symbols whose change is known."""
    known = [change for change in changes if change.previous is not None]
    return Comparable(
        len(known),
        len(changes),
        sum(change.notional for change in known),
        sum(change.previous for change in known if change.previous is not None),
    )


def _find_obstacle(
    now: WindowSummary | None,
    before: WindowSummary | None,
    coverage: Sequence[ExchangeCoverage],
    previous_coverage: Sequence[ExchangeCoverage],
) -> str | None:
    """Describe why two windows cannot be compared; None if they can."""
    if not coverage:
        return "not recorded"
    if not previous_coverage:
        return "the period before is not recorded"
    places, places_before = (
        {(part.exchange, part.symbol) for part in parts} for parts in (coverage, previous_coverage)
    )
    if places != places_before:
        several = len({symbol for _exchange, symbol in places | places_before}) > 1
        names = ", ".join(
            f"{symbol} on {exchange}" if several else exchange for exchange, symbol in sorted(places ^ places_before)
        )
        return f"{names} recorded only {'now' if places > places_before else 'in one of the periods'}"
    for what, parts in (("the period before", previous_coverage), ("this period", coverage)):
        shares = [part.share for part in parts]
        if any(share is None for share in shares):
            return f"it is not known how much of {what} is recorded"
        least = min(share for share in shares if share is not None)
        if least < LEAST_COVERAGE:
            return f"only {format_coverage(least)} of {what} recorded" if least else f"{what} is not recorded"
    feeds, feeds_before = _list_feeds(now), _list_feeds(before)
    if any(feeds[exchange] != feeds_before[exchange] for exchange in feeds.keys() & feeds_before.keys()):
        return "a complete feed in one period, a sampled one in the other"
    return None


def _list_feeds(summary: WindowSummary | None) -> dict[str, tuple[str, ...]]:
    return {part.exchange: part.completeness for part in summary.exchanges} if summary else {}
