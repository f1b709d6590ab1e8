"""
Reach: what this process has lately found out about the network, so that nobody waits for the same disappointment twice.

A host that did not take a connection is asked again and again for a moment, since networks falter. Whoever asks it once
more right after that gets one try, and so does every other host while three of them have failed and none was reached:
then it is this machine that is offline, and its user wants to hear that at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

LATELY_S = 30.0
ENOUGH = 3  # so many hosts without an answer, and none with one, are no accident


class HostHealth:
    """
    Notes which hosts took a connection; threads share one.

    Parameters
    ----------
    clock : callable
        Seconds that only ever grow.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: dict[str, float] = {}  # host and port -> when all tries had failed [s]
        self._reached_s = -LATELY_S
        self._lock = threading.Lock()

    def reached(self, url: str) -> None:
        """Note that a connection came about."""
        with self._lock:
            self._failed.pop(_host_of(url), None)
            self._reached_s = self._clock()

    def failed(self, url: str) -> None:
        """Note that no try brought a connection."""
        with self._lock:
            self._failed[_host_of(url)] = self._clock()

    def is_worth_retrying(self, url: str) -> bool:
        """Whether a connection that does not come about is worth another try."""
        with self._lock:
            now_s = self._clock()
            lately = {host for host, at_s in self._failed.items() if now_s - at_s < LATELY_S}
            offline = len(lately) >= ENOUGH and now_s - self._reached_s >= LATELY_S
            return not offline and _host_of(url) not in lately

    def forget(self) -> None:
        """Know nothing again."""
        with self._lock:
            self._failed.clear()
            self._reached_s = -LATELY_S


def _host_of(url: str) -> str:
    return urlsplit(url).netloc


network = HostHealth()  # this process's
