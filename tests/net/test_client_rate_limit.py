"""Every try keeps the pace; what a source says of its limits holds for all who ask it; bodies have an end."""

from __future__ import annotations

import contextlib
import hashlib
import socket
import sqlite3
import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from loopback.server import Asked, Loopback, Reply, json_reply

from liqcli.core.errors import SourceError
from liqcli.net import client as net_client
from liqcli.net import header_timeout, response_body
from liqcli.net.client import BusyError, Client, UnreachableError
from liqcli.net.rate_limit import Limit, RateLimiter
from liqcli.net.request import Request
from liqcli.sources.envelope import decode_json

STEP_S = 0.06
ONE_AT_A_TIME = (Limit(1, STEP_S),)


@pytest.fixture(autouse=True)
def _swift(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(net_client, "BACKOFF_S", 0.001)


class Answers(Loopback):
    """Answers the same JSON to everything, except where ``faults`` say otherwise; /old is elsewhere now."""

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/old":
            return Reply(302, b"", {"Location": "/new"})
        return json_reply({"fine": True})


def times_of(server: Loopback) -> list[float]:
    return sorted(asked.at_s for asked in server.asked)


@pytest.fixture
def holds(monkeypatch: pytest.MonkeyPatch) -> list[float]:
    """The times at which all requests of a source were held. [s, monotonic]"""
    found: list[float] = []
    block_for = RateLimiter.block_for

    def hold(self: RateLimiter, seconds: float) -> None:
        block_for(self, seconds)
        found.append(time.monotonic())

    monkeypatch.setattr(RateLimiter, "block_for", hold)
    return found


def gaps(server: Loopback) -> list[float]:
    return [after - before for before, after in pairwise(times_of(server))]


@pytest.mark.parametrize(
    "fault",
    [Reply(429), Reply(500), Reply(reset=True), Reply(200, b"<html>busy</html>"), Reply(200, b"{", declared=99)],
    ids=["429", "500", "reset", "html", "broken off"],
)
def test_every_retry_waits_for_its_turn(fault: Reply) -> None:
    """Of eight requests every third goes wrong: eleven tries or more, none less than the limit after the one before."""
    with Answers(faults=dict.fromkeys(range(3, 13, 3), fault)) as server:
        client = Client("gate", server.url, ONE_AT_A_TIME)
        for n in range(8):
            assert client.get(Request(f"/{n}"), decode_json) == {"fine": True}
        assert client.requests == len(server.asked) >= 11
        client.close()
        assert min(gaps(server)) >= STEP_S


def test_redirects_wait_for_their_turn_too() -> None:
    with Answers() as server:
        client = Client("gate", server.url, ONE_AT_A_TIME)
        assert client.get(Request("/old"), decode_json) == {"fine": True}
        client.close()
        assert [asked.path for asked in server.asked] == ["/old", "/new"]
        assert min(gaps(server)) >= STEP_S
        assert client.requests == 2


def ask_in_threads(client: Client, threads: int, each: int) -> list[object]:
    said: list[object] = []

    def work() -> None:
        try:
            said.extend(client.get(Request("/x"), decode_json) for _ in range(each))
        except SourceError as error:
            said.append(error)

    workers = [threading.Thread(target=work) for _ in range(threads)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    return said


def test_threads_keep_the_limit_together() -> None:
    """Four threads, five in a fifth of a second: no such stretch of the server's log holds six."""
    with Answers(latency_s=0.01) as server:
        client = Client("gate", server.url, (Limit(5, 0.2),))
        assert ask_in_threads(client, 4, 5) == [{"fine": True}] * 20
        client.close()
        times = times_of(server)
        assert min(after - before for before, after in zip(times, times[5:], strict=False)) >= 0.2


@pytest.mark.parametrize(
    "told",
    [
        Reply(429, b"", {"Retry-After": "1"}),
        Reply(503, b"", {"Retry-After": "1"}),
        json_reply({"fine": True}, headers={"RateLimit-Remaining": "0", "RateLimit-Reset": "1"}),
    ],
    ids=["429", "503", "nothing left"],
)
def test_a_limit_seen_by_one_thread_blocks_all(told: Reply, holds: list[float]) -> None:
    """The fifth of 150 requests gets "in a second": until then, only what the two other threads had begun is sent."""
    with Answers(faults={5: told}, latency_s=0.01) as server:
        client = Client("gate", server.url, ())
        assert ask_in_threads(client, 3, 50) == [{"fine": True}] * 150
        client.close()
        heard_s = server.asked[4].at_s
        times = times_of(server)
        assert len([at_s for at_s in times if holds[0] < at_s < heard_s + 1.0]) <= 2
        assert times[-1] >= heard_s + 1.0


def test_a_429_without_a_time_holds_all_for_the_back_off(monkeypatch: pytest.MonkeyPatch, holds: list[float]) -> None:
    monkeypatch.setattr(net_client, "BACKOFF_S", 0.3)
    with Answers(faults={1: Reply(429)}) as server:
        client = Client("gate", server.url, ())
        other = Client("gate", server.url, ())
        worker = threading.Thread(target=client.get, args=(Request("/one"), decode_json))
        worker.start()
        while not holds:
            time.sleep(0.001)
        other.get(Request("/two"), decode_json)
        worker.join()
        assert min(asked.at_s for asked in server.asked[1:]) - server.asked[0].at_s >= 0.3


def test_busy_inside_a_200_holds_all(monkeypatch: pytest.MonkeyPatch, holds: list[float]) -> None:
    """OKX and others say so with status 200: the decoder knows, and whoever else asks waits as well."""
    monkeypatch.setattr(net_client, "BACKOFF_S", 0.3)
    said = threading.Event()

    def busy_once(data: bytes) -> object:
        if not said.is_set():
            said.set()
            raise BusyError("busy (50011 Too Many Requests)")
        return decode_json(data)

    with Answers() as server:
        client, other = (Client("okx", server.url, ()) for _ in range(2))
        worker = threading.Thread(target=client.get, args=(Request("/one"), busy_once))
        worker.start()
        while not holds:
            time.sleep(0.001)
        other.get(Request("/two"), decode_json)
        worker.join()
        client.close()
        other.close()
        assert min(times_of(server)[1:]) - times_of(server)[0] >= 0.3


def test_too_long_a_pause_is_a_reason_to_leave_a_source_alone() -> None:
    with Answers(faults={1: Reply(429, b"", {"Retry-After": "3600"})}) as server:
        client = Client("gate", server.url, ())
        with pytest.raises(UnreachableError, match="gate: demands a pause of 3600 s"):
            client.get(Request("/x"), decode_json)
        assert len(server.asked) == 1


def test_tries_that_never_arrived_take_no_place(monkeypatch: pytest.MonkeyPatch) -> None:
    """Three a minute and a server that is not there: it is given up at once, not after minutes."""
    monkeypatch.setattr(net_client, "CONNECT_TRIES", 5)
    client = Client("gate", "http://127.0.0.1:9", (Limit(3, 60),))
    with pytest.raises(UnreachableError, match="refused"):
        client.get(Request("/x"), decode_json)
    assert client.requests == 6


def test_closing_a_client_ends_its_waits() -> None:
    with Answers() as server:
        client = Client("gate", server.url, (Limit(1, 600),))
        client.get(Request("/x"), decode_json)
        worker = threading.Thread(target=lambda: said.append(ask_in_threads(client, 1, 1)))
        said: list[Any] = []
        worker.start()
        client.close()
        worker.join(5)
        assert "request cancelled" in str(said[0][0])
        assert len(server.asked) == 1


def test_processes_share_limits(tmp_path: Path) -> None:
    """What another process left in the state folder counts here."""
    with Answers() as server:
        client = Client("gate", server.url, (Limit(1, 600),))
        client.get(Request("/x"), decode_json)
        (file,) = (tmp_path / "state").rglob("gate-*.sqlite3")
        with contextlib.closing(sqlite3.connect(file)) as database:
            assert list(database.execute("SELECT path FROM places")) == [("/x",)]


# ------------------------------------------------------------------------------------------------ bodies


class Files(Loopback):
    DATA = bytes(range(256)) * 4096  # 1 MiB

    def answer(self, asked: Asked) -> Reply:
        return Reply(200, self.DATA)


def digest(data: response_body.Body) -> tuple[str, bool]:
    """What it says as bytes and as a file is the same; and whether it lies in memory."""
    as_bytes, as_file = hashlib.sha256(data).hexdigest(), hashlib.sha256(response_body.as_file(data).read()).hexdigest()
    assert as_bytes == as_file
    return as_bytes, isinstance(data, bytes)


@pytest.mark.parametrize(
    ("in_memory", "file", "expected"), [(2**20, True, True), (2**20 - 1, True, False), (9, False, True)]
)
def test_only_a_large_file_goes_to_disk(
    monkeypatch: pytest.MonkeyPatch, in_memory: int, file: bool, expected: bool
) -> None:
    monkeypatch.setattr(response_body, "IN_MEMORY", in_memory)
    with Files() as server:
        client = Client("gate", server.url, ())
        assert client.get(Request("/x", file=file), digest) == (hashlib.sha256(Files.DATA).hexdigest(), expected)
        client.close()


@pytest.mark.parametrize("file", [True, False])
def test_a_body_without_end_is_an_error(monkeypatch: pytest.MonkeyPatch, file: bool) -> None:
    monkeypatch.setattr(response_body, "LARGEST_FILE" if file else "LARGEST_TEXT", 2**20 - 1)
    monkeypatch.setattr(response_body, "IN_MEMORY", 1000)
    with Files() as server:
        client = Client("gate", server.url, ())
        with pytest.raises(SourceError, match="gate: /x answered with more than 0 MB"):
            client.get(Request("/x", file=file), digest)
        client.close()
        assert len(server.asked) == 1, "asking again would bring the same"


def test_a_full_disk_is_one_line(monkeypatch: pytest.MonkeyPatch) -> None:
    def full(*_: object) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(response_body.tempfile, "SpooledTemporaryFile", full)
    with Files() as server:
        client = Client("gate", server.url, ())
        with pytest.raises(
            SourceError, match=r"gate: /x: the answer cannot be written to disk \(No space left on device\)"
        ):
            client.get(Request("/x", file=True), digest)
        client.close()


class Dripping:
    """A server that sends a byte, and another one a little later, for ever."""

    def __init__(self, begins_with: bytes) -> None:
        self.begins_with = begins_with
        self.stop = threading.Event()
        self.socket = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self.socket.getsockname()[1]}"
        self.asked = 0
        threading.Thread(target=self.serve, daemon=True).start()

    def serve(self) -> None:
        while True:
            try:
                connection, _ = self.socket.accept()
            except OSError:
                return
            self.asked += 1
            threading.Thread(target=self.drip, args=(connection,), daemon=True).start()

    def drip(self, connection: socket.socket) -> None:
        with connection:
            connection.recv(65536)
            connection.sendall(self.begins_with)
            try:
                while not self.stop.wait(0.02):
                    connection.sendall(b" ")
            except OSError:
                return


@pytest.fixture
def dripping() -> Iterator[Any]:
    servers: list[Dripping] = []

    def start(begins_with: bytes) -> Dripping:
        servers.append(Dripping(begins_with))
        return servers[-1]

    yield start
    for server in servers:
        server.stop.set()
        server.socket.close()


def test_a_dripping_body_is_given_up(monkeypatch: pytest.MonkeyPatch, dripping: Any) -> None:
    """No single byte is late, so no read timeout ever comes."""
    monkeypatch.setattr(response_body, "SLOW_S", 0.2)
    server = dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\n\r\n")
    client = Client("gate", server.url, ())
    with pytest.raises(UnreachableError, match=r"gate: /x answers too slowly: \d+ bytes in \d+ s"):
        client.get(Request("/x"), decode_json)
    client.close()


def test_a_dripping_head_is_given_up(monkeypatch: pytest.MonkeyPatch, dripping: Any) -> None:
    monkeypatch.setattr(header_timeout, "HEAD_S", 0.1)
    monkeypatch.setattr(header_timeout, "LOOK_S", 0.05)
    monkeypatch.setattr(net_client, "READ_TRIES", 1)
    server = dripping(b"HTTP/1.1 200 OK\r\nX-Word: ")
    client = Client("gate", server.url, ())
    with pytest.raises(UnreachableError, match="gate: /x cannot be reached"):
        client.get(Request("/x"), decode_json)
    client.close()
    assert server.asked == 2


def test_the_body_of_a_refused_try_is_not_waited_for(monkeypatch: pytest.MonkeyPatch, dripping: Any) -> None:
    monkeypatch.setattr(net_client, "STATUS_TRIES", 2)
    monkeypatch.setattr(response_body, "SLOW_S", 0.2)
    server = dripping(b"HTTP/1.1 503 Busy\r\nContent-Length: 1000000\r\n\r\n")
    client = Client("gate", server.url, ())
    with pytest.raises(UnreachableError, match="answers too slowly"):  # the last one's words would have been shown
        client.get(Request("/x"), decode_json)
    client.close()
    assert server.asked == 3
