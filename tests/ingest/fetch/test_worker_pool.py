"""The crew: how many ask at once, in which order, when a source is left alone; the order of arrival changes nothing."""

from __future__ import annotations

import threading
import time
from collections import Counter
from functools import partial
from pathlib import Path
from typing import NamedTuple

import pytest
from loopback.scenes import WINDOW, be_swift, gate_server, parquet_bytes, point
from loopback.server import Asked, Reply
from loopback.venues import GateServer

from liqcli.core.errors import ExitCode
from liqcli.ingest.fetch import fetch, request_runner
from liqcli.ingest.fetch.worker_pool import FAILURES_IN_A_ROW, WorkerPool
from liqcli.lake.store import Lake


class MarketWindowResult(NamedTuple):
    name: object
    error: str | None = None
    lost: bool = False


class Scene:
    """Questions that note that they were asked and how many were at once; ``fails`` says which fail, and how."""

    def __init__(self, fails: dict[int, str] | None = None, together: int = 1) -> None:
        self.fails = fails or {}
        self.asked: list[int] = []
        self.at_once = self.most = 0
        self.lock = threading.Lock()
        self.barrier = threading.Barrier(together, timeout=5)

    def question(self, number: int, left_alone: str | None) -> MarketWindowResult:
        if left_alone:
            return MarketWindowResult(number, f"left alone: {left_alone}")
        with self.lock:
            self.asked.append(number)
            self.at_once += 1
            self.most = max(self.most, self.at_once)
        if number:  # the first one goes alone
            self.barrier.wait()
        with self.lock:
            self.at_once -= 1
        error = self.fails.get(number)
        return MarketWindowResult(number, error, error == "refused")

    def run(self, questions: int, workers: int = 1, patient: bool = False) -> dict[object, str | None]:
        crew: WorkerPool[MarketWindowResult] = WorkerPool(patient)
        for number in range(questions):
            crew.put("gate", workers, lambda left_alone, number=number: self.question(number, left_alone))
        said = {message.name: message.error for message in crew.listen() if message}
        crew.stop()
        return said


def test_in_order_and_so_many_at_once() -> None:
    """Nine questions, four workers: the first goes alone, then four at once, twice; each four are the next four."""
    scene = Scene(together=4)
    assert scene.run(9, workers=4) == dict.fromkeys(range(9))
    assert scene.most == 4
    assert scene.asked[0] == 0
    assert set(scene.asked[1:5]) == {1, 2, 3, 4}
    assert Scene().run(5) == dict.fromkeys(range(5))


def test_three_failures_in_a_row_and_a_source_is_left_alone() -> None:
    """Failures 1, 2 with a success behind them are forgiven; 4, 5, 6 are not; 7 and 8 are not asked."""
    scene = Scene(dict.fromkeys((1, 2, 4, 5, 6), "broken"))
    said = scene.run(9)
    assert scene.asked == [0, 1, 2, 3, 4, 5, 6]
    assert said[3] is None
    assert said[7] == said[8] == "left alone: broken"


def test_failures_of_questions_under_way_together_are_one() -> None:
    """Four workers: the outage that fails questions 1 to 4 together counts once, 5 to 8 again, 9 to 12 is the third."""
    scene = Scene(dict.fromkeys(range(1, 99), "broken"), together=4)
    said = scene.run(20, workers=4)
    assert FAILURES_IN_A_ROW == 3
    assert len(scene.asked) == 1 + 3 * 4
    assert Counter(said.values()) == {None: 1, "broken": 12, "left alone: broken": 7}


def test_a_refusal_is_heard_once() -> None:
    """The first answer says that the country is refused: the other workers never ask."""
    scene = Scene({0: "refused"})
    said = scene.run(20, workers=8)
    assert scene.asked == [0]
    assert set(said.values()) == {"refused", "left alone: refused"}


def test_a_patient_crew_only_minds_being_refused() -> None:
    scene = Scene(dict.fromkeys(range(9), "not listed"))
    scene.run(9, patient=True)
    assert len(scene.asked) == 9


def test_who_wants_to_be_alone_comes_next_and_is_alone() -> None:
    """Two are under way, a third waits; one that wants to be alone waits for the two and keeps the third waiting."""
    crew: WorkerPool[MarketWindowResult] = WorkerPool()
    go, active, seen = threading.Event(), threading.Semaphore(0), []

    def ask(name: str, left_alone: str | None) -> MarketWindowResult:
        active.release()
        seen.append((name, active._value))
        if name in ("first", "second"):
            go.wait(5)
        active.acquire()
        return MarketWindowResult(name, left_alone)

    crew.put("gate", 2, partial(ask, "opener"))
    assert next(crew.listen()) == MarketWindowResult("opener")
    for name in ("first", "second", "third"):
        crew.put("gate", 2, partial(ask, name))
    while len(seen) < 3:
        time.sleep(0.001)
    crew.put("gate", 2, partial(ask, "alone"), alone=True)
    go.set()
    assert {said.name for said in crew.listen() if said} == {"first", "second", "third", "alone"}
    crew.stop()
    assert seen[3:] == [("alone", 1), ("third", 1)]


def test_sources_do_not_wait_for_each_other() -> None:
    """Two sources of one worker each meet at a barrier."""
    barrier = threading.Barrier(2, timeout=5)
    crew: WorkerPool[MarketWindowResult] = WorkerPool()
    for name in ("gate", "htx"):
        crew.put(name, 1, lambda _left_alone, name=name: MarketWindowResult(f"{name} {barrier.wait() >= 0}"))
    assert {message.name for message in crew.listen() if message} == {"gate True", "htx True"}
    crew.stop()


def test_what_nobody_foresaw_reaches_the_main_thread() -> None:
    crew: WorkerPool[MarketWindowResult] = WorkerPool()
    crew.put("gate", 1, lambda _left_alone: MarketWindowResult(1 // 0))
    with pytest.raises(ZeroDivisionError):
        list(crew.listen())
    crew.stop()


def test_stopping_asks_nothing_more_and_keeps_what_came() -> None:
    begun, go = threading.Event(), threading.Event()

    def slow(_left_alone: str | None) -> MarketWindowResult:
        begun.set()
        go.wait(5)
        return MarketWindowResult("second")

    crew: WorkerPool[MarketWindowResult] = WorkerPool()
    crew.put("gate", 1, lambda _left_alone: MarketWindowResult("first"))
    crew.put("gate", 1, slow)
    crew.put("gate", 1, lambda _left_alone: MarketWindowResult("third"))
    begun.wait(5)
    crew.stop()
    assert [message.name for message in crew.drain()] == ["first"]
    go.set()
    while not (late := list(crew.drain())):
        time.sleep(0.001)
    assert [message.name for message in late] == ["second"]


# ------------------------------------------------------------------------------------------------ whole fetches


class Shuffling(GateServer):
    """Answers each question at another moment, has bad rows, and one hour is broken for ever."""

    def answer(self, asked: Asked) -> Reply:
        time.sleep((hash(asked.params.get("from")) + len(self.asked)) % 5 * 0.004)
        hour = str((WINDOW.start_us // 3_600_000_000 + 3) * 3600)
        if asked.params.get("from") == hour and asked.params["contract"] == "ETH_USDT":
            return Reply(404, b"gone")
        return super().answer(asked)


def test_the_order_of_arrival_changes_nothing(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """One worker and eight: the same bytes in the lake, the same refused rows in the same order, the same sum-up."""
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
