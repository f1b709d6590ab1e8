"""Liquidations. The fetch log says what is missing; requests need the contract that a source lists for a symbol."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace

from liqcli.core.formatting import format_time
from liqcli.core.intervals import Intervals
from liqcli.core.model import Liquidation, Window
from liqcli.core.times import now_us
from liqcli.ingest.fetch.planner import Plan, assess_window, clip_to_available, plan_windows
from liqcli.ingest.fetch.refetch import prepare_refetch
from liqcli.ingest.fetch.request_runner import SharedFailureError
from liqcli.ingest.fetch.tasks import Kind, Task, WindowResult
from liqcli.lake.fetch_log import CoveredWindow, FetchLog
from liqcli.lake.inventory import try_fetch_log
from liqcli.lake.staging import Staging
from liqcli.lake.store import Lake
from liqcli.sources.base import Answer, AskWindow, Source, WindowAnswer
from liqcli.sources.contracts import ListedContract
from liqcli.sources.market_base import Memo

DEFAULT_SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
DEFAULT_BASES = ("BTC", "ETH", "SOL")  # if no source lists these symbols: Kraken, Deribit and dYdX quote in USD
ALL_COPIES = 2**31


class Liquidations(Kind[Source, Liquidation]):
    """
    Liquidations of one exchange from one source.

    Attributes
    ----------
    contracts : dict
        Symbol -> contract that the source lists.
    unlisted : set of str
        Wanted symbols that it does not list.
    error : str or None
        Why the contracts are unknown.
    whole : bool
        Whether every listed contract is requested, all in one request.
    """

    name = "liquidations"

    def __init__(self, source: Source, exchange: str, whole: bool = False) -> None:
        self.source = replace(source, shared=True) if whole else source
        self.exchange = exchange
        self.whole = whole
        self.contracts: Mapping[str, ListedContract] = {}
        self.unlisted: set[str] = set()
        self.error: str | None = None
        # Symbol and end [µs UTC] -> the last minutes of a stored window whose late events were still missing.
        self._tails: dict[tuple[str, int], CoveredWindow] = {}
        # The last window requested from a shared source, and its answers by symbol, None if the request failed. Windows
        # are requested in order by one thread.
        self._held: tuple[Window, dict[str, Answer] | None] | None = None
        self._others: set[str] = set()

    def list_sources(self, _exchange: str) -> Sequence[Source]:
        """Return the one source."""
        return [self.source]

    def find_missing(self, lake: Lake, exchange: str, symbol: str, window: Window) -> list[Window]:
        """Return what the fetch log does not call complete."""
        return lake.read_fetch_log(exchange, symbol, self.source.name).missing(window)

    def find_holes(self, lake: Lake, exchange: str, symbol: str, window: Window) -> list[Window]:
        """Return what was never answered in full; answers to which late events may be added count as full."""
        log, _damaged = try_fetch_log(lake, exchange, symbol, self.source.name)
        holes = Intervals([window.interval]) - log.covered(("complete", "provisional"))
        return [Window(*hole) for hole in holes]

    def prepare_refetch(
        self, lake: Lake, exchange: str, symbol: str, window: Window, say: Callable[[str], None]
    ) -> None:
        """Quarantine damaged files, and forget windows whose events are missing."""
        prepare_refetch(lake, exchange, symbol, self.source.name, window, say)

    def plan(self, source: Source, symbol: str, missing: Sequence[Window], now_us: int) -> Plan:
        """Plan windows within the limits of the source; none without a contract."""
        if symbol in self.unlisted:
            return Plan(notes=(f"does not list {symbol}",))
        plan = plan_windows(source, missing, now_us)
        if symbol in self.contracts:
            return plan
        return replace(plan, windows=(), error=self.error if plan.windows else None)

    def ask(self, source: Source, symbol: str, window: Window, _memo: Memo) -> AskWindow:
        """Request what the source has not dropped since the plan was made."""
        if self._held and self._held[0] == window:
            answers = self._held[1]
            if answers is None:
                raise SharedFailureError(f"{source.name}: the request for all symbols failed")
            if symbol in answers:
                return answers.pop(symbol)
        kept = clip_to_available(source, window, now_us())
        if kept is None:
            span = f"{format_time(window.start_us)} to {format_time(window.end_us)} UTC"
            return WindowAnswer(absent=f"dropped {span} before it was requested")
        if source.shared and source.ask_whole:
            self._held = window, None
            whole = yield from source.ask_whole(self.contracts, kept)
            answers = whole.answers
            self._others |= whole.others
            self._held = window, answers
        else:
            answers = {symbol: (yield from source.ask_window(self.contracts[symbol], kept))}
        for answer in answers.values() if kept != window else ():
            answer.unknown.append(Window(window.start_us, kept.start_us))
        return answers.pop(symbol)

    def list_notes(self) -> list[str]:
        """List contracts with liquidations that the source does not list (any more), and whose size is unknown."""
        return self.describe_others("contracts that it does not list") if self.whole else []

    def describe_others(self, what: str) -> list[str]:
        """Describe contracts with rows that were left out; ``what`` they are, in the plural."""
        names = sorted(self._others)
        some = f"{', '.join(names[:5])}{' …' * (len(names) > 5)}"
        counted = f"{len(names)} {what if len(names) != 1 else what.replace('contracts', 'contract', 1)}"
        return [f"{self.source.name}: left out {counted}: {some}"] if names else []

    def sum_notional_e6(self, rows: Sequence[Liquidation]) -> int:
        """Return the total of some liquidations. [1e-6 USD]"""
        return sum(round(row.notional * 1e6) for row in rows)

    def store(self, lake: Lake, task: Task, results: Sequence[WindowResult]) -> None:
        """
        Write answered windows: first the data, then the fetch log.

        Rows outside the covered windows are added without replacing anything.
        """
        covered: list[CoveredWindow] = []
        rows: list[Liquidation] = []
        loose: Counter[Liquidation] = Counter()
        for result in results:
            if settled := self._tails.get((task.target.row.symbol, result.window.start_us)):
                covered.append(settled)  # this answer has its late events
            if result.answer is None or (result.answer.absent is not None and not result.answer.unknown):
                continue
            assessed = self._assess(task, result)
            covered += assessed
            outside: Counter[Liquidation] = Counter()
            for row in result.answer.rows:
                if self.source.union or any(item.window.contains(row.ts_us) for item in assessed):
                    rows.append(row)
                else:
                    outside[row] += 1
            loose |= outside  # overlapping answers repeat rows; only repeats within one answer are separate events
        covered = list(FetchLog().add(covered).windows)  # adjacent windows are merged into one write
        self.write(lake, task, covered, rows, loose)

    def write(
        self,
        lake: Lake,
        task: Task,
        covered: Sequence[CoveredWindow],
        rows: Sequence[Liquidation],
        loose: Counter[Liquidation],
    ) -> None:
        """Write the rows of covered windows, add others to those stored, then write the fetch log."""
        if covered and not self.source.union:
            lake.replace_window(task.exchange, task.target.row.symbol, self.source.name, covered, rows)
            rows, covered = [], []
        if covered or loose:
            with Staging(lake) as staging:
                for row in [*rows, *loose.elements()]:
                    staging.add(row)
                staging.commit(most_copies=ALL_COPIES)
            with lake.locked():
                lake.add_to_fetch_log(task.exchange, task.target.row.symbol, self.source.name, covered)

    def _assess(self, task: Task, result: WindowResult) -> list[CoveredWindow]:
        """Assess an answer with numbers of events; late events of its end may be in the next window."""
        answer, window = result.answer, result.window
        assert answer is not None  # noqa: S101
        tail = self._find_tail(task, window)
        unsettled = [*answer.unsettled, *([tail] if tail else [])]
        assessed = [
            replace(item, events=sum(item.window.contains(row.ts_us) for row in answer.rows))
            for item in assess_window(self.source, window, answer.cut, result.asked_us, answer.unknown, unsettled)
        ]
        for item in assessed:
            if item.window == tail:
                self._tails[task.target.row.symbol, window.end_us] = replace(item, status="complete")
        return assessed

    def _find_tail(self, task: Task, window: Window) -> Window | None:
        """Return the last minutes of a window if their late events may be in a planned window without an answer."""
        late_us, end_us = self.source.late_us, window.end_us
        answered = {w.start_us for w in task.answered} | {w.start_us for w, _ in task.absences}
        if not late_us or end_us in answered or all(w.start_us != end_us for w in task.windows):
            return None
        return Window(max(window.start_us, end_us - late_us), end_us)
