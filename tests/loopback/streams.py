"""
A websocket server for tests: publishes events to whoever subscribed them, under an exchange's rules, and fails when
told to. REST answers (lists of contracts) come from the same port.

An event is published once, when a connection subscribes it; what a broken connection missed, the next one gets. So the
truth is all of them, however often the server breaks off.
"""

from __future__ import annotations

import contextlib
import gzip
import json
import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, NamedTuple
from urllib.parse import parse_qsl, urlsplit

from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from loopback.truth import Event

ROUND_S = 0.01  # how often a connection is served
PORTION = 40  # events sent in one round
SETTLE_S = 0.1
ANSWER_S = 5.0  # longest wait for the answer to a ping


class Fault(NamedTuple):
    """What happens to a connection after so many events: close, drop, half-open, garbage or compression."""

    after: int
    kind: str


class Refusal(Exception):
    """The exchange answers with this message and, if ``close``, ends the connection."""

    def __init__(self, answer: object, close: bool = False) -> None:
        super().__init__(str(answer))
        self.answer, self.close = answer, close


class Session:
    """One connection: what it subscribed, and what it has heard and sent."""

    def __init__(self, connection: ServerConnection, path: str) -> None:
        self.connection, self.path = connection, path
        self.keys: set[str] = set()  # instruments, or "*"
        self.sent = 0
        self.heard_s = self.pinged_s = time.monotonic()
        self.pings = 0  # unanswered
        self.notes: dict[str, Any] = {}
        self.fault: Fault | None = None


class StreamServer:
    """
    Use as a context manager. ``truth`` maps an instrument to its events; ``faults`` the number of a connection (1 =
    first) to what befalls it.

    An exchange says in ``hear`` what it answers, in ``frame`` what its messages look like, in ``replay`` what it sends
    again after a subscription, in ``tick`` what it demands of a connection, in ``get`` what its REST answers.
    """

    REPLAY = 0  # events of the past that a subscription brings

    def __init__(
        self,
        truth: Mapping[str, Sequence[Event]],
        faults: Mapping[int | str, Fault] | None = None,
        history: Sequence[tuple[str, Event]] = (),
    ) -> None:
        self.truth = truth
        self.faults = dict(faults or {})
        self.waiting = [(name, event) for name, events in truth.items() for event in events]
        self.past = list(history)
        self.paths: list[str] = []
        self.requests: list[str] = []
        self.complaints: list[str] = []  # broken rules
        self.sent_s = time.monotonic()
        self.recorded: list[object] = []  # messages to send as they are, to the first who subscribes
        self._sending = 0  # connections
        self._lock = threading.Lock()
        self._ended = threading.Event()

    # ------------------------------------------------------------------ an exchange's rules

    def open(self, session: Session) -> None:
        """Greet a connection."""

    def hear(self, session: Session, data: str | bytes) -> None:
        """Take a message of the client."""
        raise NotImplementedError

    def frame(self, name: str, events: Sequence[Event]) -> object:
        """Build the message about some events of an instrument."""
        raise NotImplementedError

    def replay(self, past: Sequence[tuple[str, Event]]) -> Iterator[object]:
        """Build the messages that a subscription starts with."""
        for name, event in past:
            yield self.frame(name, [event])

    def tick(self, session: Session) -> None:
        """Demand signs of life."""

    def get(self, path: str, params: Mapping[str, str]) -> object:
        """Answer a REST request; None is 404."""

    def encode(self, message: object) -> str | bytes:
        return json.dumps(message)

    def wrong_compression(self) -> str | bytes:
        """A frame that is not compressed as agreed."""
        return gzip.compress(b'{"op": "notify"}')

    # ------------------------------------------------------------------ what exchanges share

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._server.socket.getsockname()[1]}"

    def send(self, session: Session, message: object) -> None:
        session.connection.send(self.encode(message))

    def subscribe(self, session: Session, key: str) -> None:
        """Let a connection have an instrument (``*``: all), first what it replays."""
        with self._lock:
            session.keys.add(key)
            past = [pair for pair in self.past if key in ("*", pair[0])][-self.REPLAY :] if self.REPLAY else []
        for message in self.replay(past) if past else ():
            self.send(session, message)

    def is_done(self) -> bool:
        """Whether all events were sent, a moment ago."""
        with self._lock:
            is_sent = not self.waiting and not self.recorded and not self._sending
            return is_sent and time.monotonic() - self.sent_s > SETTLE_S

    def _play(self, connection: ServerConnection) -> None:
        path = connection.request.path if connection.request else ""
        with self._lock:
            self.paths.append(path)
            session = Session(connection, path)
            session.fault = self.faults.pop(len(self.paths), None) or self.faults.pop(path, None)
        with contextlib.suppress(ConnectionClosed):
            self.open(session)
            while not self._ended.is_set():
                with contextlib.suppress(TimeoutError):
                    data = connection.recv(timeout=ROUND_S)
                    session.heard_s = time.monotonic()
                    try:
                        self.hear(session, data)
                    except Refusal as refusal:
                        self.complaints.append(str(refusal))
                        self.send(session, refusal.answer)
                        if refusal.close:
                            return
                    continue
                self.tick(session)
                if not self._publish(session):
                    return

    def _publish(self, session: Session) -> bool:
        """Send what is due; False ends the connection."""
        fault = session.fault
        if fault and session.sent >= fault.after:
            session.fault = None
            if fault.kind == "close":
                return False
            if fault.kind == "drop":
                session.connection.ping().wait(ANSWER_S)  # a reset throws away what is still on its way
                session.connection.socket.close()
                return False
            if fault.kind == "half-open":
                with session.connection.protocol_mutex:  # the thread that answers pings waits for it
                    self._ended.wait(30)
                return False
            session.connection.send("\x00{nonsense" if fault.kind == "garbage" else self.wrong_compression())
        most = min(PORTION, fault.after - session.sent) if fault else PORTION
        with self._lock:
            due = [pair for pair in self.waiting if pair[0] in session.keys or "*" in session.keys][:most]
            for pair in due:
                self.waiting.remove(pair)
            self.past += due
            messages: list[object] = []
            if self.recorded and session.keys:
                messages, self.recorded = self.recorded, []
            self._sending += bool(due or messages)
        if not due and not messages:
            return True
        session.sent += len(due)
        try:
            for message in messages:
                session.connection.send(self.encode(message))
            for name, events in group(due):
                self.send(session, self.frame(name, events))
            if not self.waiting:
                session.connection.ping().wait(ANSWER_S)  # the answer shows that all of it has arrived
        finally:
            with self._lock:
                self._sending -= 1
                self.sent_s = time.monotonic()
        return True

    def _get(self, connection: ServerConnection, request: Any) -> Any:
        if request.headers.get("Upgrade", "").lower() == "websocket":
            return None
        parts = urlsplit(request.path)
        self.requests.append(request.path)
        answer = self.get(parts.path, dict(parse_qsl(parts.query)))
        if answer is None:
            return connection.respond(HTTPStatus.NOT_FOUND, "{}")
        return connection.respond(HTTPStatus.OK, json.dumps(answer))

    def __enter__(self):
        self._server = serve(self._play, "127.0.0.1", 0, process_request=self._get, compression=None)
        self._thread = threading.Thread(target=self._server.serve_forever, daemon=True)
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self._server.shutdown()
        self._thread.join()


def group(pairs: Sequence[tuple[str, Event]]) -> Iterator[tuple[str, list[Event]]]:
    """Join consecutive events of one instrument, up to three a message."""
    batch: list[Event] = []
    for place, (name, event) in enumerate(pairs):
        batch.append(event)
        if len(batch) == 3 or place + 1 == len(pairs) or pairs[place + 1][0] != name:
            yield name, batch
            batch = []
