"""Every recorded exchange and every fault of a connection: the lake equals the truth, and only gaps are gaps."""

from __future__ import annotations

import json
from collections.abc import Iterator
from datetime import UTC
from itertools import pairwise
from pathlib import Path

import pytest
from factories import fill_lake, make_liquidation
from loopback.scenes import HOUR_US
from loopback.stream_cases import CASES, Case, Faults
from loopback.stream_scenes import be_swift, make_recent, record_truth
from loopback.streams import Fault

from liqcli.core.formatting import format_iso
from liqcli.core.model import Liquidation
from liqcli.core.times import now_us
from liqcli.ingest.stream import record
from liqcli.ingest.stream.buffer import StreamBuffer
from liqcli.lake.selection import Query, build_selection
from liqcli.lake.store import Lake
from liqcli.query.duckdb_engine import DuckDBEngine
from liqcli.sources.contracts import ListedContract
from liqcli.sources.registry import list_recorded, load_live_source
from liqcli.sources.stream_base import Channel

BREAKS = {"close": 1, "drop": 1, "half-open": 1, "garbage": 0, "compression": 0}


def make_truth(case: Case, count: int) -> dict[str, list]:
    return {name: make_recent(seed, count) for seed, name in enumerate(case.names)}


def record_case(lake: Path, monkeypatch: pytest.MonkeyPatch, exchange: str, faults: Faults, count: int):
    case = CASES[exchange]
    truth = make_truth(case, count)
    with case.start(truth, faults) as server:
        be_swift(monkeypatch, exchange, server)
        summary, _ = record_truth(lake, exchange, case.rows(truth), server)
    assert server.complaints == []
    assert sum(row.events for row in summary.rows) >= 2 * count * len(truth) // 3, "a replay may repeat some"
    return summary


def test_every_exchange_has_a_case():
    assert set(CASES) == set(list_recorded())


@pytest.mark.parametrize("exchange", ["binance", "aster", "bybit"])
def test_a_recording_equals_the_truth(tmp_path, monkeypatch, exchange):
    """Other exchanges have tests of their own, with their own rules; all of them are in the matrix below."""
    summary = record_case(tmp_path, monkeypatch, exchange, {1: Fault(5, "close")}, 12)
    assert max(row.breaks for row in summary.rows) == 1
    sampled = {row.completeness for row in _rows(tmp_path)}
    assert sampled == {"full" if exchange == "bybit" else "sampled"}


@pytest.mark.soak
@pytest.mark.parametrize("kind", BREAKS)
@pytest.mark.parametrize("exchange", CASES)
def test_every_fault_of_every_exchange(tmp_path, monkeypatch, exchange, kind):
    """The first two connections fail after four and nine events; what each replays does not double."""
    summary = record_case(tmp_path, monkeypatch, exchange, {1: Fault(4, kind), 2: Fault(9, kind)}, 60)
    assert sum(row.rejected for row in summary.rows) >= (BREAKS[kind] == 0)
    assert max(row.breaks for row in summary.rows) >= BREAKS[kind]
    for symbol, _ in CASES[exchange].names.values():
        name = load_live_source(exchange).name
        windows = [w.window for w in Lake(tmp_path).read_fetch_log(exchange, symbol, name).windows]
        assert windows, symbol
        assert all(a.end_us < b.start_us for a, b in pairwise(windows)), "gaps are gaps"


@pytest.mark.soak
@pytest.mark.parametrize("exchange", ["okx", "bitget"])
def test_a_calm_stream_is_kept_open_by_pings(tmp_path, monkeypatch, exchange):
    """No event for three times as long as the exchange waits for a sign of life."""
    case = CASES[exchange]
    with case.start(dict.fromkeys(case.names, ()), {}) as server:
        server.idle_s = 2.0
        be_swift(monkeypatch, exchange, server)
        summary = record(Lake(tmp_path), ["BTCUSDT"], [exchange], 6.0)
    assert server.complaints == []
    assert [(row.breaks, row.result) for row in summary.rows] == [(0, "ok")]


def _rows(lake: Path):
    import pyarrow.parquet as pq

    for path in lake.rglob("liquidations/**/*.parquet"):
        for row in pq.ParquetFile(path).read().to_pylist():
            row["ts_us"] = row.pop("ts")
            yield Liquidation(exchange="", symbol="", **row)


# ------------------------------------------------------------------ recorded messages


RECORDED = {
    "binance": ("messages/recorded/binance_um_ws.jsonl", "messages/tardis-node/binance-futures.jsonl"),
    "bybit": ("messages/recorded/bybit_ws.jsonl",),
    "okx": ("messages/recorded/okx_ws.jsonl",),
    "htx": ("messages/tardis-node/huobi-dm-linear-swap.jsonl",),
}


@pytest.mark.parametrize("exchange", RECORDED)
def test_recorded_messages_in_the_lake(tmp_path, monkeypatch, real_data, exchange):
    """What an exchange really sent, sent again by its server: the events that expected.json tells are stored."""
    told = json.loads((real_data / "expected.json").read_text())["messages"]
    events = [event for name in RECORDED[exchange] for event in told[name]["expected"]]
    lines = [line for name in RECORDED[exchange] for line in (real_data / name).read_text().splitlines()]
    messages = [json.loads(line) for line in lines]
    messages = [message.get("message", message) if "test" in message else message for message in messages]
    names = {event["symbol"] for event in events}
    with start_replay(exchange, names, messages) as server:
        be_swift(monkeypatch, exchange, server)
        symbols = sorted({load_live_source(exchange).name_symbol(name) for name in names})
        record_truth(tmp_path, exchange, {}, server, symbols)
    stored = [
        (row.instrument, row.position, round(row.ts_us.replace(tzinfo=UTC).timestamp() * 1000))
        for row in _rows(tmp_path)
    ]
    assert sorted(stored) == sorted((e["symbol"], e["position"], e["time_ms"]) for e in events)


def start_replay(exchange: str, names: set[str], messages: list[object]):
    """A server of an exchange that sends recorded messages in place of made ones."""
    truth = {name: [] for name in names}
    if exchange == "okx":
        from loopback.okx_stream import OkxStream

        server = OkxStream(truth, dict.fromkeys(names, ("1", "1", "linear")))
    elif exchange == "htx":
        from loopback.htx_stream import HtxStream

        server = HtxStream(truth, dict.fromkeys(names, "1"))
    else:
        server = CASES[exchange].start(truth, {})
    server.recorded = list(messages)
    return server


def test_recorded_and_fetched_events_of_a_time_count_once(lake):
    """HTX's history numbers its orders, its stream does not, so equal rows differ; the fuller source counts."""
    moment = now_us() // HOUR_US * HOUR_US
    start = moment - HOUR_US
    more = {"exchange": "htx", "symbol": "BTCUSDT", "completeness": "full", "price_kind": "bankruptcy"}
    live = [make_liquidation(start + k, source="htx-live", **more) for k in range(5)]
    rest = [make_liquidation(start + k, source="htx", event_id=str(k), **more) for k in range(6)]
    windows = {("htx", "BTCUSDT", name): [(start, moment, "complete")] for name in ("htx-live", "htx")}
    fill_lake(lake, [*live, *rest], windows)
    with DuckDBEngine() as engine:
        query = Query("BTCUSDT", "1h", until=format_iso(moment))
        selection = build_selection(engine, Lake(lake), query)
    assert selection.totals.events.sum() == 6
    (left_out,) = selection.comparisons
    assert (left_out.source, left_out.counted, left_out.left_out.events) == ("htx-live", ("htx",), 5)


# ------------------------------------------------------------------ poison

POISON = (None, 7, "text", {}, [], [[]], {"type": {}}, True)


def spoil(value: object, depth: int = 0) -> Iterator[object]:
    """Yield copies of a message, each with poison beside the entries of one of its lists."""
    if isinstance(value, list):
        if depth and value[:1] != ["pos"]:  # an envelope and the rows of Bitfinex are lists too
            yield [*POISON, *value]
        for place, item in enumerate(value):
            yield from ([*value[:place], spoiled, *value[place + 1 :]] for spoiled in spoil(item, depth + 1))
    elif isinstance(value, dict):
        for key, item in value.items():
            yield from ({**value, key: spoiled} for spoiled in spoil(item, depth + 1))


@pytest.mark.parametrize("exchange", CASES)
def test_poison_in_a_list_costs_no_other_event(tmp_path, exchange):
    case = CASES[exchange]
    server = case.start(make_truth(case, 3), {})
    name, (symbol, _) = next(iter(case.names.items()))
    made = server.frame(name, server.truth[name])
    source = load_live_source(exchange)
    if source.bind is not None:
        contracts = {name: ListedContract(exchange, symbol, name, 0.01)}
        source = source.bind({"1": ListedContract(exchange, symbol, name, 1.0)} if exchange == "lighter" else contracts)

    def read(message: object) -> set[Liquidation]:
        buffer = StreamBuffer(source, Channel("/", (symbol,)))
        buffer.open(now_us())
        data = server.encode(message)
        buffer.add_bytes(data if isinstance(data, bytes) else data.encode(), now_us())
        batch = buffer.take()
        return {*batch.rows, *(row for replay in batch.replays for row in replay)}

    messages = made if isinstance(made, list) and exchange != "bitfinex" else [made]
    for message in messages:
        good = read(message)
        assert all(read(spoiled) == good for spoiled in spoil(message))
    assert sum(len(read(message)) for message in messages) == 3
