"""What a connection's buffer keeps of replays, of all symbols, and of frames that need decoding or an answer."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import pytest

from liqcli.core.symbols import EVERY
from liqcli.ingest.stream import buffer as stream_buffer
from liqcli.ingest.stream.buffer import StreamBuffer
from liqcli.sources.bybit.stream import parse_event
from liqcli.sources.stream_base import LARGEST_TEXT, Channel, Frame, LiveSource, read_gzip, read_json_or_pong

S = 1_000_000
T = 1_772_323_200 * S  # 2026-03-01


def read(message: dict) -> Frame:
    return Frame(**message)


SOURCE = LiveSource("test", "wss://test", ("USDT",), lambda _: iter(()), read, parse_event)


def order(symbol: str = "BTCUSDT", second: int = 0) -> dict:
    """0.1 at 100,000: 10,000 USD."""
    return {"T": (T + second * S) // 1000, "s": symbol, "S": "Buy", "v": "0.1", "p": "100000"}


def made(symbols: tuple[str, ...] = ("BTCUSDT",), every: bool = False, **changes: object) -> StreamBuffer:
    buffer = StreamBuffer(replace(SOURCE, **changes), Channel("/", symbols, every=every))
    buffer.open(T)
    return buffer


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(stream_buffer, "SETTLE_US", 0)


def test_replayed_events_are_kept_apart_and_not_counted():
    buffer = made()
    buffer.add({"orders": (order(), order(second=1)), "replayed": True}, T + 10 * S)
    buffer.add({"orders": (order(second=9),)}, T + 10 * S)
    assert [row.ts_us for row in buffer.take_replayed()] == [T, T + S]
    assert buffer.take_replayed() == []
    assert [row.ts_us for row in buffer.take_ready(None)[0]] == [T + 9 * S]
    assert (buffer.events, buffer.notional) == ({"BTCUSDT": 1}, {"BTCUSDT": 10_000.0})


def test_the_first_events_of_each_connection_can_be_a_replay():
    buffer = made(replays=True)
    for _ in range(2):
        buffer.open(T)
        buffer.add({}, T)  # an answer, without events
        buffer.add({"orders": (order(second=-1), order(second=1))}, T)
        buffer.add({"orders": (order(second=-2), order(second=5))}, T + 5 * S)
    assert [row.ts_us for row in buffer.take_replayed()] == [T - S] * 2
    assert [row.ts_us for row in buffer.take_ready(None)[0]] == [T + S, T - 2 * S, T + 5 * S] * 2


def test_all_symbols_are_covered_once_they_have_an_event():
    buffer = made((EVERY,), every=True)
    buffer.pulse(T + 10 * S)
    assert buffer.symbols == (EVERY,)
    assert buffer.take_ready(None)[1] == {}
    buffer.add({"orders": (order("ETHUSDT", 12),)}, T + 12 * S)
    assert buffer.take_ready(None)[1] == {"ETHUSDT": [(T, T + 12 * S)]}
    buffer.add({"orders": (order("SOLUSDT", 20),)}, T + 20 * S)
    claims = buffer.take_ready(None)[1]
    assert claims == {"ETHUSDT": [(T + 12 * S, T + 20 * S)], "SOLUSDT": [(T, T + 20 * S)]}
    assert buffer.symbols == ("ETHUSDT", "SOLUSDT")


def test_all_subscribed_symbols_have_their_own_start():
    buffer = made(("ETHUSDT", "SOLUSDT"), every=True, confirms=True)
    buffer.add({"confirmed": ("ETHUSDT",)}, T + 2 * S)
    buffer.add({"confirmed": ("SOLUSDT",)}, T + 4 * S)
    buffer.add({"orders": (order("SOLUSDT", 8), order("BTCUSDT", 8))}, T + 8 * S)
    rows, claims, _ = buffer.take_ready(None)
    assert ([row.symbol for row in rows], claims) == (["SOLUSDT"], {"SOLUSDT": [(T + 4 * S, T + 8 * S)]})


def test_an_answer_can_be_for_every_symbol_of_the_channel():
    buffer = made(("BTCUSDT", "ETHUSDT"), confirms=True)
    buffer.add({"confirmed": (EVERY,)}, T + S)
    assert buffer.since == {"BTCUSDT": T + S, "ETHUSDT": T + S}
    buffer.add({"refused": {EVERY: "no such channel"}}, T + S)
    assert buffer.refused == {"BTCUSDT": "no such channel", "ETHUSDT": "no such channel"}


def test_an_ordinary_trade_shows_that_the_stream_lives():
    buffer = made(patience_s=60.0)
    buffer.add({"alive": True}, T + 50 * S)
    assert not buffer.is_stale(T + 100 * S)
    buffer.close()
    assert buffer.take_ready(None)[1] == {"BTCUSDT": [(T, T + 50 * S)]}


def test_a_reply_is_returned():
    buffer = made()
    assert buffer.add_bytes(b'{"reply": "pong"}', T) == "pong"
    assert buffer.add_bytes(b"{}", T) is None


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b'{"orders": []}', "not gzip"),
        (gzip.compress(b'{"orders": []}')[:-9], "gzip frame is truncated"),
        (gzip.compress(b" " * (LARGEST_TEXT + 1)), "gzip frame is too large"),
        (gzip.compress(b"{"), "not JSON"),
    ],
)
def test_a_frame_that_is_not_compressed_as_agreed_costs_itself_only(frame, reason):
    buffer = made(decode=read_gzip)
    buffer.add_bytes(frame, T)
    buffer.add_bytes(gzip.compress(json.dumps({"orders": [order()]}).encode()), T)
    rows, _, rejected = buffer.take_ready(None)
    assert len(rows) == 1
    assert [row.reason.partition(":")[0] for row in rejected] == [reason]


def test_a_text_pong_has_no_content():
    buffer = made(decode=read_json_or_pong)
    assert buffer.add_bytes(b"pong", T) is None
    assert buffer.take_ready(None) == ([], {}, [])


def test_an_unreadable_event_is_found_by_the_keys_of_its_exchange():
    buffer = made(name_keys=("inst",))
    buffer.add({"orders": ({"inst": "ETHUSDT"}, {"inst": "BTCUSDT"}, {"s": "ETHUSDT"})}, T)
    assert len(buffer.take_ready(None)[2]) == 2
