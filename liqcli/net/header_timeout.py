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

HEAD_S = 60.0  # time limit for the headers of an answer
LOOK_S = 0.5


class GuardedConnection(HTTPConnection):
    """HTTP connection that is cut if the answer does not start in time."""

    cut_off = False

    def getresponse(self) -> Any:  # noqa: ANN401 - what urllib3 makes of it
        """Wait for the headers of the answer, at most ``HEAD_S``."""
        with _watchdog.watch(self):
            answer = super().getresponse()
        if self.cut_off:  # truncated headers look like complete ones
            answer.close()
            raise TimeoutError("the headers of the answer arrive too slowly")
        return answer

    def cut(self) -> None:
        """Shut the socket down, so that the reading thread sees its end."""
        self.cut_off = True
        with contextlib.suppress(OSError, AttributeError):
            self.sock.shutdown(socket.SHUT_RDWR)


class _Watchdog:
    """Thread that cuts connections which wait too long for an answer."""

    def __init__(self) -> None:
        self._due: dict[GuardedConnection, float] = {}
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()

    @contextlib.contextmanager
    def watch(self, connection: GuardedConnection) -> Iterator[None]:
        """Cut a connection if the block takes too long."""
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
    """Guarded connection with TLS."""


class GuardedPool(HTTPConnectionPool):
    """Opens guarded connections."""

    ConnectionCls = GuardedConnection


class GuardedSecurePool(HTTPSConnectionPool):
    """Opens guarded connections with TLS."""

    ConnectionCls = GuardedSecureConnection
