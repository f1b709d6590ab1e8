"""A kind of data that the program does not have, a daily snapshot: one class is all it takes."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import pytest
from loopback.scenes import DAY_US, WINDOW, be_swift
from loopback.server import Asked, Loopback, Reply, json_reply

from liqcli.core.errors import ExitCode
from liqcli.core.model import Window
from liqcli.ingest.fetch import FetchSummary, fetch
from liqcli.ingest.fetch.kinds import KINDS
from liqcli.ingest.fetch.messages import list_market_problems
from liqcli.ingest.fetch.planner import Plan
from liqcli.ingest.fetch.scheduler import Scheduler
from liqcli.ingest.fetch.summary import FetchRow
from liqcli.ingest.fetch.tasks import Kind, Scope, Target, Task, WindowResult
from liqcli.lake.store import Lake
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.sources.base import Ask, Endpoint, WindowAnswer
from liqcli.sources.envelope import decode_json

TODAY = Window(WINDOW.start_us // DAY_US * DAY_US, WINDOW.start_us // DAY_US * DAY_US + DAY_US)
SYMBOLS = ("BTCUSDT", "ETHUSDT")


@dataclass(frozen=True)
class Tier:
    limit: int
    rate: float


class Tiers(Kind[Endpoint, Tier]):
    """Margin tiers as JSON, a file per exchange, symbol and day."""

    name = "tiers"

    def list_sources(self, exchange: str) -> Sequence[Endpoint]:
        limit = Limit(100, 1)
        return [Endpoint(name=exchange, url="https://nobody.example", limits=(limit,), decode=decode_json)]

    def find_missing(self, lake: Lake, exchange: str, symbol: str, window: Window) -> list[Window]:
        return [] if path_of(lake, exchange, symbol, window).exists() else [window]

    def prepare_refetch(
        self, lake: Lake, exchange: str, symbol: str, window: Window, say: Callable[[str], None]
    ) -> None:
        path_of(lake, exchange, symbol, window).unlink(missing_ok=True)

    def plan(self, source: Endpoint, symbol: str, missing: Sequence[Window], now_us: int) -> Plan:
        return Plan(tuple(missing))

    def ask(self, source: Endpoint, symbol: str, window: Window, memo: object) -> Ask[Tier]:
        found = yield Request(f"/tiers/{symbol}", (), absent=(404,))
        if found is None:
            return WindowAnswer(absent=f"does not list {symbol}")
        return WindowAnswer([Tier(int(raw["limit"]), float(raw["rate"])) for raw in found])

    def store(self, lake: Lake, task: Task, results: Sequence[WindowResult]) -> None:
        for result in results:
            if result.answer and result.answer.absent is None:
                text = json.dumps([[tier.limit, tier.rate] for tier in result.answer.rows])
                lake.write_file(path_of(lake, task.exchange, task.target.row.symbol, result.window), text.encode())


def list_targets(scope: Scope, _scheduler: Scheduler) -> list[Target]:
    kind = Tiers()
    return [
        Target(kind, (exchange,), scope.window, FetchRow("tiers", symbol, scope.window, exchange, (exchange,)))
        for exchange in scope.exchanges
        for symbol in scope.symbols
    ]


def path_of(lake: Lake, exchange: str, symbol: str, window: Window) -> Path:
    return lake.root / "tiers" / exchange / f"{symbol}-{window.start:%Y-%m-%d}.json"


class TierServer(Loopback):
    def answer(self, asked: Asked) -> Reply:
        return json_reply([{"limit": 50_000, "rate": "0.004"}]) if "BTC" in asked.path else Reply(404)


@pytest.fixture(autouse=True)
def _tiers(monkeypatch: pytest.MonkeyPatch) -> None:
    be_swift(monkeypatch)
    monkeypatch.setitem(KINDS, "tiers", list_targets)


def run(lake: Path, symbols: Sequence[str], exchanges: Sequence[str], again: bool = False) -> FetchSummary:
    return fetch(Lake(lake), TODAY, symbols, exchanges=exchanges, kinds=["tiers"], again=again)


def test_it_is_stored_and_not_asked_twice(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    with TierServer() as server:
        monkeypatch.setenv("LIQCLI_URL_GATE", server.url)
        (row,) = run(lake, SYMBOLS[:1], ["gate"]).rows
        assert (row.kind, row.source, row.rows, row.requests, row.share, row.result) == ("tiers", "gate", 1, 1, 1, "ok")
        assert json.loads(path_of(Lake(lake), "gate", "BTCUSDT", TODAY).read_text()) == [[50_000, 0.004]]
        assert run(lake, SYMBOLS[:1], ["gate"]).rows[0].requests == 0
        assert run(lake, SYMBOLS[:1], ["gate"], again=True).rows[0].requests == 1
    assert len(server.asked) == 2


def test_each_exchange_has_its_own_row(monkeypatch: pytest.MonkeyPatch, lake: Path) -> None:
    """Gate lacks ETHUSDT, OKX cannot be reached and is tried once: what there is, is stored, and all is named."""
    with TierServer() as server:
        monkeypatch.setenv("LIQCLI_URL_GATE", server.url)
        summary = run(lake, SYMBOLS, ["gate", "okx"])
    assert [(row.exchange, row.symbol, row.result) for row in summary.rows] == [
        ("gate", "BTCUSDT", "ok"),
        ("gate", "ETHUSDT", "failed"),
        ("okx", "BTCUSDT", "failed"),
        ("okx", "ETHUSDT", "failed"),
    ]
    assert summary.rows[1].troubles == ["does not list ETHUSDT"]
    assert all("cannot be reached" in (row.error or "") for row in summary.rows[2:])
    assert summary.rows[3].requests == 0
    assert summary.exit_code == ExitCode.PARTIAL
    assert list(list_market_problems(summary.rows)) == [
        ("tiers ETHUSDT: does not list ETHUSDT", True),
        ("okx: cannot be reached: Connection refused (127.0.0.1)", True),
    ]
