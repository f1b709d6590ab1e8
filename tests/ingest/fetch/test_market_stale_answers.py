"""Candles and open interest behind a cache that answers another request: nothing wrong is stored as right."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from loopback.market import MINUTE_MS, BybitMarket, OkxMarket, VisionMarket
from loopback.market_scenes import (
    HOUR_MS,
    SERVERS,
    SPAN_MS,
    market_servers,
    read,
    true_candles,
    true_interest,
    window_of,
)
from loopback.scenes import FOLDERS, fetch_market
from loopback.server import Asked, Reply


@pytest.fixture
def house(monkeypatch: pytest.MonkeyPatch) -> Iterator[object]:
    """``house(binance=BinanceMarket())`` starts servers; whoever is not named is not there."""
    with market_servers(monkeypatch) as start:
        yield start


@pytest.mark.parametrize(
    ("exchange", "kind", "ending"),
    [
        ("gate", "candles", "candlesticks"),
        ("okx", "candles", "history-candles"),
        ("okx", "open-interest", "open-interest-history"),
    ],
)
def test_the_series_of_another_symbol_is_asked_again(
    house: object, lake: Path, exchange: str, kind: str, ending: str
) -> None:
    """A cache returns BTC's series for ETH: only its repetition gives it away."""
    server = SERVERS[exchange]()
    honest, said = server.answer, [Reply()]

    def stale(asked: Asked) -> Reply:
        reply = honest(asked)
        if not asked.path.endswith(ending):
            return reply
        said.append(reply)
        return said[-2] if said[-2].body else reply

    server.answer = stale  # type: ignore[method-assign]
    house(**{exchange: server})  # type: ignore[operator]
    span = (SPAN_MS[0], SPAN_MS[0] + HOUR_MS)
    rows = fetch_market(lake, window_of(span), ["BTCUSDT", "ETHUSDT"], [kind], [exchange])
    assert [row.result for row in rows] == ["ok", "ok"]
    assert sum(row.requests for row in rows) <= 2 * (1 + 1 + 4)  # a contract, its series, and four to be sure
    for symbol in ("BTCUSDT", "ETHUSDT"):
        truth = true_candles(symbol, span) if kind == "candles" else true_interest(symbol, span, exchange)
        assert read(lake, FOLDERS[kind], exchange, symbol) == truth


@pytest.mark.parametrize(("lies", "result"), [(2, "ok"), (99, "failed")])
def test_rows_of_other_times_are_not_taken_for_silence(house: object, lake: Path, lies: int, result: str) -> None:
    """A cache that says other hours, others each time: asked again, and it is said where that does not end."""
    server = BybitMarket()
    honest, told = server.answer, iter(range(lies))

    def stale(asked: Asked) -> Reply:
        number = next(told, None)
        if number is None:
            return honest(asked)
        later_ms = (number + 1) * HOUR_MS
        params = {name: str(int(asked.params[name]) + later_ms) for name in ("start", "end")}
        return honest(asked._replace(params=asked.params | params))

    server.answer = stale  # type: ignore[method-assign]
    house(bybit=server)  # type: ignore[operator]
    span = (SPAN_MS[0], SPAN_MS[0] + HOUR_MS)
    (row,) = fetch_market(lake, window_of(span), ["BTCUSDT"], ["candles"], ["bybit"])
    assert (row.result, row.requests) == (result, min(lies + 1, 4))
    if result == "ok":
        assert read(lake, "candles", "bybit", "BTCUSDT") == true_candles("BTCUSDT", span)
    else:
        assert row.troubles[0].endswith("UTC (4 times)")


def test_okx_rows_beyond_the_end_are_an_answer_to_another_question(house: object, lake: Path) -> None:
    """OKX gives the hundred before an instant: those before a later one share twenty minutes with the window."""
    server = OkxMarket()
    honest, told = server.answer, iter(range(1))

    def stale(asked: Asked) -> Reply:
        if asked.path.endswith("history-candles") and next(told, None) is not None:
            later = str(int(asked.params["after"]) + 40 * MINUTE_MS)
            asked = asked._replace(params=asked.params | {"after": later})
        return honest(asked)

    server.answer = stale  # type: ignore[method-assign]
    house(okx=server)  # type: ignore[operator]
    span = (SPAN_MS[0], SPAN_MS[0] + HOUR_MS)
    (row,) = fetch_market(lake, window_of(span), ["BTCUSDT"], ["candles"], ["okx"])
    assert (row.result, row.requests) == ("ok", 2)
    assert read(lake, "candles", "okx", "BTCUSDT") == true_candles("BTCUSDT", span)


def test_what_is_said_each_time_is_believed(house: object, lake: Path) -> None:
    """A place that answers with later rows, the same again: the contract is younger than the window."""
    server = BybitMarket()
    honest = server.answer
    late = {"start": str(SPAN_MS[0] + HOUR_MS), "end": str(SPAN_MS[0] + 2 * HOUR_MS - 1)}
    server.answer = lambda asked: honest(asked._replace(params=asked.params | late))  # type: ignore[method-assign]
    house(bybit=server)  # type: ignore[operator]
    span = (SPAN_MS[0], SPAN_MS[0] + HOUR_MS)
    (row,) = fetch_market(lake, window_of(span), ["BTCUSDT"], ["candles"], ["bybit"])
    assert (row.rows, row.requests, row.troubles) == (0, 4, [])


def test_a_checksum_that_stays_wrong_stores_nothing(house: object, lake: Path) -> None:
    house(binance_vision=VisionMarket(wrong_checksums=99))  # type: ignore[operator]
    span = (1_769_817_600_000, 1_769_904_000_000)
    (row,) = fetch_market(lake, window_of(span), ["BTCUSDT"], ["candles"], ["binance"])
    assert (row.result, row.rows) == ("failed", 0)
    assert "its sha256 differs from its .CHECKSUM (4 attempts)" in row.troubles[0]
