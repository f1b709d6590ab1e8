"""What is asked again and what not, what an error says, and that no key is ever in it."""

from __future__ import annotations

import json
import time

import pytest
from loopback.server import Asked, Loopback, Reply, json_reply

from liqcli.core.errors import BlockedError, SourceError, UsageError
from liqcli.net import client as net_client
from liqcli.net.client import Client, RefusalError, UnreachableError
from liqcli.net.request import Request
from liqcli.sources.envelope import decode_json


class Answers(Loopback):
    """Answers the same JSON to everything, except where ``faults`` say otherwise."""

    def answer(self, asked: Asked) -> Reply:
        return json_reply({"fine": True})


@pytest.fixture(autouse=True)
def _swift(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(net_client, "BACKOFF_S", 0.005)
    monkeypatch.setenv("LIQCLI_RATE_GATE", "unlimited")


def ask(server: Loopback, absent: tuple[int, ...] = (), key: str | None = None) -> object:
    client = Client("gate", server.url, (), key)
    try:
        return client.get(Request("/api/thing", (("a", "1"),), absent), decode_json)
    finally:
        client.close()


@pytest.mark.parametrize(
    "fault",
    [
        *(Reply(status) for status in (408, 418, 429, 500, 502, 503, 504)),
        Reply(reset=True),
        Reply(200, b""),
        Reply(200, b'{"fine": tr'),
        Reply(200, b"<html>we are down</html>"),
        Reply(200, b'{"fine": true', declared=400),
    ],
    ids=lambda f: f"{f.status}-{'reset' if f.reset else f.declared or f.body[:8].decode()}",
)
def test_asked_again(fault: Reply) -> None:
    with Answers(faults={1: fault, 2: fault}) as server:
        assert ask(server) == {"fine": True}
        assert len(server.asked) == 3


def test_a_post_is_retried_like_a_get_and_repeats_its_body(monkeypatch: pytest.MonkeyPatch) -> None:
    with Answers(faults={1: Reply(503), 2: Reply(200, b"{")}) as server:
        client = Client("gate", server.url, ())
        assert client.get(Request("/info", body='{"type":"meta"}'), decode_json) == {"fine": True}
        client.close()
        assert [(asked.body, asked.headers["Content-Type"]) for asked in server.asked] == [
            ('{"type":"meta"}', "application/json")
        ] * 3


@pytest.mark.parametrize("status", [400, 401, 404, 410])
def test_not_asked_again(status: int) -> None:
    with Answers(faults={1: Reply(status, b"no such thing")}) as server:
        with pytest.raises(SourceError, match=rf"gate: /api/thing answered {status}.*: no such thing"):
            ask(server)
        assert len(server.asked) == 1


@pytest.mark.parametrize("status", [403, 451])
def test_blocked_is_said_plainly_and_at_once(status: int) -> None:
    with Answers(faults={1: Reply(status, b"<html>denied</html>")}) as server:
        with pytest.raises(BlockedError, match=rf"gate: /api/thing answered {status} .*retrying will not help"):
            ask(server)
        assert len(server.asked) == 1


def test_retry_after_is_waited_for() -> None:
    with Answers(faults={1: Reply(429, b"", {"Retry-After": "1"})}) as server:
        before = time.monotonic()
        assert ask(server) == {"fine": True}
        assert time.monotonic() - before >= 1.0


def test_retry_after_that_is_no_time_counts_as_a_second() -> None:
    with Answers(faults={1: Reply(503, b"", {"Retry-After": "soon"})}) as server:
        before = time.monotonic()
        assert ask(server) == {"fine": True}
        assert time.monotonic() - before >= 1.0


def test_retry_after_of_an_hour_is_not_waited_for() -> None:
    with (
        Answers(faults={1: Reply(429, b"", {"Retry-After": "3600"})}) as server,
        pytest.raises(SourceError, match="gate: demands a pause of 3600 s"),
    ):
        ask(server)


def test_gives_up_and_names_source_path_status() -> None:
    with Answers(faults={n: Reply(500, b"oops") for n in range(1, 20)}) as server:
        with pytest.raises(SourceError, match=r"gate: /api/thing answered 500 \(server error\) after 7 attempts: oops"):
            ask(server)
        assert len(server.asked) == 7
    with Answers(faults={n: Reply(200, b"<html>x</html>") for n in range(1, 20)}) as server:
        with pytest.raises(SourceError, match="gate: /api/thing answered 5 times with status 200 but an HTML page"):
            ask(server)
        assert len(server.asked) == 5


def test_absent_status_is_an_answer() -> None:
    with Answers(faults={1: Reply(404)}) as server:
        assert ask(server, absent=(404,)) is None


def test_refusal_inside_a_200() -> None:
    def refuse(_body: bytes) -> object:
        raise RefusalError("50015 uly is missing")

    with Answers() as server:
        client = Client("okx", server.url, ())
        with pytest.raises(SourceError, match="okx: /x refused: 50015 uly is missing"):
            client.get(Request("/x"), refuse)
        client.close()


def test_connection_refused() -> None:
    client = Client("gate", "http://127.0.0.1:9", ())
    with pytest.raises(UnreachableError, match=r"gate: /x cannot be reached: .*refused"):
        client.get(Request("/x"), decode_json)
    client.close()


def test_silence_is_given_up(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(net_client, "TIMEOUT_S", (0.2, 0.2))
    monkeypatch.setattr(net_client, "READ_TRIES", 1)
    with Answers(latency_s=0.8) as server:
        with pytest.raises(UnreachableError, match=r"gate: /api/thing cannot be reached: .*timed out"):
            ask(server)
        assert len(server.asked) == 2


def test_key_is_sent_and_never_shown() -> None:
    key = "sk-very-secret-4711"
    echo = json.dumps({"error": f"bad key {key}"}).encode()
    with Answers(faults={2: Reply(401, echo), 3: Reply(403, echo)}) as server:
        assert ask(server, key=key) == {"fine": True}
        assert server.asked[0].headers["Authorization"] == f"Bearer {key}"
        assert server.asked[0].headers["User-Agent"].startswith("Mozilla/5.0 (compatible; liqcli/")
        for kind in (SourceError, BlockedError):
            with pytest.raises(kind, match=r"bad key \*\*\*") as error:
                ask(server, key=key)
            assert key not in repr(error.value)


def test_address_and_rate_come_from_variables(monkeypatch: pytest.MonkeyPatch) -> None:
    """LIQCLI_URL_GATE replaces scheme, host and port; the path stays."""
    with Answers() as server:
        monkeypatch.setenv("LIQCLI_URL_GATE", server.url + "/")
        client = Client("gate", "https://api.gateio.ws", ())
        assert client.get(Request("/api/v4/x", (("q", "a b&c"),)), decode_json) == {"fine": True}
        assert server.asked[0][:2] == ("/api/v4/x", {"q": "a b&c"})
        assert client.requests == 1
        client.close()
    monkeypatch.setenv("LIQCLI_RATE_GATE", "fast")
    with pytest.raises(UsageError, match="LIQCLI_RATE_GATE: 'fast'"):
        Client("gate", "https://api.gateio.ws", ())
