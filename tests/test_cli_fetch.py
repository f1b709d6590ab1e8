"""`liqcli fetch` as a user runs it: table on stdout, troubles on stderr, exit codes."""

from __future__ import annotations

import re
from decimal import Decimal

import pytest
from conftest import RunCli
from loopback.truth import Event
from loopback.venues import GateServer

from liqcli.formats import format_iso
from liqcli.model import US_PER_S
from liqcli.sources import SOURCES
from liqcli.timespan import now_us

AT_MS = now_us() // 1000 - 7_200_000
TRUTH = {"BTC_USDT": [Event(AT_MS, "long", 100, Decimal("60000.5")), Event(AT_MS, "short", 50, Decimal("60000"))]}
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
    lines = done.stdout.splitlines()
    market = next(number for number, line in enumerate(lines) if line.startswith("kind "))
    assert [line.split()[::6] for line in lines[market + 1 :]] == [["candles", "failed"], ["open-interest", "failed"]]
    lines = lines[:market]
    assert lines[0].split() == [
        "source",
        "exchange",
        "symbol",
        "windows",
        "requests",
        "events",
        "USD",
        "rejected",
        "result",
    ]
    # 100 x 0.0001 x 60000.5 + 50 x 0.0001 x 60000 = 600.005 + 300
    assert re.fullmatch(r"gate +gate +BTCUSDT +(4/4|5/5) +\d+ +2 +900 +0 +ok", lines[1])
    assert [line.split()[-1] for line in lines[1:]] == ["ok", "failed", "failed"]
    assert re.search(r"warning: htx htx BTCUSDT: htx: /linear-swap-api/\S+ cannot be reached", done.stderr)
    assert "okx: /api/v5/public/instruments" in done.stderr
    assert "Traceback" not in done.stderr


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
    assert second.stdout.splitlines()[1].split()[3:6] == ["known", "0", "0"]


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (("--kind", "candle"), 2, "did you mean candles"),
        (("--kind", "candles", "--interval", "7m"), 2, "--interval: '7m' is none of 1m, 3m"),
        (("--kind", "liquidation"), 2, "did you mean liquidations"),
        (("--source", "gat"), 2, "unknown source 'gat'; did you mean gate"),
        (("--exchange", "hyperliquid"), 2, "publishes no history that fetch can get"),
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
