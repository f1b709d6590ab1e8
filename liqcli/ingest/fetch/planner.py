"""Plan which windows of liquidations to request from a source, and assess how complete an answer is."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass

from liqcli.core.formatting import format_time
from liqcli.core.intervals import Intervals
from liqcli.core.model import Window
from liqcli.lake.fetch_log import CoveredWindow
from liqcli.sources.base import Source


@dataclass(frozen=True, slots=True)
class Plan:
    """
    Windows to request, oldest first, and what cannot be requested.

    ``notes`` are limits of the source, ``gaps`` limits that the user can change (a key); ``error`` is why nothing can
    be requested.
    """

    windows: tuple[Window, ...] = ()
    notes: tuple[str, ...] = ()
    gaps: tuple[str, ...] = ()
    error: str | None = None


def plan_windows(source: Source, missing: Iterable[Window], now_us: int) -> Plan:
    """
    Split missing windows into requests that a source accepts.

    Edges are widened to multiples of the source's grain, requests start at multiples of its longest window since the
    epoch, and nothing lies before its retention or after its publication delay.
    """
    first, last = available_range(source, now_us)
    wanted = list(missing)
    grain = source.grain_us
    widened = Intervals((w.start_us // grain * grain, -(-w.end_us // grain) * grain) for w in wanted)
    allowed = [(max(start, first), min(end, last)) for start, end in widened]
    windows: list[Window] = []
    obstacles: dict[str, list[Window]] = {}
    for start, end in Intervals(allowed):
        for window in _split(start, end, source.window_us):
            obstacle = source.find_obstacle(window) if source.find_obstacle else None
            if obstacle is None:
                windows.append(window)
            else:
                obstacles.setdefault(obstacle, []).append(window)
    windows += _tails(source, wanted, windows, last)
    gaps = tuple(f"{_name(found)}: {obstacle}" for obstacle, found in obstacles.items())
    return Plan(tuple(windows), tuple(_explain_reach(source, wanted, first, last)), gaps)


def _tails(source: Source, wanted: Iterable[Window], windows: Sequence[Window], last: int) -> list[Window]:
    """Add the start of the next file, which may contain late events of a requested one."""
    grain, late = source.grain_us, source.late_us
    ends = sorted({-(-w.end_us // grain) * grain for w in wanted if -w.end_us % grain < late})
    asked = [window.interval for window in windows]
    tails = [
        Window(end, end + late)
        for end in ends
        if end + grain <= last and any(stop == end for _, stop in asked) and all(start != end for start, _ in asked)
    ]
    return [tail for tail in tails if not (source.find_obstacle and source.find_obstacle(tail))]


def available_range(source: Source, now_us: int) -> tuple[int, int]:
    """Return the first and last instant that a source has data for, on its grain. [µs UTC]"""
    grain = source.grain_us
    first = 0 if source.retention_us is None else -(-(now_us - source.retention_us) // grain) * grain
    last = (now_us - source.delay_us) // grain * grain
    return first, last


def clip_to_available(source: Source, window: Window, now_us: int) -> Window | None:
    """Cut off what the source has dropped since the plan was made; None if nothing is left."""
    start = max(window.start_us, available_range(source, now_us)[0])
    return Window(start, window.end_us) if start < window.end_us else None


def assess_window(
    source: Source,
    window: Window,
    cut: Iterable[Window],
    asked_us: int,
    unknown: Iterable[Window] = (),
    unsettled: Iterable[Window] = (),
) -> list[CoveredWindow]:
    """
    Assess how complete an answer is.

    Truncated parts are ``cut``; parts younger than the source's settle time or reported as unsettled are
    ``provisional``; unknown parts are left out; the rest is ``complete``.
    """
    cuts = _inside(window, cut)
    hidden = _inside(window, unknown)
    settled = max(
        window.start_us, min(window.end_us, (asked_us - source.settle_us) // source.grain_us * source.grain_us)
    )
    old = Intervals([(window.start_us, settled)]) - [*cuts, *hidden, *_inside(window, unsettled)]
    young = Intervals([window.interval]) - [*cuts, *hidden, *old]
    assessed = [CoveredWindow(Window(*piece), "cut", None, asked_us) for piece in cuts]
    assessed += [CoveredWindow(Window(*piece), "complete", None, asked_us) for piece in old]
    assessed += [CoveredWindow(Window(*piece), "provisional", None, asked_us) for piece in young]
    return sorted(assessed, key=lambda item: item.window)


def _inside(window: Window, parts: Iterable[Window]) -> Intervals:
    return Intervals((max(p.start_us, window.start_us), min(p.end_us, window.end_us)) for p in parts)


def _split(start_us: int, end_us: int, step_us: int) -> Iterator[Window]:
    while start_us < end_us:
        stop = min(end_us, (start_us // step_us + 1) * step_us)
        yield Window(start_us, stop)
        start_us = stop


def _explain_reach(source: Source, wanted: list[Window], first: int, last: int) -> Iterator[str]:
    if wanted and wanted[0].start_us < first:
        yield f"has no data before {format_time(first)} UTC"
    if wanted and source.delay_us and wanted[-1].end_us > last:
        yield f"has not published data after {format_time(last)} UTC yet"


def _name(windows: list[Window]) -> str:
    days = list(dict.fromkeys(f"{window.start:%Y-%m-%d}" for window in windows))
    return days[0] if len(days) == 1 else f"{days[0]} to {days[-1]} ({len(days)} days)"
