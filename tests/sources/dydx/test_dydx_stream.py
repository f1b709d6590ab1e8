"""dYdX live: liquidations among trades, the history of a subscription, and a recording that equals the truth."""

from __future__ import annotations

import json

import pytest
from loopback.stream_scenes import be_swift, linear, make_recent, record_truth
from loopback.streams import Fault
from loopback.trade_streams import DydxStream

from liqcli.ingest.stream import record
from liqcli.lake.store import Lake
from liqcli.sources.dydx.stream import SOURCE

TRADE = {
    "id": "0165", "size": "3.9", "price": "22.87", "side": "SELL", "createdAt": "2024-08-04T07:34:50.628Z",
    "type": "LIQUIDATED",
}  # fmt: skip
DATA = {"type": "channel_data", "id": "AVAX-USD", "channel": "v4_trades", "version": "2.1.0"}


def test_a_sell_closes_a_long():
    """3.9 AVAX at 22.87: 89.193 USD."""
    (order,) = SOURCE.read({**DATA, "contents": {"trades": [TRADE, {**TRADE, "type": "LIMIT"}]}}).orders
    row = SOURCE.parse(order)
    assert (row.exchange, row.source, row.symbol, row.instrument) == ("dydx", "dydx-live", "AVAXUSD", "AVAX-USD")
    assert (row.position, row.price, row.price_kind, row.qty) == ("long", 22.87, "fill", 3.9)
    assert (row.notional, row.completeness, row.event_id) == (pytest.approx(89.193), "full", "0165")
    assert row.ts_us == 1722756890_628_000


def test_a_batch_and_a_buy():
    deleveraged = {**TRADE, "side": "BUY", "type": "DELEVERAGED"}
    parts = [{"trades": [{**TRADE, "side": "BUY"}, deleveraged]}, {"trades": []}, {"trades": [TRADE]}]
    frame = SOURCE.read({**DATA, "type": "channel_batch_data", "contents": parts})
    assert [SOURCE.parse(order).position for order in frame.orders] == ["short", "long"]
    assert frame.alive


def test_a_subscription_starts_with_a_replay():
    frame = SOURCE.read({**DATA, "type": "subscribed", "contents": {"trades": [TRADE]}})
    assert (frame.confirmed, frame.replayed, len(frame.orders)) == (("AVAXUSD",), True, 1)


def test_answers():
    bad = SOURCE.read({"type": "error", "message": "Invalid", "id": "X-USD", "channel": "v4_trades"})
    assert bad.refused == {"XUSD": "X-USD refused: Invalid"}
    with pytest.raises(ValueError, match="error: slow down"):
        SOURCE.read({"type": "error", "message": "slow down"})
    assert SOURCE.read({"type": "connected"}).orders == ()


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"side": "UP"}, "unknown order side"),
        ({"size": "x"}, "not a number"),
        ({"createdAt": "now"}, "isoformat"),
        ({"type": "LIMIT"}, "not a liquidation"),
        ({"ticker": 1}, "not text"),
    ],
)
def test_nothing_is_guessed(change, said):
    with pytest.raises(ValueError, match=said):
        SOURCE.parse({**TRADE, "ticker": "AVAX-USD", **change})


def test_32_subscriptions_a_connection():
    symbols = [f"C{n}USD" for n in range(70)]
    channels = list(SOURCE.channels(symbols))
    assert [len(channel.hello) for channel in channels] == [32, 32, 6]
    assert json.loads(channels[0].hello[0]) == {"type": "subscribe", "channel": "v4_trades", "id": "C0-USD"}


# ------------------------------------------------------------------ recordings


def test_a_recording_through_breaks_equals_the_truth(tmp_path, monkeypatch):
    first, second, old = make_recent(1, 30), make_recent(2, 10), make_recent(3, 7)
    faults = {1: Fault(8, "drop"), 2: Fault(8, "close"), 3: Fault(5, "garbage")}
    history = [("BTC-USD", event) for event in old]
    truth = {"BTC-USD": first, "ETH-USD": second}
    with DydxStream(truth, list(truth), faults=faults, history=history) as server:
        be_swift(monkeypatch, "dydx", server)
        rows = {"BTCUSD": linear([*old[1:], *first], "0.001"), "ETHUSD": linear(second, "0.001")}
        summary, _ = record_truth(tmp_path, "dydx", rows, server)
    assert server.complaints == []
    assert [(row.symbol, row.events, row.breaks) for row in summary.rows] == [("BTCUSD", 30, 2), ("ETHUSD", 10, 2)]


def test_all_markets_need_several_connections(tmp_path, monkeypatch):
    truth = {"C0-USD": make_recent(1, 2), "C39-USD": make_recent(2, 2)}
    with DydxStream(truth, [f"C{n}-USD" for n in range(40)]) as server:
        be_swift(monkeypatch, "dydx", server)
        rows = {"C0USD": linear(truth["C0-USD"], "0.001"), "C39USD": linear(truth["C39-USD"], "0.001")}
        summary, _ = record_truth(tmp_path, "dydx", rows, server, ["all"])
    assert (len(server.paths), server.complaints) == (2, [])
    assert {row.symbol for row in summary.rows} == set(rows)


def test_an_unknown_market_is_refused(tmp_path, monkeypatch):
    with DydxStream({}, ["BTC-USD"]) as server:
        be_swift(monkeypatch, "dydx", server)
        summary = record(Lake(tmp_path), ["BTCUSD", "WRONGUSD"], ["dydx"], 0.6)
    found = {row.symbol: row.error for row in summary.rows}
    assert found["WRONGUSD"] == "WRONG-USD refused: Invalid subscription id for channel: (v4_trades-WRONG-USD)"
