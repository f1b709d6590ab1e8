"""Open positions of named wallets: a snapshot per run, stored whole or not at all."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from pathlib import Path

from liqcli.core.errors import UsageError
from liqcli.core.model import Window
from liqcli.core.positions import OpenPosition
from liqcli.core.times import now_us
from liqcli.ingest.fetch.planner import Plan
from liqcli.ingest.fetch.scheduler import Scheduler
from liqcli.ingest.fetch.summary import FetchRow
from liqcli.ingest.fetch.tasks import Kind, Scope, Target, Task, WindowResult
from liqcli.lake.positions import write_positions
from liqcli.lake.store import Lake
from liqcli.sources.base import Ask, PositionSource, WindowAnswer
from liqcli.sources.market_base import Memo
from liqcli.sources.registry import POSITION_SOURCES, load_position_source

_ADDRESS = re.compile(r"0x[0-9a-fA-F]{40}")


class Positions(Kind[PositionSource, OpenPosition]):
    """Positions of wallets on one exchange, of all their coins."""

    name = "positions"

    def __init__(self, source: PositionSource, wallets: Sequence[str]) -> None:
        self.source, self.wallets = source, wallets
        self._taken_us: int | None = None  # when the last answer came; the snapshot is known from then on
        self._stored = False

    def list_sources(self, _exchange: str) -> Sequence[PositionSource]:
        """Return the one source."""
        return [self.source]

    def find_missing(self, _lake: Lake, _exchange: str, _symbol: str, window: Window) -> list[Window]:
        """Return the window: every run takes a snapshot."""
        return [window]

    def find_holes(self, _lake: Lake, _exchange: str, _symbol: str, window: Window) -> list[Window]:
        """Return the window until the snapshot is stored."""
        return [] if self._stored else [window]

    def prepare_refetch(
        self, lake: Lake, exchange: str, symbol: str, window: Window, say: Callable[[str], None]
    ) -> None:
        """Do nothing: a snapshot replaces no other."""

    def plan(self, _source: PositionSource, _symbol: str, missing: Sequence[Window], _now_us: int) -> Plan:
        """Plan one answer: positions have no history."""
        return Plan(tuple(missing)[:1])

    def ask(self, source: PositionSource, _symbol: str, _window: Window, _memo: Memo) -> Ask[OpenPosition]:
        """Request the positions of all wallets."""
        rows = yield from source.ask(self.wallets)
        self._taken_us = now_us()
        return WindowAnswer(rows)

    def store(self, lake: Lake, task: Task, results: Sequence[WindowResult]) -> None:
        """Write the snapshot."""
        rows = [row for result in results if result.answer for row in result.answer.rows]
        if self._taken_us is None:
            return
        if rows:
            write_positions(lake, task.exchange, task.source.name, self._taken_us, rows)
            self._stored = True
        else:
            task.target.row.notes.append(f"none of the {len(self.wallets)} wallets has an open position")


def list_targets(scope: Scope, _scheduler: Scheduler) -> list[Target]:
    """
    List a target per exchange: the positions of all coins.

    Raises
    ------
    UsageError
        No wallets, or an exchange whose positions cannot be fetched.
    """
    named = {name.strip().lower() for name in (*scope.sources, *scope.exchanges)}
    if not named <= set(POSITION_SOURCES):
        raise UsageError(f"positions are fetched from {', '.join(POSITION_SOURCES)}; import files of others")
    if not scope.wallets:
        raise UsageError("--kind positions needs --wallets FILE, a text file with one address per line")
    return [
        Target(kind, (name,), scope.window, FetchRow(kind.name, "all", scope.window, name, (name,)))
        for name in sorted(named or POSITION_SOURCES)
        for kind in [Positions(load_position_source(name), scope.wallets)]
    ]


def read_wallets(path: Path) -> tuple[str, ...]:
    """
    Read a file with one address per line; blank lines and comments after ``#`` are ignored, repeats are dropped.

    Raises
    ------
    UsageError
        No such file, no address, or a line that is none.
    """
    try:
        lines = path.read_text(encoding="utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"--wallets {path}: cannot be read ({error})") from error
    found: dict[str, None] = {}
    for number, line in enumerate(lines, 1):
        if word := line.partition("#")[0].strip():
            if not _ADDRESS.fullmatch(word):
                raise UsageError(f"--wallets {path}: line {number} is not an address such as 0x…, 40 hex digits")
            found[word.lower()] = None
    if not found:
        raise UsageError(f"--wallets {path}: no address in it")
    return tuple(found)
