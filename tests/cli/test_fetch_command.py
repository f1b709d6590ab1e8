"""`liqcli fetch` as a user runs it: table on stdout, troubles on stderr, exit codes."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from conftest import RunCli
from loopback.market import BinanceMarket
from loopback.truth import Event
from loopback.venues import GateServer

from liqcli.core.formatting import format_iso
from liqcli.core.model import US_PER_S
from liqcli.core.times import now_us
from liqcli.net import client
from liqcli.sources.registry import SOURCES

pytestmark = pytest.mark.usefixtures("empty_pictures")

AT_MS = now_us() // 1000 - 7_200_000
TRUTH = {"BTC_USDT": [Event(AT_MS, "long", 100, Decimal("60000.5")), Event(AT_MS, "short", 50, Decimal("60000"))]}
HOUR = 3_600_000_000  # [µs]
DEAD = "http://127.0.0.1:9"


def environment(**urls: str) -> dict[str, str]:
    names = {name.upper().replace("-", "_") for name in (*SOURCES, "binance", "bybit")}  # the two give candles only
    return {f"LIQCLI_URL_{n}": urls.get(n.lower(), DEAD) for n in names} | {
        f"LIQCLI_RATE_{n}": "unlimited" for n in names
    }


def test_table_and_partial(run_cli: RunCli) -> None:
    """Gate answers, HTX and OKX are down: exit 6, three rows, both failures named on stderr even with --quiet."""
    with GateServer(TRUTH, {"BTC_USDT": "0.0001"}) as server:
        words = ("fetch", "--exchange", "gate,htx,okx", "--symbol", "btcusdt", "--lookback", "4h", "--quiet")
        done = run_cli(*words, env=environment(gate=server.url))
    assert done.exit_code == 6
    liquidations, market = (block.splitlines() for block in done.stdout.split("\n\n"))
    assert liquidations[0].split() == [
        "source", "exchange", "symbol", "requests", "events", "USD", "covered", "gaps", "rejected", "result",
    ]  # fmt: skip
    # 100 x 0.0001 x 60000.5 + 50 x 0.0001 x 60000 = 600.005 + 300
    assert re.fullmatch(r"gate +gate +BTCUSDT +\d+ +2 +900 +100% +0 +0 +ok", liquidations[1])
    # each of the tries counts; one gap: all of it
    assert [re.sub(r" +", " ", line) for line in liquidations[2:]] == [
        f"{source} {source} BTCUSDT {client.CONNECT_TRIES + 1} 0 0 0% 1 0 failed" for source in ("htx", "okx")
    ]
    assert [line.split()[::8] for line in market] == [
        ["kind", "result"],
        ["candles", "failed"],
        ["open-interest", "failed"],
    ]
    refused = "cannot be reached: Connection refused (127.0.0.1)"
    assert [line for line in done.stderr.splitlines() if "gate" not in line] == [
        f"liqcli: warning: {source}: {refused}" for source in ("htx", "okx")
    ]


def test_offline_is_one_line_a_source(run_cli: RunCli) -> None:
    """Nothing is reached: a plain cause for each source, once for all symbols and kinds, one line on what to do."""
    done = run_cli("fetch", env=environment(), check=3)
    advice, *causes = done.stderr.splitlines()
    assert done.stdout == "", "no table of zeros"
    sources = ["gate", "htx", "okx", "bitfinex", "cryptohftdata", "bitget", "coinex", "binance", "bybit"]
    refused = "cannot be reached: Connection refused (127.0.0.1)"
    assert causes == [f"liqcli: warning: {source}: {refused}" for source in sources]
    assert advice.startswith("no source could be reached: is this machine online?")
    assert "LIQCLI_URL_<SOURCE>" in advice
    quiet = run_cli("fetch", "--quiet", env=environment(), check=3)
    assert quiet.stderr.splitlines() == causes


def test_a_host_without_address_is_named(run_cli: RunCli) -> None:
    env = environment(gate="https://nowhere.invalid")
    done = run_cli("fetch", "--source", "gate", "--symbol", "BTCUSDT,ETHUSDT", env=env, check=3)
    assert (
        done.stderr.splitlines()[1] == "liqcli: warning: gate: cannot be reached: DNS lookup failed for nowhere.invalid"
    )
    assert len(done.stderr.splitlines()) == 2


@pytest.mark.parametrize(("columns", "head"), [("120", "requests"), ("80", "req.")])
def test_table_fits_the_screen(run_cli: RunCli, columns: str, head: str) -> None:
    """The widest names there are: at 80 columns the headings are shortened, no line is longer than the screen."""
    words = ("fetch", "--exchange", "binance,kraken,gate", "--symbol", "BTCUSDT", "--lookback", "6h")
    with GateServer(TRUTH, {"BTC_USDT": "0.0001"}) as server:
        done = run_cli(*words, env=environment(gate=server.url) | {"COLUMNS": columns}, check=6)
    lines = done.stdout.splitlines()
    assert head in lines[0]
    assert any(line.startswith("cryptohftdata") for line in lines)
    assert max(map(len, lines)) <= int(columns)


def test_json(run_cli: RunCli) -> None:
    """Every column as plain data: stretches with their times, troubles in words."""
    words = ("fetch", "--source", "gate", "--symbol", "BTCUSDT", "--lookback", "4h", "--format", "json")
    with GateServer(TRUTH, {"BTC_USDT": "0.0001"}) as server:
        done = run_cli(*words, env=environment(gate=server.url), check=0)
    (row,) = json.loads(done.stdout)["liquidations"]
    assert (row["events"], row["notional"], row["coverage"], row["gaps"]) == (2, 900.005, 1.0, [])
    assert [sorted(piece) for piece in row["covered"]] == [["end", "start"]]
    assert (row["rejected"], row["result"], row["troubles"]) == (0, "ok", [])
    down = run_cli(*words, env=environment(), check=6)  # the last minutes may still change, so they are asked again
    (row,) = json.loads(down.stdout)["liquidations"]
    assert 0.99 < row["coverage"] <= 1.0
    assert row["result"] == "partial"
    assert row["troubles"] == ["cannot be reached: Connection refused (127.0.0.1)"]


def test_second_run_is_known(run_cli: RunCli) -> None:
    start, end = (format_iso(AT_MS // 1000 * US_PER_S + offset * US_PER_S) for offset in (-600, 600))
    words = (
        "fetch",
        "--source",
        "gate",
        "--symbol",
        "BTC_USDT",
        "--since",
        start,
        "--until",
        end,
    )
    with GateServer(TRUTH, {"BTC_USDT": "0.0001"}) as server:
        first = run_cli(*words, env=environment(gate=server.url), check=0)
        asked = len(server.asked)
        second = run_cli(*words, env=environment(gate=server.url), check=0)
        assert len(server.asked) == asked
    assert re.search(r"^gate: (\d) of \1 windows, 2 events, 900 USD$", first.stderr, re.MULTILINE)
    assert second.stdout.splitlines()[1].split()[3:] == ["0", "0", "0", "100%", "0", "0", "ok"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--kind", "candle"), 2, "did you mean candles"),
        (("--kind", "candles", "--interval", "7m"), 2, "invalid --interval '7m' (choose 1m, 3m"),
        (("--kind", "liquidation"), 2, "did you mean liquidations"),
        (("--source", "gat"), 2, "unknown source 'gat'; did you mean gate"),
        (("--exchange", "hyperliquid"), 2, "no source has history of exchange"),
        (("--symbol", "SOL/USDT"), 2, "spot"),
        (("--symbol", "../x"), 2, "not a contract name"),
        (("--since", "2026-01-02", "--until", "2026-01-01"), 2, "--since must lie before --until"),
        (("--lookback", "4 hours"), 2, "not a length of time"),
        ((), 3, "cannot be reached"),
    ],
)
def test_refused(run_cli: RunCli, words: tuple[str, ...], code: int, said: str) -> None:
    done = run_cli("fetch", *words, env=environment(), check=code)
    assert said in done.stderr
    assert "Traceback" not in done.stderr


def test_unknown_symbol(run_cli: RunCli) -> None:
    with GateServer(TRUTH, {"BTC_USDT": "0.0001", "BCH_USDT": "0.01"}) as server:
        done = run_cli("fetch", "--source", "gate", "--symbol", "BTTUSDT", env=environment(gate=server.url), check=2)
    assert re.search(r"unknown symbol 'BTTUSDT'.*did you mean .*BTCUSDT", done.stderr)


def test_a_report_for_which_nothing_could_be_fetched(run_cli: RunCli, tmp_path: Path) -> None:
    """It is the network that failed: to be told to run liqcli fetch would be no help."""
    done = run_cli("heatmap", "-s", "SOLUSDT", "--fetch", "-o", tmp_path / "r.html", env=environment(), check=3)
    assert "no source could be reached: is this machine online?" in done.stderr
    assert done.stderr.splitlines()[-1] == (
        "liqcli: nothing could be fetched, and there are no liquidations of SOLUSDT in the lake (it is empty)"
    )
    assert not (tmp_path / "r.html").exists()


def stored_minutes(lake: Path, kind: str) -> list[int]:
    """Times of all stored rows of a kind. [minutes since the epoch]"""
    found: list[int] = []
    for path in (lake / kind / "exchange=binance" / "symbol=BTCUSDT").rglob("*.parquet"):
        found += [ts // 60_000_000 for ts in pq.ParquetFile(path).read()["ts"].cast("int64").to_pylist()]
    return sorted(found)


def test_a_report_fetches_all_that_it_uses(run_cli: RunCli, lake: Path, tmp_path: Path) -> None:
    """
    Candles from 14 days before the window on (for the previous week's high and low), open interest of the window.

    (14 x 24 + 4) hours are 20,400 candles of a minute, 4 hours are 48 steps of open interest. Sources of liquidations
    that are down make it partial; a second run asks for no candle again.
    """
    since_us = (AT_MS // 3_600_000 - 3) * 3_600_000_000  # ends an hour ago: the newest snapshot may be too young
    with GateServer(TRUTH, {"BTC_USDT": "0.0001"}) as gate, BinanceMarket() as market:
        span = ("--since", format_iso(since_us), "--until", format_iso(since_us + 4 * HOUR))
        words = ("heatmap", "-s", "BTCUSDT", *span, "--fetch", "-o", str(tmp_path / "r.json"))
        env = environment(gate=gate.url, binance=market.url)
        done = run_cli(*words, env=env)
        assert done.exit_code == 6, done.stderr
        asked = len(market.asked)
        candles, interest = (stored_minutes(lake, kind) for kind in ("candles", "open_interest"))
        assert (len(candles), candles[-1] - candles[0]) == (20_400, 20_399)
        assert len(interest) == 48
        context = json.loads((tmp_path / "r.json").read_text())["context"]
        assert context["rsi"] is not None
        run_cli(*words, env=env, check=6)
        assert len(market.asked) == asked


def test_a_report_is_made_without_candles_and_says_why(run_cli: RunCli, tmp_path: Path) -> None:
    with GateServer(TRUTH, {"BTC_USDT": "0.0001"}) as gate:
        words = ("heatmap", "-s", "BTCUSDT", "--lookback", "4h", "--fetch", "-o", tmp_path / "r.json")
        done = run_cli(*words, env=environment(gate=gate.url), check=6)
    assert (tmp_path / "r.json").exists()
    assert "liqcli: warning: bybit: cannot be reached" in done.stderr
    assert "re-run to retry unreachable sources" in done.stderr


def test_a_comparison_fetches_the_window_before_too(run_cli: RunCli, tmp_path: Path) -> None:
    """In the hour of TRUTH 900.005 USD, in the hour before 7 x 0.0001 x 60,000 = 42 USD."""
    hour_us = AT_MS * 1000 // HOUR * HOUR
    earlier = Event(hour_us // 1000 - 60_000, "long", 7, Decimal(60_000))
    with GateServer({"BTC_USDT": [*TRUTH["BTC_USDT"], earlier]}, {"BTC_USDT": "0.0001"}) as gate:
        span = ("--since", format_iso(hour_us), "--until", format_iso(hour_us + HOUR), "--exchange", "gate")
        words = ("heatmap", "-s", "BTCUSDT", *span, "--fetch", "--against", "previous", "-o", tmp_path / "r.json")
        run_cli(*words, env=environment(gate=gate.url))
    totals = json.loads((tmp_path / "r.json").read_text())["against"]["totals"]
    assert (totals["now"]["notional"], totals["before"]["notional"]) == (900.005, 42)
