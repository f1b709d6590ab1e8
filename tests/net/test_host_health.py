"""Who is offline hears it at once; a network that falters is asked again."""

from __future__ import annotations

import pytest
from loopback.server import Asked, Loopback, Reply

from liqcli.net import client as net_client
from liqcli.net import host_health
from liqcli.net.client import Client, UnreachableError
from liqcli.net.host_health import RECENT_S, HostHealth
from liqcli.net.request import Request
from liqcli.sources.envelope import decode_json

GATE, HTX, OKX, BYBIT = (f"https://{name}.example" for name in ("gate", "htx", "okx", "bybit"))


class Clock:
    now_s = 1000.0

    def __call__(self) -> float:
        return self.now_s


@pytest.fixture
def clock() -> Clock:
    return Clock()


def test_a_host_that_failed_lately_gets_one_try(clock: Clock) -> None:
    seen = HostHealth(clock)
    assert seen.is_worth_retrying(GATE)
    seen.failed(f"{GATE}/path?query=1")
    assert [seen.is_worth_retrying(url) for url in (GATE, f"{GATE}/other", HTX)] == [False, False, True]
    clock.now_s += RECENT_S
    assert seen.is_worth_retrying(GATE)


def test_a_host_that_is_back_is_hopeful(clock: Clock) -> None:
    seen = HostHealth(clock)
    seen.failed(GATE)
    seen.reached(GATE)
    assert seen.is_worth_retrying(GATE)


def test_three_failed_hosts_and_none_reached_mean_offline(clock: Clock) -> None:
    seen = HostHealth(clock)
    for url in (GATE, HTX):
        seen.failed(url)
    assert seen.is_worth_retrying(BYBIT)
    seen.failed(OKX)
    assert not seen.is_worth_retrying(BYBIT)
    clock.now_s += RECENT_S - 1
    assert not seen.is_worth_retrying(BYBIT)
    clock.now_s += 1
    assert seen.is_worth_retrying(BYBIT)


def test_three_hosts_that_are_down_while_one_is_up_are_three_hosts(clock: Clock) -> None:
    seen = HostHealth(clock)
    seen.reached(BYBIT)
    for url in (GATE, HTX, OKX):
        seen.failed(url)
    assert [seen.is_worth_retrying(url) for url in (GATE, BYBIT, "https://new.example")] == [False, True, True]


class Fine(Loopback):
    def answer(self, _asked: Asked) -> Reply:
        return Reply(200, b'{"fine": true}')


def ask(url: str) -> tuple[object, int]:
    """What came, and how many tries it took."""
    client = Client("gate", url, ())
    try:
        return client.get(Request("/x"), decode_json), client.requests
    except UnreachableError as error:
        return str(error), client.requests
    finally:
        client.close()


def test_a_second_request_to_an_unreachable_host_does_not_wait(monkeypatch: pytest.MonkeyPatch) -> None:
    """Four attempts for the first request, one for the next; other hosts are unaffected."""
    monkeypatch.setattr(net_client, "BACKOFF_S", 0.01)
    nobody = "http://127.0.0.1:9"
    assert [ask(nobody) for _ in range(2)] == [
        ("gate: /x cannot be reached: Connection refused (127.0.0.1)", tries) for tries in (4, 1)
    ]
    with Fine(faults={1: Reply(503), 2: Reply(reset=True)}) as server:
        assert ask(server.url) == ({"fine": True}, 3)


def test_who_comes_back_is_reached_with_the_one_try(monkeypatch: pytest.MonkeyPatch) -> None:
    with Fine(faults={1: Reply(503)}) as server:
        monkeypatch.setattr(net_client, "BACKOFF_S", 0.01)
        host_health.network.failed(server.url)
        assert ask(server.url) == ({"fine": True}, 2)  # a 503 is an answer
        assert host_health.network.is_worth_retrying(server.url)
