"""Lighter live: the taker's side, market numbers, pings, and a recording that equals the truth."""

from __future__ import annotations

import json

import pytest
from loopback.stream_scenes import be_swift, linear, make_recent, record_truth
from loopback.streams import Fault
from loopback.trade_streams import LighterStream

from liqcli.ingest.stream import record
from liqcli.lake.store import Lake
from liqcli.sources.contracts import ListedContract
from liqcli.sources.lighter.stream import SOURCE, bind

TRADE = {
    "trade_id": 18237797923, "type": "liquidation", "market_id": 1, "size": "0.01664", "price": "75602.8",
    "usd_amount": "1258.030592", "is_maker_ask": True, "timestamp": 1776687656653,
    "taker_position_size_before": "-0.01664",
}  # fmt: skip
UPDATE = {"channel": "trade:1", "type": "update/trade"}
NUMBERS = {"ETH": 0, "BTC": 1, "1000PEPE": 4}
KNOWING = bind({str(number): ListedContract("lighter", f"{n}USDC", n, 1.0) for n, number in NUMBERS.items()})


def parse(**change: object):
    (order,) = KNOWING.read({**UPDATE, "liquidation_trades": [{**TRADE, **change}]}).orders
    return KNOWING.parse(order)


def test_a_taker_that_bought_was_short():
    """0.01664 BTC at 75,602.8: 1,258.030592 USD, as the row says."""
    row = parse()
    assert (row.exchange, row.source, row.symbol, row.instrument) == ("lighter", "lighter", "BTCUSDC", "BTC")
    assert (row.position, row.price, row.price_kind, row.qty) == ("short", 75602.8, "fill", 0.01664)
    assert row.notional == pytest.approx(1258.030592, abs=1e-9)
    assert (row.completeness, row.event_id, row.ts_us) == ("full", "18237797923", 1776687656653_000)


def test_a_taker_that_sold_was_long():
    assert parse(is_maker_ask=False, taker_position_size_before="0.5").position == "long"
    assert parse(is_maker_ask=False, taker_position_size_before=None).position == "long"


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"is_maker_ask": False}, "side is unclear"),
        ({"is_maker_ask": "true"}, "neither true nor false"),
        ({"price": "x"}, "not a number"),
    ],
)
def test_nothing_is_guessed(change, said):
    with pytest.raises(ValueError, match=said):
        parse(**change)


def test_rows_may_be_missing_or_the_only_ones():
    ordinary = {"trade_id": 1, "type": "trade"}
    assert KNOWING.read({**UPDATE, "trades": [ordinary], "liquidation_trades": None}).orders == ()
    both = KNOWING.read({**UPDATE, "trades": [ordinary, TRADE], "liquidation_trades": [TRADE]})
    assert len(both.orders) == 1
    assert len(KNOWING.read({**UPDATE, "trades": [TRADE]}).orders) == 1
    assert KNOWING.read({**UPDATE, "liquidation_trades": [{**TRADE, "type": "deleverage"}]}).orders == ()


def test_answers():
    first = KNOWING.read({"channel": "trade:1", "type": "subscribed/trade", "liquidation_trades": [TRADE]})
    assert (first.confirmed, first.replayed, len(first.orders)) == (("BTCUSDC",), True, 1)
    assert json.loads(KNOWING.read({"type": "ping"}).reply) == {"type": "pong"}
    assert KNOWING.read({"type": "connected"}).orders == ()
    with pytest.raises(ValueError, match="Invalid Channel"):
        KNOWING.read({"error": {"code": 30005, "message": "Invalid Channel"}})
    (unknown,) = SOURCE.read({**UPDATE, "liquidation_trades": [TRADE]}).orders
    with pytest.raises(ValueError, match="unknown market number '1'"):
        SOURCE.parse(unknown)


def test_markets_are_subscribed_by_number():
    (channel,) = KNOWING.channels(["BTCUSDC", "ETHUSDC", "WRONGUSDC"])
    assert channel.symbols == ("BTCUSDC", "ETHUSDC")
    assert [json.loads(text)["channel"] for text in channel.hello] == ["trade/1", "trade/0"]
    many = bind({str(n): ListedContract("lighter", f"C{n}USDC", f"C{n}", 1.0) for n in range(200)})
    assert [len(c.hello) for c in many.channels([f"C{n}USDC" for n in range(200)])] == [90, 90, 20]


# ------------------------------------------------------------------ recordings


def test_a_recording_through_breaks_equals_the_truth(tmp_path, monkeypatch):
    first, second, old = make_recent(1, 30), make_recent(2, 10), make_recent(3, 7)
    faults = {1: Fault(8, "drop"), 2: Fault(8, "close"), 3: Fault(5, "garbage")}
    history = [("BTC", event) for event in old]
    with LighterStream({"BTC": first, "1000PEPE": second}, NUMBERS, 0.2, faults=faults, history=history) as server:
        be_swift(monkeypatch, "lighter", server)
        rows = {"BTCUSDC": linear([*old[1:], *first], "0.001"), "1000PEPEUSDC": linear(second, "0.001")}
        summary, _ = record_truth(tmp_path, "lighter", rows, server, until=lambda: server.pongs > 1)
    assert server.complaints == []
    found = [(row.symbol, row.events, row.breaks, row.rejected) for row in summary.rows]
    assert found == [("BTCUSDC", 30, 2, 1), ("1000PEPEUSDC", 10, 2, 1)]


def test_all_markets_without_spot(tmp_path, monkeypatch):
    truth = {"ETH": make_recent(4, 3)}
    with LighterStream(truth, NUMBERS) as server:
        be_swift(monkeypatch, "lighter", server)
        summary, _ = record_truth(tmp_path, "lighter", {"ETHUSDC": linear(truth["ETH"], "0.001")}, server, ["all"])
    assert (server.complaints, server.requests) == ([], ["/api/v1/orderBooks"])
    assert [row.symbol for row in summary.rows] == ["ETHUSDC"]


def test_a_quote_that_lighter_does_not_have(tmp_path, monkeypatch):
    with LighterStream({}, NUMBERS) as server:
        be_swift(monkeypatch, "lighter", server)
        summary = record(Lake(tmp_path), ["DOGE", "BTC"], ["lighter"], 0.5)
    assert [row.symbol for row in summary.rows] == ["BTCUSDC"]
