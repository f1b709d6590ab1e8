"""What a connection's buffer keeps of replays, of all symbols, and of frames that need decoding or an answer."""

from __future__ import annotations

import gzip
import json
from dataclasses import replace

import pytest

from liqcli.core.symbols import EVERY
from liqcli.ingest.stream import buffer as stream_buffer
from liqcli.ingest.stream.buffer import StreamBuffer
from liqcli.ingest.stream.silence import GapStatistics
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


def claimed(buffer: StreamBuffer, status: str = "complete") -> dict[str, list[tuple[int, int]]]:
    """Take the claims of a status: symbol -> intervals, in seconds after T."""
    found: dict[str, list[tuple[int, int]]] = {}
    for claim in buffer.take().claims:
        for symbol in claim.symbols if claim.status == status else ():
            found.setdefault(symbol, []).append(((claim.start_us - T) // S, (claim.end_us - T) // S))
    return found


@pytest.fixture(autouse=True)
def at_once(monkeypatch):
    monkeypatch.setattr(stream_buffer, "SETTLE_US", 0)


def test_replayed_events_are_kept_apart_and_not_counted():
    buffer = made()
    buffer.add({"orders": (order(), order(second=1)), "replayed": True}, T + 10 * S)
    buffer.add({"orders": (order(second=9),)}, T + 10 * S)
    batch = buffer.take()
    assert [[row.ts_us for row in replay] for replay in batch.replays] == [[T, T + S]]
    assert [row.ts_us for row in batch.rows] == [T + 9 * S]
    assert buffer.take().replays == []
    assert (buffer.events, buffer.notional) == ({"BTCUSDT": 1}, {"BTCUSDT": 10_000.0})


def test_the_first_events_of_each_connection_can_be_a_replay():
    buffer = made(replays=True)
    for _ in range(2):
        buffer.open(T)
        buffer.add({}, T)  # an answer, without events
        buffer.add({"orders": (order(second=-1), order(second=1))}, T)
        buffer.add({"orders": (order(second=-2), order(second=5))}, T + 5 * S)
    batch = buffer.take()
    assert [[row.ts_us for row in replay] for replay in batch.replays] == [[T - S]] * 2
    assert [row.ts_us for row in batch.rows] == [T + S, T - 2 * S, T + 5 * S] * 2


def test_a_new_symbol_of_all_gets_the_time_before_its_first_event():
    buffer = made((EVERY,), every=True)
    buffer.add({"orders": (order("ETHUSDT", 12),)}, T + 12 * S)
    assert buffer.symbols == ("ETHUSDT",)
    assert claimed(buffer) == {EVERY: [(0, 12)]}
    buffer.add({"orders": (order("SOLUSDT", 20),)}, T + 20 * S)
    assert claimed(buffer) == {EVERY: [(12, 20)], "SOLUSDT": [(0, 12)]}
    assert buffer.symbols == ("ETHUSDT", "SOLUSDT")


def test_all_subscribed_symbols_have_their_own_start():
    buffer = made(("ETHUSDT", "SOLUSDT"), every=True, confirms=True)
    buffer.add({"confirmed": ("ETHUSDT",)}, T + 2 * S)
    buffer.add({"confirmed": ("SOLUSDT",)}, T + 4 * S)
    buffer.add({"orders": (order("SOLUSDT", 8), order("BTCUSDT", 8))}, T + 8 * S)
    assert [row.symbol for row in buffer.rows] == ["SOLUSDT"]
    assert claimed(buffer) == {"ETHUSDT": [(2, 8)], "SOLUSDT": [(4, 8)]}


def test_an_answer_can_be_for_every_symbol_of_the_channel():
    buffer = made(("BTCUSDT", "ETHUSDT"), confirms=True)
    buffer.add({"confirmed": (EVERY,)}, T + S)
    buffer.pulse(T + 9 * S)
    assert claimed(buffer, "provisional") == {"BTCUSDT": [(1, 9)], "ETHUSDT": [(1, 9)]}
    buffer.add({"refused": {EVERY: "no such channel"}}, T + S)
    assert buffer.refused == {"BTCUSDT": "no such channel", "ETHUSDT": "no such channel"}


def test_an_ordinary_trade_shows_that_the_stream_lives():
    buffer = made(patience_s=60.0)
    buffer.add({"alive": True}, T + 50 * S)
    assert buffer.find_silence(T + 100 * S) is None
    buffer.close()
    assert claimed(buffer) == {"BTCUSDT": [(0, 50)]}


def test_a_reply_is_returned():
    buffer = made()
    assert buffer.add_bytes(b'{"reply": "pong"}', T) == "pong"
    assert buffer.add_bytes(b"{}", T) is None


@pytest.mark.parametrize(
    ("frame", "reason"),
    [
        (b'{"orders": []}', "not gzip"),
        (gzip.compress(b'{"orders": []}', mtime=0)[:-9], "gzip frame is truncated"),
        (gzip.compress(b" " * (LARGEST_TEXT + 1), mtime=0), "gzip frame is too large"),
        (gzip.compress(b"{", mtime=0), "not JSON"),
    ],
)
def test_a_frame_that_is_not_compressed_as_agreed_costs_itself_only(frame, reason):
    buffer = made(decode=read_gzip)
    buffer.add_bytes(frame, T)
    buffer.add_bytes(gzip.compress(json.dumps({"orders": [order()]}).encode()), T)
    batch = buffer.take()
    assert len(batch.rows) == 1
    assert [row.reason.partition(":")[0] for row in batch.rejected] == [reason]


def test_a_text_pong_has_no_content():
    buffer = made(decode=read_json_or_pong)
    assert buffer.add_bytes(b"pong", T) is None
    batch = buffer.take()
    assert (batch.rows, batch.claims, batch.rejected) == ([], [], [])


def test_an_unreadable_event_is_found_by_the_keys_of_its_exchange():
    buffer = made(name_keys=("inst",))
    buffer.add({"orders": ({"inst": "ETHUSDT"}, {"inst": "BTCUSDT"}, {"s": "ETHUSDT"})}, T)
    assert len(buffer.take().rejected) == 2


# ------------------------------------------------------------------ silence


def ticking(buffer: StreamBuffer, last_s: int, every_s: int = 10) -> None:
    """Events every few seconds up to a second, pings answered."""
    for second in range(every_s, last_s + 1, every_s):
        buffer.pulse(T + second * S)
        buffer.add({"orders": (order(second=second),)}, T + second * S)


def test_a_usual_silence_is_provisional_and_then_complete():
    buffer = made()
    ticking(buffer, 100)
    buffer.pulse(T + 160 * S)
    batch = buffer.take()
    assert [(c.status, (c.start_us - T) // S, (c.end_us - T) // S) for c in batch.claims] == [
        ("complete", 0, 100), ("provisional", 100, 160),
    ]  # fmt: skip
    assert buffer.coverage.covered_us("BTCUSDT") == 160 * S
    buffer.add({"orders": (order(second=170),)}, T + 170 * S)
    assert claimed(buffer) == {"BTCUSDT": [(100, 170)]}


def test_an_unusual_silence_is_unconfirmed_and_later_events_do_not_prove_it():
    """Events every 10 s teach 3 x 10 s, at least a minute: after 61 s without one the stream is suspect."""
    buffer = made()
    ticking(buffer, 3000)
    assert buffer.coverage.gaps.longest_usual_s == pytest.approx(10, rel=0.2)
    assert buffer.coverage.patience_us == 60 * S
    buffer.take()
    buffer.pulse(T + 3060 * S)
    assert buffer.find_silence(T + 3060 * S) is None
    buffer.pulse(T + 3061 * S)
    why = buffer.find_silence(T + 3061 * S)
    assert why == "no events for 1 min 1 s, suspect after 1 min; unconfirmed since 2026-03-01 00:50 UTC"
    buffer.close()
    assert claimed(buffer, "unconfirmed") == {"BTCUSDT": [(3000, 3061)]}
    buffer.open(T + 3065 * S)
    buffer.pulse(T + 3080 * S)
    assert claimed(buffer, "unconfirmed") == {"BTCUSDT": [(3065, 3080)]}, "the new connection has proved nothing"
    buffer.add({"orders": (order(second=3090),)}, T + 3090 * S)
    assert claimed(buffer) == {"BTCUSDT": [(3065, 3090)]}
    assert buffer.coverage.unconfirmed_us("BTCUSDT") == 61 * S


def test_an_event_after_an_unusual_silence_on_the_same_connection():
    buffer = made()
    ticking(buffer, 3000)
    buffer.take()
    buffer.add({"orders": (order(second=3200),)}, T + 3200 * S)
    buffer.add({"orders": (order(second=3210),)}, T + 3210 * S)
    claims = buffer.take().claims
    assert [(c.status, (c.start_us - T) // S, (c.end_us - T) // S) for c in claims] == [
        ("unconfirmed", 3000, 3200), ("complete", 3200, 3210),
    ]  # fmt: skip


def test_each_silent_connection_in_a_row_is_given_more_time():
    buffer = made(patience_s=100.0)
    start, lengths = 0, []
    for _ in range(4):
        buffer.open(T + start * S)
        length = next(n for n in range(10_000) if buffer.find_silence(T + (start + n) * S))
        lengths.append(length)
        start += length
        buffer.close()
    assert lengths == [101, 201, 401, 801]
    assert claimed(buffer) == {}


def test_a_replay_does_not_prove_that_the_stream_delivers():
    buffer = made(patience_s=60.0, replays=True)
    buffer.add({"orders": (order(second=-5),)}, T + S)
    buffer.pulse(T + 30 * S)
    assert claimed(buffer, "unconfirmed") == {"BTCUSDT": [(0, 30)]}


def test_the_clock_is_measured_by_the_fastest_message():
    buffer = made()
    for sent, received in ((0, 900), (1000, 1040), (2000, 2700)):
        buffer.add({"sent_us": T + sent * 1000}, T + received * 1000)
    assert buffer.clock.offset_us == 40_000


def test_time_is_not_covered_before_late_events_have_arrived():
    """Bitget's messages came up to 20 s after their events."""
    buffer = made(late_s=30.0)
    buffer.add({"orders": (order(second=80),)}, T + 100 * S)
    assert claimed(buffer) == {"BTCUSDT": [(0, 70)]}


@pytest.mark.parametrize("default_s", [None, 10.0, 60.0, 600.0])
@pytest.mark.parametrize("known", [{}, {0: 500.0}, {40: 500.0}])
def test_a_gap_is_usual_up_to_the_patience(default_s, known):
    """With nothing known, with gaps up to 0.1 s, and with gaps of 147 s (0.1 s x 1.2^40)."""
    gaps = GapStatistics(dict(known), sum(known.values()))
    patience_us = gaps.patience_us(default_s)
    assert gaps.is_usual(patience_us, default_s)
    assert not gaps.is_usual(patience_us + 1, default_s)
