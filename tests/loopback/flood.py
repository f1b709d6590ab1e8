"""
All stream servers in one process, sending at a fixed rate: ``python -m loopback.flood RATE SECONDS START_MS``.

Encoding costs as much as receiving, so it is done before: an event carries the millisecond at which it is due. The
process prints the URL of each exchange, waits for a line, sends, and prints how long that took. On a machine too busy
to start in time, everything is sent later by the same delay.
"""

from __future__ import annotations

import contextlib
import functools
import json
import struct
import sys
import time
from decimal import Decimal
from typing import NamedTuple
from unittest import mock

from websockets.exceptions import ConnectionClosed

from loopback import streams
from loopback.stream_cases import CASES
from loopback.streams import Session, StreamServer
from loopback.truth import Event

STEP_MS = 50  # what is due in one step goes out in one write
MOST_STEPS = 10  # before the connection is read again
FRAMES = {"kraken": 2}  # messages for one event, where it is not one: an ordinary fill comes with each
CONTRACTS = (1, 7, 120, 4_003)


class Flood(NamedTuple):
    """``rate`` messages a second over all exchanges for ``seconds``, the first at ``start_ms``."""

    rate: int
    seconds: int
    start_ms: int

    @property
    def end_ms(self) -> int:
        return self.start_ms + self.seconds * 1000

    def count(self, exchange: str) -> int:
        """Events of an exchange."""
        return self.rate * self.seconds // len(CASES) // FRAMES.get(exchange, 1)

    def make_truth(self, exchange: str) -> dict[str, list[Event]]:
        """Events of each instrument in turn, evenly spread, each at its own price."""
        names, count = list(CASES[exchange].names), self.count(exchange)
        truth: dict[str, list[Event]] = {name: [] for name in names}
        for k in range(count):
            ts_ms = self.start_ms + k * self.seconds * 1000 // count
            position, contracts = ("long", "short")[k // 3 % 2], CONTRACTS[k // 5 % 4]
            truth[names[k % len(names)]].append(Event(ts_ms, position, contracts, Decimal(600_000 + k) / 10))
        return truth


class _Encoder:
    """Stands for a connection: keeps what an exchange's server sends, as frames."""

    def __init__(self) -> None:
        self.frames: list[bytes] = []

    def send(self, data: str | bytes) -> None:
        payload = data if isinstance(data, bytes) else data.encode()
        kind = 0x82 if isinstance(data, bytes) else 0x81
        size = len(payload)
        head = struct.pack("!BB", kind, size) if size < 126 else struct.pack("!BBH", kind, 126, size)
        self.frames.append(head + payload)


class _Step(NamedTuple):
    due_ms: int
    data: bytes
    frames: int


class Sender:
    """Takes the place of a server's publishing: each connection gets all events of what it subscribed."""

    def __init__(self, flood: Flood, exchange: str, server: StreamServer) -> None:
        self.steps = {name: _encode(server, name, flood) for name in server.truth}
        self.sent = 0  # to the connection that has most
        self.end_s = 0.0
        self.delay_ms: int | None = None  # nothing is sent before it is known
        self.waiting = set(self.steps)
        server.waiting = []
        server._publish = self.publish  # type: ignore[method-assign]

    def publish(self, session: Session) -> bool:
        if self.delay_ms is None:
            return True
        places: dict[str, int] = session.notes.setdefault("places", {})
        names = self.steps if "*" in session.keys else session.keys & set(self.steps)
        for name in names:
            steps, place = self.steps[name], places.get(name, 0)
            last = min(len(steps), place + MOST_STEPS)
            while place < last and steps[place].due_ms + self.delay_ms <= _now_ms():
                with session.connection.protocol_mutex:  # no pong in the middle of it
                    try:
                        session.connection.socket.sendall(steps[place].data)
                    except OSError:
                        return False
                place += 1
                places[name] = place
                if place == len(steps) and name in self.waiting:
                    with contextlib.suppress(ConnectionClosed):
                        session.connection.ping().wait(60)  # the answer shows that all of it has arrived
                    self.waiting.discard(name)
                    self.sent += sum(step.frames for step in steps)
                    self.end_s = time.time()
        return True


def _encode(server: StreamServer, name: str, flood: Flood) -> list[_Step]:
    """Encode the events of an instrument as if each were sent at its own time."""
    found: list[_Step] = []
    encoder = _Encoder()
    session = Session(encoder, "")  # type: ignore[arg-type]
    due_ms = flood.start_ms
    moment_ns = 0
    with mock.patch("time.time_ns", lambda: moment_ns):  # noqa: PT008 - a mock costs more than the encoding
        for event in server.truth[name]:
            if event.ts_ms > due_ms:
                if encoder.frames:
                    found.append(_Step(due_ms, b"".join(encoder.frames), len(encoder.frames)))
                    encoder.frames = []
                due_ms = flood.start_ms - (flood.start_ms - event.ts_ms) // STEP_MS * STEP_MS
            moment_ns = event.ts_ms * 1_000_000
            server.send(session, server.frame(name, [event]))
    return [*found, _Step(due_ms, b"".join(encoder.frames), len(encoder.frames))]


def _now_ms() -> int:
    return time.time_ns() // 1_000_000


def main(rate: int, seconds: int, start_ms: int) -> None:
    flood = Flood(rate, seconds, start_ms)
    streams.ROUND_S = STEP_MS / 1000
    streams.serve = functools.partial(streams.serve, ping_interval=None)  # a slow recorder slows down, not breaks
    with contextlib.ExitStack() as stack:
        servers = {name: case.start(flood.make_truth(name), {}) for name, case in CASES.items()}
        senders = {name: Sender(flood, name, server) for name, server in servers.items()}
        for server in servers.values():
            stack.enter_context(server)
        print(json.dumps({name: server.url for name, server in servers.items()}), flush=True)
        sys.stdin.readline()
        cpu_s, delay_ms = time.process_time(), max(0, _now_ms() - start_ms)
        for sender in senders.values():
            sender.delay_ms = delay_ms
        while any(sender.waiting for sender in senders.values()):
            time.sleep(0.1)
        result = {
            "messages": sum(sender.sent for sender in senders.values()),
            "seconds": max(sender.end_s for sender in senders.values()) - (start_ms + delay_ms) / 1000,
            "cpu_s": time.process_time() - cpu_s,
            "delay_s": delay_ms / 1000,
            "complaints": [said for server in servers.values() for said in server.complaints],
        }
        print(json.dumps(result), flush=True)
        sys.stdin.read()  # connections stay open until the recorder has ended


if __name__ == "__main__":
    main(*map(int, sys.argv[1:4]))
