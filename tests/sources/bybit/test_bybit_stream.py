"""Bybit's live frames: recorded ones, and answers to subscriptions."""

from __future__ import annotations

import json

import pytest
from loopback.order_streams import BybitStream
from loopback.stream_scenes import be_swift, inverse, linear, make_recent, record_truth

from liqcli.sources.bybit.stream import SOURCE, name_instrument, name_symbol

RECORDED = json.loads(
    '{"topic":"allLiquidation.BTCUSDT","type":"snapshot","ts":1791565601482,"data":['
    '{"T":1791565600992,"s":"BTCUSDT","S":"Buy","v":"0.006","p":"82396.90"},'
    '{"T":1791565601058,"s":"BTCUSDT","S":"Buy","v":"0.038","p":"82394.30"}]}'
)


def test_buy_is_a_long_position_at_its_bankruptcy_price():
    frame = SOURCE.read(RECORDED)
    first, second = (SOURCE.parse(event) for event in frame.orders)
    assert (first.exchange, first.source, first.symbol, first.position) == ("bybit", "bybit", "BTCUSDT", "long")
    assert (first.price, first.price_kind, first.qty, first.completeness) == (82396.9, "bankruptcy", 0.006, "full")
    assert first.notional == pytest.approx(494.3814)
    assert (first.ts_us, second.ts_us) == (1791565600992_000, 1791565601058_000)
    assert second.notional == pytest.approx(0.038 * 82394.3)
    assert frame.sent_us == 1791565601482_000


def test_sell_is_a_short_position():
    event = {"T": 1740480207110, "s": "PIPPINUSDT", "S": "Sell", "v": "2846", "p": "0.02456"}
    row = SOURCE.parse(event)
    assert (row.position, row.qty) == ("short", 2846.0)
    assert row.notional == pytest.approx(69.89776)


def test_inverse_sizes_are_dollars():
    row = SOURCE.parse({"T": 1608280339753, "s": "BTCUSD", "S": "Sell", "v": "836", "p": "23216"})
    assert (row.symbol, row.position, row.notional) == ("BTCUSD", "short", 836.0)
    assert row.qty == pytest.approx(0.0360096, abs=1e-7)


@pytest.mark.parametrize(
    "event",
    [
        {"T": 1, "s": "BTCUSDT", "S": "buy", "v": "1", "p": "1"},
        {"T": 1, "s": "BTCUSDT", "v": "1", "p": "1"},
        {"T": 1, "s": "BTCUSDT", "S": "Buy", "v": "x", "p": "1"},
        {"T": None, "s": "BTCUSDT", "S": "Buy", "v": "1", "p": "1"},
    ],
)
def test_nothing_is_guessed(event):
    with pytest.raises(ValueError, match=r"."):
        SOURCE.parse(event)


def test_each_symbol_is_asked_for_by_itself():
    linear, inverse = SOURCE.channels(["BTCUSDT", "ETHUSD", "SOLUSDC"])
    assert (linear.path, linear.symbols) == ("/v5/public/linear", ("BTCUSDT", "SOLUSDC"))
    assert [json.loads(text) for text in linear.hello] == [
        {"op": "subscribe", "req_id": "BTCUSDT", "args": ["allLiquidation.BTCUSDT"]},
        {"op": "subscribe", "req_id": "SOLUSDC", "args": ["allLiquidation.SOLPERP"]},
    ]
    assert (inverse.path, inverse.symbols) == ("/v5/public/inverse", ("ETHUSD",))


def test_names_go_both_ways():
    assert name_instrument("BTCUSDC") == "BTCPERP"
    assert name_symbol("BTCPERP") == "BTCUSDC"
    assert name_symbol("1000PEPEUSDT") == "1000PEPEUSDT"


def test_answers_to_subscriptions():
    assert SOURCE.read({"op": "subscribe", "success": True, "req_id": "BTCUSDT"}).confirmed == ("BTCUSDT",)
    refused = SOURCE.read(
        {"op": "subscribe", "success": False, "req_id": "XUSDT", "ret_msg": "error:handler not found"}
    )
    assert refused.refused == {"XUSDT": "XUSDT refused: error:handler not found"}
    assert SOURCE.read({"op": "pong", "args": ["1"]}).orders == ()


def test_many_symbols_share_a_message_and_a_connection():
    symbols = [f"C{n}USDT" for n in range(450)]
    channels = list(SOURCE.channels(symbols))
    assert [(channel.path, len(channel.symbols), len(channel.hello)) for channel in channels] == [
        ("/v5/public/linear", 200, 1), ("/v5/public/linear", 200, 1), ("/v5/public/linear", 50, 1),
    ]  # fmt: skip
    assert SOURCE.read({"op": "subscribe", "success": True, "req_id": ""}).confirmed == ("ALL",)
    assert max(len(text) for channel in channels for text in channel.hello) < 21_000


def test_all_symbols(tmp_path, monkeypatch):
    """Listed page by page; a contract that is no longer traded is not subscribed, one in USDC is BTCPERP."""
    truth = {"BTCUSDT": make_recent(1, 4), "BTCPERP": make_recent(2, 4), "ETHUSDT": [], "ETHUSD": make_recent(3, 4)}
    with BybitStream(truth) as server:
        be_swift(monkeypatch, "bybit", server)
        rows = {
            "BTCUSDT": linear(truth["BTCUSDT"], "0.001"),
            "BTCUSDC": linear(truth["BTCPERP"], "0.001"),
            "ETHUSD": inverse(truth["ETHUSD"], 1),
        }
        summary, _ = record_truth(tmp_path, "bybit", rows, server, ["all"])
    assert (server.complaints, sorted(server.paths)) == ([], ["/v5/public/inverse", "/v5/public/linear"])
    assert {row.symbol: row.events for row in summary.rows} == dict.fromkeys(rows, 4)
