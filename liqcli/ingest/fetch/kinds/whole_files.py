"""
Liquidations from files of all symbols: a target per file name, whose rows say which symbols there are.

Which files were read is recorded under the symbol ``ALL``, so that a second run requests none of them. The windows are
copied to the fetch log of each symbol that the source has rows of, now or later: no rows in a file that was read in
full are known to be none.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import replace

from liqcli.core.intervals import Intervals
from liqcli.core.model import Liquidation, Window
from liqcli.core.symbols import EVERY
from liqcli.core.times import now_us
from liqcli.ingest.fetch.kinds.liquidations import ALL_COPIES, Liquidations
from liqcli.ingest.fetch.planner import Plan, clip_to_available, plan_windows
from liqcli.ingest.fetch.refetch import prepare_refetch, read_fetch_log
from liqcli.ingest.fetch.summary import FetchRow
from liqcli.ingest.fetch.tasks import Target, Task, WindowResult
from liqcli.lake.fetch_log import CoveredWindow
from liqcli.lake.staging import Staging
from liqcli.lake.store import Lake
from liqcli.sources.base import AskWindow, Source, WholeFiles
from liqcli.sources.market_base import Memo


class WholeFileLiquidations(Liquidations):
    """
    Liquidations of all symbols of one exchange; a target's symbol is the name of a file.

    Attributes
    ----------
    sizes : dict
        Contract sizes by instrument, of exchanges that count contracts.
    """

    def __init__(self, source: Source, exchange: str) -> None:
        super().__init__(source, exchange)
        assert source.whole_files is not None  # noqa: S101
        self.files: WholeFiles = source.whole_files
        self.sizes: dict[str, float] = {}
        self._stored: dict[tuple[str, Window], Counter[tuple[str, int]]] = {}  # symbol and notional of each row

    def find_missing(self, lake: Lake, exchange: str, symbol: str, window: Window) -> list[Window]:
        """Return the times whose file was not read in full."""
        return lake.read_fetch_log(exchange, EVERY, self._record(symbol)).missing(window)

    def find_holes(self, lake: Lake, exchange: str, symbol: str, window: Window) -> list[Window]:
        """Return the times whose file was never read."""
        log = lake.read_fetch_log(exchange, EVERY, self._record(symbol))
        holes = Intervals([window.interval]) - log.covered(("complete", "provisional"))
        return [Window(*hole) for hole in holes]

    def prepare_refetch(
        self, lake: Lake, exchange: str, symbol: str, window: Window, say: Callable[[str], None]
    ) -> None:
        """Quarantine damaged files of all symbols of the file, and a damaged record of it."""
        for name in self._list_symbols(lake, symbol):
            prepare_refetch(lake, exchange, name, self.source.name, window, say)
        read_fetch_log(lake, exchange, EVERY, self._record(symbol), say)

    def plan(self, source: Source, _symbol: str, missing: Sequence[Window], now_us: int) -> Plan:
        """Plan a request per file; none without the contract sizes."""
        plan = plan_windows(source, missing, now_us)
        return replace(plan, windows=(), error=self.error) if self.error and plan.windows else plan

    def ask(self, source: Source, symbol: str, window: Window, _memo: Memo) -> AskWindow:
        """Request a file."""
        kept = clip_to_available(source, window, now_us()) or window
        whole = yield from self.files.ask(symbol, self.sizes, kept)
        self._others |= whole.others
        return whole.answers[EVERY]

    def list_notes(self) -> list[str]:
        """List contracts whose USD value is unknown."""
        return self.describe_others("contracts of unknown USD value")

    def store(self, lake: Lake, task: Task, results: Sequence[WindowResult]) -> None:
        """Write the rows of files, then the fetch logs; keep what was written for the summary."""
        super().store(lake, task, results)
        for result in [] if task.repeats else results:
            rows = result.answer.rows if result.answer else []
            counts = Counter((row.symbol, round(row.notional * 1e6)) for row in rows)
            self._stored[task.target.row.symbol, result.window] = counts

    def write(
        self,
        lake: Lake,
        task: Task,
        covered: Sequence[CoveredWindow],
        rows: Sequence[Liquidation],
        loose: Counter[Liquidation],
    ) -> None:
        """Add rows of all symbols; then write each symbol's fetch log, and at last which files were read."""
        if not covered and not loose:
            return
        times: defaultdict[str, list[int]] = defaultdict(list)
        with Staging(lake) as staging:
            for row in [*rows, *loose.elements()]:
                staging.add(row)
                times[row.symbol].append(row.ts_us)
            staging.commit(most_copies=ALL_COPIES)
        file = task.target.row.symbol
        with lake.locked():
            uncounted = [replace(item, events=None) for item in covered]
            record = lake.read_fetch_log(task.exchange, EVERY, self._record(file)).add(uncounted)
            known = self._list_symbols(lake, file)
            for symbol in sorted({*known, *times}):
                fresh = covered if symbol in known else record.windows
                counted = [
                    replace(item, events=sum(item.window.contains(ts_us) for ts_us in times[symbol])) for item in fresh
                ]
                lake.add_to_fetch_log(task.exchange, symbol, self.source.name, counted)
            lake.write_fetch_log(task.exchange, EVERY, self._record(file), record)

    def list_rows(self, target: Target) -> list[FetchRow]:
        """Return a row per symbol with rows; without any, one row for the file."""
        closed = target.close()
        events: Counter[str] = Counter()
        notional_e6: Counter[str] = Counter()
        for (file, _window), counts in self._stored.items():
            for (symbol, each_e6), count in counts.items() if file == target.row.symbol else ():
                events[symbol] += count
                notional_e6[symbol] += count * each_e6
        rows = [
            replace(closed, symbol=symbol, rows=events[symbol], notional_e6=notional_e6[symbol], requests=0, rejected=0)
            for symbol in sorted(events, key=lambda symbol: (-notional_e6[symbol], symbol))
        ]
        first = rows[0] if rows else replace(closed, symbol=EVERY)
        return [replace(first, requests=closed.requests, rejected=closed.rejected), *rows[1:]]

    def _record(self, file: str) -> str:
        return f"{self.source.name}-{file}"

    def _list_symbols(self, lake: Lake, file: str) -> set[str]:
        """List the symbols of a file that have a fetch log of this source."""
        mine = {(self.exchange, self.source.name)}
        held = {symbol for exchange, symbol, source in lake.list_fetch_logs() if (exchange, source) in mine}
        return {symbol for symbol in held if self.files.name_of(self.exchange, symbol) == file}
