"""Contracts that are listed or delisted during a recording of all symbols, on streams of one symbol each."""

from __future__ import annotations

import threading
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pytest
from loopback.order_streams import BybitStream
from loopback.scenes import stored
from loopback.stream_scenes import be_swift, linear, make_recent, record_truth
from loopback.trade_streams import DydxStream, KrakenStream
from loopback.truth import tidy

from liqcli.core.times import now_us
from liqcli.ingest.stream import connection, recorder
from liqcli.ingest.stream.buffer import StreamBuffer
from liqcli.ingest.stream.contracts import Plan, follow_listings
from liqcli.lake.store import Lake
from liqcli.sources.contracts import ListedContract
from liqcli.sources.registry import load_live_source


def list_later(server: Any, names: list[str], listed: list[str], at_us: list[int]) -> threading.Thread:
    """
    Wait until a server has sent all it had, then list other contracts, of which the new ones have events.

    ``at_us`` receives the time of that.
    """

    def work() -> None:
        while not server.is_done():
            time.sleep(0.02)
        at_us.append(now_us())
        listed[:] = names
        server.truth.update({name: make_recent(9, 5) for name in names if name not in server.truth})
        with server._lock:
            told = {name for name, _ in server.past}
            server.waiting += [(name, e) for name in names if name not in told for e in server.truth[name]]

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    return thread


@pytest.mark.parametrize(
    ("exchange", "first", "later", "symbols", "connections"),
    [
        # room on the connection
        ("kraken", ["PF_XBTUSD"], ["PF_XBTUSD", "PF_ETHUSD"], ["BTCUSD", "ETHUSD"], 1),
        # 32 subscriptions fill a dYdX connection
        ("dydx", [f"C{n}-USD" for n in range(32)], [f"C{n}-USD" for n in range(33)], ["C0USD", "C32USD"], 2),
    ],
)
def test_a_new_contract_is_recorded_from_its_subscription_on(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    exchange: str,
    first: list[str],
    later: list[str],
    symbols: list[str],
    connections: int,
) -> None:
    truth = {name: make_recent(n, 5) if n == 0 else [] for n, name in enumerate(first)}
    listed = list(first)
    server: Any = {"kraken": KrakenStream, "dydx": DydxStream}[exchange](truth, listed)
    monkeypatch.setattr(recorder, "UPDATE_S", 0.3)
    started, listed_us = now_us(), list[int]()
    with server:
        be_swift(monkeypatch, exchange, server)
        thread = list_later(server, later, listed, listed_us)
        _, warnings = record_truth(
            tmp_path, exchange, {}, server, ["all"], until=lambda: not thread.is_alive() and server.is_done()
        )
    assert (len(server.paths), server.complaints, warnings) == (connections, [], [])
    for name, symbol in zip((later[0], later[-1]), symbols, strict=True):
        assert tidy(stored(tmp_path, symbol, exchange)) == tidy(linear(server.truth[name], "0.001"))
    name = load_live_source(exchange).name
    starts = [Lake(tmp_path).read_fetch_log(exchange, s, name).windows[0].window.start_us for s in symbols]
    assert started < starts[0] < listed_us[0] < starts[1]


S = 1_000_000
NOW = 1_772_323_200 * S


def list_contracts(symbols: Sequence[str]) -> dict[str, ListedContract]:
    return {symbol: ListedContract("bybit", symbol, symbol, 1.0) for symbol in symbols}


def open_buffers(exchange: str, symbols: list[str]) -> tuple[Plan, list[StreamBuffer]]:
    """Open connections for symbols, all of which are confirmed."""
    source = load_live_source(exchange)
    plan = Plan(source, symbols, tuple(source.channels(symbols)), contracts=list_contracts(symbols))
    buffers = [StreamBuffer(source, channel) for channel in plan.channels]
    for buffer in buffers:
        buffer.open(NOW)
        buffer.coverage.confirm(buffer.channel.symbols, NOW)
    return plan, buffers


def test_delisted_contracts_are_not_subscribed_again() -> None:
    """One of 45 symbols of Bybit is delisted, in the one message of all; a half answer delists nothing."""
    symbols = [f"C{n}USDT" for n in range(45)]
    plan, (buffer,) = open_buffers("bybit", symbols)
    assert follow_listings(plan, [buffer], list_contracts(symbols[:20]), NOW) == []
    assert len(buffer.channel.symbols) == 45
    assert follow_listings(plan, [buffer], list_contracts(symbols[1:]), NOW) == []
    assert buffer.channel.symbols == tuple(symbols[1:])
    assert '"allLiquidation.C0USDT"' not in buffer.channel.hello[0]
    assert buffer.outbox == []


def test_a_contract_missing_in_one_answer_is_still_recorded() -> None:
    """
    C0USDT is missing in one list, but stays subscribed on the open connection: its event at 5 s is kept, since its time
    is claimed. The connection after that does not subscribe it, until it is listed again.
    """
    symbols = [f"C{n}USDT" for n in range(45)]
    plan, (buffer,) = open_buffers("bybit", symbols)
    follow_listings(plan, [buffer], list_contracts(symbols[1:]), NOW)
    assert plan.contracts == list_contracts(symbols)
    ms = (NOW + 5 * S) // 1000
    order = {"T": ms, "s": "C0USDT", "S": "Buy", "v": "2", "p": "10"}
    buffer.add({"topic": "allLiquidation.C0USDT", "type": "snapshot", "ts": ms, "data": [order]}, NOW + 5 * S)
    batch = buffer.take()
    assert [(row.symbol, row.notional) for row in batch.rows] == [("C0USDT", 20.0)]
    assert any("C0USDT" in claim.symbols for claim in batch.claims)
    buffer.close()
    buffer.open(NOW + 60 * S)
    buffer.coverage.confirm(buffer.channel.symbols, NOW + 60 * S)
    assert buffer.coverage.find_unconfirmed(symbols) == ["C0USDT"]
    follow_listings(plan, [buffer], list_contracts(symbols), NOW + 90 * S)
    assert buffer.channel.symbols == (*symbols[1:], "C0USDT")
    assert ["allLiquidation.C0USDT" in text for text in buffer.outbox] == [True]
    buffer.coverage.confirm(["C0USDT"], NOW + 95 * S)
    assert buffer.coverage.find_unconfirmed(symbols) == []


def test_new_contracts_go_where_there_is_room() -> None:
    """
    Bybit: linear and inverse contracts have their own connections. Of 200 linear ones nothing fits any more, so that
    one more opens a connection; an inverse one is subscribed on the connection that is open.
    """
    plan, buffers = open_buffers("bybit", [*(f"C{n}USDT" for n in range(200)), "BTCUSD"])
    listed = [symbol for buffer in buffers for symbol in buffer.channel.symbols]
    (rest,) = follow_listings(plan, buffers, list_contracts([*listed, "NEWUSDT", "ETHUSD"]), NOW)
    assert (rest.path, rest.symbols, rest.every) == ("/v5/public/linear", ("NEWUSDT",), True)
    linear_one, inverse_one = buffers
    assert linear_one.outbox == []
    assert inverse_one.channel.symbols == ("BTCUSD", "ETHUSD")
    assert [text for text in inverse_one.outbox if "allLiquidation.ETHUSD" in text] == inverse_one.outbox != []
    inverse_one.coverage.confirm(("ETHUSD",), NOW + 5 * S)
    inverse_one.pulse(NOW + 20 * S)
    inverse_one.close()
    starts = {s: (c.start_us - NOW) // S for c in inverse_one.coverage.claims for s in c.symbols}
    assert starts == {"BTCUSD": 0, "ETHUSD": 5}
    inverse_one.open(NOW + 30 * S)
    assert inverse_one.outbox == []  # the next connection subscribes both
    assert len(inverse_one.channel.hello) == 2


class Delisted(BybitStream):
    """Lists one contract first that it does not stream any more."""

    def get(self, path: str, params: Mapping[str, str]) -> object:
        found: Any = super().get(path, params)
        if params["category"] == "linear" and not params.get("cursor"):
            found["result"]["list"].insert(0, {"symbol": "GONEUSDT", "status": "Trading"})
        return found


@pytest.mark.parametrize("count", [44, 0])
def test_a_refused_contract_costs_no_other(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int) -> None:
    """
    Bybit refuses the message of all 45 contracts because of one, so each is subscribed alone; the one is named. If it
    is the only contract, nothing is left to record, and the live view says so.
    """
    truth = {f"C{n}USDT": make_recent(n, 2) if n < 3 else [] for n in range(count)}
    rows = {name: linear(events, "0.001") for name, events in truth.items() if events}
    refusal = "GONEUSDT refused: error:handler not found,topic:allLiquidation.GONEUSDT"
    shown, wanted = list[tuple[str, str | None]](), ("live" if count else "refused", refusal)
    with Delisted(truth) as server:
        be_swift(monkeypatch, "bybit", server)
        monkeypatch.setattr(connection, "PULSE_S", 0.2)
        _, warnings = record_truth(
            tmp_path, "bybit", rows, server, ["all"], lambda: wanted in shown,
            lambda states: shown.extend((state.state, state.note) for state in states),
        )  # fmt: skip
    assert warnings == [f"bybit: {refusal}"]
    assert wanted in shown


def test_unless_stated_a_stream_of_all_symbols_is_recorded_whole(tmp_path: Path) -> None:
    sources = [load_live_source(name) for name in ("binance", "bybit")]
    plans, failed = recorder._plan(Lake(tmp_path), sources, [], print)
    (whole,), (single,) = (plan.channels for plan in plans)
    assert (whole.every, single.every, failed) == (True, False, [])
    assert single.symbols == ("BTCUSDT", "ETHUSDT", "SOLUSDT")


@pytest.mark.parametrize(("exchange", "count"), [("bybit", 45), ("okx", 0), ("htx", 0), ("bitget", 0)])
def test_only_single_symbols_are_subscribed_again(exchange: str, count: int) -> None:
    """Nothing was confirmed of 45 named symbols; a stream of the whole market has one subscription for all."""
    source = load_live_source(exchange)
    (channel,) = source.channels([f"C{n}USDT" for n in range(45)])
    buffer = StreamBuffer(source, channel)
    buffer.open(NOW)
    buffer.resubscribe()
    assert len(buffer.outbox) == count
