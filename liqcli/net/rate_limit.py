"""Rate limiter: keeps the limits of a source across all threads and processes of liqcli.

A request acquires a slot before it is sent; the slot is free again ``seconds`` after the answer arrived. The server
received the request between these two moments, so it never sees more than ``most`` requests within ``seconds``, however
long each of them takes.

Slots are shared through a small database per source (:mod:`liqcli.net.rate_limit_store`), so that a run from cron and a
manual run keep the limits together. While the database cannot be used, each process counts its own requests.
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

from liqcli.net.rate_limit_store import SharedSlots, Slot

MOST_AT_ONCE = 8  # concurrent requests to one source; more would not be faster
LOST_S = 90.0  # a request counts as under way for this long if its process never released its slot
LOOK_S = 0.02  # interval for checking whether requests under way were answered
LONGEST_HOLD_S = 600.0
RETRY_S = 10.0  # time until a database that could not be used is tried again
MARGIN_S = 0.002  # rounding of times and small clock adjustments


class Limit(NamedTuple):
    """
    At most ``most`` requests in any ``seconds``; a request may weigh more than one.

    Only requests whose path starts with ``path`` count. ``even`` also spaces them, one every ``seconds / most``, for
    sources that penalise bursts or state no limit.
    """

    most: float
    seconds: float
    path: str = ""
    even: bool = False


def limit_to(per_minute: float) -> tuple[Limit, ...]:
    """Build an evenly spaced limit of requests a minute; no limit for infinity."""
    if math.isinf(per_minute):
        return ()
    count = min(60.0, max(1.0, math.floor(per_minute)))
    return (Limit(count, 60 * count / per_minute, even=True),)


def count_workers(limits: Sequence[Limit]) -> int:
    """Return the number of concurrent requests: as many as may be sent in a second, the time an answer may take."""
    rates: dict[str, float] = {}
    for limit in limits:
        rates[limit.path] = min(rates.get(limit.path, math.inf), limit.most / limit.seconds)
    return max(1, min(MOST_AT_ONCE, math.ceil(max(rates.values())))) if rates else MOST_AT_ONCE


class RateLimiter:
    """
    Rate limiter of one source, shared by all of its clients.

    Parameters
    ----------
    limits : sequence of Limit
        All of them apply. Without any, only :meth:`block_for` delays requests.
    file : Path, optional
        Database that shares slots with other processes.
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
        self._slots: dict[str, Slot] = {}
        self._held_s = 0.0
        self._lock = threading.Lock()
        self._prefix = secrets.token_hex(4)
        self._taken = 0
        self._retry_s = 0.0

    def acquire(self, path: str = "", weight: float = 1.0, pause: Callable[[float], object] = time.sleep) -> str:
        """Wait, using ``pause``, until a request may be sent; return the name of its slot."""
        while True:
            with self._opened():
                now = self._clock()
                waits = [_wait(limit, self._slots.values(), path, weight, now) for limit in self._limits]
                wait_s = max(self._held_s - now, *waits, 0.0)
                if wait_s <= 0:
                    self._taken += 1
                    name = f"{self._prefix}{self._taken}"
                    self._slots[name] = Slot(path, weight, now, None)
                    return name
            pause(wait_s)

    def release(self, name: str, arrived: bool = True) -> None:
        """Record that a request has ended; one that never reached the source (``arrived=False``) does not count."""
        with self._opened():
            if not arrived:
                self._slots.pop(name, None)
            elif name in self._slots:
                self._slots[name] = self._slots[name]._replace(done_s=self._clock())

    def block_for(self, seconds: float) -> None:
        """Delay all requests, as the source demands. [s]"""
        with self._opened():
            self._held_s = max(self._held_s, self._clock() + seconds)

    @contextlib.contextmanager
    def _opened(self) -> Iterator[None]:
        """Lock the state shared by threads and processes for reading and changing it."""
        with self._lock:
            shared = self._open_shared()
            if shared:
                own = {name: slot for name, slot in self._slots.items() if name.startswith(self._prefix)}
                self._slots = {name: p for name, p in shared.slots.items() if not name.startswith(self._prefix)} | own
                self._held_s = max(self._held_s, shared.held_s)
            self._tidy()
            try:
                yield
            finally:
                if shared:
                    shared.close(self._slots, self._held_s)

    def _open_shared(self) -> SharedSlots | None:
        """Lock the database; None if there is none or it cannot be used."""
        if self._file is None or time.monotonic() < self._retry_s:
            return None
        try:
            return SharedSlots(self._file)
        except (OSError, sqlite3.Error, ValueError):
            self._retry_s = time.monotonic() + RETRY_S
            return None

    def _tidy(self) -> None:
        """Drop expired slots; clip times in the future, which occur when a clock was set back."""
        now = self._clock()
        self._held_s = min(self._held_s, now + LONGEST_HOLD_S)
        for name, slot in list(self._slots.items()):
            done_s = slot.done_s
            if done_s is None and not now - LOST_S < slot.left_s <= now:
                done_s = now
            if done_s is not None and done_s > now:
                done_s = now
            if done_s is not None and done_s + self._longest_s + MARGIN_S <= now:
                del self._slots[name]
            elif done_s != slot.done_s:
                self._slots[name] = slot._replace(left_s=min(slot.left_s, now), done_s=done_s)


def _wait(limit: Limit, slots: Iterable[Slot], path: str, weight: float, now: float) -> float:
    """Return the time until a request may be sent under a limit, or until the next check. [s]"""
    if not path.startswith(limit.path):
        return 0.0
    own = [slot for slot in slots if slot.path.startswith(limit.path)]
    wait_s = 0.0
    if limit.even:
        step_s = limit.seconds / limit.most
        wait_s = max((slot.left_s + slot.weight * step_s - now for slot in own), default=0.0)
    over = min(weight, limit.most) - limit.most
    counting = []
    for slot in own:
        free_s = math.inf if slot.done_s is None else slot.done_s + limit.seconds + MARGIN_S
        if free_s > now:
            counting.append((free_s, slot.weight))
            over += slot.weight
    if over <= 0:
        return wait_s
    for free_s, weight_freed in sorted(counting):
        over -= weight_freed
        if over <= 0:
            return max(wait_s, LOOK_S if math.isinf(free_s) else free_s - now)
    return max(wait_s, LOOK_S)


_limiters: dict[tuple[str, str, tuple[Limit, ...]], RateLimiter] = {}
_limiters_lock = threading.Lock()


def shared_rate_limiter(source: str, url: str, limits: Sequence[Limit], folder: Path) -> RateLimiter:
    """Return the rate limiter of a URL, shared by all threads and, through a database in ``folder``, all processes."""
    key = (source, url, tuple(limits))
    with _limiters_lock:
        if key not in _limiters:
            _limiters[key] = RateLimiter(
                limits, folder / f"{source}-{hashlib.sha256(url.encode()).hexdigest()[:8]}.sqlite3"
            )
        return _limiters[key]
