"""A threaded HTTP server for tests: answers by a function, notes what was asked, and fails when told to."""

from __future__ import annotations

import contextlib
import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit


class Asked(NamedTuple):
    path: str
    params: dict[str, str]
    headers: dict[str, str]
    at_s: float = 0.0  # when it came [s, monotonic]
    body: str | None = None  # of a POST


class Reply(NamedTuple):
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}
    declared: int | None = None  # a Content-Length that is not true: the connection is closed behind what there is
    reset: bool = False  # reset the connection (RST): at once, or behind the body where one is declared
    pause_s: float = 0.0  # how long the answer takes


def json_reply(payload: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    body = json.dumps(payload, ensure_ascii=False).encode()
    return Reply(status, body, {"Content-Type": "application/json", **(headers or {})})


class Pace:
    """At most so many requests in any so many seconds, as exchanges count them."""

    def __init__(self, requests: int, seconds: float) -> None:
        self.requests, self.seconds = requests, seconds
        self._last: deque[float] = deque()

    def allows(self, at_s: float) -> bool:
        """Count a request; a refused one does not count."""
        while self._last and self._last[0] <= at_s - self.seconds:
            self._last.popleft()
        if len(self._last) >= self.requests:
            return False
        self._last.append(at_s)
        return True


class Loopback:
    """
    Use as a context manager. ``faults`` maps the number of a request (1 = first) to what it is answered with.

    A server says how fast it may be asked (``PACE``: requests, seconds) and answers ``BUSY`` beyond that when
    ``paced``; ``BUSY_200`` is how it says busy inside a 200, ``NO_200`` how it says no there.
    """

    PACE: tuple[int, float] = (10_000, 1.0)
    BUSY = Reply(429, b"slow down")
    BUSY_200 = Reply(200, b"slow down")
    NO_200 = Reply(200, b"no")

    def __init__(self, faults: Mapping[int, Reply] | None = None, latency_s: float = 0.0, paced: bool = False) -> None:
        self.faults = dict(faults or {})
        self.latency_s = latency_s
        self.asked: list[Asked] = []
        self.refused = 0  # how often it was asked too fast
        self._pace = Pace(*self.PACE) if paced else None
        self._lock = threading.Lock()

    def answer(self, asked: Asked) -> Reply:
        raise NotImplementedError

    def kind_of(self, asked: Asked) -> str:
        """Which kind of question it is: the answers of one kind can be taken for each other, and be told apart."""
        return asked.path.rsplit("/", 1)[-1]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.server_address[1]}"

    def paths(self, ending: str) -> list[Asked]:
        return [asked for asked in self.asked if asked.path.endswith(ending)]

    def __enter__(self):
        loopback = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"
            disable_nagle_algorithm = True
            timeout = 30

            def do_POST(self) -> None:
                self.do_GET(self.rfile.read(int(self.headers["Content-Length"])).decode())

            def do_GET(self, body: str | None = None) -> None:
                parts = urlsplit(self.path)
                asked = Asked(parts.path, dict(parse_qsl(parts.query)), dict(self.headers), time.monotonic(), body)
                with loopback._lock:
                    loopback.asked.append(asked)
                    number = len(loopback.asked)
                    too_fast = loopback._pace is not None and not loopback._pace.allows(asked.at_s)
                    loopback.refused += too_fast
                time.sleep(loopback.latency_s)
                reply = loopback.faults.get(number) or (loopback.BUSY if too_fast else loopback.answer(asked))
                self._send(reply)

            def _send(self, reply: Reply) -> None:
                time.sleep(reply.pause_s)
                if reply.reset:  # lingering for no time sends an RST instead of a FIN
                    self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                if reply.reset and not reply.declared:
                    self.close_connection = True
                    self.connection.close()
                    return
                lines = [f"HTTP/1.1 {reply.status} X", f"Content-Length: {reply.declared or len(reply.body)}"]
                lines += [f"{name}: {value}" for name, value in reply.headers.items()]
                try:
                    self.connection.sendall("\r\n".join(lines).encode() + b"\r\n\r\n" + reply.body)
                except OSError:  # the client was killed
                    self.close_connection = True
                if reply.declared:
                    self.close_connection = True
                if reply.reset:
                    time.sleep(0.01)  # let what was sent arrive: a reset throws away what is still on its way
                    self.connection.close()

            def finish(self) -> None:
                with contextlib.suppress(OSError, ValueError):
                    super().finish()

            def log_message(self, *_: object) -> None:
                pass

        class Server(ThreadingHTTPServer):
            daemon_threads = True

            def handle_error(self, *_: object) -> None:  # a client that was killed is no news
                pass

        self._server = Server(("127.0.0.1", 0), Handler)
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.02,), daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join()
