"""Time limit for the start of an answer: a read timeout restarts with every byte, so a slow drip never ends it."""

from __future__ import annotations

import contextlib
import socket
import threading
import time
from collections.abc import Iterator
from typing import Any

from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool

HEAD_S = 60.0  # an answer that has not begun by then never will
LOOK_S = 0.5


class GuardedConnection(HTTPConnection):
    """A connection that is cut when its answer does not begin."""

    cut_off = False

    def getresponse(self) -> Any:  # noqa: ANN401 - what urllib3 makes of it
        """Wait for the head of the answer, but not for ever."""
        with _watchdog.watch(self):
            answer = super().getresponse()
        if self.cut_off:  # a head that was cut off looks like a whole one
            answer.close()
            raise TimeoutError("the head of the answer drips")
        return answer

    def cut(self) -> None:
        """Make whoever reads see the end."""
        self.cut_off = True
        with contextlib.suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)


class _Watchdog:
    """One thread that looks after all connections that wait for an answer."""

    def __init__(self) -> None:
        self._due: dict[GuardedConnection, float] = {}
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def watch(self, connection: GuardedConnection) -> Iterator[None]:
        """Cut a connection when this takes too long."""
        with self._lock:
            self._due[connection] = time.monotonic() + HEAD_S
            if self._thread is None or not self._thread.is_alive():
                self._thread = threading.Thread(target=self._look, daemon=True, name="liqcli-watchdog")
                self._thread.start()
        try:
            yield
        finally:
            with self._lock:
                del self._due[connection]

    def _look(self) -> None:
        while True:
            time.sleep(LOOK_S)
            with self._lock:
                late = [connection for connection, due in self._due.items() if time.monotonic() > due]
            for connection in late:
                connection.cut()


_watchdog = _Watchdog()


class GuardedSecureConnection(GuardedConnection, HTTPSConnection):
    """The same with TLS."""


class GuardedPool(HTTPConnectionPool):
    """Opens guarded connections."""

    ConnectionCls = GuardedConnection


class GuardedSecurePool(HTTPSConnectionPool):
    """Opens guarded connections with TLS."""

    ConnectionCls = GuardedSecureConnection
