"""Kraken live: full and partial liquidations among trades, snapshots, and a recording that equals the truth."""

from __future__ import annotations

import json

import pytest
from loopback.stream_scenes import be_swift, inverse, linear, make_recent, record_truth
from loopback.streams import Fault
from loopback.trade_streams import KrakenStream

from liqcli.ingest.stream import record
from liqcli.lake.store import Lake
from liqcli.sources.kraken.stream import SOURCE, bind, parse_contract

TRADE = json.loads(
    '{"feed":"trade","product_id":"PI_XRPUSD","uid":"3ee2","side":"sell","type":"liquidation","seq":41799,'
    '"time":1593561965283,"qty":12000,"price":0.1736}'
)
PRODUCTS = ("PF_XBTUSD", "PI_XBTUSD", "PF_ETHUSD", "FI_XBTUSD_261225")
KNOWING = bind({name: parse_contract({"symbol": name}) for name in PRODUCTS})


def test_a_sell_closes_a_long_of_dollars():
    """12,000 contracts of 1 USD at 0.1736: 69,124.4 XRP."""
    row = SOURCE.parse(SOURCE.read(TRADE).orders[0])
    assert (row.exchange, row.source, row.symbol, row.instrument) == ("kraken", "kraken-live", "XRPUSD", "PI_XRPUSD")
    assert (row.position, row.price, row.price_kind, row.completeness) == ("long", 0.1736, "fill", "full")
    assert (row.notional, row.event_id, row.ts_us) == (12_000.0, "3ee2", 1593561965283_000)
    assert row.qty == pytest.approx(69_124.4, abs=0.1)


def test_a_buy_closes_a_short_of_coins():
    """0.5 BTC at 60,000: 30,000 USD."""
    trade = {
        **TRADE,
        "product_id": "PF_XBTUSD",
        "side": "buy",
        "type": "partialLiquidation",
        "qty": 0.5,
        "price": 60000,
    }
    row = SOURCE.parse(SOURCE.read(trade).orders[0])
    assert (row.symbol, row.position, row.qty, row.notional) == ("BTCUSD", "short", 0.5, 30_000.0)


@pytest.mark.parametrize("kind", ["liquidation", "partialLiquidation", "partial liquidation", "PartialLiquidation"])
def test_every_spelling_of_a_liquidation(kind):
    assert SOURCE.read({**TRADE, "type": kind}).orders


@pytest.mark.parametrize("kind", ["fill", "assignment", "termination", "block"])
def test_other_trades_show_that_the_stream_lives(kind):
    frame = SOURCE.read({**TRADE, "type": kind})
    assert (frame.orders, frame.alive) == ((), True)


def test_a_snapshot_is_a_replay():
    trades = [{key: value for key, value in TRADE.items() if key != "product_id"}, {**TRADE, "type": "fill"}]
    frame = SOURCE.read({"feed": "trade_snapshot", "product_id": "PI_XRPUSD", "trades": trades})
    assert (frame.replayed, frame.orders) == (True, (TRADE,))


def test_answers():
    good = SOURCE.read({"event": "subscribed", "feed": "trade", "product_ids": ["PF_XBTUSD", "PI_XBTUSD"]})
    assert good.confirmed == ("BTCUSD",)
    bad = SOURCE.read({"event": "subscribed_failed", "feed": "trade", "product_ids": ["PF_XUSD"], "message": "no"})
    assert bad.refused == {"XUSD": "XUSD refused: no"}
    with pytest.raises(ValueError, match="error: Invalid product id"):
        SOURCE.read({"event": "error", "message": "Invalid product id"})
    assert SOURCE.read({"event": "info", "version": 1}).confirmed == ()


def test_a_symbol_is_all_of_its_products():
    (channel,) = KNOWING.channels(["BTCUSD", "ETHUSD", "WRONGUSD"])
    assert channel.symbols == ("BTCUSD", "ETHUSD")
    asked = [json.loads(text)["product_ids"] for text in channel.hello]
    assert asked == [["PF_XBTUSD", "PI_XBTUSD"], ["PF_ETHUSD"]]


def test_many_symbols_share_a_message():
    source = bind({f"PF_C{n}USD": parse_contract({"symbol": f"PF_C{n}USD"}) for n in range(160)})
    channels = list(source.channels([f"C{n}USD" for n in range(160)]))
    asked = [[len(json.loads(text)["product_ids"]) for text in channel.hello] for channel in channels]
    assert asked == [[25] * 6, [10]]


@pytest.mark.parametrize(
    ("key", "value"), [("side", "up"), ("qty", None), ("price", 0), ("product_id", 5), ("time", "x")]
)
def test_nothing_is_guessed(key, value):
    with pytest.raises(ValueError, match=r"."):
        SOURCE.parse({**TRADE, key: value})


# ------------------------------------------------------------------ recordings


def test_a_recording_through_breaks_equals_the_truth(tmp_path, monkeypatch):
    """A snapshot after each break brings the last trades again; ids keep them from doubling."""
    coins, dollars, old = make_recent(1, 30), make_recent(2, 10), make_recent(3, 7)
    truth = {"PF_XBTUSD": coins, "PI_XBTUSD": dollars}
    faults = {1: Fault(8, "close"), 2: Fault(8, "drop"), 3: Fault(5, "garbage")}
    history = [("PF_XBTUSD", event) for event in old]
    with KrakenStream(truth, PRODUCTS, faults=faults, history=history) as server:
        be_swift(monkeypatch, "kraken", server)
        rows = {"BTCUSD": linear([*old[1:], *coins], "0.001") + inverse(dollars, 1000)}
        summary, _ = record_truth(tmp_path, "kraken", rows, server)
    assert server.complaints == []
    (row,) = summary.rows
    assert (row.symbol, row.events, row.breaks, row.rejected) == ("BTCUSD", 40, 2, 1)
    windows = Lake(tmp_path).read_fetch_log("kraken", "BTCUSD", "kraken-live").windows
    assert len(windows) == 3


def test_all_symbols_of_the_list(tmp_path, monkeypatch):
    truth = {"PF_ETHUSD": make_recent(5, 4), "FI_XBTUSD_261225": make_recent(6, 4)}
    with KrakenStream(truth, PRODUCTS) as server:
        be_swift(monkeypatch, "kraken", server)
        rows = {"ETHUSD": linear(truth["PF_ETHUSD"], "0.001")}
        summary, _ = record_truth(tmp_path, "kraken", rows, server, ["all"])
    assert {row.symbol: row.events for row in summary.rows} == {"ETHUSD": 4, "BTCUSD-261225": 4}
    assert Lake(tmp_path).list_fetch_logs() == [
        ("kraken", "BTCUSD-261225", "kraken-live"), ("kraken", "ETHUSD", "kraken-live"),
    ]  # fmt: skip


def test_a_symbol_that_is_not_listed(tmp_path, monkeypatch):
    with KrakenStream({}, PRODUCTS) as server:
        be_swift(monkeypatch, "kraken", server)
        summary = record(Lake(tmp_path), ["WRONGUSD"], ["kraken"], 0.2)
    assert [row.error for row in summary.rows] == ["kraken lists no contract WRONGUSD"]
