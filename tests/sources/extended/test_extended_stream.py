"""Extended live: the taker's order, the replay of the first message, and a recording that equals the truth."""

from __future__ import annotations

import pytest
from loopback.stream_scenes import be_swift, linear, make_recent, record_truth
from loopback.streams import Fault
from loopback.trade_streams import ExtendedStream

from liqcli.lake.store import Lake
from liqcli.sources.extended.stream import PATH, SOURCE

TRADE = {"m": "BTC-USD", "S": "SELL", "tT": "LIQUIDATION", "T": 1779907000000, "p": "74500", "q": "0.5", "i": 999}


def test_a_sell_closes_a_long():
    """0.5 BTC at 74,500: 37,250 USD."""
    frame = SOURCE.read({"ts": 1779907000001, "data": [TRADE, {**TRADE, "tT": "TRADE"}], "seq": 2})
    row = SOURCE.parse(frame.orders[0])
    assert (row.exchange, row.source, row.symbol, row.instrument) == ("extended", "extended", "BTCUSD", "BTC-USD")
    assert (row.position, row.price, row.price_kind, row.qty) == ("long", 74500.0, "fill", 0.5)
    assert (row.notional, row.completeness, row.event_id) == (37_250.0, "full", "999")
    assert (row.ts_us, frame.sent_us, frame.replayed) == (1779907000000_000, 1779907000001_000, False)
    assert SOURCE.parse({**TRADE, "S": "BUY"}).position == "short"


@pytest.mark.parametrize("kind", ["TRADE", "DELEVERAGE", None])
def test_other_trades_confirm_that_the_stream_delivers(kind):
    frame = SOURCE.read({"data": [{**TRADE, "tT": kind}], "seq": 5})
    assert (frame.orders, frame.alive, frame.confirmed) == ((), True, ("ALL",))


def test_the_first_message_is_a_replay():
    assert SOURCE.read({"data": [TRADE], "seq": 1}).replayed


@pytest.mark.parametrize(("key", "value"), [("S", "up"), ("p", "0"), ("q", None), ("m", 1), ("T", "now")])
def test_nothing_is_guessed(key, value):
    with pytest.raises(ValueError, match=r"."):
        SOURCE.parse({**TRADE, key: value})


def test_a_message_without_trades():
    with pytest.raises(ValueError, match=r"no trades: \{'code': 404\}"):
        SOURCE.read({"error": {"code": 404}})


def test_the_path_is_the_subscription():
    assert [channel.path for channel in SOURCE.channels(["BTCUSD"])] == [f"{PATH}/BTC-USD"]
    assert [channel.path for channel in SOURCE.channels(["BTCUSD", "ETHUSD"])] == [PATH]
    assert [channel.path for channel in SOURCE.channels(["ALL"])] == [PATH]


def test_a_recording_through_breaks_equals_the_truth(tmp_path, monkeypatch):
    """Each connection first gets the last fifty trades again, however old: they neither double nor cover anything."""
    first, second, old = make_recent(1, 30), make_recent(2, 10), make_recent(3, 60)
    truth = {"BTC-USD": first, "ETH-USD": second}
    faults = {1: Fault(8, "drop"), 2: Fault(8, "close"), 3: Fault(5, "garbage")}
    history = [("BTC-USD", event) for event in old]
    with ExtendedStream(truth, faults=faults, history=history) as server:
        be_swift(monkeypatch, "extended", server)
        rows = {"BTCUSD": linear([*old[10:], *first], "0.001"), "ETHUSD": linear(second, "0.001")}
        summary, _ = record_truth(tmp_path, "extended", rows, server)
    assert (server.complaints, server.paths) == ([], [PATH] * 3)
    found = [(row.symbol, row.events, row.breaks, row.rejected) for row in summary.rows]
    assert found == [("BTCUSD", 30, 2, 1), ("ETHUSD", 10, 2, 1)]
    windows = Lake(tmp_path).read_fetch_log("extended", "BTCUSD", "extended").windows
    assert windows[0].window.start_us > old[-1].ts_ms * 1000


def test_all_symbols(tmp_path, monkeypatch):
    truth = {"NVDA_24_5-USD": make_recent(4, 3)}
    with ExtendedStream(truth) as server:
        be_swift(monkeypatch, "extended", server)
        rows = {"NVDA245USD": linear(truth["NVDA_24_5-USD"], "0.001")}
        summary, _ = record_truth(tmp_path, "extended", rows, server, ["all"])
    assert [(row.symbol, row.events, row.result) for row in summary.rows] == [("NVDA245USD", 3, "ok")]
