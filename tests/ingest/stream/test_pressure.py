"""A disk that is slow, servers that close every connection, and hundreds of symbols on streams of one symbol each."""

from __future__ import annotations

import asyncio
import contextlib
import gc
import json
import resource
import socket
import threading
import time
import warnings
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from pathlib import Path
from typing import Any, cast

import pytest
from loopback.order_streams import BackpackStream, BybitStream
from loopback.scenes import stored
from loopback.stream_cases import CASES
from loopback.stream_scenes import be_swift, linear, make_recent, record_truth, stop_when
from loopback.trade_streams import DydxStream, KrakenStream, LighterStream
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request
from websockets.server import ServerProtocol
from websockets.sync.server import ServerConnection, serve

from liqcli.core.times import now_us
from liqcli.ingest.stream import RecordSummary, record
from liqcli.ingest.stream import buffer as stream_buffer
from liqcli.ingest.stream import connection as stream_connection
from liqcli.ingest.stream.buffer import StreamBuffer
from liqcli.ingest.stream.storage import RecordStore
from liqcli.lake import segments
from liqcli.lake.store import Lake
from liqcli.sources.registry import load_live_source
from liqcli.sources.stream_base import Channel

S = 1_000_000
T = 1_772_323_200 * S  # 2026-03-01
SYMBOL = "BTCUSDT"


def message(ts_us: int, size: str = "0.1") -> bytes:
    """A long of 0.1 BTC at 100,000 USD, unless told otherwise."""
    event = {"T": ts_us // 1000, "s": SYMBOL, "S": "Buy", "v": size, "p": "100000"}
    return json.dumps({"topic": f"allLiquidation.{SYMBOL}", "ts": ts_us // 1000, "data": [event]}).encode()


# ------------------------------------------------------------------ a slow disk


def test_what_a_blocked_disk_loses_is_a_gap(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    An event a second for 300 s; from 100 to 199 s a write hangs, and memory is allowed for about 40 events. Every
    second that the log covers has its event, and every event that is not in the lake is counted as lost.
    """
    monkeypatch.setattr(segments, "MOST_PENDING", 8_000)
    buffer = StreamBuffer(load_live_source("bybit"), Channel("/", (SYMBOL,)))
    with RecordStore(Lake(lake), [buffer], merge_s=1000) as store:
        buffer.open(T)
        buffer.coverage.confirm((SYMBOL,), T)
        for second in range(300):
            now = T + second * S
            buffer.pulse(now)
            buffer.add_bytes(message(now), now)
            store.collect(now)
            if not 100 <= second < 200:
                store.prepare(now)
                store.flush()
            assert len(store._writer._handed) + store._writer._pending_size < 8_000 + 500
        buffer.close()
        store.finish(T + 300 * S)
    held = {(ts_us - T) // S for ts_us, *_ in stored(lake, SYMBOL, "bybit")}
    lost = set(range(300)) - held
    assert len(lost) == store.lost[0] > 30
    assert lost == set(range(min(lost), 201))  # the first batch after the write is dropped with them
    windows = Lake(lake).read_fetch_log("bybit", SYMBOL, "bybit").windows
    covered = [(w.window.start_us, w.window.end_us) for w in windows if w.status == "complete"]
    assert not [second for second in lost if any(a <= T + second * S < b for a, b in covered)]
    assert sum(b - a for a, b in covered) // S >= 300 - len(lost) - 10  # and hardly more is missing
    assert buffer.coverage.covered_us(SYMBOL) == sum(b - a for a, b in covered)


def test_events_that_cannot_be_written_at_the_end_are_reported(lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The disk is full for the last write and for the first one of the end; there is no third one."""
    buffer = StreamBuffer(load_live_source("bybit"), Channel("/", (SYMBOL,)))
    write_all, full = segments._write_all, [True, True]

    def fail_twice(file: Any, data: bytes) -> None:
        if full:
            full.pop()
            raise OSError(28, "No space left on device")
        write_all(file, data)

    monkeypatch.setattr(segments, "_write_all", fail_twice)
    with RecordStore(Lake(lake), [buffer]) as store:
        for second in (0, 1):
            buffer.add_bytes(message(T + second * S), T + second * S)
            store.collect(T + second * S)
            if not second:
                store.prepare(T)
                store.flush()
        store.finish(T + 2 * S)
        assert "the last events could not be written and are lost" in str(store.describe_trouble())


def test_a_slow_write_does_not_stop_the_recording(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While one write hangs, 300 events arrive: buffers are emptied all the time, it is reported, nothing is lost."""
    hanging, write_all = threading.Event(), segments._write_all
    waiting: list[int] = []

    def hang(file: Any, data: bytes) -> None:
        hanging.wait(20)
        write_all(file, data)

    async def flood(buffer: StreamBuffer, _say: object, _warn: object, _pace: object) -> None:
        buffer.open(now_us())
        for n in range(300):
            buffer.add_bytes(message(now_us(), f"0.{n + 1:04d}"), now_us())
            await asyncio.sleep(0.002)
            waiting.append(len(buffer.rows))
        hanging.set()
        await asyncio.sleep(60)

    monkeypatch.setattr(segments, "_write_all", hang)
    monkeypatch.setattr(stream_connection, "receive", flood)
    monkeypatch.setattr("liqcli.ingest.stream.recorder.SLOW_S", 0.1)
    warnings: list[str] = []
    with stop_when(hanging.is_set):
        summary = record(Lake(tmp_path), [SYMBOL], ["bybit"], 60, warn=warnings.append, tick_s=0.01)
    assert (summary.rows[0].events, sum(stored(tmp_path, SYMBOL, "bybit").values())) == (300, 300)
    assert max(waiting) < 150
    assert warnings == [f"{tmp_path}: the disk is slow; recording continues, storing will be retried"]


# ------------------------------------------------------------------ restart storms


class Storm:
    """A server that accepts every connection and closes it at once; counts them by path."""

    def __enter__(self) -> Storm:
        self.times: list[float] = []
        self._server = serve(self._play, "127.0.0.1", 0)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.url = f"http://127.0.0.1:{self._server.socket.getsockname()[1]}"
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()

    def _play(self, connection: ServerConnection) -> None:
        self.times.append(time.monotonic())
        with contextlib.suppress(ConnectionClosed):
            connection.close(1012, "restart")


def record_storm(
    root: Path, monkeypatch: pytest.MonkeyPatch, exchanges: list[str], seconds: float
) -> tuple[RecordSummary, list[str], dict[str, list[float]]]:
    """Record exchanges that all restart; return the summary, all lines, and the times of connections by exchange."""
    lines: list[str] = []
    with contextlib.ExitStack() as stack:
        storms = {name: stack.enter_context(Storm()) for name in exchanges}
        for name, storm in storms.items():
            for variable in (name, f"{name}_live"):
                monkeypatch.setenv(f"LIQCLI_URL_{variable.upper()}", storm.url)
        summary = record(Lake(root), ["BTCUSDT"], exchanges, seconds, say=lines.append, warn=lines.append)
        return summary, lines, {name: storm.times for name, storm in storms.items()}


def test_a_restart_storm_is_bounded(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Pauses of 0.02, 0.04, ... 0.64 and 1.28 s: in 2 s seven connections at most. The log has two lines of them, the
    lake no coverage.
    """
    monkeypatch.setattr(stream_connection, "REOPEN_S", 0.02)
    monkeypatch.setattr(stream_connection, "OPEN_S", 0.0)
    monkeypatch.setattr(stream_buffer, "SETTLE_US", 0)
    summary, lines, times = record_storm(tmp_path, monkeypatch, ["binance"], 2.0)
    assert 4 <= len(times["binance"]) <= 7
    assert [line for line in lines if "listening" not in line] == [
        "binance: connection lost after 0 s (received 1012 (service restart) restart; then sent 1012 (service restart) "
        "restart); reconnecting",
        "binance: connection lost after 0 s (received 1012 (service restart) restart; then sent 1012 (service restart) "
        "restart); reconnecting in 0 s (2 times in a row)",
    ]
    assert summary.rows[0].breaks in (len(times["binance"]) - 1, len(times["binance"]))  # the end may come first
    log = Lake(tmp_path).read_fetch_log("binance", "BTCUSDT", "binance")
    assert sum(w.window.length_us for w in log.windows) < 1 * S


def test_a_connection_that_the_exchange_does_not_close_is_closed_at_the_end(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A server that says nothing after the handshake: no socket is left for the garbage collector."""
    lines: list[str] = []

    def shake_hands(door: socket.socket) -> None:
        protocol = ServerProtocol()
        protocol.receive_data(door.recv(65_536))
        (request,) = protocol.events_received()
        protocol.send_response(protocol.accept(cast(Request, request)))
        door.sendall(b"".join(protocol.data_to_send()))

    with socket.create_server(("127.0.0.1", 0)) as server, warnings.catch_warnings(record=True) as found:
        warnings.simplefilter("always")
        monkeypatch.setenv("LIQCLI_URL_BINANCE", f"http://127.0.0.1:{server.getsockname()[1]}")
        monkeypatch.setattr(stream_connection, "CLOSE_S", 0.05)
        with ThreadPoolExecutor(1) as pool:
            door = pool.submit(lambda: server.accept()[0])
            door.add_done_callback(lambda done: shake_hands(done.result()))
            with stop_when(lambda: bool(lines)):
                record(Lake(tmp_path), [SYMBOL], ["binance"], 60, say=lines.append)
            gc.collect()
            door.result().close()
    assert lines == ["binance: listening for BTCUSDT"]
    assert [str(warning.message) for warning in found if warning.category is ResourceWarning] == []


def test_connections_are_spaced_by_what_an_exchange_accepts(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lighter accepts 200 messages a minute: after a connection with 90 of them, 27 s; after one with 20, 6 s."""
    source = load_live_source("lighter")
    buffers = [StreamBuffer(source, Channel("/stream", (), ("subscribe",) * count)) for count in (90, 20, 90)]
    waits: list[float] = []

    async def sleep(seconds: float) -> None:
        waits.append(seconds)

    async def open_all() -> None:
        pace = stream_connection.Pace()
        for buffer in buffers:
            await pace.wait(buffer)

    monkeypatch.setattr(asyncio, "sleep", sleep)
    asyncio.run(open_all())
    assert [round(seconds) for seconds in waits] == [27, 33]


@pytest.mark.soak
def test_minutes_of_restarts_of_all_exchanges(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """
    Three minutes. A connection is opened after 0, 2, 4, 8, 16, 32, 60 s: at 0, 2, 6, 14, 30, 62, 122 s, which is seven
    times for each of the connections of an exchange, at least 0.4 s apart.
    """
    exchanges = [name for name in CASES if not load_live_source(name).needs_list]
    before = resource.getrusage(resource.RUSAGE_SELF)
    summary, lines, times = record_storm(tmp_path, monkeypatch, exchanges, 180.0)
    after = resource.getrusage(resource.RUSAGE_SELF)
    for name, opened in times.items():
        channels = len(list(load_live_source(name).channels(["BTCUSDT"])))
        assert len(opened) <= 7 * channels, name
        assert all(b - a > 0.3 for a, b in pairwise(opened)), name
    assert len(lines) <= 6 * len(exchanges)  # listening, the first break, then one a minute
    assert all(row.covered_s < 1 for row in summary.rows)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    grown = (after.ru_maxrss - before.ru_maxrss) / 1024
    print(f"{sum(map(len, times.values()))} connections, {len(lines)} lines, {cpu_s:.1f} s CPU, {grown:.0f} MiB more")
    assert cpu_s < 18


# ------------------------------------------------------------------ hundreds of symbols


COINS = [f"C{n:03d}" for n in range(500)]


def many(exchange: str) -> tuple[Any, dict[str, str]]:
    """A server that lists 500 contracts under its exchange's limits, some with events; instrument -> symbol."""
    ending, symbol = {
        "bybit": ("{}USDT", "{}USDT"),
        "kraken": ("PF_{}USD", "{}USD"),
        "dydx": ("{}-USD", "{}USD"),
        "lighter": ("{}", "{}USDC"),
        "backpack": ("{}_USDC_PERP", "{}USDC"),
    }[exchange]
    names = {ending.format(coin): symbol.format(coin) for coin in COINS}
    truth = {name: make_recent(n, 3) if n % 25 == 0 else [] for n, name in enumerate(names)}
    servers = {
        "bybit": lambda: BybitStream(truth),
        "kraken": lambda: KrakenStream(truth, list(names)),
        "dydx": lambda: DydxStream(truth, list(names)),
        "lighter": lambda: LighterStream(truth, {name: n for n, name in enumerate(names)}),
        "backpack": lambda: BackpackStream(truth, list(names)),
    }
    return servers[exchange](), names


# Connections for 500 symbols: 200, 150, 32, 90 and 100 on each.
@pytest.mark.parametrize(
    ("exchange", "connections"),
    [
        ("kraken", 4),
        *(
            pytest.param(*case, marks=pytest.mark.soak)
            for case in (("bybit", 3), ("dydx", 16), ("lighter", 6), ("backpack", 5))
        ),
    ],
)
def test_five_hundred_symbols(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, exchange: str, connections: int) -> None:
    """The server refuses what exceeds its exchange's limits."""
    server, names = many(exchange)
    size = "0.01" if exchange == "backpack" else "0.001"
    rows = {names[name]: linear(events, size) for name, events in server.truth.items() if events}
    before = resource.getrusage(resource.RUSAGE_SELF)
    with server:
        be_swift(monkeypatch, exchange, server)
        summary, warnings = record_truth(tmp_path, exchange, rows, server, ["all"])
    after = resource.getrusage(resource.RUSAGE_SELF)
    cpu_s = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
    print(f"{exchange}: {cpu_s:.1f} s CPU with the server, {after.ru_maxrss / 1024:.0f} MiB at most")
    assert (len(server.paths), server.complaints, warnings) == (connections, [], [])
    assert sum(row.events for row in summary.rows) == 60
