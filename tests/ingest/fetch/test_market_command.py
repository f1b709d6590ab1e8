"""``liqcli fetch --kind candles,open-interest``: tables, warnings and exit codes."""

from __future__ import annotations

from pathlib import Path

from conftest import RunCli
from loopback.market import BinanceMarket
from loopback.market_scenes import (
    NAMES,
    SPAN_MS,
    window_of,
)
from loopback.scenes import NOBODY
from loopback.venues import GateServer

from liqcli.lake.store import Lake


def environment(**urls: str) -> dict[str, str]:
    names = (*NAMES, "HTX", "TARDIS")
    return {f"LIQCLI_URL_{n}": urls.get(n.lower(), NOBODY) for n in names} | {
        f"LIQCLI_RATE_{n}": "unlimited" for n in names
    }


def test_the_command(run_cli: RunCli, lake: Path) -> None:
    start = f"{Lake(lake) and window_of(SPAN_MS).start:%Y-%m-%dT%H:%M:%SZ}"
    words = ("fetch", "--kind", "candles,open-interest", "--symbol", "btc", "--since", start, "--until")
    until = f"{window_of(SPAN_MS).end:%Y-%m-%dT%H:%M:%SZ}"
    with BinanceMarket() as server:
        first = run_cli(*words, until, "--quiet", env=environment(binance=server.url), check=0)
        second = run_cli(*words, until, env=environment(binance=server.url), check=0)
    assert [line.split() for line in first.stdout.splitlines()] == [
        ["kind", "source", "exchange", "symbol", "requests", "rows", "covered", "gaps", "result"],
        ["candles", "binance", "binance", "BTCUSDT", "1", "1,440", "100%", "0", "ok"],
        ["open-interest", "binance", "binance", "BTCUSDT", "1", "288", "100%", "0", "ok"],
    ]
    assert first.stderr == ""
    assert [line.split()[4:] for line in second.stdout.splitlines()[1:]] == [["0", "0", "100%", "0", "ok"]] * 2


def test_without_being_asked_for_their_failure_is_a_warning(run_cli: RunCli) -> None:
    """Gate gives liquidations and nothing else: exit 0 by default, 6 when candles were asked for by name."""
    words = ("fetch", "--exchange", "gate", "--symbol", "BTCUSDT", "--lookback", "2h", "--quiet")
    with GateServer({"BTC_USDT": []}, {"BTC_USDT": "0.0001"}) as server:
        done = run_cli(*words, env=environment(gate=server.url), check=0)
        run_cli(*words, "--kind", "liquidations,candles", env=environment(gate=server.url), check=6)
        alone = run_cli(*words, "--kind", "liquidations", env=environment(gate=server.url), check=0)
    assert "warning: candles BTCUSDT: gate: /api/v4/futures/usdt/candlesticks answered 404" in done.stderr
    assert "warning: open-interest BTCUSDT: gate: /api/v4/futures/usdt/contract_stats answered 404" in done.stderr
    assert (alone.stderr, "candles" in alone.stdout) == ("", False)


def test_nothing_usable_is_exit_3(run_cli: RunCli) -> None:
    done = run_cli(
        "fetch", "--kind", "candles", "--exchange", "binance", "--symbol", "BTCUSDT", env=environment(), check=3
    )
    assert "warning: binance: cannot be reached: Connection refused (127.0.0.1)" in done.stderr
