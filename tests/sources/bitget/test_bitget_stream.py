"""Bitget live: recorded rows, amounts in money, and a recording that equals the truth."""

from __future__ import annotations

import json

import pytest
from loopback.order_streams import BitgetStream
from loopback.stream_scenes import be_swift, linear, make_recent, record_truth
from loopback.streams import Fault

from liqcli.sources.bitget.stream import SOURCE

ROW = {"symbol": "APEUSDT", "side": "buy", "price": "0.1649", "amount": "13.70319", "ts": "1777358886549"}
ARG = {"instType": "usdt-futures", "topic": "liquidation"}


def test_buy_is_a_long_and_the_amount_is_money():
    """13.70319 USDT at 0.1649 are 83.1 APE."""
    frame = SOURCE.read({"action": "update", "arg": ARG, "data": [ROW], "ts": 1777358897167})
    row = SOURCE.parse(frame.orders[0])
    assert (row.exchange, row.source, row.symbol, row.position) == ("bitget", "bitget-live", "APEUSDT", "long")
    assert (row.price, row.price_kind, row.completeness) == (0.1649, "bankruptcy", "sampled")
    assert (row.qty, row.notional) == (pytest.approx(83.1, rel=1e-12), 13.70319)
    assert (row.ts_us, frame.sent_us, frame.replayed) == (1777358886549_000, 1777358897167_000, False)


def test_sell_is_a_short():
    row = SOURCE.parse({**ROW, "side": "sell", "symbol": "BTCPERP"})
    assert (row.symbol, row.position) == ("BTCUSDC", "short")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"side": "long"}, "unknown side"),
        ({"amount": "0"}, "above zero"),
        ({"price": "x"}, "not a number"),
        ({"symbol": None}, "symbol is missing or not text"),
        ({"symbol": "BTCUSD", "amount": "1000", "price": "62978.5"}, "unit is unclear"),
    ],
)
def test_nothing_is_guessed(change, said):
    with pytest.raises(ValueError, match=said):
        SOURCE.parse({**ROW, **change})


def test_a_missing_field():
    with pytest.raises(ValueError, match="field 'amount' is missing"):
        SOURCE.parse({key: value for key, value in ROW.items() if key != "amount"})


def test_answers():
    assert SOURCE.read({"event": "subscribe", "arg": ARG}).confirmed == ("ALL",)
    refused = SOURCE.read({"event": "error", "arg": ARG, "code": 30001, "msg": "doesn't exist"})
    assert refused.refused == {"ALL": "refused: 30001 doesn't exist"}
    assert SOURCE.read({"action": "snapshot", "arg": ARG, "data": [ROW]}).replayed
    assert (SOURCE.ping, SOURCE.decode(b"pong")) == ("ping", None)


def test_a_connection_for_each_kind_of_contract():
    channels = list(SOURCE.channels(["BTCUSDT", "BTCUSDC", "ETHUSD"]))
    assert [channel.symbols for channel in channels] == [("BTCUSDT",), ("BTCUSDC",), ("ETHUSD",)]
    kinds = [json.loads(channel.hello[0])["args"][0]["instType"] for channel in channels]
    assert kinds == ["usdt-futures", "usdc-futures", "coin-futures"]


def test_a_recording_through_breaks_equals_the_truth(tmp_path, monkeypatch):
    truth = {"BTCUSDT": make_recent(1, 40), "BTCPERP": make_recent(2, 9), "ETHUSDT": make_recent(3, 5)}
    faults = {1: Fault(3, "garbage"), 3: Fault(9, "close"), 4: Fault(9, "drop")}
    with BitgetStream(truth, "0.001", idle_s=4.0, faults=faults) as server:
        be_swift(monkeypatch, "bitget", server)
        rows = {"BTCUSDT": linear(truth["BTCUSDT"], "0.001"), "BTCUSDC": linear(truth["BTCPERP"], "0.001")}
        summary, _ = record_truth(tmp_path, "bitget", rows, server, ["BTC"])
    assert server.complaints == []
    assert {row.symbol for row in summary.rows} == {"BTCUSDT", "BTCUSDC", "BTCUSD"}
    assert sum(row.events for row in summary.rows) == 49
