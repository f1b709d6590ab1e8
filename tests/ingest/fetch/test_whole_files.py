"""``--symbol all`` of Tardis: a file a day with the rows of all perpetuals; symbols are known only from the rows."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path

import pytest
from loopback.scenes import DAY_US, aim, every_file, stored
from loopback.server import Reply
from loopback.truth import Event, count_expected, count_inverse, tidy
from loopback.venues import TardisServer

from liqcli.core.errors import ExitCode
from liqcli.core.model import Window
from liqcli.core.times import now_us
from liqcli.ingest.fetch import fetch
from liqcli.ingest.fetch.messages import list_notes, list_problems
from liqcli.lake.store import Lake
from liqcli.lake.verify import KnownSources, verify_lake
from liqcli.sources.tardis.api import SOURCE as TARDIS
from liqcli.sources.tardis.api import decode

FIRST = now_us() // DAY_US * DAY_US - 6 * DAY_US
WINDOW = Window(FIRST, FIRST + 2 * DAY_US)
DAYS = [Window(FIRST + n * DAY_US, FIRST + (n + 1) * DAY_US) for n in range(2)]
MINUTE_MS = 60_000


def _at(day: int, minute: int, contracts: int = 7, price: int = 60_000) -> Event:
    return Event(FIRST // 1000 + (day * 1440 + minute) * MINUTE_MS, "long", contracts, Decimal(price))


BTC = [_at(0, 5), _at(0, 5), _at(0, 900, 120), _at(1, 1), _at(1, 700, 1)]
# Received 0.7 s later, in the file of the next day.
LATE = Event(DAYS[0].end_us // 1000 - 300, "short", 3, Decimal(61_000))
ETH = [_at(0, 30, 1, 3_000), LATE]
SOL = [_at(1, 60, 4_003, 150)]  # not in the first day's file
BNB = [_at(3, 60, 2, 900)]
INVERSE = [_at(0, 61, 2), _at(1, 62, 5)]
TRUTH = {"BTCUSDT": BTC, "ETHUSDT": ETH, "SOLUSDT": SOL, "BNBUSDT": BNB, "BTCUSD_PERP": INVERSE}


@pytest.fixture
def server(monkeypatch: pytest.MonkeyPatch):  # type: ignore[no-untyped-def]
    with TardisServer(TRUTH) as server:
        aim(monkeypatch, "tardis", server.url)
        monkeypatch.setenv("LIQCLI_KEY_TARDIS", TardisServer.KEY)
        yield server


def _check_rows(lake: Path, window: Window = WINDOW) -> None:
    for symbol in ("BTCUSDT", "ETHUSDT", "SOLUSDT"):
        assert tidy(stored(lake, symbol)) == tidy(count_expected(TRUTH[symbol], window, Decimal(1))), symbol
    assert tidy(stored(lake, "BTCUSD")) == tidy(count_inverse(INVERSE, window, 100))


def test_all_symbols_from_one_file_a_day(server: TardisServer, lake: Path) -> None:
    """Of both exchange ids of binance; the second run requests nothing, and verify finds every row."""
    summary = fetch(Lake(lake), WINDOW, ["all"], ["tardis"], ["binance"])
    assert summary.exit_code == ExitCode.DONE, list_problems(summary)
    _check_rows(lake)
    asked = [each.path for each in server.asked]
    assert asked
    assert all(path.endswith("/PERPETUALS.csv.gz") for path in asked)
    assert sorted(row.symbol for row in summary.rows) == ["BTCUSD", "BTCUSDT", "ETHUSDT", "SOLUSDT"]
    assert {row.symbol: row.rows for row in summary.rows} == {
        "BTCUSDT": 5, "ETHUSDT": 2, "SOLUSDT": 1, "BTCUSD": 2,
    }  # fmt: skip
    assert sum(row.requests for row in summary.rows) == len(asked)
    before = every_file(lake)
    again = fetch(Lake(lake), WINDOW, ["all"], ["tardis"], ["binance"])
    assert (len(server.asked), again.exit_code) == (len(asked), ExitCode.DONE)
    assert every_file(lake) == before
    assert list_notes(again) == ["no new events"]
    assert not verify_lake(Lake(lake), KnownSources(("tardis",), (), ())).issues


def test_a_day_without_rows_of_a_symbol_is_known_to_be_empty(server: TardisServer, lake: Path) -> None:
    """BNB is in the last file only, ETH in the first: each has both days, whichever was read first."""
    last = Window(FIRST + 3 * DAY_US, FIRST + 4 * DAY_US)
    for day in (DAYS[0], last):
        fetch(Lake(lake), day, ["all"], ["tardis"], ["binance"])
    for symbol in ("BTCUSDT", "ETHUSDT", "BNBUSDT"):
        log = Lake(lake).read_fetch_log("binance", symbol, "tardis")
        assert not [*log.missing(DAYS[0]), *log.missing(last)], symbol
    assert not Lake(lake).read_fetch_log("binance", "BTCUSD", "tardis").missing(DAYS[0])
    assert ("binance", "ALL", "tardis-binance-futures") not in Lake(lake).list_fetch_logs()
    asked = len(server.asked)
    fetch(Lake(lake), last, ["ETHUSDT"], ["tardis"], ["binance"])
    assert len(server.asked) == asked, "the file of one symbol has nothing new"


def test_one_symbol_before_all_doubles_nothing(server: TardisServer, lake: Path) -> None:
    fetch(Lake(lake), WINDOW, ["BTCUSDT"], ["tardis"], ["binance"])
    fetch(Lake(lake), WINDOW, ["all"], ["tardis"], ["binance"])
    fetch(Lake(lake), WINDOW, ["all"], ["tardis"], ["binance"], again=True)
    _check_rows(lake)


def test_a_missing_file_stays_missing(server: TardisServer, lake: Path) -> None:
    """Of one exchange id on one day: the rest is stored, and the next run requests that file alone."""
    honest = server.answer
    absent = f"/v1/binance-delivery/liquidations/{DAYS[1].start:%Y/%m/%d}/PERPETUALS.csv.gz"
    server.answer = lambda asked: Reply(404) if asked.path == absent else honest(asked)  # type: ignore[method-assign]
    summary = fetch(Lake(lake), WINDOW, ["all"], ["tardis"], ["binance"])
    assert summary.exit_code == ExitCode.PARTIAL
    assert list_problems(summary) == [f"tardis binance BTCUSD: no file {absent}"]
    assert Lake(lake).read_fetch_log("binance", "BTCUSD", "tardis").missing(WINDOW) == [DAYS[1]]
    assert Lake(lake).read_fetch_log("binance", "BTCUSDT", "tardis").missing(WINDOW) == []
    asked = len(server.asked)
    server.answer = honest  # type: ignore[method-assign]
    assert fetch(Lake(lake), WINDOW, ["all"], ["tardis"], ["binance"]).exit_code == ExitCode.DONE
    assert {each.path for each in server.asked[asked:]} >= {absent}
    assert not any("binance-futures" in each.path for each in server.asked[asked:])
    _check_rows(lake)


def test_days_without_a_key_are_named(server: TardisServer, lake: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("LIQCLI_KEY_TARDIS")
    kept = [day for day in DAYS if day.start.day != 1]
    summary = fetch(Lake(lake), kept[0], ["all"], exchanges=["binance"])
    assert "needs a key in LIQCLI_KEY_TARDIS" in list_problems(summary)[0]
    assert not server.asked


def test_contracts_of_unknown_value_are_named() -> None:
    """Contracts of OKX need their size; without it the rows are left out, and the others are kept."""
    day = Window(1_608_249_600 * 10**6, 1_608_336_000 * 10**6)
    body = b"exchange,symbol,timestamp,local_timestamp,id,side,price,amount\n"
    body += b"okex-swap,BTC-USDT-SWAP,1608251468794000,1608251468800000,,sell,22376.9,30\n"
    body += b"okex-swap,OLD-USDT-SWAP,1608251468794000,1608251468800000,,sell,1.5,30\n"
    assert TARDIS.whole_files
    asking = TARDIS.whole_files.ask("okex-swap", {"BTC-USDT-SWAP": 0.01}, day)
    assert next(asking).path == "/v1/okex-swap/liquidations/2020/12/18/PERPETUALS.csv.gz"
    with pytest.raises(StopIteration) as end:
        asking.send(decode(body))
    answer = end.value.value.answers["ALL"]
    assert [(row.symbol, row.qty) for row in answer.rows] == [("BTCUSDT", 0.3)]
    assert (end.value.value.others, answer.rejected) == ({"OLD-USDT-SWAP"}, [])
