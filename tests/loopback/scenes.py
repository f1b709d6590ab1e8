"""The scene of the fetch tests: a window, servers with a truth behind them, and what stands in a lake."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import pytest

from liqcli.core.errors import ExitCode
from liqcli.core.model import US_PER_S, Window
from liqcli.core.times import now_us
from liqcli.ingest.fetch import FetchRow, FetchSummary, fetch
from liqcli.lake.store import Lake
from liqcli.sources.registry import MARKET_SOURCES, SOURCES
from loopback.server import Reply, json_reply
from loopback.truth import Rows, Truth, make_events, tidy
from loopback.venues import GateServer, HtxServer

MINUTE_US = 60 * US_PER_S
HOUR_US = 60 * MINUTE_US
DAY_US = 24 * HOUR_US
NOBODY = "http://127.0.0.1:9"  # the discard port: nobody listens
# Five hours, three days ago, edges on no hour: what Gate and HTX can give in full.
START_US = now_us() // DAY_US * DAY_US - 3 * DAY_US + 13 * MINUTE_US
FOLDERS = {"candles": "candles", "open-interest": "open_interest"}  # of the kinds in a lake
WINDOW = Window(START_US, START_US + 5 * HOUR_US)


def be_swift(monkeypatch: pytest.MonkeyPatch) -> None:
    """Short pauses, no rate limit, and no source reachable until :func:`point` says where."""
    from liqcli.net import client

    monkeypatch.setattr(client, "BACKOFF_S", 0.01)
    for name in (source.upper().replace("-", "_") for source in (*SOURCES, *MARKET_SOURCES)):
        monkeypatch.setenv(f"LIQCLI_RATE_{name}", "unlimited")
        monkeypatch.setenv(f"LIQCLI_URL_{name}", NOBODY)


def point(monkeypatch: pytest.MonkeyPatch, **servers: str) -> None:
    for name, url in servers.items():
        monkeypatch.setenv(f"LIQCLI_URL_{name.upper()}", url)  # binance_vision="http…" for binance-vision


def aim(monkeypatch: pytest.MonkeyPatch, name: str, url: str) -> None:
    """Be swift, and let one source be reachable."""
    be_swift(monkeypatch)
    point(monkeypatch, **{name: url})


def fetch_truth(lake: Path, source: str, truth: Truth) -> FetchSummary:
    """Fetch what a truth tells of and compare: the same rows as often, twins too."""
    summary = fetch(Lake(lake), truth.window, list(truth.rows), [source])
    for symbol, rows in truth.rows.items():
        assert tidy(stored(lake, symbol)) == tidy(rows), symbol
    return summary


def fetch_market(
    lake: Path,
    window: Window,
    symbols: Sequence[str],
    kinds: Sequence[str],
    exchanges: Sequence[str] = (),
    interval: str = "1m",
    say: Callable[[str], None] = lambda _line: None,
) -> list[FetchRow]:
    """Fetch candles and open interest."""
    summary = fetch(Lake(lake), window, symbols, exchanges=exchanges, say=say, kinds=kinds, interval=interval)
    return list(summary.rows)


def exit_code(rows: Sequence[FetchRow]) -> ExitCode:
    """What a run with these rows ends with."""
    return FetchSummary(WINDOW, tuple(rows)).exit_code


def stored(lake: Path, symbol: str, exchange: str = "*") -> Rows:
    import pyarrow.parquet as pq

    rows: Rows = Counter()
    for path in lake.rglob(f"liquidations/exchange={exchange}/symbol={symbol}/**/*.parquet"):
        table = pq.ParquetFile(path).read()
        times = table["ts"].cast("int64").to_pylist()
        columns = [table[name].to_pylist() for name in ("position", "price", "qty", "notional")]
        rows.update(zip(times, *columns, strict=True))
    return rows


def parquet_bytes(lake: Path) -> dict[str, bytes]:
    return {str(path.relative_to(lake)): path.read_bytes() for path in sorted(lake.rglob("*.parquet"))}


def every_file(lake: Path) -> dict[str, bytes]:
    return {
        str(p.relative_to(lake)): p.read_bytes() for p in sorted(lake.rglob("*")) if p.is_file() and p.name[0] != "."
    }


def gate_server(**options: Any) -> GateServer:
    truth = {"BTC_USDT": make_events(WINDOW, seed=1), "ETH_USDT": make_events(WINDOW, 2, busy=400, whole_seconds=True)}
    return GateServer(truth, {"BTC_USDT": "0.0001", "ETH_USDT": "0.01", "SOL_USDT": "1", "BTC_USD": "0"}, **options)


def htx_server(**options: Any) -> HtxServer:
    truth = {"BTC-USDT": make_events(WINDOW, seed=3, busy=700), "ETH-USDT": make_events(WINDOW, seed=4, busy=100)}
    return HtxServer(truth, {"BTC-USDT": "0.001", "ETH-USDT": "0.01", "SOL-USDT": "1"}, **options)


def busy_reply(seconds: str = "1") -> Reply:
    return json_reply({"label": "TOO_MANY_REQUESTS", "message": "slow down"}, 429, {"Retry-After": seconds})
