"""A threaded HTTP server for tests: answers by a function, notes what was asked, and fails when told to."""

from __future__ import annotations

import contextlib
import json
import threading
import time
from collections.abc import Mapping
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit


class Asked(NamedTuple):
    path: str
    params: dict[str, str]
    headers: dict[str, str]


class Reply(NamedTuple):
    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = {}
    declared: int | None = None  # a Content-Length that is not true
    reset: bool = False  # close the connection without a word


def json_reply(payload: Any, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    body = json.dumps(payload, ensure_ascii=False).encode()
    return Reply(status, body, {"Content-Type": "application/json", **(headers or {})})


class Loopback:
    """Use as a context manager. ``faults`` maps the number of a request (1 = first) to what it is answered with."""

    def __init__(self, faults: Mapping[int, Reply] | None = None, latency_s: float = 0.0) -> None:
        self.faults = dict(faults or {})
        self.latency_s = latency_s
        self.asked: list[Asked] = []
        self._lock = threading.Lock()

    def answer(self, asked: Asked) -> Reply:
        raise NotImplementedError

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

            def do_GET(self) -> None:
                parts = urlsplit(self.path)
                asked = Asked(parts.path, dict(parse_qsl(parts.query)), dict(self.headers))
                with loopback._lock:
                    loopback.asked.append(asked)
                    number = len(loopback.asked)
                time.sleep(loopback.latency_s)
                reply = loopback.faults.get(number) or loopback.answer(asked)
                if reply.reset:
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
