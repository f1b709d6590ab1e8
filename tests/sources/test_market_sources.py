"""Requests and answers of each place of candles and open interest, documented messages worked out by hand."""

from __future__ import annotations

import json
from collections.abc import Generator
from typing import Any

import pytest

from liqcli.core.market_data import Candle, OpenInterest
from liqcli.core.model import Window
from liqcli.net.client import RefusalError
from liqcli.net.request import Request
from liqcli.sources.binance import archive_market
from liqcli.sources.binance import market as binance_market
from liqcli.sources.bybit import market as bybit_market
from liqcli.sources.gate import market as gate_market
from liqcli.sources.market_base import MarketSource, cut_bars
from liqcli.sources.okx import market as okx_market
from liqcli.sources.registry import MARKET_SOURCES, load_market_sources

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
T0 = 1_772_323_200_000_000  # 2026-03-01T00:00:00Z
T0_MS = T0 // 1000
WINDOW = Window(T0, T0 + 3 * MINUTE)
NOW = T0 + 60 * DAY


def talk(asking: Generator[Request, Any, Any], *answers: Any) -> tuple[list[Request], Any]:
    """Answer a generator's questions in turn; gives the questions and what it returned."""
    asked: list[Request] = []
    waiting = iter(answers)
    try:
        request = next(asking)
        while True:
            asked.append(request)
            request = asking.send(next(waiting))
    except StopIteration as end:
        return asked, end.value


def test_every_place_says_what_it_is() -> None:
    sources = [source for exchange in MARKET_SOURCES for source in load_market_sources(exchange)]
    assert [s.name for s in sources] == ["binance", "binance-vision", "binance", "bybit", "okx", "gate"]
    assert all(s.exchange in MARKET_SOURCES for s in sources)
    assert all("1m" in s.intervals and "1h" in s.intervals and "1d" in s.intervals for s in sources)


def test_cut_bars() -> None:
    """Seven minutes in pieces of three, the first two of them forgotten."""
    gap = Window(T0, T0 + 7 * MINUTE)
    assert cut_bars(gap, MINUTE, 3) == [
        Window(T0, T0 + 3 * MINUTE),
        Window(T0 + 3 * MINUTE, T0 + 6 * MINUTE),
        Window(T0 + 6 * MINUTE, T0 + 7 * MINUTE),
    ]
    late = T0 + 2 * MINUTE - 1
    assert cut_bars(gap, MINUTE, 10, late) == [Window(T0 + 2 * MINUTE, T0 + 7 * MINUTE)]
    assert cut_bars(gap, MINUTE, 10, T0 + DAY) == []


# ------------------------------------------------------------------------------------------------ binance


def test_binance_candles() -> None:
    rows = [
        [T0_MS, "100.1", "101", "99.5", "100.4", "12.5", T0_MS + 59_999, "1255", 7, "6", "600", "0"],
        [T0_MS + 180_000, "1", "1", "1", "1", "1", 0, "1", 1, "1", "1", "0"],  # after the window
    ]
    (request,), candles = talk(binance_market.ask_candles("BTCUSDT", "1m", WINDOW, {}), rows)
    assert request.path == "/fapi/v1/klines"
    assert dict(request.params) == {
        "symbol": "BTCUSDT",
        "interval": "1m",
        "startTime": str(T0_MS),
        "endTime": str(T0_MS + 179_999),
        "limit": "3",
    }
    assert candles == [Candle(T0, 100.1, 101.0, 99.5, 100.4, 12.5, 6.0)]


def test_binance_open_interest() -> None:
    row = {
        "symbol": "BTCUSDT",
        "sumOpenInterest": "20403.637",
        "sumOpenInterestValue": "150570784.07",
        "timestamp": T0_MS,
    }
    (request,), found = talk(binance_market.ask_open_interest("BTCUSDT", WINDOW, {}), [row])
    assert (request.path, dict(request.params)["period"]) == ("/futures/data/openInterestHist", "5m")
    assert found == [OpenInterest(T0, 20403.637, 150570784.07)]


def test_binance_keeps_thirty_days_of_open_interest() -> None:
    gap = Window(NOW - 40 * DAY, NOW)
    windows = binance_market.SOURCE.cut_open_interest(gap, NOW)
    assert windows[0].start_us == NOW - 30 * DAY + HOUR
    assert windows[-1].end_us == NOW
    assert all(w.length_us <= 500 * 5 * MINUTE for w in windows)


def test_binance_errors_inside_an_answer() -> None:
    with pytest.raises(ValueError, match="busy \\(-1001 Disconnected\\)"):
        binance_market.decode(b'{"code": -1001, "msg": "Disconnected"}')
    with pytest.raises(RefusalError, match="-1102 Mandatory"):
        binance_market.decode(b'{"code": -1102, "msg": "Mandatory"}')


def test_binance_older_candles_stand_in_for_the_archive() -> None:
    """Last of its places: candles of more than 35 days ago in pieces of 1500, no open interest."""
    old = Window(T0, T0 + 2000 * MINUTE)
    assert binance_market.SOURCE.cut_candles(old, MINUTE, NOW) == []
    assert [w.length_us // MINUTE for w in binance_market.OLDER.cut_candles(old, MINUTE, NOW)] == [1500, 500]
    assert binance_market.OLDER.cut_candles(old, MINUTE, T0 + 34 * DAY) == []
    assert binance_market.OLDER.cut_candles(old, MINUTE, T0 + 35 * DAY + 90_000_000) == [Window(T0, T0 + 2 * MINUTE)]
    assert binance_market.OLDER.cut_open_interest(old, T0 + DAY) == []
    assert load_market_sources("binance")[-1] is binance_market.OLDER


def test_inverse_contracts_are_not_asked_of_binance() -> None:
    assert talk(binance_market.ask_candles("BTCUSD", "1m", WINDOW, {})) == ([], None)
    assert talk(archive_market.ask_open_interest("BTCUSD", WINDOW, {})) == ([], None)


@pytest.mark.parametrize(
    ("prices", "said"),
    [
        (("100", "99", "98", "98.5"), "open or close lies outside low..high"),
        (("0", "1", "0", "1"), "not above zero"),
    ],
)
def test_a_candle_that_cannot_be_true_refuses_the_answer(prices: tuple[str, ...], said: str) -> None:
    with pytest.raises(RefusalError, match=said):
        talk(
            binance_market.ask_candles("BTCUSDT", "1m", WINDOW, {}),
            [[T0_MS, *prices, "1", T0_MS, "1", 1, "1", "1", "0"]],
        )


# ------------------------------------------------------------------------------------------------ archive


def test_archive_days_and_months() -> None:
    """February whole, with a day on each side; a month that ended yesterday comes as days."""
    february = Window(T0 - 28 * DAY, T0)
    gap = Window(february.start_us - 5 * HOUR, T0 + 7 * HOUR)
    assert archive_market.cut_candles(gap, MINUTE, NOW) == [
        Window(february.start_us - DAY, february.start_us),
        february,
        Window(T0, T0 + DAY),
    ]
    assert len(archive_market.cut_candles(february, MINUTE, T0 + DAY + 3 * HOUR)) == 28
    assert archive_market.cut_days(Window(T0, T0 + 2 * DAY), T0 + DAY + 25 * HOUR) == []
    assert archive_market.cut_days(Window(T0, T0 + 2 * DAY), T0 + DAY + 26 * HOUR) == [Window(T0, T0 + DAY)]


def zipped(text: str, name: str) -> tuple[object, object]:
    """The content of a CHECKSUM and its zip with one CSV, decoded."""
    import hashlib
    import io
    import zipfile

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as packed:
        packed.writestr("x.csv", text)
    checksum = f"{hashlib.sha256(buffer.getvalue()).hexdigest()}  {name}.zip\n".encode()
    return archive_market.decode(checksum), archive_market.decode(buffer.getvalue())


@pytest.mark.parametrize("header", ["", "open_time,open,high,low,close,volume\n"])
@pytest.mark.parametrize("unit", ["", "000"])
def test_archive_candles(header: str, unit: str) -> None:
    """With and without a header line; in ms, and in µs as spot files have it."""
    day = Window(T0, T0 + DAY)
    answers = zipped(f"{header}{T0_MS}{unit},100.1,101,99.5,100.4,12.5,0,0,0,6,0,0\n", "BTCUSDT-1m-2026-03-01")
    asked, candles = talk(archive_market.ask_candles("BTCUSDT", "1m", day, {}), *answers)
    folder = "/data/futures/um/daily/klines/BTCUSDT/1m"
    assert [request.path for request in asked] == [
        f"{folder}/BTCUSDT-1m-2026-03-01.zip.CHECKSUM",
        f"{folder}/BTCUSDT-1m-2026-03-01.zip",
    ]
    assert candles == [Candle(T0, 100.1, 101.0, 99.5, 100.4, 12.5, 6.0)]


def test_archive_metrics_are_undoubled() -> None:
    """Two rows of one time: the last counts, as for what arrives later."""
    text = (
        "create_time,symbol,sum_open_interest,sum_open_interest_value,x\n"
        "2026-03-01 00:00:00,BTCUSDT,39080.231,456144339.23,1.17\n"
        "2026-03-01 00:00:00,BTCUSDT,39081.000,456144400.00,1.18\n"
        "2026-03-01 00:05:00,BTCUSDT,39106.413,455693833.60,1.19\n"
    )
    answers = zipped(text, "BTCUSDT-metrics-2026-03-01")
    asked, found = talk(archive_market.ask_open_interest("BTCUSDT", Window(T0, T0 + DAY), {}), *answers)
    assert asked[1].path == "/data/futures/um/daily/metrics/BTCUSDT/BTCUSDT-metrics-2026-03-01.zip"
    assert found == [
        OpenInterest(T0, 39081.0, 456144400.0),
        OpenInterest(T0 + 5 * MINUTE, 39106.413, 455693833.6),
    ]


def test_archive_without_file_or_checksum() -> None:
    day = Window(T0, T0 + DAY)
    assert talk(archive_market.ask_candles("BTCUSDT", "1m", day, {}), None, None)[1] is None
    with pytest.raises(RefusalError, match="no checksum"):
        talk(archive_market.ask_candles("BTCUSDT", "1m", day, {}), None, b"zip")
    checksum, _body = zipped("", "BTCUSDT-1m-2026-03-01")
    with pytest.raises(RefusalError, match="4 attempts"):
        talk(archive_market.ask_candles("BTCUSDT", "1m", day, {}), *[checksum, b"cut"] * 4)


# ------------------------------------------------------------------------------------------------ bybit


def test_bybit_candles() -> None:
    """Newest first becomes oldest first; inverse volume is USD, so the turnover (coins) is taken."""
    rows = [
        [str(T0_MS + 60_000), "101", "102", "100", "101.5", "3", "303"],
        [str(T0_MS), "100", "101", "99", "100.5", "2", "201"],
    ]
    (request,), candles = talk(bybit_market.ask_candles("BTCUSDT", "1m", WINDOW, {}), {"list": rows})
    assert dict(request.params) == {
        "category": "linear", "symbol": "BTCUSDT", "interval": "1",
        "start": str(T0_MS), "end": str(T0_MS + 179_999), "limit": "1000",
    }  # fmt: skip
    assert [(candle.ts_us, candle.volume) for candle in candles] == [(T0, 2.0), (T0 + MINUTE, 3.0)]
    _asked, inverse = talk(bybit_market.ask_candles("BTCUSD", "1m", WINDOW, {}), {"list": rows})
    assert [candle.volume for candle in inverse] == [201.0, 303.0]


def test_bybit_open_interest_is_one_side_where_it_is_said() -> None:
    """The documented answer of BTCUSD (inverse: USD); an answer of before 2026-07 says one number, and that is kept."""
    single = {"openInterest": "63910691.00000000", "singleOpenInterest": "31955346", "timestamp": str(T0_MS)}
    older = {"openInterest": "60928.34400000", "timestamp": str(T0_MS)}
    _asked, found = talk(bybit_market.ask_open_interest("BTCUSD", WINDOW, {}), {"list": [single]})
    assert found == [OpenInterest(T0, None, 31955346.0)]
    _asked, found = talk(bybit_market.ask_open_interest("BTCUSDT", WINDOW, {}), {"list": [older]})
    assert found == [OpenInterest(T0, 60928.344, None)]


def test_bybit_open_interest_never_mixes_one_side_and_both() -> None:
    """100 coins a side: a row with only the sum (200) is left out instead of counting as a doubling."""
    rows = [
        {"openInterest": "200", "singleOpenInterest": "100", "timestamp": str(T0_MS)},
        {"openInterest": "200", "singleOpenInterest": "", "timestamp": str(T0_MS + 300_000)},
        {"openInterest": "200", "timestamp": str(T0_MS + 600_000)},
    ]
    wide = Window(T0, T0 + 15 * MINUTE)
    _asked, found = talk(bybit_market.ask_open_interest("BTCUSDT", wide, {}), {"list": rows})
    assert found == [OpenInterest(T0, 100.0, None)]


@pytest.mark.parametrize(
    ("code", "message", "error"),
    [(10006, "Too many visits!", ValueError), (10001, "params error: limit", RefusalError), (10002, "", RefusalError)],
)
def test_bybit_says_no(code: int, message: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=str(code)):
        bybit_market.decode(json.dumps({"retCode": code, "retMsg": message, "result": {}}).encode())


def test_bybit_unknown_symbol() -> None:
    body = b'{"retCode": 10001, "retMsg": "params error: Symbol Is Invalid", "result": {}}'
    assert talk(bybit_market.ask_candles("XUSDT", "1m", WINDOW, {}), bybit_market.decode(body))[1] is None


# ------------------------------------------------------------------------------------------------ okx


def test_okx_candles() -> None:
    """volCcy (base coins) counts, not contracts; an open candle (confirm 0) does not."""
    rows = [
        [str(T0_MS + 60_000), "1", "1", "1", "1", "1", "1", "1", "0"],
        [str(T0_MS), "100", "101", "99", "100.5", "1234", "12.34", "1237", "1"],
    ]
    (request,), candles = talk(okx_market.ask_candles("BTCUSDT", "6h", Window(T0, T0 + 6 * HOUR), {}), rows)
    assert dict(request.params) == {
        "instId": "BTC-USDT-SWAP",
        "bar": "6Hutc",
        "after": str(T0_MS + 21_600_000),
        "limit": "100",
    }
    assert candles == [Candle(T0, 100.0, 101.0, 99.0, 100.5, 12.34)]


def test_okx_newest_candles(monkeypatch: pytest.MonkeyPatch) -> None:
    """A history that ends a minute early: the other list is asked for the last minute; for old windows it is not."""
    old, new = [[str(T0_MS + n * 60_000), "1", "1", "1", "1", "1", "1", "1", "1"] for n in (1, 2)]
    monkeypatch.setattr(okx_market, "now_us", lambda: T0 + HOUR)
    asked, candles = talk(okx_market.ask_candles("BTCUSDT", "1m", WINDOW, {}), [old], [new, old])
    assert [request.path for request in asked] == ["/api/v5/market/history-candles", "/api/v5/market/candles"]
    assert asked[0].params == asked[1].params
    assert [candle.ts_us for candle in candles] == [T0 + MINUTE, T0 + 2 * MINUTE]
    assert len(talk(okx_market.ask_candles("BTCUSDT", "1m", WINDOW, {}), [new, old])[0]) == 1
    monkeypatch.setattr(okx_market, "now_us", lambda: T0 + 2 * DAY)
    assert len(talk(okx_market.ask_candles("BTCUSDT", "1m", WINDOW, {}), [old])[0]) == 1


def test_okx_open_interest() -> None:
    """The documented row: contracts, coins, USD."""
    (request,), found = talk(
        okx_market.ask_open_interest("BTCUSD", WINDOW, {}), [[str(T0_MS), "731377.57500501", "111", "8888888"]]
    )
    assert dict(request.params) == {
        "instId": "BTC-USD-SWAP", "period": "5m", "begin": str(T0_MS - 1), "end": str(T0_MS + 180_000), "limit": "100",
    }  # fmt: skip
    assert found == [OpenInterest(T0, 111.0, 8888888.0)]
    assert okx_market.SOURCE.cut_open_interest(Window(T0, NOW), NOW)[0].start_us == NOW - 1438 * 5 * MINUTE


@pytest.mark.parametrize(("code", "error"), [("50011", ValueError), ("50014", RefusalError)])
def test_okx_says_no(code: str, error: type[Exception]) -> None:
    with pytest.raises(error, match=code):
        okx_market.decode(json.dumps({"code": code, "msg": "no", "data": []}).encode())
    assert okx_market.decode(b'{"code": "51001", "msg": "Instrument ID does not exist", "data": []}') is None


# ------------------------------------------------------------------------------------------------ gate


def test_gate_candles() -> None:
    """97,151 contracts of 0.0001; the contract is asked about once a run."""
    contract = {"name": "BTC_USDT", "type": "direct", "quanto_multiplier": "0.0001"}
    row = {"t": T0 // 1_000_000, "v": 97151, "c": "1.032", "h": "1.04", "l": "1.03", "o": "1.031", "sum": "3580"}
    memo: dict[str, float] = {}
    asked, candles = talk(gate_market.ask_candles("BTCUSDT", "1m", WINDOW, memo), contract, [row])
    assert asked[0].path == "/api/v4/futures/usdt/contracts/BTC_USDT"
    assert dict(asked[1].params) == {
        "contract": "BTC_USDT", "from": str(T0 // 1_000_000), "to": str(T0 // 1_000_000 + 121), "interval": "1m",
    }  # fmt: skip
    assert candles == [Candle(T0, 1.031, 1.04, 1.03, 1.032, 9.7151)]
    assert len(talk(gate_market.ask_candles("BTCUSDT", "1m", WINDOW, memo), [row])[0]) == 1


def test_gate_open_interest() -> None:
    """The documented row: 124,724 contracts; of an inverse contract the coins stay unknown."""
    row = {"time": T0 // 1_000_000, "open_interest": 124724, "open_interest_usd": 1511, "long_liq_usd": 0}
    contract = {"name": "BTC_USDT", "type": "direct", "quanto_multiplier": "0.0001"}
    asked, found = talk(gate_market.ask_open_interest("BTCUSDT", WINDOW, {}), contract, [row])
    assert dict(asked[1].params)["limit"] == "100"
    assert found == [OpenInterest(T0, 12.4724, 1511.0)]
    inverse = {"name": "BTC_USD", "type": "inverse", "quanto_multiplier": "0"}
    asked, found = talk(gate_market.ask_open_interest("BTCUSD", WINDOW, {}), inverse, [row])
    assert asked[1].path == "/api/v4/futures/btc/contract_stats"
    assert found == [OpenInterest(T0, None, 1511.0)]


def test_gate_does_not_list() -> None:
    assert talk(gate_market.ask_candles("XUSDT", "1m", WINDOW, {}), None)[1] is None
    assert talk(gate_market.ask_candles("BTCUSDC", "1m", WINDOW, {})) == ([], None)


def test_no_window_is_longer_than_its_answer() -> None:
    caps = {"binance": (1500, 500), "bybit": (1000, 200), "okx": (100, 100), "gate": (2000, 100)}
    for exchange, (candles, snapshots) in caps.items():
        source: MarketSource = load_market_sources(exchange)[0]
        gap = Window(NOW - 6 * DAY, NOW)
        assert all(w.length_us <= candles * MINUTE for w in source.cut_candles(gap, MINUTE, NOW))
        assert all(w.length_us <= snapshots * 5 * MINUTE for w in source.cut_open_interest(gap, NOW))
