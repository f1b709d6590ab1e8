"""Faults of a fetch: full pages, dropped hours, dead sources, invalid rows, unknown names."""

from __future__ import annotations

import re
from decimal import Decimal
from itertools import pairwise
from pathlib import Path

import pytest
from loopback.scenes import (
    DAY_US,
    HOUR_US,
    MINUTE_US,
    WINDOW,
    be_swift,
    gate_server,
    htx_server,
    parquet_bytes,
    point,
    stored,
)
from loopback.server import Asked, Reply, json_reply
from loopback.truth import HOUR_MS, Event, count_expected, make_events
from loopback.venues import GateServer, HtxServer, OkxServer

from liqcli.core.errors import ExitCode, LiqcliError, UsageError
from liqcli.core.model import US_PER_S, Liquidation, Window
from liqcli.core.times import now_us
from liqcli.ingest.fetch import fetch
from liqcli.ingest.fetch.planner import assess_window, plan_windows
from liqcli.lake.fetch_log import CoveredWindow
from liqcli.lake.store import Lake
from liqcli.sources.registry import load_source


@pytest.fixture(autouse=True)
def _swift(monkeypatch: pytest.MonkeyPatch) -> None:
    be_swift(monkeypatch)


def test_gate_second_fuller_than_a_page_is_cut(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """1,200 events in one second: 1,000 are stored, that second alone is cut and asked again, the rest is complete."""
    start = WINDOW.start_us
    window = Window(start, start + 600 * US_PER_S)
    full = start // 1000 + 300_000
    events = [Event(full, "long", 1, Decimal(100 + n)) for n in range(1200)] + [
        Event(full + 1000, "short", 1, Decimal(9))
    ]
    with GateServer({"BTC_USDT": events}, {"BTC_USDT": "1"}) as server:
        point(monkeypatch, gate=server.url)
        row = fetch(Lake(lake), window, ["BTCUSDT"], ["gate"]).rows[0]
        assert (row.cut, row.events, row.result) == (1, 1001, "partial")
        memory = Lake(lake).read_fetch_log("gate", "BTCUSDT", "gate")
        assert memory.missing(window) == [Window(full * 1000, full * 1000 + US_PER_S)]
        server.asked.clear()
        fetch(Lake(lake), window, ["BTCUSDT"], ["gate"])
        assert [int(a.params["to"]) - int(a.params["from"]) for a in server.paths("liq_orders")] == [0]
        assert sum(stored(lake, "BTCUSDT").values()) == 1001


def test_okx_millisecond_fuller_than_a_page_is_cut(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    now_ms = now_us() // 1000
    at = now_ms - 3 * HOUR_MS
    window = Window((at - HOUR_MS) * 1000, (at + HOUR_MS) * 1000)
    events = [Event(at, "long", 1, Decimal(100 + n)) for n in range(130)] + [Event(at - 5, "short", 1, Decimal(9))]
    with OkxServer({"BTC-USDT-SWAP": events}, {"BTC-USDT-SWAP": "0.01"}, now_ms) as server:
        point(monkeypatch, okx=server.url)
        row = fetch(Lake(lake), window, ["BTCUSDT"], ["okx"]).rows[0]
    assert (row.cut, row.events) == (1, 101)
    assert Lake(lake).read_fetch_log("okx", "BTCUSDT", "okx").missing(window) == [Window(at * 1000, at * 1000 + 1000)]


def test_what_a_source_forgot_stays_in_the_lake(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """OKX keeps 23.5 h. Yesterday's rows are stored already; today's run neither asks for them nor touches them."""
    now = now_us()
    old = Event((now - 30 * HOUR_US) // 1000, "long", 5, Decimal("60000.5"))
    new = Event((now - 2 * HOUR_US) // 1000, "short", 5, Decimal("61000.5"))
    kept = Liquidation(
        old.ts_ms * 1000, "okx", "BTCUSDT", "BTC-USDT-SWAP", "long", 60000.5, "bankruptcy",
        0.05, 3000.025, 5.0, 0.01, "sampled", None, "okx",
    )  # fmt: skip
    yesterday = Window((now - 31 * HOUR_US) // 1000 * 1000, (now - 29 * HOUR_US) // 1000 * 1000)
    with OkxServer({"BTC-USDT-SWAP": [old, new]}, {"BTC-USDT-SWAP": "0.01"}, now // 1000) as server:
        point(monkeypatch, okx=server.url)
        told = [CoveredWindow(yesterday, "provisional", 1, now - 29 * HOUR_US)]  # provisional: it would be asked again
        Lake(lake).replace_window("okx", "BTCUSDT", "okx", told, [kept])
        row = fetch(Lake(lake), Window(now - 48 * HOUR_US, now), ["BTCUSDT"], ["okx"]).rows[0]
        asked = [int(a.params["after"]) for a in server.paths("liquidation-orders")]
    assert stored(lake, "BTCUSDT") == count_expected([old, new], Window(0, now), Decimal("0.01"))
    assert "has no data before" in row.notes[0]
    assert row.result == "ok", "that a source forgets is nobody's fault"
    assert min(asked) >= (now - 23.5 * HOUR_US) / 1000


def test_recent_windows_are_provisional() -> None:
    """Gate: five minutes settle. An answer of 12:00 about 11:00-12:00 is final up to 11:55."""
    gate = load_source("gate")
    noon = 1_800_000_000 // 3600 * 3600 * US_PER_S
    window = Window(noon - HOUR_US, noon)
    parts = assess_window(gate, window, [], noon)
    settled = noon - 300 * US_PER_S
    assert [(p.window, p.status) for p in parts] == [
        (Window(window.start_us, settled), "complete"),
        (Window(settled, noon), "provisional"),
    ]


def test_plan_is_cut_at_whole_hours_and_widened_to_seconds() -> None:
    """11:13:00.5 to 13:00:00.2 at Gate: 11:13:00-12, 12-13, 13:00:00-13:00:01."""
    hour = 1_800_000_000 // 3600 * 3600 * US_PER_S
    asked = Window(hour + 13 * MINUTE_US + 500_000, hour + 2 * HOUR_US + 200_000)
    plan = plan_windows(load_source("gate"), [asked], hour + DAY_US)
    edges = [hour + 13 * MINUTE_US, hour + HOUR_US, hour + 2 * HOUR_US, hour + 2 * HOUR_US + US_PER_S]
    assert plan.windows == tuple(Window(a, b) for a, b in pairwise(edges))
    assert plan.notes == ()
    late = plan_windows(load_source("gate"), [asked], hour + HOUR_US + 90 * DAY_US)
    assert late.windows[0].start_us == hour + HOUR_US
    assert "has no data before" in late.notes[0]


def test_one_source_down_does_not_stop_the_others(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    with gate_server() as gate:
        point(monkeypatch, gate=gate.url)
        summary = fetch(Lake(lake), WINDOW, ["ETHUSDT"], ["gate", "htx"])
    assert {row.source: row.result for row in summary.rows} == {"gate": "ok", "htx": "failed"}
    assert summary.exit_code == ExitCode.PARTIAL
    assert re.match(r"htx: /linear-swap-api/\S+ cannot be reached: .*refused", summary.rows[1].error or "")
    assert sum(stored(lake, "ETHUSDT").values()) == summary.rows[0].events > 400


def test_nothing_usable_is_exit_3(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    with gate_server(faults={n: Reply(451, b"<html>not in your country</html>") for n in range(1, 9)}) as gate:
        point(monkeypatch, gate=gate.url)
        summary = fetch(Lake(lake), WINDOW, ["BTCUSDT", "ETHUSDT"], ["gate"])
        assert len(gate.asked) == 1, "a refused country is not asked twice"
    assert summary.exit_code == ExitCode.SOURCE
    assert "451" in (summary.rows[0].error or "")
    assert parquet_bytes(lake) == {}


def test_a_window_that_stays_broken_is_a_gap(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """One hour answers HTML for ever: the other hours are stored, that hour is missing and asked next time."""

    class Stubborn(GateServer):
        def answer(self, asked: Asked) -> Reply:
            broken = asked.params.get("from") == str((WINDOW.start_us // HOUR_US + 1) * 3600)
            return Reply(200, b"<html>oops</html>") if broken else super().answer(asked)

    with Stubborn({"SOL_USDT": make_events(WINDOW, 8, busy=60)}, {"SOL_USDT": "1"}) as server:
        point(monkeypatch, gate=server.url)
        row = fetch(Lake(lake), WINDOW, ["SOLUSDT"], ["gate"]).rows[0]
    hour = WINDOW.start_us // HOUR_US * HOUR_US + HOUR_US
    assert row.result == "partial"
    assert row.answered == row.planned - 1
    assert "gate: /api/v4/futures/usdt/liq_orders answered 5 times with status 200 but an HTML page" in (
        row.error or ""
    )
    assert Lake(lake).read_fetch_log("gate", "SOLUSDT", "gate").missing(WINDOW) == [Window(hour, hour + HOUR_US)]


def test_bad_rows_are_kept_apart(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """Of five rows two are no liquidation: one without a side, one with a price below zero."""
    with GateServer(
        {"BTC_USDT": [Event(WINDOW.start_us // 1000 + 5000, "long", 3, Decimal(9))] * 5}, {"BTC_USDT": "1"}
    ) as s:
        s.rows["BTC_USDT"][0] |= {"size": 3, "order_size": 3}
        s.rows["BTC_USDT"][1] |= {"fill_price": "-9"}
        point(monkeypatch, gate=s.url)
        row = fetch(Lake(lake), WINDOW, ["BTCUSDT"], ["gate"]).rows[0]
    assert (row.events, row.rejected, row.result) == (3, 2, "partial")
    kept = (lake / "rejected/fetch-gate-BTCUSDT.jsonl").read_text(encoding="utf-8").splitlines()
    assert len(kept) == 2
    assert "side is unclear" in kept[0]
    assert "price is not positive" in kept[1]


def test_unknown_size_rejects_and_never_guesses(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    with HtxServer({"ETH-USDT": make_events(WINDOW, 9, busy=4)}, {"ETH-USDT": "1"}) as server:
        server.sizes["ETH-USDT"] = "0"
        point(monkeypatch, htx=server.url)
        row = fetch(Lake(lake), WINDOW, ["ETHUSDT"], ["htx"]).rows[0]
    assert row.events == 0
    assert row.rejected > 30
    assert "contract size of ETH-USDT is unknown" in (lake / "rejected/fetch-htx-ETHUSDT.jsonl").read_text()


def test_unknown_symbol_names_the_nearest(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    with gate_server() as gate, htx_server() as htx:
        point(monkeypatch, gate=gate.url, htx=htx.url)
        with pytest.raises(UsageError, match=r"unknown symbol 'BTTUSDT'.*did you mean.*BTCUSDT"):
            fetch(Lake(lake), WINDOW, ["ETHUSDT", "BTTUSDT"], ["gate", "htx"])
        assert not gate.paths("liq_orders")
        assert fetch(Lake(lake), WINDOW, ["BTCUSD"], ["gate", "htx"]).rows[1].notes == ["does not list BTCUSD"]


def test_bare_base_means_every_contract(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    with gate_server() as gate:
        point(monkeypatch, gate=gate.url)
        assert [row.symbol for row in fetch(Lake(lake), WINDOW, ["BTC"], ["gate"]).rows] == ["BTCUSD", "BTCUSDT"]


@pytest.mark.parametrize(
    ("sources", "exchanges", "message"),
    [
        (["gat"], [], "unknown source 'gat'; did you mean gate"),
        (["gate"], ["binance"], "gate does not have exchange 'binance'; add --source"),
        ([], ["binanse"], "unknown exchange 'binanse'; did you mean binance"),
        (["okx"], ["gate"], "okx does not have exchange 'gate'; add --source gate"),
    ],
)
def test_unknown_names(lake: Path, sources: list[str], exchanges: list[str], message: str) -> None:
    with pytest.raises(UsageError, match=re.escape(message)):
        fetch(Lake(lake), WINDOW, ["BTCUSDT"], sources, exchanges)


@pytest.mark.parametrize("payload", [{}, None, 7, [7], [{"details": [{}]}], [{"instId": "BTC-USDT-SWAP"}]])
def test_answers_of_another_shape_are_named(monkeypatch: pytest.MonkeyPatch, lake: Path, payload: object) -> None:
    """Good JSON that is no list of orders: an error by source and path, never a traceback, nothing stored."""

    class Odd(OkxServer):
        def answer(self, asked: Asked) -> Reply:
            if asked.path.endswith("liquidation-orders"):
                return json_reply({"code": "0", "msg": "", "data": payload})
            return super().answer(asked)

    now = now_us()
    with Odd({}, {"BTC-USDT-SWAP": "0.01"}, now // 1000) as server:
        point(monkeypatch, okx=server.url)
        summary = fetch(Lake(lake), Window(now - HOUR_US, now), ["BTCUSDT"], ["okx"])
    assert summary.exit_code == ExitCode.SOURCE
    assert re.match(r"okx: /api/v5/public/liquidation-orders (answered 200, but|refused)", summary.rows[0].error or "")
    assert parquet_bytes(lake) == {}


def test_paging_that_does_not_go_on_is_no_complete_answer(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """A mirror that ignores `from` gives the first 100 of 700 rows again and again."""

    class Deaf(HtxServer):
        def answer(self, asked: Asked) -> Reply:
            asked.params.pop("from", None)
            return super().answer(asked)

    with Deaf({"ETH-USDT": make_events(WINDOW, 3, busy=700)}, {"ETH-USDT": "0.01"}) as server:
        point(monkeypatch, htx=server.url)
        row = fetch(Lake(lake), WINDOW, ["ETHUSDT"], ["htx"]).rows[0]
    assert "paging does not advance" in (row.error or "")
    assert row.result == "partial"


def test_lake_that_cannot_be_written_is_one_line(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """A file stands where the lake should be: LakeError before anything is asked for liquidations."""
    (tmp_path / "lake").write_text("no folder")
    with gate_server() as gate:
        point(monkeypatch, gate=gate.url)
        with pytest.raises(LiqcliError, match="lake"):
            fetch(Lake(tmp_path / "lake"), WINDOW, ["BTCUSDT"], ["gate"])
        assert not gate.paths("liq_orders")


@pytest.mark.slow
@pytest.mark.parametrize("what", ["memory", "file"])
def test_damage_costs_its_own_symbol_and_source_alone(monkeypatch: pytest.MonkeyPatch, lake: Path, what: str) -> None:
    """Gate's BTCUSDT cannot be read: it is left as it is and named, the other three are stored; alone it is exit 5."""
    old = Liquidation(
        WINDOW.start_us, "gate", "BTCUSDT", "BTC_USDT", "long", 9.0, "fill", 1.0, 9.0, None, None, "full", None, "gate"
    )
    store = Lake(lake)
    before = Window(WINDOW.start_us - HOUR_US, WINDOW.start_us + 1)
    store.replace_window("gate", "BTCUSDT", "gate", [CoveredWindow(before, "complete", 1, now_us())], [old])
    path = store.fetch_log_path("gate", "BTCUSDT", "gate") if what == "memory" else store.partitions()[0].path(lake)
    path.write_bytes(b"half")
    symbols = ["BTCUSDT", "ETHUSDT"]
    with gate_server() as gate, htx_server() as htx:
        point(monkeypatch, gate=gate.url, htx=htx.url)
        summary = fetch(store, WINDOW, symbols, ["gate", "htx"])
        assert summary.exit_code == ExitCode.PARTIAL
        assert [(row.source, row.symbol, bool(row.error)) for row in summary.rows] == [
            ("gate", "BTCUSDT", True), ("gate", "ETHUSDT", False), ("htx", "BTCUSDT", False), ("htx", "ETHUSDT", False),
        ]  # fmt: skip
        assert str(path) in (summary.rows[0].error or "")
        assert path.read_bytes() == b"half"
        assert [row.events for row in summary.rows[1:]] == [508, 808, 208]
        alone = fetch(store, WINDOW, ["BTCUSDT"], ["gate"])
        assert (alone.exit_code, alone.rows[0].result) == (ExitCode.DAMAGED, "failed")
        assert fetch(store, WINDOW, symbols, ["gate", "htx"], again=True).exit_code == ExitCode.DONE
