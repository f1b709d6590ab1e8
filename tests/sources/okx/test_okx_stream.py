"""OKX live: recorded frames, sizes of contracts, the replay, and a recording that equals the truth."""

from __future__ import annotations

import json

import pytest
from loopback.okx_stream import OkxStream
from loopback.scenes import stored
from loopback.stream_scenes import be_swift, inverse, linear, make_recent, record_truth
from loopback.streams import Fault

from liqcli.core.errors import ExitCode
from liqcli.ingest.stream import record
from liqcli.ingest.stream.contracts import ContractUpdate, plan_recording
from liqcli.lake.store import Lake
from liqcli.sources.contracts import ListedContract
from liqcli.sources.okx.stream import SOURCE, ask_contracts, bind
from liqcli.sources.registry import load_live_source

FRAME = json.loads(
    '{"arg":{"channel":"liquidation-orders","instType":"SWAP"},"data":[{"details":[{"bkLoss":"0","bkPx":"82655.7",'
    '"ccy":"","posSide":"long","side":"sell","sz":"8.55","ts":"1791565600771"}],"instFamily":"BTC-USDT",'
    '"instId":"BTC-USDT-SWAP","instType":"SWAP","uly":"BTC-USDT"}]}'
)
CONTRACTS = {
    "BTC-USDT-SWAP": ListedContract("okx", "BTCUSDT", "BTC-USDT-SWAP", 0.01),
    "XRP-USD-230929": ListedContract("okx", "XRPUSD-230929", "XRP-USD-230929", 10.0, inverse=True),
}
KNOWING = bind(CONTRACTS)
SIZES = {
    "BTC-USDT-SWAP": ("0.01", "1", "linear"),
    "BTC-USD-SWAP": ("100", "1", "inverse"),
    "ETH-USDT-SWAP": ("0.1", "1", "linear"),
    "BTC-USDT-261225": ("0.01", "1", "linear"),
}


def test_a_sell_closes_a_long_of_contracts():
    """8.55 contracts of 0.01 BTC at 82,655.7: 0.0855 BTC, 7,067.06 USD."""
    (order,) = KNOWING.read(FRAME).orders
    row = KNOWING.parse(order)
    assert (row.exchange, row.source, row.symbol, row.instrument) == ("okx", "okx-live", "BTCUSDT", "BTC-USDT-SWAP")
    assert (row.position, row.price, row.price_kind, row.completeness) == ("long", 82655.7, "bankruptcy", "sampled")
    assert (row.contracts, row.contract_size, row.qty) == (8.55, 0.01, 0.0855)
    assert row.notional == pytest.approx(7067.06235)
    assert row.ts_us == 1791565600771_000


def test_a_dated_inverse_contract_counts_dollars():
    """39 contracts of 10 USD at 0.55205: 390 USD, 706.458 XRP, a short closed by a buy."""
    detail = {"bkLoss": "0", "bkPx": "0.55205", "posSide": "short", "side": "buy", "sz": "39", "ts": "1680173247614"}
    frame = {"arg": FRAME["arg"], "data": [{"details": [detail], "instId": "XRP-USD-230929"}]}
    for source in (KNOWING, bind({})):  # USD of an inverse contract are known without the list
        row = source.parse(source.read(frame).orders[0])
        assert (row.symbol, row.position, row.notional) == ("XRPUSD-230929", "short", 390.0)
        assert row.qty == pytest.approx(706.4577, abs=1e-4)


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"posSide": "short"}, "side is unclear"),
        ({"side": "up"}, "unknown order side"),
        ({"sz": "x"}, "not a number"),
        ({"instId": "CNPY-USDT-SWAP"}, "contract size of CNPY-USDT-SWAP is unknown"),
        ({"instId": "BTC-USDT"}, "contract size of BTC-USDT is unknown"),
        ({"instId": 5}, "instId is missing or not text"),
    ],
)
def test_nothing_is_guessed(change, said):
    (order,) = KNOWING.read(FRAME).orders
    with pytest.raises(ValueError, match=said):
        KNOWING.parse({**order, **change})


def test_answers():
    assert SOURCE.read({"event": "subscribe", "arg": {}, "connId": "a"}).confirmed == ("ALL",)
    assert SOURCE.read({"event": "error", "code": "60018", "msg": "no"}).refused == {"ALL": "refused: 60018 no"}
    assert SOURCE.read({"event": "notice", "code": "64008"}).orders == ()
    assert (SOURCE.ping, SOURCE.decode(b"pong")) == ("ping", None)


def test_channels():
    swaps, futures = SOURCE.channels(["BTCUSDT", "BTCUSDT-261225"])
    assert (swaps.path, swaps.symbols, futures.symbols) == ("/ws/v5/public", ("BTCUSDT",), ("BTCUSDT-261225",))
    asked = [json.loads(channel.hello[0])["args"][0]["instType"] for channel in (swaps, futures)]
    assert asked == ["SWAP", "FUTURES"]
    assert [channel.symbols for channel in SOURCE.channels(["ALL"])] == [("ALL",), ("ALL",)]


def test_contracts_are_perpetual_and_dated():
    asking = ask_contracts(["BTCUSDT-261225"])
    assert next(asking).text == "/api/v5/public/instruments?instType=SWAP"
    swap = {"instId": "BTC-USDT-SWAP", "ctVal": "0.01", "ctMult": "1", "ctType": "linear"}
    quanto = {"instId": "BTC-EUR-SWAP", "ctVal": "1", "ctMult": "1", "ctType": "linear"}
    assert asking.send([swap, quanto]).text == "/api/v5/public/instruments?instType=FUTURES"
    with pytest.raises(StopIteration) as end:
        asking.send([{"instId": "ETH-USD-261225", "ctVal": "10", "ctMult": "1", "ctType": "inverse"}])
    found = {name: (c.symbol, c.contract_size, c.inverse) for name, c in end.value.value.items()}
    assert found == {"BTC-USDT-SWAP": ("BTCUSDT", 0.01, False), "ETH-USD-261225": ("ETHUSD-261225", 10.0, True)}


# ------------------------------------------------------------------ recordings


def test_a_recording_through_breaks_equals_the_truth(tmp_path, monkeypatch):
    """Each new connection first gets the last five events again; coverage has two gaps; a garbage frame is named."""
    coins, dollars = make_recent(1, 60), make_recent(2, 12)
    truth = {"BTC-USDT-SWAP": coins, "BTC-USD-SWAP": dollars, "ETH-USDT-SWAP": make_recent(3, 8)}
    faults = {1: Fault(20, "close"), 2: Fault(15, "drop"), 3: Fault(10, "garbage")}
    old = make_recent(9, 6)
    history = [("BTC-USDT-SWAP", event) for event in old]
    with OkxStream(truth, SIZES, idle_s=3.0, faults=faults, history=history) as server:
        be_swift(monkeypatch, "okx", server)
        rows = {"BTCUSDT": linear([*old[1:], *coins], "0.01"), "BTCUSD": inverse(dollars, 100)}
        summary, warnings = record_truth(tmp_path, "okx", rows, server)
    assert (server.paths, server.complaints) == (["/ws/v5/public"] * 3, [])
    assert not stored(tmp_path, "ETHUSDT"), "not asked for"
    assert sum("reconnecting" in line for line in warnings) == 2
    found = [(row.symbol, row.events, row.breaks, row.rejected) for row in summary.rows]
    assert found == [("BTCUSDT", 60, 2, 1), ("BTCUSD", 12, 2, 1)], "replayed events are not counted"
    windows = Lake(tmp_path).read_fetch_log("okx", "BTCUSDT", "okx-live").windows
    assert len(windows) == 3
    assert windows[0].window.start_us > max(event.ts_ms for event in coins) * 1000, "a replay covers nothing"


def test_all_symbols(tmp_path, monkeypatch):
    coins, dated, (one, two) = make_recent(4, 10), make_recent(5, 10), make_recent(8, 2)
    history = [("ETH-USDT-SWAP", one), ("BTC-USDT-261225", two)]
    with OkxStream({"ETH-USDT-SWAP": coins, "BTC-USDT-261225": dated}, SIZES, history=history) as server:
        be_swift(monkeypatch, "okx", server)
        rows = {"ETHUSDT": linear([one, *coins], "0.1"), "BTCUSDT-261225": linear([two, *dated], "0.01")}
        summary, _ = record_truth(tmp_path, "okx", rows, server, ["all"])
    assert {row.symbol: (row.events, row.result) for row in summary.rows} == {
        "ETHUSDT": (10, "ok"),
        "BTCUSDT-261225": (10, "ok"),
    }
    assert Lake(tmp_path).list_fetch_logs() == [
        ("okx", "BTCUSDT-261225", "okx-live"), ("okx", "ETHUSDT", "okx-live"),
    ]  # fmt: skip


def test_sizes_are_kept_for_when_they_cannot_be_requested(tmp_path, monkeypatch):
    first, second = make_recent(6, 5), make_recent(7, 5)
    with OkxStream({"BTC-USDT-SWAP": first}, SIZES) as server:
        be_swift(monkeypatch, "okx", server)
        record_truth(tmp_path, "okx", {"BTCUSDT": linear(first, "0.01")}, server)
    with OkxStream({"BTC-USDT-SWAP": second}, SIZES) as server:
        be_swift(monkeypatch, "okx", server)
        server.get = lambda path, params: None  # type: ignore[method-assign]
        rows = {"BTCUSDT": linear(first, "0.01") + linear(second, "0.01")}
        _, warnings = record_truth(tmp_path, "okx", rows, server)
        assert "contracts cannot be requested" in warnings[0]
        summary = record(Lake(tmp_path / "other"), ["BTCUSDT"], ["okx"], 0.1)
    assert summary.exit_code == ExitCode.SOURCE
    assert "answered 404" in str(summary.rows[0].error)


def test_a_name_that_okx_does_not_list(tmp_path, monkeypatch):
    with OkxStream({}, SIZES) as server:
        be_swift(monkeypatch, "okx", server)
        summary = record(Lake(tmp_path), ["BTCUSDT", "WRONGUSDT"], ["okx"], 0.2)
    assert {row.symbol: row.error for row in summary.rows} == {
        "BTCUSDT": None,
        "WRONGUSDT": "okx lists no contract WRONGUSDT",
    }


def test_recorded_frames(real_data):
    """Each recorded frame gives the event that expected.json tells."""
    told = json.loads((real_data / "expected.json").read_text())["messages"]["messages/recorded/okx_ws.jsonl"]
    lines = (real_data / "messages/recorded/okx_ws.jsonl").read_text().splitlines()
    names = [event["symbol"] for event in told["expected"]]
    source = bind({name: ListedContract("okx", SOURCE.name_symbol(name), name, 2.0) for name in names})
    rows = [source.parse(order) for line in lines for order in source.read(json.loads(line)).orders]
    assert len(rows) == told["events"]
    for row, event in zip(rows, told["expected"], strict=True):
        assert (row.instrument, row.position, row.ts_us) == (
            event["symbol"], event["position"], event["time_ms"] * 1000,
        )  # fmt: skip
        assert (row.price, row.contracts, row.price_kind) == (
            float(event["price"]), float(event["quantity"]), event["price_kind"],
        )  # fmt: skip


def test_a_contract_that_is_listed_during_a_recording(tmp_path, monkeypatch):
    """Its size is requested with the next update; until then its events are rejected, which names the size."""
    sizes = dict(SIZES)
    with OkxStream({"BTC-USDT-SWAP": []}, sizes) as server:
        be_swift(monkeypatch, "okx", server)
        lake = Lake(tmp_path)
        plan = plan_recording(lake, load_live_source("okx"), ["ALL"], print)
        order = {**KNOWING.read(FRAME).orders[0], "instId": "NEW-USDT-SWAP"}
        with pytest.raises(ValueError, match="contract size of NEW-USDT-SWAP is unknown"):
            plan.source.parse(order)
        sizes["NEW-USDT-SWAP"] = ("10", "1", "linear")
        update = ContractUpdate(lake, [plan], print)
        update.run()
        asked = len(server.requests)
        update.run()
    assert (asked, len(server.requests)) == (2, 4), "the first time nothing is requested"
    assert plan.source.parse(order).qty == 85.5
