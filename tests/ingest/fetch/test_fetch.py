"""Fetching against servers that keep the exchanges' rules: the lake equals what happened, also the second time."""

from __future__ import annotations

import time
from collections import Counter
from decimal import Decimal
from pathlib import Path

import pytest
from loopback.scenes import (
    DAY_US,
    HOUR_US,
    WINDOW,
    be_swift,
    busy_reply,
    every_file,
    gate_server,
    htx_server,
    point,
    stored,
)
from loopback.server import Reply, json_reply
from loopback.truth import HOUR_MS, Event, count_expected, make_events
from loopback.venues import GateServer, HtxServer, OkxServer, TardisServer

from liqcli.core.errors import ExitCode
from liqcli.core.intervals import Intervals
from liqcli.core.model import US_PER_S, Window
from liqcli.core.times import now_us
from liqcli.ingest.fetch import FetchSummary, fetch
from liqcli.lake.partitions import Partition
from liqcli.lake.store import Lake


@pytest.fixture(autouse=True)
def _swift(monkeypatch: pytest.MonkeyPatch) -> None:
    be_swift(monkeypatch)


def test_gate_lake_equals_truth(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """A busy hour (bisected), twins, edges, an empty hour, a 429 and broken answers in the middle."""
    faults = {4: busy_reply(), 6: Reply(200, b'[{"contr'), 9: Reply(200, b"<html>maintenance</html>"), 11: Reply(502)}
    with gate_server(faults=faults) as server:
        point(monkeypatch, gate=server.url)
        before = time.monotonic()
        summary = fetch(Lake(lake), WINDOW, ["BTCUSDT", "eth_usdt"], ["gate"])
        assert time.monotonic() - before >= 1.0, "Retry-After was not waited for"
        for symbol, contract, size in (("BTCUSDT", "BTC_USDT", "0.0001"), ("ETHUSDT", "ETH_USDT", "0.01")):
            events = _events_of(server, contract)
            assert stored(lake, symbol) == count_expected(events, WINDOW, Decimal(size))
        assert any(int(a.params["to"]) - int(a.params["from"]) < 1800 for a in server.paths("liq_orders"))
        assert summary.exit_code == ExitCode.DONE
        assert [row.result for row in summary.rows] == ["ok", "ok"]
        assert summary.rows[0].events == sum(stored(lake, "BTCUSDT").values())
        _second_run_is_still(monkeypatch, lake, server, "liq_orders", ["BTCUSDT", "ETHUSDT"], "gate")


def test_htx_lake_equals_truth(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    busy = json_reply({"status": "error", "err_code": 1032, "err_msg": "The number of access exceeded the limit"})
    with htx_server(faults={3: busy, 5: Reply(503), 7: Reply(200, b"")}) as server:
        point(monkeypatch, htx=server.url)
        summary = fetch(Lake(lake), WINDOW, ["BTC-USDT", "ETHUSDT"], ["htx"])
        for symbol, contract, size in (("BTCUSDT", "BTC-USDT", "0.001"), ("ETHUSDT", "ETH-USDT", "0.01")):
            truth = make_events(WINDOW, 3, busy=700) if symbol == "BTCUSDT" else make_events(WINDOW, 4, busy=100)
            assert stored(lake, symbol) == count_expected(truth, WINDOW, Decimal(size)), contract
        assert max(Counter(a.params["start_time"] for a in server.paths("liquidation_orders")).values()) > 3
        assert summary.exit_code == ExitCode.DONE
        _second_run_is_still(monkeypatch, lake, server, "liquidation_orders", ["BTCUSDT", "ETHUSDT"], "htx")


def test_okx_lake_equals_truth(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """Ties on page edges: 1,150 events in eight seconds, many a millisecond, pages of 100."""
    now_ms = now_us() // 1000
    start = (now_ms - 12 * HOUR_MS) * 1000
    window = Window(start, start + 5 * HOUR_US)
    truth = {"BTC-USDT-SWAP": _tied(make_events(window, seed=5)), "BTC-USD-SWAP": make_events(window, seed=6, busy=90)}
    busy = json_reply({"code": "50011", "msg": "Too Many Requests", "data": []})
    with OkxServer(
        truth, {"BTC-USDT-SWAP": "0.01", "BTC-USD-SWAP": "100"}, now_ms, faults={2: busy, 8: busy}
    ) as server:
        point(monkeypatch, okx=server.url)
        summary = fetch(Lake(lake), window, ["BTCUSDT", "BTCUSD"], ["okx"])
        assert stored(lake, "BTCUSDT") == count_expected(truth["BTC-USDT-SWAP"], window, Decimal("0.01"))
        inverse = [e for e in truth["BTC-USD-SWAP"] if window.contains(e.ts_ms * 1000)]
        usd = sum(notional * n for (*_, notional), n in stored(lake, "BTCUSD").items())
        assert usd == sum(e.contracts for e in inverse) * 100
        assert summary.exit_code == ExitCode.DONE
        _second_run_is_still(monkeypatch, lake, server, "liquidation-orders", ["BTCUSDT", "BTCUSD"], "okx", window)


def test_tardis_days_add_up_over_midnight(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """
    Two days: the event of 23:59:59.900 stands in the second file, and one of the second day's end in the third.

    The key travels in the header and nowhere else.
    """
    first = Window(1_772_323_200 * US_PER_S, 1_772_409_600 * US_PER_S)  # 2026-03-01, free
    both = Window(first.start_us, first.end_us + DAY_US)
    midnight_ms = first.end_us // 1000
    late = Event(midnight_ms - 100, "long", 7, Decimal("64000.1"))
    events = make_events(Window(first.start_us, first.start_us + 5 * HOUR_US), 7, busy=50)
    events = [e for e in events if e.ts_ms * 1000 >= first.start_us] + [late, late._replace(ts_ms=midnight_ms + 5)]
    last = late._replace(ts_ms=both.end_us // 1000 - 1)
    events += [last]
    with TardisServer({"BTCUSDT": events}) as server:
        point(monkeypatch, tardis=server.url)
        summary = fetch(Lake(lake), both, ["BTCUSDT"], ["tardis"])
        assert summary.exit_code == ExitCode.PARTIAL
        assert "LIQCLI_KEY_TARDIS" in summary.rows[0].troubles[0]
        assert [a.path[-26:] for a in server.asked] == ["/2026/03/01/BTCUSDT.csv.gz"], "a day without key is not asked"
        assert sum(stored(lake, "BTCUSDT").values()) == len(events) - 3
        monkeypatch.setenv("LIQCLI_KEY_TARDIS", TardisServer.KEY)
        assert fetch(Lake(lake), both, ["BTCUSDT"], ["tardis"]).exit_code == ExitCode.DONE
        assert _to_cents(stored(lake, "BTCUSDT")) == _to_cents(count_expected(events, both, Decimal(1)))
        assert {a.path[-26:-15] for a in server.asked[1:]} == {"/2026/03/02", "/2026/03/03"}
        before = every_file(lake)
        assert fetch(Lake(lake), both, ["BTCUSDT"], ["tardis"]).exit_code == ExitCode.DONE
        assert len(server.asked) == 3
        assert every_file(lake) == before
        assert not any(TardisServer.KEY.encode() in content for content in before.values())


@pytest.mark.parametrize("failing", ["/2026/03/02", "/2026/03/01"])
def test_a_tardis_day_is_complete_once_the_next_file_was_read(
    monkeypatch: pytest.MonkeyPatch, lake: Path, failing: str
) -> None:
    """Without the next day's file, the last quarter of an hour of a day remains to be requested."""
    start_us = 1_772_323_200 * US_PER_S  # 2026-03-01
    midnight_us, end_us, quarter_us = start_us + DAY_US, start_us + 2 * DAY_US, HOUR_US // 4
    known = {"/2026/03/02": (start_us, midnight_us - quarter_us), "/2026/03/01": (midnight_us, end_us)}
    both, midnight_ms = Window(start_us, end_us), midnight_us // 1000
    late = Event(midnight_ms - 100, "long", 7, Decimal("64000.1"))
    with TardisServer({"BTCUSDT": [late, late._replace(ts_ms=midnight_ms - 10**7)]}) as server:
        honest = server.answer
        point(monkeypatch, tardis=server.url)
        monkeypatch.setenv("LIQCLI_KEY_TARDIS", TardisServer.KEY)
        server.answer = lambda asked: Reply(500) if failing in asked.path else honest(asked)  # type: ignore[method-assign]
        assert fetch(Lake(lake), both, ["BTCUSDT"], ["tardis"]).exit_code == ExitCode.PARTIAL
        assert list(_known_of_tardis(lake, both)) == [known[failing]]
        server.answer = honest  # type: ignore[method-assign]
        assert fetch(Lake(lake), both, ["BTCUSDT"], ["tardis"]).exit_code == ExitCode.DONE
        assert list(_known_of_tardis(lake, both)) == [both.interval]
        assert sum(stored(lake, "BTCUSDT").values()) == 2


def _known_of_tardis(lake: Path, window: Window) -> Intervals:
    complete = Lake(lake).read_fetch_log("binance", "BTCUSDT", "tardis").covered(("complete",))
    return complete & [window.interval]


def _to_cents(rows: Counter[tuple[object, ...]]) -> Counter[tuple[object, ...]]:
    return Counter({(*row[:4], round(float(str(row[4])), 2)): count for row, count in rows.items()})


def _events_of(server: GateServer, contract: str) -> list[Event]:
    """The truth behind a server, from its name and not from its rows."""
    return make_events(WINDOW, 1) if contract == "BTC_USDT" else make_events(WINDOW, 2, busy=400, whole_seconds=True)


def _tied(events: list[Event]) -> list[Event]:
    """Move the burst onto few milliseconds, so that up to 40 events share one and pages end inside."""
    return [e._replace(ts_ms=e.ts_ms // 100 * 100) if n % 2 else e for n, e in enumerate(events)]


def _second_run_is_still(
    monkeypatch: pytest.MonkeyPatch,
    lake: Path,
    server: GateServer | HtxServer | OkxServer,
    path: str,
    symbols: list[str],
    source: str,
    window: Window = WINDOW,
) -> None:
    before, asked = every_file(lake), len(server.paths(path))
    summary = fetch(Lake(lake), window, symbols, [source])
    assert len(server.paths(path)) == asked, "complete windows were asked again"
    assert every_file(lake) == before
    assert summary.exit_code == ExitCode.DONE
    assert list(summary.rows[0].covered) == [window.interval]


def test_the_newest_second_is_requested(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """A window that ends in the future is fetched up to now, not to the last full minute, which coverage refers to."""
    now = now_us()
    with gate_server() as gate:
        point(monkeypatch, gate=gate.url)
        (row,) = fetch(Lake(lake), Window(now - HOUR_US, now + HOUR_US), ["ETHUSDT"], ["gate"]).rows
        last = max(int(asked.params["to"]) for asked in gate.paths("liq_orders"))
    assert 0 <= last + 1 - now // US_PER_S <= 30
    assert row.window.end_us % (60 * US_PER_S) == 0
    assert (row.share, row.result) == (1.0, "ok")


def test_partition_of_a_fetch(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """One file an exchange, symbol, month and source; contract sizes are kept beside."""
    with gate_server() as gate:
        point(monkeypatch, gate=gate.url)
        summary: FetchSummary = fetch(Lake(lake), WINDOW, ["ETHUSDT"], ["gate"])
    assert summary.rows[0].requests == len(gate.asked)
    files = Lake(lake).partitions()
    assert set(files) == {Partition("liquidations", "gate", "ETHUSDT", p.month, "gate") for p in files}
    assert Lake(lake).read_contracts("gate") == {"ETH_USDT": 0.01}
