"""`liqcli fetch` as a first user types it: all default sources, three symbols, 24 hours, candles and open interest."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack
from decimal import Decimal
from pathlib import Path
from typing import NamedTuple

import pytest
from loopback.cases import CASES
from loopback.cryptohftdata import CryptoHftDataServer
from loopback.market import BinanceMarket
from loopback.scenes import aim, be_swift, point, stored
from loopback.server import Loopback, Reply
from loopback.truth import HOUR_MS, Event, count_expected, inside, tidy
from loopback.venues import GateServer, OkxServer
from typer.testing import CliRunner, Result

from liqcli.cli import app
from liqcli.core.errors import UsageError
from liqcli.core.model import Window
from liqcli.core.times import now_us
from liqcli.ingest.fetch import fetch
from liqcli.lake.store import Lake
from liqcli.lake.verify import verify_lake
from liqcli.sources.registry import KNOWN_SOURCES

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
NOW_MS = now_us() // 1000
KEPT = Window((NOW_MS - 23 * HOUR_MS) * 1000, (NOW_MS - 2 * HOUR_MS) * 1000)  # and published, by all of them
HTML = Reply(200, b"<!doctype html><html>maintenance</html>")


def happened(seed: int) -> dict[str, list[Event]]:
    """An event every twenty minutes for more than a day, other ones for each source and symbol."""
    times = range(NOW_MS - 26 * HOUR_MS, NOW_MS, HOUR_MS // 3)
    return {
        symbol: [
            Event(ts // 1000 * 1000, "long" if n % 2 else "short", seed, Decimal(100 * (k + 1) + n))
            for n, ts in enumerate(times)
        ]
        for k, symbol in enumerate(SYMBOLS)
    }


def named(events: dict[str, list[Event]], pattern: str) -> dict[str, list[Event]]:
    return {pattern.format(symbol[:3]): own for symbol, own in events.items()}


class Html(Loopback):
    """A page for people, whatever is asked."""

    def answer(self, _asked: object) -> Reply:
        return HTML


class Blocked(Loopback):
    def answer(self, _asked: object) -> Reply:
        return Reply(451, b"<html>not in your country</html>")


class Done(NamedTuple):
    """The lake after such a fetch, what the program said, also the second time, and the server that refuses."""

    lake: Path
    first: Result
    again: Result
    blocked: Loopback


def servers() -> dict[str, Loopback]:
    """Bitget is down, HTX blocked here, CoinEx answers HTML; the others are as ever."""
    sizes = {"{}_USDT": "1", "{}-USDT": "1", "{}-USDT-SWAP": "1"}
    size = {pattern: {pattern.format(s[:3]): one for s in SYMBOLS} for pattern, one in sizes.items()}
    venues = {("binance_futures", s): own for s, own in happened(5).items()}
    venues |= {("bybit", s): own for s, own in happened(6).items()}
    return {
        "gate": GateServer(named(happened(1), "{}_USDT"), size["{}_USDT"]),
        "htx": Blocked(),
        "okx": OkxServer(named(happened(2), "{}-USDT-SWAP"), size["{}-USDT-SWAP"], NOW_MS),
        "coinex": Html(),
        "cryptohftdata": CryptoHftDataServer(venues),
        "binance": BinanceMarket(symbols=SYMBOLS),
    }


@pytest.fixture(scope="module")
def done(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Done]:
    """Such a fetch, and the same once more."""
    lake = tmp_path_factory.mktemp("default") / "lake"
    with pytest.MonkeyPatch.context() as patch, ExitStack() as stack:
        be_swift(patch)
        running = {name: stack.enter_context(server) for name, server in servers().items()}
        point(patch, **{name: server.url for name, server in running.items()})
        first = CliRunner().invoke(app, ["fetch", "--lake", str(lake)], catch_exceptions=False)
        again = CliRunner().invoke(app, ["fetch", "--lake", str(lake), "--format", "json"], catch_exceptions=False)
        yield Done(lake, first, again, running["htx"])


@pytest.mark.slow
def test_three_sources_down_and_the_rest_is_stored(done: Done) -> None:
    lake, first, *_ = done
    assert first.exit_code == 6, first.output
    for seed, exchange in ((1, "gate"), (2, "okx"), (5, "binance"), (6, "bybit")):
        for symbol, own in happened(seed).items():
            held = inside(stored(lake, symbol, exchange), KEPT)
            assert tidy(held) == tidy(count_expected(own, KEPT, Decimal(1))), (exchange, symbol)
            assert sum(held.values()) == 63
    assert verify_lake(Lake(lake), KNOWN_SOURCES).damage == []


def test_what_failed_is_named_once(done: Done) -> None:
    first = done.first
    rows = [line.split() for line in first.stdout.partition("\n\n")[0].splitlines()[1:]]
    assert {(row[0], row[1]): row[-1] for row in rows} == {
        ("gate", "gate"): "ok",
        ("htx", "htx"): "failed",
        ("okx", "okx"): "ok",
        ("bitfinex", "bitfinex"): "failed",
        ("bitget", "bitget"): "failed",
        ("coinex", "coinex"): "failed",
        ("cryptohftdata", "binance"): "ok",
        ("cryptohftdata", "bybit"): "ok",
    }
    assert Counter(row[2] for row in rows) == dict.fromkeys(SYMBOLS, 8)
    warnings = [line for line in first.stderr.splitlines() if line.startswith("liqcli: warning: ")]
    said = {line.split(": ")[2]: line for line in warnings}
    assert len(said) == len(warnings) == 4, warnings
    assert "answered 451 (unavailable for legal reasons)" in said["htx"]
    assert "an HTML page" in said["coinex"]
    assert said["bitget"] == "liqcli: warning: bitget: cannot be reached: Connection refused (127.0.0.1)"
    assert "set LIQCLI_URL_<SOURCE> for a mirror" in first.stderr


def test_a_blocked_source_is_asked_once(done: Done) -> None:
    assert len(done.blocked.asked) == 2, "once a run, not once a symbol"


def test_candles_and_interest_come_too(done: Done) -> None:
    lake, first, again, _blocked = done
    for kind in ("candles", "open_interest"):
        assert {p.symbol for p in Lake(lake).partitions(kind)} == set(SYMBOLS)
    rows = [line.split() for line in first.stdout.partition("\n\n")[2].splitlines()[1:]]
    assert [(row[0], row[3], row[-1]) for row in rows] == [
        (kind, symbol, "ok") for symbol in SYMBOLS for kind in ("candles", "open-interest")
    ]
    assert [int(row[5].replace(",", "")) for row in rows[:2]] == pytest.approx([1_440, 287], abs=2)
    market = json.loads(again.stdout)["market"]
    assert all(row["coverage"] == 1 and row["rows"] <= 2 for row in market)


def test_the_second_run_asks_for_the_last_minutes_alone(done: Done) -> None:
    """
    What is complete is not asked for again: of Gate's 25 windows a symbol one, or two after a full hour, each twice
    when it is empty; the first symbol counts the three lists of contracts.
    """
    rows = {(row["source"], row["symbol"]): row for row in json.loads(done.again.stdout)["liquidations"]}
    for symbol in SYMBOLS:
        assert rows["gate", symbol]["requests"] <= 2 * 2 + 3 * (symbol == SYMBOLS[0])
        assert rows["gate", symbol]["coverage"] == 1
        assert rows["gate", symbol]["events"] <= 1


def test_who_names_no_symbol_gets_what_the_source_has(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """dYdX quotes in USD: the user did not name BTCUSDT, so its absence there is not an error."""
    case = CASES["dydx"]()
    window = Window(case.truth.window.start_us, case.truth.window.start_us + 3_600_000_000)
    with case.server as server:
        aim(monkeypatch, "dydx", server.url)
        summary = fetch(Lake(lake), window, (), ["dydx"])
        with pytest.raises(UsageError, match="unknown symbol 'BTCUSDT': no source lists it; did you mean BTCUSD"):
            fetch(Lake(lake), window, ["BTCUSDT"], ["dydx"])
    assert [(row.symbol, row.result) for row in summary.rows] == [(s, "ok") for s in ("BTCUSD", "ETHUSD", "SOLUSD")]
    assert stored(lake, "BTCUSD").total() == inside(case.truth.rows["BTCUSD"], window).total() > 0
