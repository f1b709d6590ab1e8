"""Pace: no source is asked faster than it allows, however many threads and processes of liqcli ask it.

A request takes a place before it leaves, and the place is free again ``seconds`` after its answer came. The server saw
the request between these two moments; so of all that it sees within any ``seconds``, never more than ``most`` are
ours, however long each was under way.

Places are shared through a small database per source (:mod:`liqcli.net.rate_limit_store`), so that a run from cron and
one by
hand keep the limits together. While it cannot be used, each process keeps to what it knows, and tries again.
"""

from __future__ import annotations

import contextlib
import hashlib
import math
import secrets
import sqlite3
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

from liqcli.net.rate_limit_store import SharedPlaces, Slot

MOST_AT_ONCE = 8  # requests under way to one source; more would be no faster and rude
LOST_S = 90.0  # so long is a request counted as under way when its process never said what became of it
LOOK_S = 0.02  # what is under way may be answered at any moment: look again so often
LONGEST_HOLD_S = 600.0
RETRY_S = 10.0  # a database that could not be used is left alone for so long
MARGIN_S = 0.002  # rounding of times, and the steps of a clock that is being set


class Limit(NamedTuple):
    """
    At most ``most`` requests in any ``seconds``; a request may weigh more than one.

    Only requests whose path begins with ``path`` count. ``even``: they are spread as well, one every
    ``seconds / most``, for a source that minds bursts or states no limit.
    """

    most: float
    seconds: float
    path: str = ""
    even: bool = False


def limit_to(per_minute: float) -> tuple[Limit, ...]:
    """Spread so many requests a minute evenly; infinitely many are no limit."""
    if math.isinf(per_minute):
        return ()
    count = min(60.0, max(1.0, math.floor(per_minute)))
    return (Limit(count, 60 * count / per_minute, even=True),)


def count_workers(limits: Sequence[Limit]) -> int:
    """Say how many requests to have under way at once: as many as may leave in a second, which an answer may take."""
    rates: dict[str, float] = {}
    for limit in limits:
        rates[limit.path] = min(rates.get(limit.path, math.inf), limit.most / limit.seconds)
    return max(1, min(MOST_AT_ONCE, math.ceil(max(rates.values())))) if rates else MOST_AT_ONCE


class RateLimiter:
    """
    The limits of one source, kept for all who ask it.

    Parameters
    ----------
    limits : sequence of Limit
        All of them are kept; none: nothing but :meth:`hold` keeps anybody waiting.
    file : Path, optional
        The database in which places are shared with other processes.
    clock : callable
        Seconds since the epoch.
    """

    def __init__(
        self, limits: Sequence[Limit], file: Path | None = None, clock: Callable[[], float] = time.time
    ) -> None:
        self._limits = tuple(limits)
        self._longest_s = max((limit.seconds for limit in limits), default=0.0)
        self._file = file if limits else None
        self._clock = clock
        self._places: dict[str, Slot] = {}
        self._held_s = 0.0
        self._lock = threading.Lock()
        self._prefix = secrets.token_hex(4)
        self._taken = 0
        self._retry_s = 0.0

    def take(self, path: str = "", weight: float = 1.0, pause: Callable[[float], object] = time.sleep) -> str:
        """Wait, with ``pause``, until a request may leave, and note that it leaves now; gives the name of its place."""
        while True:
            with self._opened():
                now = self._clock()
                waits = [_wait(limit, self._places.values(), path, weight, now) for limit in self._limits]
                wait_s = max(self._held_s - now, *waits, 0.0)
                if wait_s <= 0:
                    self._taken += 1
                    name = f"{self._prefix}{self._taken}"
                    self._places[name] = Slot(path, weight, now, None)
                    return name
            pause(wait_s)

    def answered(self, name: str, arrived: bool = True) -> None:
        """Note that an answer has come, or that none will; a request that never reached the source does not count."""
        with self._opened():
            if not arrived:
                self._places.pop(name, None)
            elif name in self._places:
                self._places[name] = self._places[name]._replace(done_s=self._clock())

    def hold(self, seconds: float) -> None:
        """Let nobody ask for so long: the source wants it."""
        with self._opened():
            self._held_s = max(self._held_s, self._clock() + seconds)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[None]:
        """Hold what all threads and processes know, to look at it and change it."""
        with self._lock:
            shared = self._open_shared()
            if shared:
                own = {name: place for name, place in self._places.items() if name.startswith(self._prefix)}
                self._places = {name: p for name, p in shared.places.items() if not name.startswith(self._prefix)} | own
                self._held_s = max(self._held_s, shared.held_s)
            self._tidy()
            try:
                yield
            finally:
                if shared:
                    shared.close(self._places, self._held_s)

    def _open_shared(self) -> SharedPlaces | None:
        """Lock the database; None where there is none, or while it cannot be used."""
        if self._file is None or time.monotonic() < self._retry_s:
            return None
        try:
            return SharedPlaces(self._file)
        except (OSError, sqlite3.Error, ValueError):
            self._retry_s = time.monotonic() + RETRY_S
            return None

    def _tidy(self) -> None:
        """Drop what no limit counts any more; nothing may lie in the future, where a clock was set back."""
        now = self._clock()
        self._held_s = min(self._held_s, now + LONGEST_HOLD_S)
        for name, place in list(self._places.items()):
            done_s = place.done_s
            if done_s is None and not now - LOST_S < place.left_s <= now:
                done_s = now
            if done_s is not None and done_s > now:
                done_s = now
            if done_s is not None and done_s + self._longest_s + MARGIN_S <= now:
                del self._places[name]
            elif done_s != place.done_s:
                self._places[name] = place._replace(left_s=min(place.left_s, now), done_s=done_s)


def _wait(limit: Limit, places: Iterable[Slot], path: str, weight: float, now: float) -> float:
    """Say how long a request must wait for a limit's sake before it may leave, or look again. [s]"""
    if not path.startswith(limit.path):
        return 0.0
    own = [place for place in places if place.path.startswith(limit.path)]
    wait_s = 0.0
    if limit.even:
        step_s = limit.seconds / limit.most
        wait_s = max((place.left_s + place.weight * step_s - now for place in own), default=0.0)
    over = min(weight, limit.most) - limit.most
    counting = []
    for place in own:
        free_s = math.inf if place.done_s is None else place.done_s + limit.seconds + MARGIN_S
        if free_s > now:
            counting.append((free_s, place.weight))
            over += place.weight
    if over <= 0:
        return wait_s
    for free_s, held in sorted(counting):
        over -= held
        if over <= 0:
            return max(wait_s, LOOK_S if math.isinf(free_s) else free_s - now)
    return max(wait_s, LOOK_S)


_paces: dict[tuple[str, str, tuple[Limit, ...]], RateLimiter] = {}
_paces_lock = threading.Lock()


def shared_rate_limiter(source: str, url: str, limits: Sequence[Limit], folder: Path) -> RateLimiter:
    """Give the one pace at which all threads, and through a database in ``folder`` all processes, ask a URL."""
    key = (source, url, tuple(limits))
    with _paces_lock:
        if key not in _paces:
            _paces[key] = RateLimiter(
                limits, folder / f"{source}-{hashlib.sha256(url.encode()).hexdigest()[:8]}.sqlite3"
            )
        return _paces[key]
