"""The scene of the stream tests: events of now, a server with a truth behind it, and what stands in the lake."""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import random
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from liqcli.core.model import Window
from liqcli.ingest.stream import RecordSummary, record
from liqcli.ingest.stream import buffer as stream_buffer
from liqcli.ingest.stream import connection as stream_connection
from liqcli.lake.store import Lake
from liqcli.sources.registry import LIVE_SOURCES
from loopback.scenes import stored
from loopback.streams import StreamServer
from loopback.truth import Event, Rows, count_expected, count_inverse, tidy

LONGEST_S = 60.0
PULSE_S = 0.8  # much less, and a busy machine would look like a dead connection
ALWAYS = Window(0, 2**62)


def be_swift(monkeypatch: pytest.MonkeyPatch, name: str, server: StreamServer, **changes: Any) -> None:
    """Point a stream and its REST answers to a server; a pulse each second, with a ping, nothing is held back."""
    monkeypatch.setattr(stream_connection, "PULSE_S", PULSE_S)
    monkeypatch.setattr(stream_connection, "REOPEN_S", 0.02)
    monkeypatch.setattr(stream_connection, "OPEN_S", 0.0)
    monkeypatch.setattr(stream_buffer, "SETTLE_US", 0)
    monkeypatch.setattr(stream_buffer, "HOLD_US", 0)
    key = name if name in LIVE_SOURCES else f"{name}-live"
    module = importlib.import_module(LIVE_SOURCES[key])
    monkeypatch.setattr(
        module, "SOURCE", replace(module.SOURCE, ping_s=0.1, late_s=0.0, messages_per_min=None, **changes)
    )
    for variable in {name, key}:
        monkeypatch.setenv(f"LIQCLI_URL_{variable.upper().replace('-', '_')}", server.url)
        monkeypatch.setenv(f"LIQCLI_RATE_{variable.upper().replace('-', '_')}", "unlimited")


def make_recent(seed: int, count: int, contracts: Sequence[int] = (1, 7, 120, 4_003)) -> list[Event]:
    """Make events of the last minutes, oldest first, at different milliseconds."""
    rng = random.Random(seed)
    now_ms = time.time_ns() // 1_000_000
    times = sorted(rng.sample(range(now_ms - 600_000, now_ms - 1_000), count))
    return [
        Event(ts, rng.choice(["long", "short"]), rng.choice(contracts), Decimal(rng.randrange(600_000, 700_000)) / 10)
        for ts in times
    ]


def linear(events: Iterable[Event], size: str) -> Rows:
    """What the lake must hold of a contract of ``size`` coins."""
    return count_expected(list(events), ALWAYS, Decimal(size))


def inverse(events: Iterable[Event], face: int) -> Rows:
    """What the lake must hold of a contract of ``face`` USD."""
    return count_inverse(list(events), ALWAYS, face)


def record_truth(
    lake: Path,
    exchange: str,
    truth: Mapping[str, Rows],
    server: StreamServer,
    symbols: Sequence[str] = (),
    until: Callable[[], bool] = lambda: True,
    show: Callable[[Any], None] = lambda _states: None,
) -> tuple[RecordSummary, list[str]]:
    """
    Record what a truth (symbol -> rows) tells of, and compare: the same rows as often.

    The recording is stopped as a signal would, once the server has sent everything and ``until`` holds.
    """
    warnings: list[str] = []
    with stop_when(lambda: server.is_done() and until()):
        summary = record(Lake(lake), symbols or list(truth), [exchange], LONGEST_S, warn=warnings.append, show=show)
    for symbol, rows in truth.items():
        held, told = tidy(stored(lake, symbol, exchange)), tidy(rows)
        assert held == told, (symbol, f"missing {told - held}", f"too much {held - told}", warnings)
    return summary, warnings


@contextlib.contextmanager
def stop_when(is_done: Callable[[], bool]) -> Iterator[None]:
    """Call what a recording registers for signals, as soon as something holds."""
    handlers: list[tuple[asyncio.AbstractEventLoop, Callable[[], object]]] = []
    ended = threading.Event()

    def watch() -> None:
        while not ended.wait(0.02):
            if handlers and is_done():
                loop, stop = handlers[0]
                with contextlib.suppress(RuntimeError):  # the loop is closed
                    loop.call_soon_threadsafe(stop)
                return

    def remember(loop: asyncio.AbstractEventLoop, _number: int, stop: Callable[[], object]) -> None:
        handlers.append((loop, stop))

    watcher = threading.Thread(target=watch, daemon=True)
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(asyncio.SelectorEventLoop, "add_signal_handler", remember)
        watcher.start()
        yield
    ended.set()
    watcher.join()
