"""
Health of hosts as recently seen by this process, so that a host that just failed is not retried at full length.

Failed connections are retried a few times, because networks falter. For a while after that, a request to the same host
gets a single attempt. So does a request to any host if three hosts failed and none was reached: this machine is offline
then, and the user should learn it at once.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable
from urllib.parse import urlsplit

RECENT_S = 30.0
ENOUGH = 3  # this many failed hosts, and none reached, mean that this machine is offline


class HostHealth:
    """
    Records which hosts accepted a connection. Shared by threads.

    Parameters
    ----------
    clock : callable
        Monotonic time. [s]
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._failed: dict[str, float] = {}  # host and port -> time of the failure [s]
        self._reached_s = -RECENT_S
        self._lock = threading.Lock()

    def reached(self, url: str) -> None:
        """Record a successful connection."""
        with self._lock:
            self._failed.pop(_host_of(url), None)
            self._reached_s = self._clock()

    def failed(self, url: str) -> None:
        """Record a failed connection attempt."""
        with self._lock:
            self._failed[_host_of(url)] = self._clock()

    def is_worth_retrying(self, url: str) -> bool:
        """Return whether a failed connection to a URL should be retried."""
        with self._lock:
            now_s = self._clock()
            recent = {host for host, at_s in self._failed.items() if now_s - at_s < RECENT_S}
            offline = len(recent) >= ENOUGH and now_s - self._reached_s >= RECENT_S
            return not offline and _host_of(url) not in recent

    def forget(self) -> None:
        """Reset all records."""
        with self._lock:
            self._failed.clear()
            self._reached_s = -RECENT_S


def _host_of(url: str) -> str:
    return urlsplit(url).netloc


network = HostHealth()  # of this process
