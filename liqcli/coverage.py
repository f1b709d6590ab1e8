"""What one source is known to have said: the windows asked for, when, how many events came, complete or not.

Kept beside the data as ``<lake>/windows/exchange=…/symbol=…/<source>.json``, so that an empty hour is known to be
empty and coverage is a fact. Statuses:

- ``complete``: asked, answered in full, and old enough that nothing more can arrive.
- ``provisional``: answered in full, but so recent that late events may still come; asked again next time.
- ``cut``: the source could not give all of it (a page limit hit inside one second); asked again next time.
- ``inferred``: an imported file's range without its long silences; nobody recorded when the recorder ran.
"""

from __future__ import annotations

import json
from collections.abc import Iterable
from dataclasses import dataclass, replace
from itertools import pairwise
from typing import Any, Literal

from liqcli.errors import DamagedError, UsageError
from liqcli.intervals import Interval, merge_intervals, subtract_intervals
from liqcli.model import Window, from_us
from liqcli.timespan import MINUTE_US, parse_moment

Status = Literal["complete", "provisional", "cut", "inferred"]


@dataclass(frozen=True, slots=True)
class CoveredWindow:
    """One remembered window; ``events`` is None where a later, narrower answer cut the original in two."""

    window: Window
    status: Status
    events: int | None
    fetched_us: int


@dataclass(frozen=True, slots=True)
class WindowMemory:
    """Every remembered window of one exchange, symbol and source: sorted, without overlaps."""

    windows: tuple[CoveredWindow, ...] = ()

    def remember(self, fresh: Iterable[CoveredWindow]) -> WindowMemory:
        """Add newer answers; where they overlap older ones the newer wins. Touching equals are joined."""
        known = list(self.windows)
        for new in fresh:
            if new.window.length_us <= 0:
                continue
            # An inferred range never takes away what was really asked for.
            if new.status == "inferred":
                asked = [k.window.interval for k in known if k.status != "inferred"]
                pieces = subtract_intervals([new.window.interval], asked)
                events = new.events if pieces == [new.window.interval] else None
                known = [k for old in known for k in _cut_out(old, pieces)]
                known += [replace(new, window=Window(*piece), events=events) for piece in pieces]
            else:
                known = [k for old in known for k in _cut_out(old, [new.window.interval])]
                known.append(new)
        known.sort(key=lambda k: k.window)
        return WindowMemory(tuple(_join(known)))

    def forget(self, parts: Iterable[Window]) -> WindowMemory:
        """Know nothing of these stretches any more."""
        holes = [part.interval for part in parts]
        return WindowMemory(tuple(piece for known in self.windows for piece in _cut_out(known, holes)))

    def covered(self, statuses: Iterable[Status] = ("complete", "provisional", "cut", "inferred")) -> list[Interval]:
        """The stretches with one of these statuses, joined."""
        wanted = set(statuses)
        return merge_intervals(k.window.interval for k in self.windows if k.status in wanted)

    def missing(self, window: Window) -> list[Window]:
        """What has to be asked to know all of ``window``: all that is not ``complete``."""
        return [Window(*i) for i in subtract_intervals([window.interval], self.covered(("complete",)))]


def _cut_out(old: CoveredWindow, holes: Iterable[Interval]) -> list[CoveredWindow]:
    pieces = subtract_intervals([old.window.interval], holes)
    if pieces == [old.window.interval]:
        return [old]
    return [replace(old, window=Window(*piece), events=None) for piece in pieces]


def _join(known: list[CoveredWindow]) -> list[CoveredWindow]:
    joined: list[CoveredWindow] = []
    for item in known:
        last = joined[-1] if joined else None
        if last and last.window.end_us == item.window.start_us and last.status == item.status:
            events = None if last.events is None or item.events is None else last.events + item.events
            joined[-1] = CoveredWindow(
                Window(last.window.start_us, item.window.end_us),
                item.status,
                events,
                max(last.fetched_us, item.fetched_us),
            )
        else:
            joined.append(item)
    return joined


class Heartbeat:
    """Remember when a file's events stood, minute by minute, so that a file of any length costs little memory."""

    def __init__(self) -> None:
        self._minutes: dict[int, tuple[int, int]] = {}

    def add(self, ts_us: int) -> None:
        """Note one event. [µs UTC]"""
        minute = ts_us // MINUTE_US
        first, last = self._minutes.get(minute, (ts_us, ts_us))
        self._minutes[minute] = (min(first, ts_us), max(last, ts_us))

    def infer_coverage(self, shortest_gap_us: int = 60 * MINUTE_US) -> list[Interval]:
        """
        Guess when the recorder of a file ran, from the silences between the events of all its symbols.

        A silence counts as a gap when it is longer than an hour and than ten times the 99th percentile of the file's
        silences (from minute with events to the next such minute): a busy feed that falls silent for hours was not
        calm, while a thin venue's quiet night is no gap.

        Returns
        -------
        list of (start, end)
            Half-open, from an event to the instant after an event. [µs UTC]
        """
        active = [self._minutes[minute] for minute in sorted(self._minutes)]
        if not active:
            return []
        silences = [after[0] - before[1] for before, after in pairwise(active)]
        limit = max(shortest_gap_us, 10 * _percentile(silences, 0.99))
        pieces: list[Interval] = []
        start = active[0][0]
        for silence, before, after in zip(silences, active, active[1:], strict=False):
            if silence > limit:
                pieces.append((start, before[1] + 1))
                start = after[0]
        pieces.append((start, active[-1][1] + 1))
        return pieces


def _percentile(values: list[int], share: float) -> int:
    return sorted(values)[int(share * (len(values) - 1))] if values else 0


def render_memory(memory: WindowMemory) -> str:
    """Write the memory as readable JSON, one window a line."""
    rows = [
        json.dumps(
            {
                "start": _iso(k.window.start_us),
                "end": _iso(k.window.end_us),
                "status": k.status,
                "events": k.events,
                "fetched_at": _iso(k.fetched_us),
            }
        )
        for k in memory.windows
    ]
    body = ",\n  ".join(rows)
    return '{"version": 1, "windows": [\n  ' + body + "\n]}\n" if rows else '{"version": 1, "windows": []}\n'


def parse_memory(text: str, name: str) -> WindowMemory:
    """
    Read what :func:`render_memory` wrote.

    Raises
    ------
    DamagedError
        Not such a file; ``name`` is named.
    """
    try:
        rows: list[dict[str, Any]] = json.loads(text)["windows"]
        return WindowMemory(
            tuple(
                CoveredWindow(
                    Window(parse_moment(row["start"], name), parse_moment(row["end"], name)),
                    row["status"],
                    row["events"],
                    parse_moment(row["fetched_at"], name),
                )
                for row in rows
            )
        )
    except (ValueError, KeyError, TypeError, AttributeError, UsageError) as error:
        raise DamagedError(f"{name}: not a window memory of liqcli ({error}); delete it and fetch again") from error


def _iso(ts_us: int) -> str:
    return from_us(ts_us).isoformat().replace("+00:00", "Z")
