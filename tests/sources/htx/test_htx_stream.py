"""HTX live: recorded frames, pings that need an answer, and recordings that equal the truth."""

from __future__ import annotations

import gzip
import json

import pytest
from loopback.htx_stream import HtxStream
from loopback.scenes import stored
from loopback.stream_scenes import be_swift, inverse, linear, make_recent, record_truth
from loopback.streams import Fault

from liqcli.ingest.stream import record
from liqcli.lake.store import Lake
from liqcli.sources.htx.stream import SOURCE

FRAME = json.loads(
    '{"op":"notify","topic":"public.BTC-USDT.liquidation_orders","ts":1608226502344,"data":[{"symbol":"BTC",'
    '"contract_code":"BTC-USDT","direction":"sell","offset":"close","volume":227.0,"price":23350.5,'
    '"created_at":1608226502284,"amount":0.227,"trade_turnover":5300.5635}]}'
)
EVENT = FRAME["data"][0]
SIZES = {"BTC-USDT": "0.001", "ETH-USDT": "0.01", "BTC-USD": "100", "ETH-USD": "10"}


def test_a_sell_closes_a_long_of_coins():
    """227 contracts are 0.227 BTC, as the row says; 0.227 x 23,350.5 = 5,300.5635 USD."""
    frame = SOURCE.read(SOURCE.decode(gzip.compress(json.dumps(FRAME).encode())))
    row = SOURCE.parse(frame.orders[0])
    assert (row.exchange, row.source, row.symbol, row.instrument) == ("htx", "htx-live", "BTCUSDT", "BTC-USDT")
    assert (row.position, row.price, row.price_kind, row.completeness) == ("long", 23350.5, "bankruptcy", "full")
    assert (row.contracts, row.contract_size, row.qty, row.notional) == (227.0, 0.001, 0.227, 5300.5635)
    assert (row.ts_us, frame.sent_us) == (1608226502284_000, 1608226502344_000)


def test_a_buy_closes_a_short():
    """500 contracts are 5 ETH; 5 x 2,446.26 = 12,231.3 USD."""
    event = {
        "contract_code": "ETH-USDT", "direction": "buy", "offset": "close", "volume": 500, "price": 2446.26,
        "created_at": 1789670297212, "amount": 5, "trade_turnover": 12231.3,
    }  # fmt: skip
    row = SOURCE.parse(event)
    assert (row.position, row.contract_size, row.qty, row.notional) == ("short", 0.01, 5.0, 12231.3)


def test_coin_margined_contracts_count_dollars():
    """173 contracts of 100 USD at 17,102.9: 17,300 USD, 1.01152 BTC."""
    row = SOURCE.parse({**EVENT, "contract_code": "BTC-USD", "volume": 173, "price": 17102.9, "amount": 1.01152})
    assert (row.symbol, row.notional, row.contract_size) == ("BTCUSD", 17_300.0, 100.0)
    assert row.qty == pytest.approx(1.01152, abs=1e-5)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"direction": "up"}, "unknown order side"),
        ({"offset": "open"}, "does not close"),
        ({"volume": 0}, "above zero"),
        ({"amount": None}, "not a number"),
        ({"contract_code": 7}, "not text"),
        ({"contract_code": "BTC-EUR"}, "not quoted in dollars"),
        ({"price": 0}, "price is not positive"),
    ],
)
def test_nothing_is_guessed(change, said):
    with pytest.raises(ValueError, match=said):
        SOURCE.parse({**EVENT, **change})


@pytest.mark.parametrize("ts", [1492420473027, "1492420473027"])
def test_a_ping_is_answered_with_its_own_time(ts):
    assert json.loads(SOURCE.read({"op": "ping", "ts": ts}).reply) == {"op": "pong", "ts": ts}


def test_a_ping_without_a_time_is_not_answered():
    with pytest.raises(ValueError, match="a ping without a time"):
        SOURCE.read({"op": "ping", "ts": {"a": 1}})


def test_answers_to_subscriptions():
    assert SOURCE.read({"op": "sub", "topic": "public.*.liquidation_orders", "err-code": 0}).confirmed == ("ALL",)
    refused = SOURCE.read({"op": "sub", "err-code": 2011, "err-msg": "Topic error"})
    assert refused.refused == {"ALL": "refused: 2011 Topic error"}
    assert SOURCE.read({"op": "close"}).orders == ()


def test_channels():
    linear_, coins = SOURCE.channels(["BTCUSDT", "ETHUSD"])
    assert (linear_.path, linear_.symbols) == ("/linear-swap-notification", ("BTCUSDT",))
    assert (coins.path, coins.symbols) == ("/swap-notification", ("ETHUSD",))
    assert json.loads(linear_.hello[0])["topic"] == "public.*.liquidation_orders"


# ------------------------------------------------------------------ recordings


def test_a_recording_through_breaks_equals_the_truth(tmp_path, monkeypatch):
    """Twins stay; pings are answered; a frame without compression is named; a half-open connection is replaced."""
    coins, dollars = make_recent(1, 40), make_recent(2, 10)
    coins += coins[-2:]  # twins, in one message
    faults = {"/linear-swap-notification": Fault(10, "compression"), "/swap-notification": Fault(4, "half-open")}
    with HtxStream({"BTC-USDT": coins, "ETH-USD": dollars}, SIZES, ping_s=0.2, faults=faults) as server:
        be_swift(monkeypatch, "htx", server)
        rows = {"BTCUSDT": linear(coins, "0.001"), "ETHUSD": inverse(dollars, 10)}
        summary, _ = record_truth(tmp_path, "htx", rows, server, until=lambda: server.pongs > 2)
    assert server.complaints == []
    assert server.pongs > 2
    assert sum(row.events for row in summary.rows) == len(coins) + len(dollars)
    assert max(row.rejected for row in summary.rows) == 1
    assert {row.symbol: row.breaks for row in summary.rows} == {"BTCUSDT": 0, "ETHUSD": 1}
    logs = [Lake(tmp_path).read_fetch_log("htx", symbol, "htx-live").windows for symbol in rows]
    assert [len(windows) for windows in logs] == [1, 2], "a gap where the connection was half open"


def test_pings_without_an_answer_end_the_connection(tmp_path, monkeypatch):
    """The server keeps its rule, and the recorder would show it: without answers it is closed after five pings."""

    def mute(message):
        return SOURCE.read(message) if message["op"] != "ping" else SOURCE.read({"op": "close"})

    with HtxStream({}, SIZES, ping_s=0.02) as server:
        be_swift(monkeypatch, "htx", server, read=mute)
        summary = record(Lake(tmp_path), ["BTCUSDT"], ["htx"], 0.5)
    assert "no pong" in server.complaints
    assert summary.rows[0].breaks > 0


def test_all_symbols(tmp_path, monkeypatch):
    truth = {"BTC-USDT": make_recent(3, 5), "ETH-USDT": make_recent(4, 5), "BTC-USD": make_recent(5, 5)}
    with HtxStream(truth, SIZES) as server:
        be_swift(monkeypatch, "htx", server)
        rows = {
            "BTCUSDT": linear(truth["BTC-USDT"], "0.001"),
            "ETHUSDT": linear(truth["ETH-USDT"], "0.01"),
            "BTCUSD": inverse(truth["BTC-USD"], 100),
        }
        summary, _ = record_truth(tmp_path, "htx", rows, server, ["all"])
    assert {row.symbol for row in summary.rows} == set(rows)
    assert not stored(tmp_path, "ETHUSD")


def test_recorded_frame(real_data):
    lines = (real_data / "messages/tardis-node/huobi-dm-linear-swap.jsonl").read_text().splitlines()
    told = json.loads((real_data / "expected.json").read_text())["messages"]
    (event,) = told["messages/tardis-node/huobi-dm-linear-swap.jsonl"]["expected"]
    (order,) = SOURCE.read(json.loads(lines[0])["message"]).orders
    row = SOURCE.parse(order)
    assert (row.instrument, row.position, row.price) == (event["symbol"], event["position"], float(event["price"]))
    assert (row.contracts, row.ts_us) == (float(event["quantity"]), event["time_ms"] * 1000)
