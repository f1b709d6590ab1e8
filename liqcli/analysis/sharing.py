"""Who speaks for which exchange when, and how much of a window that covers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from liqcli.analysis.claims import SourceView, divide_window
from liqcli.analysis.coverage import ExchangeCoverage, build_coverage
from liqcli.analysis.holdings import Holding, try_memory
from liqcli.coverage import WindowMemory
from liqcli.intervals import Interval
from liqcli.lake import Lake
from liqcli.model import Window

Key = tuple[str, str]  # exchange, symbol


@dataclass(frozen=True, slots=True)
class Sharing:
    """
    How a window is divided.

    ``shares`` exchange and symbol -> source -> its stretches [µs]; ``coverage`` one entry an exchange and symbol that
    has rows or was asked, also when it answered that nothing happened; ``overlaps`` names sources that were set aside;
    ``damaged`` are window memories that cannot be read: what their sources cover is not known.
    """

    coverage: tuple[ExchangeCoverage, ...]
    shares: Mapping[Key, Mapping[str, Sequence[Interval]]]
    overlaps: tuple[str, ...]
    damaged: tuple[Path, ...] = ()


def share_out(
    lake: Lake, symbols: Sequence[str], exchanges: Sequence[str], holdings: Sequence[Holding], window: Window
) -> Sharing:
    """
    Give each exchange and instant of a window to one source.

    Parameters
    ----------
    symbols, exchanges : sequence of str
        What was asked for; no exchange means all.
    holdings : sequence of Holding
        Every readable file of these symbols and exchanges, of whatever time.
    window : Window
        Half-open. [UTC]
    """
    rows: dict[tuple[str, str, str], list[Holding]] = {}
    for held in holdings:
        rows.setdefault((held.partition.exchange, held.partition.symbol, held.partition.source), []).append(held)
    asked = [key for key in lake.remembered() if key[1] in symbols and (not exchanges or key[0] in exchanges)]
    speakers = sorted({*rows, *asked})
    coverage: list[ExchangeCoverage] = []
    shares: dict[Key, dict[str, list[Interval]]] = {}
    overlaps: list[str] = []
    damaged: list[Path] = []
    for exchange, symbol in sorted({speaker[:2] for speaker in speakers}):
        memories: dict[str, WindowMemory] = {}
        for source in [s for e, y, s in speakers if (e, y) == (exchange, symbol)]:
            memories[source], bad = try_memory(lake, exchange, symbol, source)
            damaged += bad
        views = [
            _view(source, memory.covered(), rows.get((exchange, symbol, source), ()), window)
            for source, memory in memories.items()
        ]
        speaking = [v for v in views if v.events or v.covered]
        shares[exchange, symbol] = divide_window(speaking, window)
        overlaps += _name_overlaps(exchange, symbol, [v for v in speaking if v.events], shares[exchange, symbol])
        known = build_coverage(exchange, symbol, memories, window)
        if known.intervals or any(v.events for v in views):
            coverage.append(known)
    return Sharing(tuple(coverage), shares, tuple(overlaps), tuple(damaged))


def _view(source: str, covered: Sequence[Interval], mine: Sequence[Holding], window: Window) -> SourceView:
    """How completely a source speaks is read from all its rows: in this window it may know that nothing happened."""
    inside = [h for h in mine if h.first_us < window.end_us and h.last_us >= window.start_us]
    return SourceView(
        source,
        tuple(covered),
        full=any(h.full for h in mine),
        fill=any(h.fill for h in mine),
        events=sum(h.events for h in inside),
    )


def _name_overlaps(
    exchange: str, symbol: str, views: Sequence[SourceView], shares: Mapping[str, Sequence[Interval]]
) -> list[str]:
    if len(views) < 2:
        return []
    used = [v.source for v in views if shares.get(v.source)]
    return [f"{exchange} {symbol}: {', '.join(sorted(v.source for v in views))} overlap; counted: {', '.join(used)}"]
