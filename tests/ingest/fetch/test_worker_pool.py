"""The pool: how many ask at once, in which order, when a source is left alone; the order of arrival changes nothing."""

from __future__ import annotations

import threading
import time
from collections import Counter
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import pytest
from loopback.scenes import WINDOW, be_swift, gate_server, parquet_bytes, point
from loopback.server import Asked, Reply
from loopback.venues import GateServer

from liqcli.core.errors import ExitCode
from liqcli.ingest.fetch import fetch, request_runner
from liqcli.ingest.fetch.worker_pool import FAILURES_IN_A_ROW, Outcome, WorkerPool
from liqcli.lake.store import Lake


@dataclass(frozen=True)
class Result(Outcome):
    name: object


class Scene:
    """Tasks that record their order and concurrency; ``fails`` maps task numbers to errors."""

    def __init__(self, fails: dict[int, str] | None = None, together: int = 1, counts: bool = True) -> None:
        self.counts = counts
        self.fails = fails or {}
        self.asked: list[int] = []
        self.at_once = self.most = 0
        self.lock = threading.Lock()
        self.barrier = threading.Barrier(together, timeout=60)

    def question(self, number: int, tripped: str | None) -> Result:
        if tripped:
            return Result(number, error=f"tripped: {tripped}")
        with self.lock:
            self.asked.append(number)
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        if number:  # the first one goes alone
            self.barrier.wait()
        with self.lock:
            self.at_once -= 1
        error = self.fails.get(number)
        return Result(number, error=error, lost=error == "refused", counts=self.counts)

    def run(self, questions: int, workers: int = 1) -> dict[object, str | None]:
        pool: WorkerPool = WorkerPool()
        for number in range(questions):
            pool.put("gate", workers, lambda tripped, number=number: self.question(number, tripped))
        said = {message.name: message.error for message in pool.results() if message}
        pool.stop()
        return said


def test_runs_in_order_with_the_given_concurrency() -> None:
    """Nine tasks, four workers: the first runs alone, then four at once, twice, each time the next four."""
    scene = Scene(together=4)
    assert scene.run(9, workers=4) == dict.fromkeys(range(9))
    assert scene.most == 4
    assert scene.asked[0] == 0
    assert set(scene.asked[1:5]) == {1, 2, 3, 4}
    assert Scene().run(5) == dict.fromkeys(range(5))


def test_three_failures_in_a_row_and_a_source_is_tripped() -> None:
    """Failures 1 and 2 are followed by a success; 4, 5 and 6 trip the breaker; 7 and 8 send nothing."""
    scene = Scene(dict.fromkeys((1, 2, 4, 5, 6), "broken"))
    said = scene.run(9)
    assert scene.asked == [0, 1, 2, 3, 4, 5, 6]
    assert said[3] is None
    assert said[7] == said[8] == "tripped: broken"


def test_simultaneous_failures_count_once() -> None:
    """Four workers: the simultaneous failures 1 to 4 count once, 5 to 8 once more, 9 to 12 are the third."""
    scene = Scene(dict.fromkeys(range(1, 99), "broken"), together=4)
    said = scene.run(20, workers=4)
    assert FAILURES_IN_A_ROW == 3
    assert len(scene.asked) == 1 + 3 * 4
    assert Counter(said.values()) == {None: 1, "broken": 12, "tripped: broken": 7}


def test_a_blocked_network_sends_one_request() -> None:
    """The first result is a block: the other workers send nothing."""
    scene = Scene({0: "refused"})
    said = scene.run(20, workers=8)
    assert scene.asked == [0]
    assert set(said.values()) == {"refused", "tripped: refused"}


def test_some_errors_do_not_count() -> None:
    scene = Scene(dict.fromkeys(range(9), "not listed"), counts=False)
    scene.run(9)
    assert len(scene.asked) == 9


def test_an_exclusive_task_runs_next_and_alone() -> None:
    """Two tasks run and a third waits; an exclusive one waits for the two, and the third waits for it."""
    pool: WorkerPool = WorkerPool()
    go, active, seen = threading.Event(), threading.Semaphore(0), []

    def ask(name: str, tripped: str | None) -> Result:
        active.release()
        seen.append((name, active._value))
        if name in ("first", "second"):
            go.wait(60)
        active.acquire()
        return Result(name, error=tripped)

    pool.put("gate", 2, partial(ask, "opener"))
    assert next(pool.results()) == Result("opener")
    for name in ("first", "second", "third"):
        pool.put("gate", 2, partial(ask, name))
    while len(seen) < 3:
        time.sleep(0.001)
    pool.put("gate", 2, partial(ask, "alone"), alone=True)
    go.set()
    assert {said.name for said in pool.results() if said} == {"first", "second", "third", "alone"}
    pool.stop()
    assert seen[3:] == [("alone", 1), ("third", 1)]


def test_sources_do_not_wait_for_each_other() -> None:
    """Two sources of one worker each meet at a barrier."""
    barrier = threading.Barrier(2, timeout=60)
    pool: WorkerPool = WorkerPool()
    for name in ("gate", "htx"):
        pool.put(name, 1, lambda _tripped, name=name: Result(f"{name} {barrier.wait() >= 0}"))
    assert {message.name for message in pool.results() if message} == {"gate True", "htx True"}
    pool.stop()


def test_unexpected_errors_reach_the_main_thread() -> None:
    pool: WorkerPool = WorkerPool()
    pool.put("gate", 1, lambda _tripped: Result(1 // 0))
    with pytest.raises(ZeroDivisionError):
        list(pool.results())
    pool.stop()


def test_stopping_asks_nothing_more_and_keeps_what_came() -> None:
    begun, go = threading.Event(), threading.Event()

    def slow(_tripped: str | None) -> Result:
        begun.set()
        go.wait(60)
        return Result("second")

    pool: WorkerPool = WorkerPool()
    pool.put("gate", 1, lambda _tripped: Result("first"))
    pool.put("gate", 1, slow)
    pool.put("gate", 1, lambda _tripped: Result("third"))
    begun.wait(60)
    pool.stop()
    assert [message.name for message in pool.drain()] == ["first"]
    go.set()
    while not (late := list(pool.drain())):
        time.sleep(0.001)
    assert [message.name for message in late] == ["second"]


# ------------------------------------------------------------------------------------------------ whole fetches


class Shuffling(GateServer):
    """Answers requests after varying delays, with invalid rows and one hour that always fails."""

    def answer(self, asked: Asked) -> Reply:
        time.sleep((hash(asked.params.get("from")) + len(self.asked)) % 5 * 0.004)
        hour = str((WINDOW.start_us // 3_600_000_000 + 3) * 3600)
        if asked.params.get("from") == hour and asked.params["contract"] == "ETH_USDT":
            return Reply(404, b"gone")
        return super().answer(asked)


@pytest.mark.slow
def test_the_order_of_results_does_not_matter(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One worker and eight yield the same lake bytes, rejected rows and summary."""
    be_swift(monkeypatch)
    honest = gate_server()
    with Shuffling({}, honest.sizes) as server:
        server.rows = honest.rows
        for n in range(0, 400, 40):
            server.rows["BTC_USDT"][n] |= {"fill_price": "-9"}
        point(monkeypatch, gate=server.url)
        found = []
        for workers in (1, 8, 8):
            monkeypatch.setattr(request_runner, "count_workers", lambda _limits, workers=workers: workers)
            lake = tmp_path / f"lake{len(found)}"
            summary = fetch(Lake(lake), WINDOW, ["BTCUSDT", "ETHUSDT"], ["gate"], flush_s=0.01)
            assert summary.exit_code == ExitCode.PARTIAL
            assert "404" in (summary.rows[1].error or "")
            refused = (lake / "rejected/fetch-gate-BTCUSDT.jsonl").read_text()
            assert refused.count("\n") == summary.rows[0].rejected == 10
            found.append((parquet_bytes(lake), refused, summary))
    assert found[0] == found[1] == found[2]
    assert len(found[0][0]) == 2
