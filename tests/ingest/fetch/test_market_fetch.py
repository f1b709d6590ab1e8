"""Candles and open interest from servers that keep each exchange's rules: the lake equals the truth."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback.market import DAY_MS, MINUTE_MS, BinanceMarket, BybitMarket, GateMarket, OkxMarket, VisionMarket
from loopback.market_scenes import (
    BOTH,
    HOUR_MS,
    NOW_MS,
    SERVERS,
    SPAN_MS,
    market_servers,
    read,
    true_candles,
    true_interest,
    window_of,
)
from loopback.scenes import WINDOW, exit_code, fetch_market, parquet_bytes
from loopback.server import Reply, json_reply

from liqcli.core.errors import ExitCode
from liqcli.core.times import now_us
from liqcli.ingest.fetch import FetchRow, request_runner
from liqcli.lake.store import Lake
from liqcli.lake.verify import verify_lake
from liqcli.sources.registry import KNOWN_SOURCES


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """``house(binance=BinanceMarket())`` starts servers; whoever is not named is not there."""
    with market_servers(monkeypatch) as start:
        yield start


@pytest.mark.parametrize(
    ("exchange", "requests"),
    [
        ("binance", (1, 1)),  # 1440 of 1500 candles, 288 of 500 snapshots
        ("bybit", (2, 2)),  # pages of 1000 and 200
        ("okx", (15, 3)),  # pages of 100, windows of 99 snapshots
        ("gate", (2, 3)),  # one more for the contract's size; pages of 100 snapshots
    ],
)
def test_a_day_equals_the_truth_and_twice_is_silence(
    house: object, lake: Path, exchange: str, requests: tuple[int, int]
) -> None:
    server = SERVERS[exchange]()
    house(**{exchange: server})  # type: ignore[operator]
    window = window_of(SPAN_MS)
    rows = fetch_market(lake, window, ["BTCUSDT", "ETHUSDT"], BOTH, [exchange])
    assert [(row.kind, row.symbol, row.exchange, row.result) for row in rows] == [
        (kind, symbol, exchange, "ok") for symbol in ("BTCUSDT", "ETHUSDT") for kind in BOTH
    ]
    assert tuple(row.requests for row in rows[:2]) == requests
    assert [row.rows for row in rows[:2]] == [1440, 288]
    for symbol in ("BTCUSDT", "ETHUSDT"):
        assert read(lake, "candles", exchange, symbol) == true_candles(symbol, SPAN_MS)
        assert read(lake, "open_interest", exchange, symbol) == true_interest(symbol, SPAN_MS, exchange)
    assert verify_lake(Lake(lake), KNOWN_SOURCES).damage == []  # its prices jump, which is only a suspicion
    asked = len(server.asked)
    again = fetch_market(lake, window, ["BTCUSDT", "ETHUSDT"], BOTH, [exchange])
    assert [(row.result, row.rows, row.requests) for row in again] == [("ok", 0, 0)] * 4
    assert len(server.asked) == asked


def test_only_gaps_are_asked_for(house: object, lake: Path) -> None:
    """Hours 2 to 3 are there; of hours 1 to 5 two windows are asked: 1 to 2 and 3 to 5."""
    server = BinanceMarket()
    house(binance=server)  # type: ignore[operator]
    hours = [SPAN_MS[0] + n * HOUR_MS for n in range(6)]
    for span in ((hours[2], hours[3]), (hours[1], hours[5])):
        fetch_market(lake, window_of(span), ["BTCUSDT"], ["candles"])
    spans = [(int(a.params["startTime"]), int(a.params["endTime"]) + 1) for a in server.asked]
    assert spans == [(hours[2], hours[3]), (hours[1], hours[2]), (hours[3], hours[5])]
    assert read(lake, "candles", "binance", "BTCUSDT") == true_candles("BTCUSDT", (hours[1], hours[5]))


@pytest.mark.parametrize("exchange", ["binance", "bybit", "okx", "gate"])
def test_the_open_candle_is_left_out(house: object, lake: Path, exchange: str) -> None:
    house(**{exchange: SERVERS[exchange]()})  # type: ignore[operator]
    now_ms = now_us() // 1000
    fetch_market(lake, window_of((now_ms - HOUR_MS, now_ms)), ["BTCUSDT"], ["candles"], [exchange])
    stored = read(lake, "candles", exchange, "BTCUSDT")
    assert 59 <= len(stored) <= 61
    assert max(stored) + MINUTE_MS <= now_us() // 1000
    assert min(stored) == (now_ms - HOUR_MS) // MINUTE_MS * MINUTE_MS


FAULTS = {
    2: Reply(429, b"{}", {"Retry-After": "0"}),
    3: Reply(500, b"oops"),
    5: Reply(reset=True),
    6: Reply(200, b"<html>busy</html>"),
    8: Reply(200, b'{"retCode": 0, "code": "0", "da'),
}


@pytest.mark.parametrize("exchange", ["binance", "bybit", "okx", "gate"])
def test_faults_are_asked_again(house: object, lake: Path, exchange: str) -> None:
    busy = {
        "bybit": json_reply({"retCode": 10006, "retMsg": "Too many visits!", "result": {}}),
        "okx": json_reply({"code": "50011", "msg": "Too Many Requests", "data": []}),
    }.get(exchange, Reply(503, b"later"))
    house(**{exchange: SERVERS[exchange](faults={**FAULTS, 1: busy})})  # type: ignore[operator]
    rows = fetch_market(lake, window_of(SPAN_MS), ["BTCUSDT"], BOTH, [exchange])
    assert [row.result for row in rows] == ["ok", "ok"]
    assert read(lake, "candles", exchange, "BTCUSDT") == true_candles("BTCUSDT", SPAN_MS)
    assert read(lake, "open_interest", exchange, "BTCUSDT") == true_interest("BTCUSDT", SPAN_MS, exchange)


def test_blocked_binance_hands_over_to_bybit(house: object, lake: Path) -> None:
    """451: asked once a run, not once a symbol; said so; the second run does not ask it again."""
    binance, bybit = BinanceMarket(blocked=451), BybitMarket()
    house(binance=binance, bybit=bybit)  # type: ignore[operator]
    lines: list[str] = []
    span = (NOW_MS - 3 * HOUR_MS, NOW_MS - HOUR_MS)  # today: no archive has it
    rows = fetch_market(lake, window_of(span), ["BTCUSDT", "ETHUSDT"], ["candles"], say=lines.append)
    assert [(row.exchange, row.result) for row in rows] == [("bybit", "ok")] * 2
    assert len(binance.asked) == 1
    assert all("451" in row.troubles[0] and "refuses this network" in row.troubles[0] for row in rows)
    assert not [line for line in lines if "451" in line], "it is named in the sum-up, once"
    asked = len(bybit.asked)
    again = fetch_market(lake, window_of(span), ["BTCUSDT", "ETHUSDT"], ["candles"])
    assert [(row.exchange, row.result, row.requests) for row in again] == [("bybit", "ok", 0)] * 2
    assert (len(binance.asked), len(bybit.asked)) == (1, asked)


def test_all_the_way_to_gate(house: object, lake: Path) -> None:
    """Binance 451, Bybit 403, OKX not there at all."""
    house(binance=BinanceMarket(blocked=451), bybit=BybitMarket(blocked=403), gate=GateMarket())  # type: ignore[operator]
    span = (NOW_MS - 3 * HOUR_MS, NOW_MS - HOUR_MS)
    (row,) = fetch_market(lake, window_of(span), ["BTCUSDT"], ["open-interest"])
    assert (row.exchange, row.result) == ("gate", "ok")
    assert [text.split(":")[0] for text in row.troubles] == ["binance", "bybit", "okx"]


def test_a_symbol_that_only_okx_lists(house: object, lake: Path) -> None:
    house(binance=BinanceMarket(), bybit=BybitMarket(), okx=OkxMarket(("NEWUSDT",)))  # type: ignore[operator]
    span = (NOW_MS - 3 * HOUR_MS, NOW_MS - 2 * HOUR_MS)
    (row,) = fetch_market(lake, window_of(span), ["NEWUSDT"], ["candles"])
    assert (row.exchange, row.result, row.rows) == ("okx", "ok", len(read(lake, "candles", "okx", "NEWUSDT")))
    assert [text.split(",")[0] for text in row.troubles] == [
        "binance does not list NEWUSDT",
        "bybit does not list NEWUSDT",
    ]


def test_no_source_answers(house: object, lake: Path) -> None:
    house()  # type: ignore[operator]
    rows = fetch_market(lake, window_of(SPAN_MS), ["BTCUSDT"], ["candles"])
    assert (rows[0].result, exit_code(rows)) == ("failed", ExitCode.SOURCE)
    assert "cannot be reached" in rows[0].troubles[0]
    assert not lake.exists() or not list(lake.rglob("*.parquet"))


# ------------------------------------------------------------------------------------------------ the archive


def test_blocked_binance_serves_older_days_from_its_archive(house: object, lake: Path) -> None:
    """Two whole days, of which the window has 24 hours: all of both is kept."""
    binance, vision = BinanceMarket(blocked=451), VisionMarket()
    house(binance=binance, binance_vision=vision)  # type: ignore[operator]
    days = NOW_MS // DAY_MS * DAY_MS - 4 * DAY_MS
    span = (days + 13 * HOUR_MS, days + 37 * HOUR_MS)
    rows = fetch_market(lake, window_of(span), ["BTCUSDT"], BOTH)
    assert [(row.exchange, row.result) for row in rows] == [("binance", "ok")] * 2
    two_days = (days, days + 2 * DAY_MS)
    assert read(lake, "candles", "binance", "BTCUSDT") == true_candles("BTCUSDT", two_days)
    assert read(lake, "open_interest", "binance", "BTCUSDT") == true_interest("BTCUSDT", two_days, "binance")
    assert len(vision.asked) == 8  # a zip and a checksum, two days, two kinds
    assert [row.requests for row in fetch_market(lake, window_of(span), ["BTCUSDT"], BOTH)] == [0, 0]


@pytest.mark.slow
def test_old_windows_come_as_months_and_days(house: object, lake: Path) -> None:
    """31 January 12:00 to 2 March: a day, a month, a day; fapi is not asked; a wrong checksum is asked again."""
    binance, vision = BinanceMarket(), VisionMarket(wrong_checksums=1)
    house(binance=binance, binance_vision=vision)  # type: ignore[operator]
    january, march = 1_769_817_600_000, 1_772_409_600_000  # 2026-01-31, 2026-03-02
    window = window_of((january + 12 * HOUR_MS, march))
    (row,) = fetch_market(lake, window, ["BTCUSDT"], ["candles"])
    assert row.result == "ok"
    assert binance.asked == []
    files = [a.path.rsplit("/", 1)[1] for a in vision.asked if not a.path.endswith("CHECKSUM")]
    assert sorted(files) == [
        "BTCUSDT-1m-2026-01-31.zip",
        "BTCUSDT-1m-2026-01-31.zip",
        "BTCUSDT-1m-2026-02.zip",
        "BTCUSDT-1m-2026-03-01.zip",
    ]
    assert read(lake, "candles", "binance", "BTCUSDT") == true_candles("BTCUSDT", (january, march))


def test_a_day_missing_from_the_archive_comes_from_fapi(house: object, lake: Path) -> None:
    """Of three days in January the middle one is no file: its 1440 minutes are one question to fapi."""
    binance, vision = BinanceMarket(), VisionMarket()
    house(binance=binance, binance_vision=vision)  # type: ignore[operator]
    vision.missing.add("2026-01-11")
    span = (1_768_003_200_000, 1_768_003_200_000 + 3 * DAY_MS)  # from 2026-01-10 on
    (row,) = fetch_market(lake, window_of(span), ["BTCUSDT"], ["candles"], ["binance"])
    assert (row.result, row.sources) == ("ok", ("binance-vision", "binance"))
    assert [asked.params["startTime"] for asked in binance.asked] == [str(span[0] + DAY_MS)]
    assert read(lake, "candles", "binance", "BTCUSDT") == true_candles("BTCUSDT", span)


# ------------------------------------------------------------------------------------------------ limits


def test_gate_keeps_ten_thousand_bars(house: object, lake: Path) -> None:
    """Eight days of minutes are 11,520: the kept part is stored, the rest is reported as missing."""
    server = GateMarket()
    house(gate=server)  # type: ignore[operator]
    now_ms = now_us() // 1000  # NOW_MS is as old as the run, and the server keeps what is ten thousand minutes old
    (row,) = fetch_market(lake, window_of((now_ms - 8 * DAY_MS, now_ms)), ["BTCUSDT"], ["candles"], ["gate"])
    assert (row.result, row.usable) == ("partial", True)
    assert 9_980 <= row.rows <= 9_990
    assert exit_code([row]) == ExitCode.PARTIAL
    assert len(server.paths("candlesticks")) == 5


def test_coarser_candles(house: object, lake: Path) -> None:
    server = BinanceMarket()
    house(binance=server)  # type: ignore[operator]
    start = NOW_MS // HOUR_MS * HOUR_MS - 48 * HOUR_MS
    (row,) = fetch_market(lake, window_of((start, start + 24 * HOUR_MS)), ["BTCUSDT"], ["candles"], interval="1h")
    assert (row.rows, row.requests) == (24, 1)
    (path,) = {p.parent.parent.name for p in lake.rglob("candles/**/*.parquet")}
    assert path == "interval=1h"


def test_a_damaged_file_is_named_and_the_next_exchange_serves(house: object, lake: Path) -> None:
    house(binance=BinanceMarket(), bybit=BybitMarket())  # type: ignore[operator]
    fetch_market(lake, window_of(SPAN_MS), ["BTCUSDT"], ["candles"])
    for path in lake.rglob("candles/**/*.parquet"):
        path.write_bytes(b"x")
    (row,) = fetch_market(lake, window_of(SPAN_MS), ["BTCUSDT"], ["candles"])
    assert (row.exchange, row.result) == ("bybit", "ok")
    assert "damaged or not Parquet" in row.troubles[0]


def test_rows_without_windows_are_partial() -> None:
    row = FetchRow("candles", "BTCUSDT", WINDOW, "gate", partial=True)
    assert exit_code([row, FetchRow("candles", "ETHUSDT", WINDOW, "gate")]) == ExitCode.PARTIAL


def test_a_broken_run_is_taken_up_again(house: object, lake: Path) -> None:
    """Of OKX's fifteen windows the fifth is refused: what is under way is stored, the next run asks for the rest."""
    server = OkxMarket(faults={5: Reply(404, b"gone")})
    house(okx=server)  # type: ignore[operator]
    (row,) = fetch_market(lake, window_of(SPAN_MS), ["BTCUSDT"], ["candles"], ["okx"])
    assert (row.result, row.answered) == ("partial", row.requests - 1)
    assert 4 <= row.answered <= 14
    held = len(read(lake, "candles", "okx", "BTCUSDT"))
    assert held == row.rows
    (again,) = fetch_market(lake, window_of(SPAN_MS), ["BTCUSDT"], ["candles"], ["okx"])
    assert (again.result, again.rows, again.requests) == ("ok", 1440 - held, 15 - row.answered)
    assert read(lake, "candles", "okx", "BTCUSDT") == true_candles("BTCUSDT", SPAN_MS)


def test_an_interrupted_run_keeps_what_was_answered(house: object, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Ctrl-C while the thirteenth window is asked for: of the twelve before it at most seven are under way."""
    from liqcli.net import client as net_client

    house(okx=OkxMarket())  # type: ignore[operator]
    get, calls = net_client.Client.get, iter(range(99))

    def interrupted(*args: object) -> object:
        if next(calls) == 12:
            raise KeyboardInterrupt
        return get(*args)  # type: ignore[arg-type]

    monkeypatch.setattr(net_client.Client, "get", interrupted)
    with pytest.raises(KeyboardInterrupt):
        fetch_market(lake, window_of(SPAN_MS), ["BTCUSDT"], ["candles"], ["okx"])
    assert len(read(lake, "candles", "okx", "BTCUSDT")) >= 500


def test_symbols_and_windows_are_asked_at_once_and_their_order_changes_nothing(
    house: object, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Four symbols of OKX with one thread and with eight: the same rows in the same order, the same bytes."""
    symbols = ["BTCUSDT", "ETHUSDT", "SOLUSDT", "XUSDT"]
    house(okx=OkxMarket(("BTCUSDT", "ETHUSDT", "SOLUSDT"), latency_s=0.004))  # type: ignore[operator]
    found = []
    for workers in (1, 8):
        monkeypatch.setattr(request_runner, "count_workers", lambda _limits, workers=workers: workers)
        lake = tmp_path / f"lake{workers}"
        rows = fetch_market(lake, window_of(SPAN_MS), symbols, BOTH, ["okx"])
        found.append((rows, parquet_bytes(lake)))
    assert found[0] == found[1]
    assert [(row.symbol, row.kind, row.requests) for row in rows] == [
        (symbol, kind, 1 if symbol == "XUSDT" else requests)
        for symbol in symbols
        for kind, requests in zip(BOTH, (15, 3), strict=True)
    ]
    assert len(found[0][1]) == 6


def test_a_blocking_source_gets_one_request(house: object, lake: Path) -> None:
    """Six symbols at once, and a country that is refused: one request to Binance, then Bybit."""
    binance = BinanceMarket(blocked=451)
    symbols = [f"{base}USDT" for base in ("BTC", "ETH", "SOL", "XRP", "ADA", "DOT")]
    house(binance=binance, bybit=BybitMarket(tuple(symbols)))  # type: ignore[operator]
    span = (NOW_MS - 3 * HOUR_MS, NOW_MS - HOUR_MS)
    rows = fetch_market(lake, window_of(span), symbols, BOTH)
    assert [(row.exchange, row.result) for row in rows] == [("bybit", "ok")] * 12
    assert len(binance.asked) == 1


def test_a_contract_size_is_asked_for_once_a_symbol(house: object, lake: Path) -> None:
    server = GateMarket()
    house(gate=server)  # type: ignore[operator]
    fetch_market(lake, window_of((NOW_MS - 6 * DAY_MS, NOW_MS)), ["BTCUSDT", "ETHUSDT"], BOTH, ["gate"])
    assert len(server.paths("BTC_USDT")) == len(server.paths("ETH_USDT")) == 1
