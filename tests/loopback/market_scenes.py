"""The scene of the tests of candles and open interest: servers, a window, and what stands in a lake."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pyarrow.parquet as pq
import pytest

from liqcli.core.model import Window
from liqcli.core.times import now_us
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
from loopback.scenes import NOBODY

HOUR_MS = 3_600_000
NAMES = ("BINANCE", "BINANCE_VISION", "BYBIT", "OKX", "GATE")
SERVERS: dict[str, type[MarketServer]] = {
    "binance": BinanceMarket,
    "bybit": BybitMarket,
    "okx": OkxMarket,
    "gate": GateMarket,
    "binance_vision": VisionMarket,
}
BOTH = ("candles", "open-interest")
NOW_MS = now_us() // 1000
DAY_START_MS = NOW_MS // DAY_MS * DAY_MS - 2 * DAY_MS  # the day before yesterday: in every archive
SPAN_MS = (DAY_START_MS + 13 * HOUR_MS, DAY_START_MS + 37 * HOUR_MS)  # 24 hours over a midnight


def window_of(span_ms: tuple[int, int]) -> Window:
    return Window(span_ms[0] * 1000, span_ms[1] * 1000)


def read(lake: Path, kind: str, exchange: str, symbol: str) -> dict[int, tuple[object, ...]]:
    """ts [ms] -> the rest of each stored row."""
    found: dict[int, tuple[object, ...]] = {}
    for path in sorted((lake / kind / f"exchange={exchange}" / f"symbol={symbol}").rglob("*.parquet")):
        table = pq.ParquetFile(path).read()
        times = [ts // 1000 for ts in table["ts"].cast("int64").to_pylist()]
        assert times == sorted(set(times))
        assert set(table["source"].to_pylist()) == {exchange}
        columns = [table[name].to_pylist() for name in table.column_names[1:-1]]
        found.update(dict(zip(times, zip(*columns, strict=True), strict=True)))
    if kind == "candles":  # of the four only Binance says what takers bought: in the loopback a quarter of the volume
        for row in found.values():
            assert row[-1] == (row[-2] / 4 if exchange == "binance" else None)  # type: ignore[operator]
        return {ts: row[:-1] for ts, row in found.items()}
    return found


def true_candles(symbol: str, span_ms: tuple[int, int]) -> dict[int, tuple[float, ...]]:
    bars = [make_bar(symbol, ts) for ts in steps(span_ms[0], span_ms[1] - 1, MINUTE_MS)]
    return {bar.ts_ms: tuple(map(float, bar[1:])) for bar in bars}


def true_interest(symbol: str, span_ms: tuple[int, int], exchange: str) -> dict[int, tuple[float | None, ...]]:
    """Bybit says no USD."""
    held = [make_held(symbol, ts) for ts in steps(span_ms[0], span_ms[1] - 1, FIVE_MS)]
    return {h.ts_ms: (float(h.coins), None if exchange == "bybit" else float(h.usd)) for h in held}


@contextmanager
def market_servers(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """``house(binance=BinanceMarket())`` starts servers; whoever is not named is not there."""
    from liqcli.net import client

    monkeypatch.setattr(client, "BACKOFF_S", 0.01)
    for name in NAMES:
        monkeypatch.setenv(f"LIQCLI_RATE_{name}", "unlimited")
        monkeypatch.setenv(f"LIQCLI_URL_{name}", NOBODY)
    with ExitStack() as stack:

        def start(**servers: MarketServer) -> None:
            for name, server in servers.items():
                stack.enter_context(server)
                monkeypatch.setenv(f"LIQCLI_URL_{name.upper()}", server.url)

        yield start
