"""Backpack live: documented frames; coverage only where an event showed that the stream delivers."""

from __future__ import annotations

import json

import pytest
from loopback.order_streams import BackpackStream
from loopback.stream_scenes import be_swift, linear, make_recent, record_truth
from loopback.streams import Fault

from liqcli.ingest.stream import record
from liqcli.lake.store import Lake
from liqcli.sources.backpack.stream import SOURCE

EVENT = {
    "e": "liquidation", "E": 1694688638091000, "q": "10", "p": "18.70", "S": "Bid", "s": "SOL_USDC_PERP",
    "T": 1694688638089000,
}  # fmt: skip
MESSAGE = {"stream": "liquidation.SOL_USDC_PERP", "data": EVENT}
MARKETS = ("SOL_USDC_PERP", "BTC_USDC_PERP", "SOL_USDC")


def test_a_bid_closes_a_short():
    """10 SOL at 18.70: 187 USD."""
    frame = SOURCE.read(MESSAGE)
    row = SOURCE.parse(frame.orders[0])
    assert (row.exchange, row.source, row.symbol, row.instrument) == (
        "backpack",
        "backpack",
        "SOLUSDC",
        "SOL_USDC_PERP",
    )
    assert (row.position, row.price, row.price_kind, row.qty, row.notional) == ("short", 18.7, "order", 10.0, 187.0)
    assert (row.ts_us, frame.sent_us, row.completeness) == (1694688638089000, 1694688638091000, "full")
    assert SOURCE.parse({**EVENT, "S": "Ask"}).position == "long"


def test_the_time_of_the_event_where_that_of_the_engine_is_no_time():
    """The documentation's own example has T 567."""
    assert SOURCE.parse({**EVENT, "T": 567}).ts_us == 1694688638091000


@pytest.mark.parametrize(("key", "value"), [("S", "Buy"), ("p", "0"), ("q", None), ("s", 1)])
def test_nothing_is_guessed(key, value):
    with pytest.raises(ValueError, match=r"."):
        SOURCE.parse({**EVENT, key: value})


def test_a_refusal_is_kept():
    with pytest.raises(ValueError, match=r"refused: .*Invalid stream"):
        SOURCE.read({"id": None, "error": {"code": 4005, "message": "Invalid stream: liquidation"}})
    assert SOURCE.read({"result": None, "id": 1}).orders == ()


def test_a_stream_for_each_market():
    (channel,) = SOURCE.channels(["SOLUSDC", "BTCUSDC"])
    assert channel.path == "/"
    assert [json.loads(text)["params"] for text in channel.hello] == [
        ["liquidation.SOL_USDC_PERP"], ["liquidation.BTC_USDC_PERP"],
    ]  # fmt: skip


def test_a_recording_through_breaks_equals_the_truth(tmp_path, monkeypatch):
    """Twins stay."""
    first, second = make_recent(1, 30), make_recent(2, 10)
    first += first[-1:]
    faults = {1: Fault(8, "drop"), 2: Fault(8, "close"), 3: Fault(5, "garbage")}
    with BackpackStream({"SOL_USDC_PERP": first, "BTC_USDC_PERP": second}, MARKETS, faults=faults) as server:
        be_swift(monkeypatch, "backpack", server)
        rows = {"SOLUSDC": linear(first, "0.01"), "BTCUSDC": linear(second, "0.01")}
        summary, _ = record_truth(tmp_path, "backpack", rows, server)
    assert server.complaints == []
    assert [(row.symbol, row.events, row.breaks) for row in summary.rows] == [("SOLUSDC", 31, 2), ("BTCUSDC", 10, 2)]


def test_a_refused_or_silent_stream_covers_nothing(tmp_path, monkeypatch):
    """Nothing confirms a subscription, so calm is not told from a refusal, and nothing is claimed."""
    with BackpackStream({}, MARKETS) as server:
        be_swift(monkeypatch, "backpack", server)
        summary = record(Lake(tmp_path), ["SOLUSDC", "WRONGUSDC"], ["backpack"], 0.5)
    assert [row.result for row in summary.rows] == ["failed", "failed"]
    assert Lake(tmp_path).list_fetch_logs() == []
    (line,) = (tmp_path / "rejected/record-backpack.jsonl").read_text().splitlines()
    assert "Invalid stream: liquidation.WRONG_USDC_PERP" in json.loads(line)["reason"]


def test_all_markets_are_the_perpetual_ones(tmp_path, monkeypatch):
    truth = {"BTC_USDC_PERP": make_recent(3, 3)}
    with BackpackStream(truth, MARKETS) as server:
        be_swift(monkeypatch, "backpack", server)
        record_truth(tmp_path, "backpack", {"BTCUSDC": linear(truth["BTC_USDC_PERP"], "0.01")}, server, ["all"])
    assert (server.complaints, server.requests) == ([], ["/api/v1/markets"])
