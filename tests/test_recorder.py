"""Recording from loopback streams: what is heard is stored once, and only the time that was listened to is claimed."""

from __future__ import annotations

import contextlib
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
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from liqcli.errors import ExitCode, LakeError, UsageError
from liqcli.lake import Lake
from liqcli.live_sources import load_live_source
from liqcli.live_sources.common import Channel
from liqcli.recorder import listen, record, tally
from liqcli.recorder.tally import Tally
from liqcli.timespan import now_us

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
    monkeypatch.setattr(listen, "PULSE_S", 0.1)
    monkeypatch.setattr(listen, "REOPEN_S", 0.05)
    monkeypatch.setattr(tally, "SETTLE_US", 0)
    monkeypatch.setattr(tally, "HOLD_US", 0)


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


def test_what_is_heard_is_stored_with_the_time_of_listening(tmp_path, monkeypatch):
    before = now_us()
    messages = [binance_order(), binance_order("DOGEUSDT"), binance_order(side="BUY", qty="0.2")]
    with stream(monkeypatch, "binance", send(*messages)) as paths:
        lake, summary, warnings = run(tmp_path, "binance")
    assert paths == ["/market/stream?streams=!forceOrder@arr"]
    assert [(row["position"], row["notional"]) for row in stored(lake)] == [("long", 50_000.0), ("short", 20_000.0)]
    (row,) = summary.rows
    assert (row.symbol, row.events, row.notional, row.breaks, row.result) == ("BTCUSDT", 2, 70_000.0, 0, "ok")
    assert (summary.exit_code, warnings) == (ExitCode.DONE, [])
    (window,) = lake.read_memory("binance", "BTCUSDT", "binance").windows
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
    assert "connection lost after 0 s (closed by the exchange); opening it again" in warnings[0]
    first, second = lake.read_memory("binance", "BTCUSDT", "binance").windows
    assert first.window.end_us < second.window.start_us


def test_unreadable_orders_are_kept_as_rejected(tmp_path, monkeypatch):
    bad = [binance_order(side="UP"), binance_order("DOGEUSDT", side="UP"), "{not json", binance_order(price="-1")]
    with stream(monkeypatch, "binance", send(*bad, binance_order())):
        lake, summary, _ = run(tmp_path, "binance")
    lines = [json.loads(line) for line in (lake.root / "rejected/record-binance.jsonl").read_text().splitlines()]
    assert [line["reason"].split(":")[0] for line in lines] == [
        "side is neither BUY nor SELL", "price and filled quantity must be above zero",
    ]  # fmt: skip
    assert (summary.rows[0].events, summary.rows[0].rejected, summary.exit_code) == (1, 2, ExitCode.PARTIAL)


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
        answer = {
            "op": "subscribe",
            "success": good,
            "req_id": asked["req_id"],
            "ret_msg": "" if good else "no such topic",
        }
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
    assert not lake.read_memory("bybit", "WRONGUSDT", "bybit").windows


def test_without_confirmation_nothing_is_claimed(tmp_path, monkeypatch):
    with stream(monkeypatch, "bybit", send()):
        lake, summary, _ = run(tmp_path, "bybit")
    assert summary.exit_code == ExitCode.SOURCE
    assert not lake.remembered()


# ------------------------------------------------------------------ trouble


def test_a_silent_stream_is_not_believed():
    """Binance brings some order every few seconds: an open, silent connection is made anew and claims nothing."""
    dull = Tally(load_live_source("binance"), Channel("/", ("BTCUSDT",)))
    dull.open(T)
    dull.pulse(T + 500 * S)
    dull.claim()
    assert dull.claims == {}
    assert not dull.is_stale(T + 600 * S)
    assert dull.is_stale(T + 601 * S)


def test_time_is_claimed_up_to_the_last_event_or_answer(monkeypatch):
    monkeypatch.setattr(tally, "SETTLE_US", 3 * S)
    busy = Tally(load_live_source("binance"), Channel("/", ("BTCUSDT",)))
    busy.open(T)
    busy.take(binance_order("DOGEUSDT"), T + 60 * S)  # another symbol's event proves the stream too
    _, claims, _ = busy.hand_over(T + 90 * S)
    assert claims == {"BTCUSDT": [(T, T + 57 * S)]}
    calm = Tally(load_live_source("bybit"), Channel("/", ("BTCUSDT",)))
    calm.open(T)
    calm.take({"op": "subscribe", "success": True, "req_id": "BTCUSDT"}, T + 10 * S)
    calm.pulse(T + 60 * S)
    calm.close()
    _, claims, _ = calm.hand_over(T + 90 * S)
    assert claims == {"BTCUSDT": [(T + 10 * S, T + 57 * S)]}


def test_equal_events_are_written_together(monkeypatch):
    """Two messages half a second apart can bring twins: what is younger than two seconds waits for the next round."""
    monkeypatch.setattr(tally, "HOLD_US", 2 * S)
    young = Tally(load_live_source("bybit"), Channel("/", ("BTCUSDT",)))
    now = now_us()
    for age in (5, 1, 1):
        event = bybit_event(T=(now - age * S) // 1000)
        young.take({"topic": "allLiquidation.BTCUSDT", "data": [event]}, now)
    assert len(young.hand_over(now)[0]) == 1
    assert len(young.hand_over(now + S)[0]) == 2
    assert young.hand_over(None)[0] == []


def test_a_refusal_is_final_and_stops_nobody_else(tmp_path, monkeypatch):
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


def test_nobody_there(tmp_path, monkeypatch):
    monkeypatch.setenv("LIQCLI_URL_ASTER", "http://127.0.0.1:9")
    _, summary, warnings = run(tmp_path, "aster", seconds=0.3)
    assert summary.exit_code == ExitCode.SOURCE
    assert "cannot be reached" in warnings[0]
    assert "cannot be reached" in (summary.rows[0].error or "")


def test_a_clock_that_is_off_is_told(tmp_path, monkeypatch):
    message = binance_order()
    message["data"]["E"] -= 60_000
    with stream(monkeypatch, "binance", send(message)):
        _, _, warnings = run(tmp_path, "binance")
    assert "clock is +60 s off" in warnings[0]


@pytest.mark.parametrize(
    ("exchange", "said"),
    [("okx", "liqcli fetch --exchange okx"), ("bybt", "did you mean bybit"), ("<script>", "unknown exchange")],
)
def test_names_that_cannot_be(tmp_path, exchange, said):
    with pytest.raises(UsageError, match=said):
        record(Lake(tmp_path), ["BTCUSDT"], [exchange], 0.1)


def test_a_lake_that_cannot_be_written_is_told_at_once(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(LakeError):
        record(Lake(tmp_path / "file"), ["BTCUSDT"], ["binance"], 5)


# ------------------------------------------------------------------ the command


def test_sigterm_keeps_what_was_heard(tmp_path, monkeypatch):
    with stream(monkeypatch, "binance", send(binance_order())):
        command = [sys.executable, "-m", "liqcli", "record", "--exchange", "binance", "--lake", str(tmp_path)]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, env=os.environ)
        line = process.stderr.readline()
        assert line.startswith("binance: listening for BTCUSDT, ETHUSDT, SOLUSDT")
        time.sleep(0.5)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=30)
    assert process.returncode == 130
    assert "interrupted; what was heard is stored" in err
    assert out.splitlines()[1].split()[:4] == ["binance", "BTCUSDT", "1", "50.0K"]
    assert len(stored(Lake(tmp_path))) == 1


def test_a_live_source_is_told_apart_from_one_that_can_be_fetched(run_cli):
    done = run_cli("fetch", "--source", "bybit")
    assert done.exit_code == 2
    assert "liqcli record --exchange bybit" in done.stderr
    assert "allLiquidation" in run_cli("sources", "bybit", check=0).stdout
