"""What is stored of a fetch that is interrupted: Ctrl-C comes between any two instructions of the main thread."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from types import FrameType
from typing import Any

import pytest
from factories import make_liquidation

from liqcli.core.model import US_PER_S, Liquidation, Window
from liqcli.ingest.fetch.kinds.liquidations import Liquidations
from liqcli.ingest.fetch.summary import FetchRow
from liqcli.ingest.fetch.tasks import Target, Task, WindowResult
from liqcli.ingest.fetch.writer import Writer
from liqcli.ingest.progress import Progress
from liqcli.lake.fetch_log import CoveredWindow
from liqcli.sources.base import Answer
from liqcli.sources.registry import load_source

HOUR_US = 3600 * US_PER_S
START_US = 1_700_000_000 * US_PER_S // HOUR_US * HOUR_US
HOURS = [Window(START_US + n * HOUR_US, START_US + (n + 1) * HOUR_US) for n in range(3)]
ROWS = {hour: [make_liquidation(ts_us=hour.start_us + n * US_PER_S, price=100 + n) for n in range(2)] for hour in HOURS}
DONE_US = START_US + 100 * HOUR_US


class Shelf:
    """Lake that records which windows were stored as complete, and with which rows."""

    def __init__(self) -> None:
        self.held: dict[Window, list[Liquidation]] = {}

    def replace_window(
        self, _exchange: str, _symbol: str, _source: str, covered: Sequence[CoveredWindow], rows: Sequence[Liquidation]
    ) -> None:
        for item in covered:
            self.held[item.window] = sorted(row for row in rows if item.window.contains(row.ts_us))


class Bell:
    """Raises KeyboardInterrupt before the ``number``-th instruction of the writer; ``rung`` says whether it came."""

    def __init__(self, number: int) -> None:
        self.left, self.rung = number, False

    def trace(self, frame: FrameType, event: str, _argument: object) -> Any:
        if not frame.f_code.co_filename.endswith(("ingest/fetch/writer.py", "fetch/kinds/liquidations.py")):
            return None
        frame.f_trace_opcodes = True
        if event == "opcode" and not self.rung:
            self.left -= 1
            if self.left < 0:
                self.rung = True
                raise KeyboardInterrupt
        return self.trace


def run_until(bell: Bell) -> Shelf:
    """Take three hours, write after the second, and, interrupted or not, write in the end."""
    shelf = Shelf()
    gate = load_source("gate")
    row = FetchRow("liquidations", "BTCUSDT", Window(HOURS[0].start_us, HOURS[-1].end_us), "gate")
    job = Task(Target(Liquidations(gate, "gate"), ("gate",), row.window, row), "gate", gate, HOURS)
    writer = Writer(shelf, Progress(lambda _line: None), 60)  # type: ignore[arg-type]
    before = sys.gettrace()
    sys._getframe().f_trace_opcodes = True  # Python 3.12 asks only the caller of settrace (cpython issue 103615)
    sys.settrace(bell.trace)
    try:
        for number, hour in enumerate(HOURS):
            writer.add(WindowResult(task=job, window=hour, answer=Answer(rows=ROWS[hour]), asked_us=DONE_US))
            if number == 1:
                writer.flush()
    except KeyboardInterrupt:
        pass
    finally:
        sys.settrace(before)
    writer.flush()
    return shelf


# Python 3.12 also traces how a generator is closed, out of which no exception comes.
@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::pytest.PytestUnraisableExceptionWarning")
def test_no_interrupt_leaves_a_window_without_its_rows() -> None:
    """Of every instruction: what is called complete has both of its rows, an hour."""
    for number in range(100_000):
        bell = Bell(number)
        for window, held in run_until(bell).held.items():
            wanted = [row for hour in HOURS if hour.start_us >= window.start_us for row in ROWS[hour]]
            assert held == [row for row in wanted if row.ts_us < window.end_us], f"at instruction {number}"
        if not bell.rung:
            break
    assert number > 100


@pytest.mark.parametrize("number", [0, 1_000_000])
def test_the_bell_rings_once_or_never(number: int) -> None:
    bell = Bell(number)
    assert len(run_until(bell).held) == (0 if number == 0 else 2)
    assert bell.rung == (number == 0)
