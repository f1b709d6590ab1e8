"""
Candles and open interest of every place against every fault: two days of three symbols, or words for what is missing.

The whole matrix is a soak test; a diagonal of it is run every time.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack, nullcontext
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from loopback.faults import FAULTS, IMPATIENT, spoilt
from loopback.market import (
    DAY_MS,
    FIVE_MS,
    MINUTE_MS,
    BinanceMarket,
    BybitMarket,
    GateMarket,
    MarketServer,
    OkxMarket,
    VisionMarket,
    make_bar,
    make_held,
    steps,
)
from loopback.scenes import FOLDERS, NOBODY, be_swift, every_file, exit_code, fetch_market, point

from liqcli.core.errors import ExitCode
from liqcli.core.model import Window
from liqcli.core.times import now_us
from liqcli.ingest.fetch import FetchRow
from liqcli.net import client
from liqcli.sources.binance.archive_market import DAILY_US
from liqcli.sources.registry import MARKET_SOURCES

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
PLACES: dict[str, Callable[..., MarketServer]] = {
    "binance": BinanceMarket,
    "bybit": BybitMarket,
    "okx": OkxMarket,
    "gate": GateMarket,
    "binance-vision": VisionMarket,  # beside a Binance that refuses this country
}
MATRIX = [
    pair
    for pair in ((name, fault) for name in PLACES for fault in FAULTS)
    if pair[1] != "checksum" or pair[0] == "binance-vision"
]
DIAGONAL = [("binance", "duplicate"), ("bybit", "busy in 200"), ("okx", "no in 200"), ("gate", "reset"),
            ("binance-vision", "checksum")]  # fmt: skip
Held = dict[int, tuple[float | None, ...]]  # ts [ms] -> the rest of a row


@pytest.fixture(autouse=True)
def _swift(monkeypatch: pytest.MonkeyPatch) -> None:
    be_swift(monkeypatch)
    for name in ("BINANCE", "BYBIT"):
        monkeypatch.setenv(f"LIQCLI_RATE_{name}", "unlimited")
        monkeypatch.setenv(f"LIQCLI_URL_{name}", NOBODY)


def test_every_exchange_is_here() -> None:
    assert set(PLACES) == {*MARKET_SOURCES, "binance-vision"}


@pytest.mark.soak
@pytest.mark.parametrize("name", PLACES)
def test_two_days_equal_the_truth(monkeypatch: pytest.MonkeyPatch, lake: Path, name: str) -> None:
    _check(monkeypatch, lake, name, None)


@pytest.mark.slow
@pytest.mark.parametrize(("name", "fault"), DIAGONAL)
def test_a_fault_that_is_found(monkeypatch: pytest.MonkeyPatch, lake: Path, name: str, fault: str) -> None:
    _check(monkeypatch, lake, name, fault)


@pytest.mark.soak
@pytest.mark.parametrize(("name", "fault"), [pair for pair in MATRIX if pair not in DIAGONAL])
def test_every_fault_is_found(monkeypatch: pytest.MonkeyPatch, lake: Path, name: str, fault: str) -> None:
    _check(monkeypatch, lake, name, fault)


def _check(monkeypatch: pytest.MonkeyPatch, lake: Path, name: str, fault: str | None) -> None:
    published_ms = (now_us() - DAILY_US) // 1000 // DAY_MS * DAY_MS  # the end of the archive's last day
    end_ms = published_ms - 11 * FIVE_MS
    span = (end_ms - 2 * DAY_MS, end_ms)
    exchange = name.removesuffix("-vision")
    with ExitStack() as stack:
        if name == "binance-vision":
            blocked = stack.enter_context(BinanceMarket(SYMBOLS, blocked=451))
            point(monkeypatch, binance=blocked.url)
        server = stack.enter_context(PLACES[name](SYMBOLS))
        point(monkeypatch, **{name.replace("-", "_"): server.url})
        patience = client.TIMEOUT_S
        if fault == "slow":
            monkeypatch.setattr(client, "TIMEOUT_S", IMPATIENT)
        every = 7 if name == "okx" else 4
        with spoilt(server, FAULTS[fault], every) if fault else nullcontext() as spoiled:
            first = _fetch(lake, exchange, span)
        assert spoiled is None or spoiled
        _nothing_is_wrong(lake, exchange, span, first)
        monkeypatch.setattr(client, "TIMEOUT_S", patience)
        assert {row.result for row in (_fetch(lake, exchange, span) if fault else first)} == {"ok"}
        for symbol in SYMBOLS:
            for kind in FOLDERS:
                assert _held(lake, kind, exchange, symbol, span) == _truth(kind, exchange, symbol, span), (kind, symbol)
        before, asked = every_file(lake), len(server.asked)
        assert {row.result for row in _fetch(lake, exchange, span)} == {"ok"}
        assert len(server.asked) == asked
        assert every_file(lake) == before


def _fetch(lake: Path, exchange: str, span: tuple[int, int]) -> list[FetchRow]:
    return fetch_market(lake, Window(span[0] * 1000, span[1] * 1000), SYMBOLS, list(FOLDERS), [exchange])


def _nothing_is_wrong(lake: Path, exchange: str, span: tuple[int, int], rows: list[FetchRow]) -> None:
    """Nothing is made up; what is called ok is all there; anything else says why."""
    assert [(row.symbol, row.kind) for row in rows] == [(symbol, kind) for symbol in SYMBOLS for kind in FOLDERS]
    for row in rows:
        truth, held = _truth(row.kind, exchange, row.symbol, span), _held(lake, row.kind, exchange, row.symbol, span)
        assert held.items() <= truth.items(), row
        if row.result == "ok":
            assert held == truth, f"{row}: {len(truth) - len(held)} rows are missing, and it says ok"
        else:
            assert row.troubles, row
    assert (exit_code(rows) == ExitCode.DONE) == all(row.result == "ok" for row in rows)


def _held(lake: Path, kind: str, exchange: str, symbol: str, span: tuple[int, int]) -> Held:
    """What stands in the lake of a time; the archive brings whole days."""
    found: Held = {}
    for path in sorted((lake / FOLDERS[kind] / f"exchange={exchange}" / f"symbol={symbol}").rglob("*.parquet")):
        table = pq.ParquetFile(path).read()
        times = [ts // 1000 for ts in table["ts"].cast("int64").to_pylist()]
        assert times == sorted(set(times))
        columns = [table[name].to_pylist() for name in table.column_names[1:-1]]
        found |= dict(zip(times, zip(*columns, strict=True), strict=True))
    return {ts: row for ts, row in found.items() if span[0] <= ts < span[1]}


def _truth(kind: str, exchange: str, symbol: str, span: tuple[int, int]) -> Held:
    """Only Binance says what takers bought (in the loopback a quarter of the volume); Bybit says no USD."""
    if kind == "candles":
        bars = [make_bar(symbol, ts) for ts in steps(span[0], span[1] - 1, MINUTE_MS)]
        bought = {bar.ts_ms: float(bar.volume / 4) if exchange == "binance" else None for bar in bars}
        return {bar.ts_ms: (*map(float, bar[1:]), bought[bar.ts_ms]) for bar in bars}
    held = [make_held(symbol, ts) for ts in steps(span[0], span[1] - 1, FIVE_MS)]
    return {h.ts_ms: (float(h.coins), None if exchange == "bybit" else float(h.usd)) for h in held}
