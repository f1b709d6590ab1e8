"""What a network does to every seventh answer, whatever the exchange."""

from __future__ import annotations

import time
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import pytest

from liqcli import http
from liqcli.errors import ExitCode
from liqcli.fetcher import FetchSummary, fetch
from liqcli.lake import Lake
from liqcli.model import Window
from loopback.scenes import DAY_US, MINUTE_US, be_swift, stored
from loopback.server import Asked, Loopback, Reply
from loopback.truth import HOUR_MS

FAULTS = ("429", "500", "reset", "truncated", "html", "empty", "error in 200", "duplicate", "slow")
SLOW_S = 0.3


class Truth(NamedTuple):
    """Symbol -> what the lake must hold: (ts_us, position, price, qty, notional) -> how often."""

    window: Window
    rows: dict[str, Counter[tuple[object, ...]]]


def two_days(now_us: int) -> Window:
    """Two days that ended three days ago, edges on no hour."""
    start = now_us // DAY_US * DAY_US - 5 * DAY_US + 13 * MINUTE_US
    return Window(start, start + 2 * DAY_US)


def edge_times(window: Window) -> list[int]:
    """Milliseconds at which a fetch goes wrong first: the window's edges, just outside of them, and full hours."""
    start, end = window.start_us // 1000, window.end_us // 1000
    hours = range(-(-start // HOUR_MS) * HOUR_MS, end, 4 * HOUR_MS)
    return [start - 1, start, end - 1, end, *(ts for hour in hours for ts in (hour - 1, hour))]


def aim(monkeypatch: pytest.MonkeyPatch, name: str, url: str) -> None:
    be_swift(monkeypatch)
    monkeypatch.setenv(f"LIQCLI_URL_{name.upper()}", url)
    monkeypatch.setenv(f"LIQCLI_RATE_{name.upper()}", "unlimited")


def spoil(server: Loopback, kind: str, busy: Reply, inside: Reply, every: int = 7) -> None:
    """Let every seventh answer of a server go wrong; ``busy`` and ``inside`` are its own words for 429 and an error."""
    honest = server.answer
    past: list[Reply] = []

    def answer(asked: Asked) -> Reply:
        reply = honest(asked)
        past.append(reply)
        if len(past) % every:
            return reply
        if kind == "slow":
            time.sleep(SLOW_S)
            return reply
        half = reply.body[: len(reply.body) // 2]
        return {
            "429": busy,
            "500": Reply(500, b"oops"),
            "reset": Reply(200, half, declared=len(reply.body) + 1),
            "truncated": Reply(200, half),
            "html": Reply(200, b"<!doctype html><html>maintenance</html>"),
            "empty": Reply(200, b""),
            "error in 200": inside,
            "duplicate": past[-2],
        }[kind]

    server.answer = answer  # type: ignore[method-assign]


def fetch_truth(lake: Path, source: str, truth: Truth) -> FetchSummary:
    """Fetch what a truth tells of and compare: the same rows as often, twins too."""
    summary = fetch(Lake(lake), truth.window, list(truth.rows), [source])
    for symbol, rows in truth.rows.items():
        assert tidy(stored(lake, symbol)) == tidy(rows), symbol
    return summary


def check_spoiled(monkeypatch: pytest.MonkeyPatch, lake: Path, source: str, truth: Truth, kind: str) -> None:
    """With a fault on: the truth, or an exit code and words that say what is missing; the next run mends it."""
    if kind == "slow":
        monkeypatch.setattr(http, "TIMEOUT_S", (1.0, SLOW_S / 2))
    summary = fetch(Lake(lake), truth.window, list(truth.rows), [source])
    for row in summary.rows:
        if row.result != "ok":
            assert row.error or row.gaps or row.cut, row
            continue
        assert tidy(stored(lake, row.symbol)) == tidy(truth.rows[row.symbol]), row
    if summary.exit_code:
        assert summary.exit_code == ExitCode.PARTIAL
        assert any(row.result == "partial" for row in summary.rows)


def tidy(rows: Counter[tuple[object, ...]]) -> Counter[tuple[object, ...]]:
    """To twelve digits: a quotient of decimals and one of doubles differ in the last."""
    found: Counter[tuple[object, ...]] = Counter()
    for (ts, position, *numbers), count in rows.items():
        found[(ts, position, *(f"{float(str(number)):.11g}" for number in numbers))] += count
    return found
