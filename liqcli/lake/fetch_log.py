"""
The fetch log of a source: requested windows, times of the requests, numbers of events, and whether the answer was
complete.

It is kept beside the data as ``<lake>/windows/exchange=…/symbol=…/<source>.json``, so an hour without events is known
to be empty. Statuses:

- ``complete``: answered in full, and old enough that nothing more can arrive.
- ``provisional``: answered in full, but so recent that late events may still arrive; requested again next time.
- ``cut``: the source could not return all of it (a page limit hit inside one second); requested again next time.
- ``inferred``: an imported file has events here and no long pause; the recording times are unknown.
- ``unknown``: an imported file has a pause here, or too few events to distinguish a quiet market from a stopped
  recorder. Neither covered nor a gap.
- ``unconfirmed``: a recorder was connected here and received nothing for longer than the stream is ever silent. Neither
  covered nor a gap, until another source covers it.

A recorder writes time after its last event as ``provisional``, until another event or the silence decides.
"""

from __future__ import annotations

import json
from bisect import bisect_left, bisect_right
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, Literal

from liqcli.core.coverage import ExchangeCoverage
from liqcli.core.errors import DamagedError, UsageError
from liqcli.core.intervals import Interval, Intervals
from liqcli.core.model import Window, from_us
from liqcli.core.times import parse_moment

Status = Literal["complete", "provisional", "cut", "inferred", "unknown", "unconfirmed"]
COVERED: tuple[Status, ...] = ("complete", "provisional", "cut", "inferred")
DOUBTFUL: tuple[Status, ...] = ("unknown", "unconfirmed")
# A weaker status never replaces a stronger one.
STRENGTH: Mapping[str, int] = {"inferred": 1, "unknown": 0, "unconfirmed": 0}
FETCHED = 2


@dataclass(frozen=True, slots=True)
class CoveredWindow:
    """
    One window of a log.

    ``events`` is None when a later answer replaced a part of the original. Of recorded windows it is the number stored
    when they became complete: late ones may follow. None in logs of recorders that did not count.
    """

    window: Window
    status: Status
    events: int | None
    fetched_us: int


@dataclass(frozen=True, slots=True)
class FetchLog:
    """All windows of one exchange, symbol and source: sorted, without overlaps."""

    windows: tuple[CoveredWindow, ...] = ()

    def add(self, fresh: Iterable[CoveredWindow]) -> FetchLog:
        """
        Add newer answers, which replace older ones where they overlap; adjacent windows of equal status are joined.

        A window with a known count is not joined with one without: replacing a window hour by hour, in several writes,
        must give the same counts as one write.
        """
        known = list(self.windows)
        for new in fresh:
            if new.window.length_us <= 0:
                continue
            strength = STRENGTH.get(new.status, FETCHED)
            stronger = [k.window.interval for k in known if STRENGTH.get(k.status, FETCHED) > strength]
            pieces = Intervals([new.window.interval]) - stronger
            events = new.events if pieces == (new.window.interval,) else None
            for piece in pieces:
                _put(known, replace(new, window=Window(*piece), events=events))
        return FetchLog(tuple(_join(known)))

    def without(self, parts: Iterable[Window]) -> FetchLog:
        """Return the log without these parts."""
        holes = Intervals(part.interval for part in parts)
        left = ((known, piece) for known in self.windows for piece in Intervals([known.window.interval]) - holes)
        return FetchLog(tuple(_cut(known, *piece) for known, piece in left))

    def covered(self, statuses: Iterable[Status] = COVERED) -> Intervals:
        """Return the intervals with one of these statuses, joined."""
        wanted = set(statuses)
        return Intervals(k.window.interval for k in self.windows if k.status in wanted)

    def fetched(self) -> Intervals:
        """Return the intervals that a source answered, joined; not those inferred from imported files."""
        return self.covered(status for status in COVERED if status not in STRENGTH)

    def missing(self, window: Window) -> list[Window]:
        """Return the parts of a window that must be requested: all that is not ``complete``."""
        return [Window(*i) for i in Intervals([window.interval]) - self.covered(("complete",))]


def _put(known: list[CoveredWindow], new: CoveredWindow) -> None:
    """Insert a window; parts of others that it overlaps are removed."""
    start, end = new.window.interval
    first = bisect_right(known, start, key=lambda k: k.window.end_us)
    past = bisect_left(known, end, key=lambda k: k.window.start_us)
    before = [_cut(k, k.window.start_us, start) for k in known[first:past] if k.window.start_us < start]
    after = [_cut(k, end, k.window.end_us) for k in known[first:past] if k.window.end_us > end]
    known[first:past] = [*before, new, *after]


def _cut(old: CoveredWindow, start_us: int, end_us: int) -> CoveredWindow:
    """Return a part of a window; the number of events in a part is unknown."""
    if (start_us, end_us) == old.window.interval:
        return old
    return replace(old, window=Window(start_us, end_us), events=None)


def _join(known: list[CoveredWindow]) -> list[CoveredWindow]:
    joined: list[CoveredWindow] = []
    for item in known:
        last = joined[-1] if joined else None
        counted = last is not None and (last.events is None) == (item.events is None)
        if last and counted and last.window.end_us == item.window.start_us and last.status == item.status:
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


def add_recorded(
    log: FetchLog,
    claims: Mapping[Status, Sequence[Interval]],
    moment_us: int,
    count: Callable[[Interval], int | None] = lambda _part: None,
) -> FetchLog:
    """
    Add the time that a recorder covered; other recorders may write the same log.

    Parameters
    ----------
    claims : mapping
        ``complete`` intervals, ``provisional`` ones, which only fill what is not known, and ``unconfirmed`` ones, which
        replace provisional ones only. [µs UTC]
    moment_us : int
        Time of writing. [µs UTC]
    count : callable
        Takes an interval that becomes complete and returns its number of stored events, or None if it is unknown.
    """
    former = log.covered(("complete", "cut"))
    complete = Intervals(claims.get("complete", ())) - former
    sure = complete | former
    doubtful = Intervals(claims.get("unconfirmed", ())) - sure
    known = sure | doubtful | log.covered(("unconfirmed",))
    pending = Intervals(claims.get("provisional", ())) - known
    fresh = [CoveredWindow(Window(*part), "complete", count(part), moment_us) for part in complete]
    fresh += [CoveredWindow(Window(*part), "unconfirmed", None, moment_us) for part in doubtful]
    fresh += [CoveredWindow(Window(*part), "provisional", None, moment_us) for part in pending]
    return log.without(Window(*part) for part in doubtful).add(fresh)


def render_fetch_log(log: FetchLog) -> str:
    """Render a log as readable JSON, one window per line."""
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
        for k in log.windows
    ]
    body = ",\n  ".join(rows)
    return '{"version": 1, "windows": [\n  ' + body + "\n]}\n" if rows else '{"version": 1, "windows": []}\n'


def parse_fetch_log(text: str, name: str) -> FetchLog:
    """
    Parse the output of :func:`render_fetch_log`.

    Raises
    ------
    DamagedError
        Not a fetch log; the message contains ``name``.
    """
    try:
        rows: list[dict[str, Any]] = json.loads(text)["windows"]
        windows = [
            CoveredWindow(
                Window(parse_moment(row["start"], name), parse_moment(row["end"], name)),
                row["status"],
                row["events"],
                parse_moment(row["fetched_at"], name),
            )
            for row in rows
        ]
        return FetchLog(tuple(sorted(windows, key=lambda item: item.window)))
    except (ValueError, KeyError, TypeError, AttributeError, UsageError) as error:
        raise DamagedError(f"{name}: not a fetch log of liqcli ({error}); run liqcli verify for details") from error


def _iso(ts_us: int) -> str:
    return from_us(ts_us).isoformat().replace("+00:00", "Z")


def build_coverage(
    exchange: str,
    symbol: str,
    logs: Mapping[str, FetchLog],
    window: Window,
    unlogged: Collection[str] = (),
) -> ExchangeCoverage:
    """
    Join the logs of all sources of one exchange and symbol, clipped to the window.

    ``unlogged`` are sources that have rows but no log, for example written by another program: when they recorded is
    unknown.
    """
    whole = Intervals([window.interval])
    inside = {source: log.covered() & whole for source, log in logs.items()}
    covered = Intervals(interval for intervals in inside.values() for interval in intervals)
    fetched = [interval for log in logs.values() for interval in log.fetched()]
    cut = [interval for log in logs.values() for interval in log.covered(("cut",))]
    vague = [interval for log in logs.values() for interval in log.covered(DOUBTFUL)]
    unknown = whole if unlogged else whole & vague
    return ExchangeCoverage(
        exchange,
        symbol,
        window,
        covered,
        whole & cut,
        bool(covered - fetched),
        tuple(sorted({*(source for source, intervals in inside.items() if intervals), *unlogged})),
        unknown - covered,
    )
