"""Recording from loopback streams: events are stored once, and only connected time is covered."""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator

import pyarrow.parquet as pq
import pytest
from loopback.stream_scenes import stop_when
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from liqcli.core.errors import ExitCode, LakeError, UsageError
from liqcli.core.times import now_us
from liqcli.ingest.stream import buffer as stream_buffer
from liqcli.ingest.stream import connection as stream_connection
from liqcli.ingest.stream import record, storage
from liqcli.ingest.stream.buffer import StreamBuffer
from liqcli.lake.segment_intake import take_in_leftovers
from liqcli.lake.staging import Staging
from liqcli.lake.store import Lake
from liqcli.sources.registry import load_live_source
from liqcli.sources.stream_base import Channel

S = 1_000_000
T = 1_772_323_200 * S  # 2026-03-01


def binance_order(symbol: str = "BTCUSDT", side: str = "SELL", qty: str = "0.5", price: str = "100000", **more) -> dict:
    """0.5 BTC at 100,000: 50,000 USD, now."""
    ms = time.time_ns() // 1_000_000
    order = {"s": symbol, "S": side, "p": "1", "ap": price, "X": "FILLED", "z": qty, "T": ms, "st": 1, **more}
    return {"stream": "!forceOrder@arr", "data": {"e": "forceOrder", "E": ms, "o": order}}


def bybit_event(**more) -> dict:
    return {"T": time.time_ns() // 1_000_000, "s": "BTCUSDT", "S": "Buy", "v": "0.1", "p": "100000", **more}


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    """A pulse ten times a second; nothing is held back."""
    monkeypatch.setattr(stream_connection, "PULSE_S", 0.1)
    monkeypatch.setattr(stream_connection, "REOPEN_S", 0.05)
    monkeypatch.setattr(stream_connection, "OPEN_S", 0.0)
    monkeypatch.setattr(stream_buffer, "SETTLE_US", 0)
    monkeypatch.setattr(stream_buffer, "HOLD_US", 0)


@contextlib.contextmanager
def stream(monkeypatch, name: str, *scripts: Callable[[ServerConnection], None]) -> Iterator[list[str]]:
    """A server that plays one script a connection, the last one again and again; gives the paths that were opened."""
    paths: list[str] = []

    def play(connection: ServerConnection) -> None:
        paths.append(connection.request.path)
        with contextlib.suppress(ConnectionClosed):
            scripts[min(len(paths), len(scripts)) - 1](connection)

    with serve(play, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        port = server.socket.getsockname()[1]
        monkeypatch.setenv(f"LIQCLI_URL_{name.upper()}", f"http://127.0.0.1:{port}")
        yield paths


def send(*messages: object, stay: bool = True) -> Callable[[ServerConnection], None]:
    def script(connection: ServerConnection) -> None:
        for message in messages:
            connection.send(message if isinstance(message, str) else json.dumps(message))
        if stay:
            with contextlib.suppress(ConnectionClosed):
                while True:
                    connection.recv()

    return script


def stored(lake: Lake) -> list[dict]:
    return [
        row for path in sorted(lake.root.rglob("liquidations/**/*.parquet")) for row in pq.read_table(path).to_pylist()
    ]


def run(root, *exchanges, seconds=0.6, symbols=("BTCUSDT",), **more):
    warnings: list[str] = []
    lake = Lake(root)
    summary = record(lake, symbols, exchanges, seconds, warn=warnings.append, **more)
    return lake, summary, warnings


# ------------------------------------------------------------------ one connection


def test_events_are_stored_with_the_connected_time(tmp_path, monkeypatch):
    before = now_us()
    messages = [binance_order(), binance_order("DOGEUSDT"), binance_order(side="BUY", qty="0.2")]
    with stream(monkeypatch, "binance", send(*messages)) as paths:
        lake, summary, warnings = run(tmp_path, "binance")
    assert paths == ["/market/stream?streams=!forceOrder@arr"]
    assert [(row["position"], row["notional"]) for row in stored(lake)] == [("long", 50_000.0), ("short", 20_000.0)]
    (row,) = summary.rows
    assert (row.symbol, row.events, row.notional, row.breaks, row.result) == ("BTCUSDT", 2, 70_000.0, 0, "ok")
    assert (summary.exit_code, warnings) == (ExitCode.DONE, [])
    (window,) = lake.read_fetch_log("binance", "BTCUSDT", "binance").windows
    assert before <= window.window.start_us < window.window.end_us <= now_us()
    assert window.status == "complete"


def test_a_broken_connection_is_opened_again_and_the_time_between_is_a_gap(tmp_path, monkeypatch):
    def late(connection):
        time.sleep(0.1)
        send(binance_order(side="BUY"))(connection)

    with stream(monkeypatch, "binance", send(binance_order(), stay=False), late):
        lake, summary, warnings = run(tmp_path, "binance", seconds=0.8)
    assert [row["position"] for row in stored(lake)] == ["long", "short"]
    assert summary.rows[0].breaks == 1
    assert "connection lost after 0 s (closed by the exchange); reconnecting" in warnings[0]
    first, second = lake.read_fetch_log("binance", "BTCUSDT", "binance").windows
    assert first.window.end_us < second.window.start_us


def test_unreadable_orders_are_kept_as_rejected(tmp_path, monkeypatch):
    bad = [binance_order(side="UP"), binance_order("DOGEUSDT", side="UP"), "{not json", binance_order(price="-1")]
    with stream(monkeypatch, "binance", send(*bad, binance_order())):
        lake, summary, _ = run(tmp_path, "binance")
    lines = [json.loads(line) for line in (lake.root / "rejected/record-binance.jsonl").read_text().splitlines()]
    assert [line["reason"].split(":")[0] for line in lines] == [
        "side is neither BUY nor SELL", "not JSON", "price and filled quantity must be above zero",
    ]  # fmt: skip
    assert (summary.rows[0].events, summary.rows[0].rejected, summary.exit_code) == (1, 3, ExitCode.PARTIAL)


def test_two_recorders_at_once_double_nothing(tmp_path, monkeypatch):
    message = binance_order()
    with stream(monkeypatch, "binance", send(message, message)):
        first = threading.Thread(target=run, args=(tmp_path, "binance"))
        first.start()
        lake, _, _ = run(tmp_path, "binance")
        first.join()
    assert len(stored(lake)) == 1


# ------------------------------------------------------------------ subscriptions


def bybit_server(connection):
    """Confirm BTCUSDT, refuse the other, then one message with twins."""
    for _ in range(2):
        asked = json.loads(connection.recv())
        good = asked["req_id"] == "BTCUSDT"
        said = "" if good else "no such topic"
        answer = {"op": "subscribe", "success": good, "req_id": asked["req_id"], "ret_msg": said}
        connection.send(json.dumps(answer))
    twin = bybit_event()
    connection.send(json.dumps({"topic": "allLiquidation.BTCUSDT", "ts": twin["T"] + 300, "data": [twin, twin]}))
    with contextlib.suppress(ConnectionClosed):
        while True:
            connection.recv()


def test_twins_stay_and_a_refused_symbol_is_named(tmp_path, monkeypatch):
    with stream(monkeypatch, "bybit", bybit_server):
        lake, summary, _ = run(tmp_path, "bybit", symbols=("BTCUSDT", "WRONGUSDT"))
    assert [(row["position"], row["notional"], row["price_kind"]) for row in stored(lake)] == [
        ("long", 10_000.0, "bankruptcy")
    ] * 2
    good, wrong = summary.rows
    assert (good.result, good.events) == ("ok", 2)
    assert (wrong.result, wrong.error) == ("failed", "WRONGUSDT refused: no such topic")
    assert summary.exit_code == ExitCode.PARTIAL
    assert not lake.read_fetch_log("bybit", "WRONGUSDT", "bybit").windows


def test_without_confirmation_nothing_is_claimed(tmp_path, monkeypatch):
    with stream(monkeypatch, "bybit", send()):
        lake, summary, _ = run(tmp_path, "bybit")
    assert summary.exit_code == ExitCode.SOURCE
    assert not lake.list_fetch_logs()


# ------------------------------------------------------------------ trouble


def claims_of(buffer: StreamBuffer) -> list[tuple[str, int, int]]:
    """Status, start and end of the claims, in seconds after T."""
    return [(claim.status, (claim.start_us - T) // S, (claim.end_us - T) // S) for claim in buffer.take().claims]


def test_a_silent_stream_is_not_believed():
    """Binance sends orders every few seconds: an open but silent connection is replaced and covers nothing."""
    dull = StreamBuffer(load_live_source("binance"), Channel("/", ("BTCUSDT",)))
    dull.open(T)
    dull.pulse(T + 500 * S)
    assert claims_of(dull) == [("unconfirmed", 0, 500)]
    assert dull.coverage.covered_us("BTCUSDT") == 0
    assert dull.find_silence(T + 600 * S) is None
    assert "no events for 10 min 1 s" in dull.find_silence(T + 601 * S)


def test_time_is_claimed_up_to_the_last_event_or_answer(monkeypatch):
    monkeypatch.setattr(stream_buffer, "SETTLE_US", 3 * S)
    busy = StreamBuffer(load_live_source("binance"), Channel("/", ("BTCUSDT",)))
    busy.open(T)
    busy.add(binance_order("DOGEUSDT"), T + 60 * S)  # another symbol's event proves the stream too
    assert claims_of(busy) == [("complete", 0, 57)]
    calm = StreamBuffer(load_live_source("bybit"), Channel("/", ("BTCUSDT",)))
    calm.open(T)
    calm.add({"op": "subscribe", "success": True, "req_id": "BTCUSDT"}, T + 10 * S)
    calm.pulse(T + 60 * S)
    calm.close()
    assert claims_of(calm) == [("provisional", 10, 57), ("complete", 10, 57)]


def test_a_refusal_is_final_and_affects_no_other_exchange(tmp_path, monkeypatch):
    def refuse(connection, request):
        return connection.respond(451, "not here")

    with serve(lambda c: None, "127.0.0.1", 0, process_request=refuse) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("LIQCLI_URL_BYBIT", f"http://127.0.0.1:{server.socket.getsockname()[1]}")
        with stream(monkeypatch, "binance", send(binance_order())):
            _, summary, warnings = run(tmp_path, "binance", "bybit", seconds=0.6)
    assert [row.result for row in summary.rows] == ["ok", "failed"]
    assert summary.exit_code == ExitCode.PARTIAL
    assert "451" in warnings[0]


def test_an_unreachable_exchange(tmp_path, monkeypatch):
    monkeypatch.setenv("LIQCLI_URL_ASTER", "http://127.0.0.1:9")
    _, summary, warnings = run(tmp_path, "aster", seconds=0.3)
    assert summary.exit_code == ExitCode.SOURCE
    assert "cannot be reached" in warnings[0]
    assert "cannot be reached" in (summary.rows[0].error or "")


def test_a_wrong_clock_is_reported(tmp_path, monkeypatch):
    message = binance_order()
    message["data"]["E"] -= 60_000
    with stream(monkeypatch, "binance", send(message)):
        _, _, warnings = run(tmp_path, "binance")
    assert "clock is +60 s off" in warnings[0]


@pytest.mark.parametrize(
    ("exchange", "said"),
    [("deribit", "liqcli fetch --exchange deribit"), ("bybt", "did you mean bybit"), ("<script>", "unknown exchange")],
)
def test_names_that_cannot_be(tmp_path, exchange, said):
    with pytest.raises(UsageError, match=said):
        record(Lake(tmp_path), ["BTCUSDT"], [exchange], 0.1)


def test_an_unwritable_lake_fails_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LakeError):
        record(Lake(tmp_path / "file"), ["BTCUSDT"], ["binance"], 5)


# ------------------------------------------------------------------ poison

ENDLESS = 10**400  # valid JSON; no double and no 64-bit integer holds it
POISON_FRAMES = (
    "{not json",
    b"\xff\xfe not UTF-8",
    "[" * 100_000,  # RecursionError
    '{"data":' + "9" * 5000 + "}",  # Python reads no integer of more than 4,300 digits
)


def poison_orders(order: dict, time_: str, price: str, size: str, name: str) -> list[object]:
    """Variants of a good order, each with one field that no parser can use."""
    return [
        {**order, time_: float("inf")},  # json writes Infinity, which reads as 1e999 does: OverflowError from int()
        {**order, time_: ENDLESS},
        {**order, time_: [[[{}]]]},
        {**order, price: ENDLESS},
        {**order, price: {"a": []}},
        {**order, size: "NaN"},
        {**order, size: None},
        {**order, name: "BTC/USDT"},  # a spot market: LiqcliError
        {**order, name: 5},
        {key: value for key, value in order.items() if key != name},
        {},
    ]


def binance_script() -> tuple[list[object], int]:
    """Good, poison, good, ...: the messages and how many of them are to be rejected."""
    good = binance_order()
    bad = poison_orders(good["data"]["o"], "T", "ap", "z", "s")
    frames = [{"stream": "x", "data": {"e": "forceOrder", "E": ENDLESS, "o": order}} for order in [*bad, None, [], 7]]
    poison = [*POISON_FRAMES, *frames]
    return [message for n, p in enumerate(poison) for message in (p, binance_order(qty=str(n + 1)))], len(poison)


def bybit_script() -> tuple[list[object], int]:
    """As for Binance, but good and bad events share a message."""
    bad = [*poison_orders(bybit_event(), "T", "p", "v", "s"), None, [], 7, "text"]
    topic = {"topic": "allLiquidation.BTCUSDT", "ts": ENDLESS}
    messages = [{**topic, "data": [b, bybit_event(v=str(n + 1))]} for n, b in enumerate(bad)]
    confirmed = {"op": "subscribe", "success": True, "req_id": "BTCUSDT"}
    return [confirmed, *POISON_FRAMES, 7, *messages], len(POISON_FRAMES) + 1 + len(bad)


@pytest.mark.parametrize(
    ("name", "script", "good"),
    [("binance", binance_script, 18), ("aster", binance_script, 18), ("bybit", bybit_script, 15)],
)
def test_poison_costs_one_event_and_never_the_connection(tmp_path, monkeypatch, name, script, good):
    messages, bad = script()

    def play(connection):
        for message in messages:
            if isinstance(message, bytes):
                connection.send(message, text=True)
            else:
                connection.send(message if isinstance(message, str) else json.dumps(message))
        with contextlib.suppress(ConnectionClosed):
            while True:
                connection.recv()

    with stream(monkeypatch, name, play) as paths:
        lake, summary, warnings = run(tmp_path, name, seconds=1.0)
    assert len(stored(lake)) == good
    (row,) = summary.rows
    assert (row.events, row.rejected, row.breaks, row.result) == (good, bad, 0, "partial")
    assert (len(paths), warnings, summary.exit_code) == (1, [], ExitCode.PARTIAL)
    lines = (lake.root / f"rejected/record-{name}.jsonl").read_text().splitlines()
    assert len(lines) == bad
    assert all(json.loads(line)["reason"] for line in lines)


def test_the_bybit_contract_in_usdc_is_rejected_under_its_own_name():
    """``BTCPERP`` is BTCUSDC: an unreadable event of it counts, one of an unrequested contract does not."""
    buffer = StreamBuffer(load_live_source("bybit"), Channel("/", ("BTCUSDC",)))
    events = [bybit_event(s="BTCPERP", p="x"), bybit_event(s="ETHPERP", p="x")]
    buffer.add({"topic": "allLiquidation.BTCPERP", "data": events}, now_us())
    assert [row.reason for row in buffer.take().rejected] == ["not a number: 'x'"]


@pytest.mark.parametrize("name", ["binance", "aster", "bybit"])
def test_a_fault_in_the_listener_is_reported_and_followed_by_a_new_connection(tmp_path, monkeypatch, name):
    """The first message meets a bug (no parser's exception): warned, counted, reconnected, and not "ok"."""
    take, seen = StreamBuffer.add_bytes, []

    def broken_once(self, data, moment):
        seen.append(data)
        if len(seen) == 1:
            raise ZeroDivisionError("a bug")
        take(self, data, moment)

    monkeypatch.setattr(StreamBuffer, "add_bytes", broken_once)
    messages = [binance_order()]
    if name == "bybit":
        confirmed = {"op": "subscribe", "success": True, "req_id": "BTCUSDT"}
        messages = [confirmed, {"topic": "allLiquidation.BTCUSDT", "data": [bybit_event()]}]
    with stream(monkeypatch, name, send(*messages)) as paths:
        lake, summary, warnings = run(tmp_path, name, seconds=1.0)
    assert len(paths) == 2
    assert len(stored(lake)) == 1
    assert warnings[0].startswith(f"{name}: connection lost after 0 s (unexpected ZeroDivisionError")
    (row,) = summary.rows
    assert (row.events, row.breaks, row.result) == (1, 1, "partial")
    assert row.error == "unexpected ZeroDivisionError: ZeroDivisionError: a bug"
    assert summary.exit_code == ExitCode.PARTIAL


def test_connections_that_do_not_last_are_opened_less_and_less_often(tmp_path, monkeypatch):
    """Pauses of 0.05, 0.1, 0.2, 0.4, 0.8 s: in 1.2 s five connections at most, where 0.05 s each would give twenty."""
    with stream(monkeypatch, "binance", send(binance_order(), stay=False)) as paths:
        _, summary, _ = run(tmp_path, "binance", seconds=1.2)
    assert 3 <= len(paths) <= 5
    assert summary.rows[0].breaks in (len(paths) - 1, len(paths))  # the end may come first
    assert summary.rows[0].result == "partial", "it ended without a connection"


def test_a_refusal_after_a_good_connection_is_retried(tmp_path, monkeypatch):
    """Maintenance answers 403 for a while; so early in a recording it would be final."""
    answers = iter([None, 403, 429, None])

    def gate(connection, request):
        status = next(answers, None)
        return connection.respond(status, "later") if status else None

    def play(connection):
        with contextlib.suppress(ConnectionClosed):
            scripts.pop(0)(connection)

    scripts = [send(stay=False), send(binance_order())]
    monkeypatch.setitem(connect.__init__.__kwdefaults__, "reconnect_delays", lambda: itertools.repeat(0.05))
    with serve(play, "127.0.0.1", 0, process_request=gate) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        monkeypatch.setenv("LIQCLI_URL_BINANCE", f"http://127.0.0.1:{server.socket.getsockname()[1]}")
        lake, summary, warnings = run(tmp_path, "binance", seconds=1)
    assert len(stored(lake)) == 1
    assert [word for line in warnings for word in ("lost", "reached") if word in line] == ["lost", "reached"]
    assert (summary.rows[0].breaks, summary.rows[0].error) == (1, None)


# ------------------------------------------------------------------ storing beside listening


def test_nothing_is_lost_between_buffer_and_lake(tmp_path, monkeypatch):
    """2,000 events while the buffer is emptied all the time, with the interpreter switching as often as it can."""
    total, sent = 2000, threading.Event()

    async def flood(buffer, say, warn, pace):
        buffer.open(now_us())
        for n in range(total):
            buffer.add(binance_order(qty=str(n + 1)), now_us())
            if n % 10 == 0:
                await asyncio.sleep(0)
        sent.set()
        await asyncio.sleep(60)

    monkeypatch.setattr(stream_connection, "receive", flood)
    monkeypatch.setattr(storage, "LARGEST_SEGMENT", 50_000)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with stop_when(sent.is_set):
            lake, summary, warnings = run(tmp_path, "binance", seconds=60, tick_s=0.0005)
    finally:
        sys.setswitchinterval(before)
    assert summary.rows[0].events == total
    assert sorted(row["qty"] for row in stored(lake)) == list(range(1, total + 1))
    assert (warnings, list((tmp_path / "segments").iterdir())) == ([], [])


def test_data_that_cannot_be_merged_now_are_merged_later(tmp_path, monkeypatch):
    """The disk is full for two merges: one warning, and nothing is lost."""
    commit, failures = Staging.commit, [True, True]

    def full_twice(self, copies):
        if failures:
            failures.pop()
            raise LakeError("no space left")
        commit(self, copies)

    monkeypatch.setattr(Staging, "commit", full_twice)
    said = []
    with stream(monkeypatch, "binance", send(binance_order(), binance_order(side="BUY"))):
        lake, summary, warnings = run(tmp_path, "binance", seconds=2, tick_s=0.05, merge_s=0.1, say=said.append)
    assert [row["position"] for row in stored(lake)] == ["long", "short"]
    assert warnings == ["no space left; recording continues, storing will be retried"]
    assert "storing works again" in said
    assert summary.exit_code == ExitCode.DONE


def test_a_merge_that_fails_to_the_end_is_an_error_and_loses_nothing(tmp_path, monkeypatch):
    def full(self, copies):
        raise LakeError("no space left")

    with monkeypatch.context() as patch, stream(patch, "binance", send(binance_order())):
        patch.setattr(Staging, "commit", full)
        with pytest.raises(LakeError, match="no space left; nothing is lost: the next liqcli status merges 1 segment"):
            run(tmp_path, "binance")
    assert take_in_leftovers(Lake(tmp_path), now_us()) == [
        "took in 1 event of a recording that ended without storing them"
    ]
    assert len(stored(Lake(tmp_path))) == 1


# ------------------------------------------------------------------ the command


def test_sigterm_keeps_received_events(tmp_path, monkeypatch):
    with stream(monkeypatch, "binance", send(binance_order())):
        command = [sys.executable, "-m", "liqcli", "record", "--exchange", "binance", "--lake", str(tmp_path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
        lines = iter(process.stderr.readline, "")  # a slow start may bring a warning about the clock first
        assert "binance: listening for all symbols\n" in lines
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted; all received events are stored" in err
    assert out.splitlines()[1].split()[:4] == ["binance", "BTCUSDT", "1", "50.0K"]
    assert len(stored(Lake(tmp_path))) == 1


def test_live_sources_and_fetched_sources_are_distinguished(run_cli):
    done = run_cli("fetch", "--source", "bybit")
    assert done.exit_code == 2
    assert "liqcli record --exchange bybit" in done.stderr
    assert "allLiquidation" in run_cli("sources", "bybit", check=0).stdout
