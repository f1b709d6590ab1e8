"""Bitfinex live: executions and not triggers, the snapshot, and a recording that equals the truth."""

from __future__ import annotations

import json

import pytest
from loopback.order_streams import BitfinexStream
from loopback.stream_scenes import be_swift, linear, make_recent, record_truth
from loopback.streams import Fault

from liqcli.lake.store import Lake
from liqcli.sources.bitfinex.stream import SOURCE

MATCH = ["pos", 143679087, 1594036710543, None, "tETHF0:USTF0", -4.56671421, 222.248906484356, None, 1, 1, None, 235.52]
TRIGGER = ["pos", 143679087, 1594036710534, None, "tETHF0:USTF0", -8.6007, 222.248906484356, None, 0, 1, None, None]
MARGIN = [*MATCH[:4], "tETHUSD", *MATCH[5:]]


def test_an_execution_of_a_short_at_its_acquired_price():
    """4.56671421 ETH at 235.52: 1,075.55 USD; 222.25 was the entry price."""
    frame = SOURCE.read([907, [MATCH], 1206215, 1594036710595])
    row = SOURCE.parse(frame.orders[0])
    assert (row.exchange, row.source, row.symbol, row.position) == ("bitfinex", "bitfinex-live", "ETHUSDT", "short")
    assert (row.price, row.price_kind, row.qty, row.completeness) == (235.52, "fill", 4.56671421, "full")
    assert row.notional == pytest.approx(1075.552, abs=1e-3)
    assert (row.ts_us, row.event_id, frame.sent_us) == (1594036710543_000, "143679087", 1594036710595_000)


def test_triggers_and_spot_margin_are_left_out():
    assert SOURCE.read([907, [TRIGGER, MARGIN, MATCH], 7]).orders == SOURCE.read([907, [MATCH]]).orders
    assert SOURCE.read([907, "hb", 1594036710595]).orders == ()
    assert SOURCE.read([907]).orders == ()


def test_a_longer_row_and_an_unreadable_one():
    assert len(SOURCE.read([907, [[*MATCH, "new"]]]).orders) == 1
    (row,) = SOURCE.read([907, [["pos", 1]]]).orders
    with pytest.raises(ValueError, match="symbol is missing"):
        SOURCE.parse(row)


@pytest.mark.parametrize(
    ("place", "value", "said"),
    [(8, 2, "neither trigger nor match"), (5, 0, "side is unclear"), (11, None, "not a number")],
)
def test_nothing_is_guessed(place, value, said):
    row = [*MATCH[:place], value, *MATCH[place + 1 :]]
    (order,) = SOURCE.read([907, [row]]).orders
    with pytest.raises(ValueError, match=said):
        SOURCE.parse(order)


def test_answers():
    subscribed = {"event": "subscribed", "channel": "status", "chanId": 907, "key": "liq:global"}
    assert SOURCE.read(subscribed).confirmed == ("ALL",)
    assert SOURCE.read({"event": "error", "msg": "no", "code": 10300}).refused == {"ALL": "refused: 10300 no"}
    assert SOURCE.read({"event": "info", "version": 2}).confirmed == ()
    (channel,) = SOURCE.channels(["BTCUSDT"])
    assert [json.loads(text)["event"] for text in channel.hello] == ["conf", "subscribe"]


def test_a_recording_through_breaks_equals_the_truth(tmp_path, monkeypatch):
    """Each snapshot repeats the last eight; what was there before is stored and covers nothing."""
    first, second, old = make_recent(1, 30), make_recent(2, 10), make_recent(3, 9)
    truth = {"tBTCF0:USTF0": first, "tETHF0:USTF0": second}
    faults = {1: Fault(10, "close"), 2: Fault(9, "drop"), 3: Fault(4, "garbage")}
    history = [("tBTCF0:USTF0", event) for event in old]
    with BitfinexStream(truth, faults=faults, history=history) as server:
        be_swift(monkeypatch, "bitfinex", server)
        rows = {"BTCUSDT": linear([*old[1:], *first], "0.001"), "ETHUSDT": linear(second, "0.001")}
        summary, _ = record_truth(tmp_path, "bitfinex", rows, server)
    assert [(row.symbol, row.events, row.breaks, row.rejected) for row in summary.rows] == [
        ("BTCUSDT", 30, 2, 1), ("ETHUSDT", 10, 2, 1),
    ]  # fmt: skip
    windows = Lake(tmp_path).read_fetch_log("bitfinex", "BTCUSDT", "bitfinex-live").windows
    assert windows[0].window.start_us > old[-1].ts_ms * 1000


def test_recorded_triggers_give_no_event(real_data):
    """All recorded messages are triggers, which other tools publish at the entry price."""
    lines = (real_data / "messages/tardis-node/bitfinex-derivatives.jsonl").read_text().splitlines()
    assert [SOURCE.read(json.loads(line)["message"]).orders for line in lines] == [(), (), ()]
