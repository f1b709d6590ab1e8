"""Binance's live frames."""

from __future__ import annotations

import json

import pytest

from liqcli.sources.binance.stream import SOURCE as BINANCE

USD_M = json.loads(
    '{"stream":"!forceOrder@arr","data":{"e":"forceOrder","E":1791565603055,"o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT",'
    '"f":"IOC","q":"0.190","p":"82338.30","ap":"82651.90","X":"FILLED","l":"0.155","z":"0.190","T":1791565602120,'
    '"ps":"BTCUSDT","st":1}}}'
)
COIN_M = {
    "e": "forceOrder", "E": 1594622954031,
    "o": {"s": "BTCUSD_200925", "S": "SELL", "q": "3", "p": "9314.5", "ap": "9352.7", "X": "FILLED", "z": "3",
          "T": 1594622954021},
}  # fmt: skip


def test_a_sell_closes_a_long_at_the_average_fill():
    frame = BINANCE.read(USD_M)
    (order,) = frame.orders
    row = BINANCE.parse(order)
    assert (row.exchange, row.source, row.symbol, row.position) == ("binance", "binance", "BTCUSDT", "long")
    assert (row.price, row.price_kind, row.qty, row.completeness) == (82651.9, "fill", 0.19, "sampled")
    assert row.notional == pytest.approx(15703.861)
    assert row.ts_us == 1791565602120_000
    assert frame.sent_us == 1791565603055_000


def test_coin_margined_contracts_are_a_hundred_dollars_each():
    row = BINANCE.parse(BINANCE.read(COIN_M).orders[0])
    assert (row.symbol, row.position, row.notional, row.contracts) == ("BTCUSD-200925", "long", 300.0, 3.0)
    assert row.qty == pytest.approx(0.0320763, abs=1e-7)


def test_the_path_is_the_one_that_still_pushes():
    (channel,) = BINANCE.channels(["BTCUSDT", "ETHUSDT"])
    assert (BINANCE.url, channel.path) == ("wss://fstream.binance.com", "/market/stream?streams=!forceOrder@arr")
    assert channel.symbols == ("BTCUSDT", "ETHUSDT")
    assert channel.hello == ()


@pytest.mark.parametrize("message", [{"result": None, "id": 1}, {"e": "aggTrade", "s": "BTCUSDT"}, [], "pong"])
def test_other_messages_hold_no_order(message):
    assert BINANCE.read(message).orders == ()
