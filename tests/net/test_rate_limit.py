"""The pace: in no stretch of time does a source see more of us than it allows, whatever the network does in between."""

from __future__ import annotations

import contextlib
import heapq
import random
import signal
import sqlite3
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from liqcli.net import rate_limit as pace_module
from liqcli.net import rate_limit_store
from liqcli.net.rate_limit import (
    LONGEST_HOLD_S,
    LOST_S,
    MARGIN_S,
    MOST_AT_ONCE,
    Limit,
    RateLimiter,
    count_workers,
    limit_to,
    shared_rate_limiter,
)
from liqcli.net.rate_limit_headers import read_pause


class Seen(NamedTuple):
    """A request as the server sees it."""

    at_s: float
    path: str
    weight: float


class Simulation:
    """A clock that only a pause moves, and requests under way that are seen and answered while it moves."""

    def __init__(self, latency_s: float = 0.0, seed: int = 0) -> None:
        self.now = self.start = 1_000_000.0
        self.seen: list[Seen] = []
        self.under_way: list[tuple[float, str, RateLimiter]] = []
        self.latency_s = latency_s
        self.random = random.Random(seed)

    def pace(self, *limits: Limit, file: Path | None = None) -> RateLimiter:
        return RateLimiter(limits, file, clock=lambda: self.now)

    def ask(self, pace: RateLimiter, path: str = "/", weight: float = 1.0, at_once: int = 8) -> None:
        """Send a request as soon as it may leave and fewer than ``at_once`` are under way."""
        while len(self.under_way) >= at_once:
            self.pause(0.001)
        name = pace.acquire(path, weight, self.pause)
        taken_s = self.latency_s * self.random.uniform(0.1, 3)
        self.seen.append(Seen(self.now + taken_s * self.random.random(), path, weight))
        heapq.heappush(self.under_way, (self.now + taken_s, name, pace))

    def pause(self, seconds: float) -> None:
        until = self.now + seconds
        while self.under_way and self.under_way[0][0] <= until:
            self.now, name, pace = heapq.heappop(self.under_way)
            pace.release(name)
        self.now = until


def most_in(seen: list[Seen], limit: Limit) -> float:
    """The largest weight that falls into any half-open stretch of a limit's length."""
    own = sorted(s for s in seen if s.path.startswith(limit.path))
    return max(sum(s.weight for s in own if first.at_s <= s.at_s < first.at_s + limit.seconds) for first in own)


LIMITS = st.lists(
    st.builds(
        Limit,
        st.integers(1, 12).map(float),
        st.sampled_from([0.5, 2.0, 10.0]),
        st.sampled_from(["", "/a", "/b"]),
        st.booleans(),
    ),
    min_size=1,
    max_size=3,
)


@settings(max_examples=80, deadline=None)
@given(
    limits=LIMITS,
    asked=st.lists(st.tuples(st.sampled_from(["/a", "/b"]), st.sampled_from([1.0, 1.0, 2.0])), min_size=2, max_size=40),
    latency_s=st.sampled_from([0.0, 0.05, 1.5]),
    seed=st.integers(0, 9),
)
def test_no_stretch_holds_more_than_is_allowed(
    limits: list[Limit], asked: list[tuple[str, float]], latency_s: float, seed: int
) -> None:
    """Requests are seen at any moment between leaving and their answer: some overtake others, bursts pile up."""
    scene = Simulation(latency_s, seed)
    pace = scene.pace(*limits)
    for path, weight in asked:
        scene.ask(pace, path, weight)
    for limit in limits:
        if any(path.startswith(limit.path) for path, _ in asked):
            assert most_in(scene.seen, limit) <= max(limit.most, max(weight for _, weight in asked))


def test_a_burst_leaves_at_once_and_the_next_when_it_may() -> None:
    """Five a second, answered at once: 5 at 0 s, 5 at 1 s, 5 at 2 s (and the margin each time)."""
    scene = Simulation()
    pace = scene.pace(Limit(5, 1))
    for _ in range(15):
        scene.ask(pace)
    assert [round(s.at_s - scene.start, 3) for s in scene.seen] == [
        *[0.0] * 5,
        *[1 + MARGIN_S] * 5,
        *[2 + 2 * MARGIN_S] * 5,
    ]


def test_a_place_is_free_only_when_its_answer_is_old() -> None:
    """One in ten seconds, under way for a second each: seen 0.5 s after leaving, so 11 s lie between two of them."""
    scene = Simulation()
    pace = scene.pace(Limit(1, 10))
    left = []
    for _ in range(3):
        name = pace.acquire(pause=scene.pause)
        left.append(scene.now - scene.start)
        scene.now += 1
        pace.release(name)
    assert left == pytest.approx([0, 11 + MARGIN_S, 22 + 2 * MARGIN_S])


def test_even_limits_are_spread() -> None:
    """120 a minute, spread: every half second; a pause of ten seconds is not saved up."""
    scene = Simulation()
    pace = scene.pace(*limit_to(120))
    for _ in range(3):
        scene.ask(pace)
    scene.now += 10
    scene.ask(pace)
    scene.ask(pace)
    times = [s.at_s - scene.start for s in scene.seen]
    assert times == pytest.approx([0, 0.5, 1, 11, 11.5])


def test_weights_and_paths() -> None:
    """2400 of weight a minute under /fapi: 240 requests of 10; /futures counts apart."""
    scene = Simulation()
    pace = scene.pace(Limit(2400, 60, "/fapi/"), Limit(2, 300, "/futures/"))
    for _ in range(241):
        scene.ask(pace, "/fapi/v1/klines", 10.0, at_once=999)
    assert [s.at_s for s in scene.seen[:240]] == [scene.start] * 240
    assert scene.seen[240].at_s == pytest.approx(scene.start + 60 + MARGIN_S)
    for _ in range(3):
        scene.ask(pace, "/futures/data/openInterestHist")
    assert [s.at_s - scene.start - 60 for s in scene.seen[-3:]] == pytest.approx(
        [MARGIN_S, MARGIN_S, 300 + 2 * MARGIN_S], abs=0.05
    )


def test_a_hold_is_for_all_and_without_limits_too() -> None:
    scene = Simulation()
    for pace in (scene.pace(), scene.pace(Limit(100, 1))):
        start = scene.now
        scene.ask(pace)
        pace.block_for(7)
        pace.block_for(3)  # a shorter one takes nothing away
        scene.ask(pace)
        assert scene.seen[-1].at_s == start + 7


def test_a_request_that_never_arrived_does_not_count() -> None:
    scene = Simulation()
    pace = scene.pace(Limit(1, 60))
    for _ in range(5):
        pace.release(pace.acquire(pause=scene.pause), arrived=False)
    assert scene.now == scene.start


# ------------------------------------------------------------------------------------------------ other processes


def test_processes_share_a_file(tmp_path: Path) -> None:
    """Two runs beside each other, then a third after both: three a minute in sum, a hold is for all."""
    scene, file = Simulation(), tmp_path / "state" / "bitfinex.sqlite3"
    cron, hand = (scene.pace(Limit(3, 60), file=file) for _ in range(2))
    for pace in (cron, hand, cron, hand):
        scene.ask(pace)
    later = scene.pace(Limit(3, 60), file=file)
    scene.ask(later)
    assert [round(s.at_s - scene.start) for s in scene.seen] == [0, 0, 0, 60, 60]
    hand.block_for(100)
    scene.ask(cron)
    assert scene.seen[-1].at_s == pytest.approx(scene.start + 160, abs=0.1)
    with contextlib.closing(sqlite3.connect(file)) as database:
        names = [row[0] for row in database.execute("SELECT name FROM places")]
    assert (len(names), rate_limit_store.HOLD in names) == (2, True), "places that no limit counts any more are dropped"


def test_a_killed_process_is_forgotten(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    """Its request counts as under way for a while, and then as answered."""
    monkeypatch.setattr(pace_module, "LOOK_S", 1.0)
    scene, file = Simulation(), tmp_path / "x.sqlite3"
    scene.pace(Limit(1, 10), file=file).acquire(pause=scene.pause)
    scene.pace(Limit(1, 10), file=file).acquire(pause=scene.pause)
    assert scene.now == pytest.approx(scene.start + LOST_S + 10, abs=1)


def write_rows(file: Path, rows: list[tuple[object, ...]], columns: str = "name, path, weight, left_s, done_s") -> None:
    with contextlib.closing(sqlite3.connect(file)) as database, database:
        database.execute(f"CREATE TABLE places ({columns})")
        database.executemany(f"INSERT INTO places VALUES ({','.join('?' * (columns.count(',') + 1))})", rows)


def tear(file: Path) -> None:
    content = file.read_bytes()
    file.write_bytes(content[:100] + b"tail" * 99)


DAMAGES: dict[str, Callable[[Path], object]] = {
    "empty": lambda file: file.write_bytes(b""),
    "no database": lambda file: file.write_bytes(b"{" * 5000),
    "torn": tear,
    "removed": lambda file: file.unlink(),
    "does not have the columns": lambda file: (file.unlink(), write_rows(file, [], "name, price")),
    "other types": lambda file: (file.unlink(), write_rows(file, [("a", "/", "heavy", None, b"")])),
}


@pytest.mark.parametrize("damage", DAMAGES.values(), ids=DAMAGES)
def test_a_damaged_database_is_replaced_and_own_slots_are_kept(
    tmp_path: Path, damage: Callable[[Path], object]
) -> None:
    """Two in 60 s: after two requests and the damage the third waits 60 s, and another process learns of both."""
    scene, file = Simulation(), tmp_path / "x.sqlite3"
    pace, other = (scene.pace(Limit(2, 60), file=file) for _ in range(2))
    scene.ask(pace)
    scene.ask(pace)
    damage(file)
    pace.block_for(0)  # any look writes them back
    scene.ask(other)
    assert scene.now == pytest.approx(scene.start + 60, abs=0.1)
    scene.ask(pace)
    scene.ask(pace)
    assert [round(seen.at_s - scene.start) for seen in scene.seen] == [0, 0, 60, 60, 120]


def test_what_older_versions_left_is_removed(tmp_path: Path) -> None:
    for suffix in (".json", ".lock"):
        (tmp_path / f"x{suffix}").write_text("[0,{}]tail")
    scene = Simulation()
    scene.ask(scene.pace(Limit(1, 60), file=tmp_path / "x.sqlite3"))
    assert [path.name for path in tmp_path.iterdir()] == ["x.sqlite3"]


def test_a_locked_database_ends_sharing_only_for_a_while(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """While another program holds the lock this process keeps its own limit; afterwards it shares again."""
    monkeypatch.setattr(rate_limit_store, "LOCK_TIMEOUT_S", 0.01)
    monkeypatch.setattr(pace_module, "RETRY_S", 0.0)
    scene, file = Simulation(), tmp_path / "x.sqlite3"
    pace, other = (scene.pace(Limit(1, 60), file=file) for _ in range(2))
    scene.ask(pace)
    with contextlib.closing(sqlite3.connect(file, isolation_level=None)) as holder:
        holder.execute("BEGIN EXCLUSIVE")
        scene.ask(pace)  # at 60 s, by what it knows itself
    assert scene.now == pytest.approx(scene.start + 60, abs=0.1)
    pace.block_for(0)
    scene.ask(other)
    assert scene.now == pytest.approx(scene.start + 120, abs=0.2)


def test_a_database_that_cannot_be_used_is_tried_again_after_a_while(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(pace_module.time, "monotonic", lambda: scene.now)
    scene, folder = Simulation(), tmp_path / "state"
    folder.write_text("no folder yet")
    pace = scene.pace(Limit(2, 600), file=folder / "x.sqlite3")
    scene.ask(pace)
    folder.unlink()
    pace.block_for(0)
    assert not folder.exists(), "left alone for RETRY_S"
    scene.pause(pace_module.RETRY_S)
    scene.ask(pace)
    other = scene.pace(Limit(2, 600), file=folder / "x.sqlite3")
    scene.ask(other)
    assert scene.now - scene.start == pytest.approx(600, abs=0.1), "it learned of both"


WORKER = """
import pathlib, sys, threading, time
from liqcli.net.rate_limit import Limit, RateLimiter
pace = RateLimiter((Limit(5, 0.5),), pathlib.Path(sys.argv[1]))
def work():
    for _ in range(5):
        name = pace.acquire()
        sys.stdout.write(f"{time.time()}\\n")
        pace.release(name)
threads = [threading.Thread(target=work) for _ in range(2)]
[thread.start() for thread in threads]; [thread.join() for thread in threads]
"""


def test_two_processes_with_two_threads_each_keep_one_limit(tmp_path: Path) -> None:
    """20 requests at five in 0.5 s: no six of them leave within half a second, and none is lost."""
    words = [sys.executable, "-c", WORKER, str(tmp_path / "x.sqlite3")]
    both = [subprocess.Popen(words, stdout=subprocess.PIPE, text=True) for _ in range(2)]
    times = sorted(float(line) for process in both for line in process.communicate(timeout=60)[0].splitlines())
    assert len(times) == 20
    assert min(after - before for before, after in zip(times, times[5:], strict=False)) >= 0.5 - 0.02


KILLED = """
import os, pathlib, signal, sqlite3, sys
from liqcli.net.rate_limit import Limit, RateLimiter
from liqcli.net import rate_limit_store as rate_store
pace = RateLimiter((Limit(2, 600),), pathlib.Path(sys.argv[1]))
pace.acquire()
class Killing(dict):  # asked for its keys after the rows were put, before the commit
    def keys(self):
        os.kill(os.getpid(), signal.SIGKILL)
opened = rate_store.SharedSlots._open
def open_(self, file):
    opened(self, file)
    self.slots = Killing(self.slots)
rate_store.SharedSlots._open = open_
pace.acquire()
"""


def test_killed_between_writing_and_committing(tmp_path: Path) -> None:
    """The first request was committed and counts; the second, killed in the middle, leaves the database whole."""
    file = tmp_path / "x.sqlite3"
    killed = subprocess.run([sys.executable, "-c", KILLED, str(file)], check=False)
    assert killed.returncode == -signal.SIGKILL
    shared = rate_limit_store.SharedSlots(file)
    assert len(shared.slots) == 1
    shared.close(shared.slots, shared.held_s)


def test_without_a_folder_each_process_keeps_its_own(tmp_path: Path) -> None:
    (tmp_path / "state").write_text("no folder")
    scene = Simulation()
    pace = scene.pace(Limit(1, 60), file=tmp_path / "state" / "x.sqlite3")
    scene.ask(pace)
    scene.ask(pace)
    assert scene.now == pytest.approx(scene.start + 60, abs=0.1)


def test_a_clock_set_back_does_not_block_requests(tmp_path: Path) -> None:
    """An hour back: what was just asked counts as asked now, not as asked in an hour; a hold stays within its limit."""
    scene = Simulation()
    pace = scene.pace(Limit(1, 60), file=tmp_path / "x.sqlite3")
    scene.ask(pace)
    pace.block_for(5)
    scene.pause(1)
    scene.now -= 3600
    before = scene.now
    scene.ask(pace)
    assert scene.now - before == pytest.approx(LONGEST_HOLD_S, abs=0.1)
    scene.ask(pace)
    assert scene.now - before == pytest.approx(LONGEST_HOLD_S + 60, abs=0.1)


def test_all_clients_of_a_source_share_its_limits(tmp_path: Path) -> None:
    one = shared_rate_limiter("okx", "https://www.okx.com", (Limit(40, 2),), tmp_path)
    assert shared_rate_limiter("okx", "https://www.okx.com", (Limit(40, 2),), tmp_path) is one
    assert shared_rate_limiter("okx", "http://127.0.0.1:1", (Limit(40, 2),), tmp_path) is not one, (
        "a mirror is another place"
    )


# ------------------------------------------------------------------------------------------------ small things


@pytest.mark.parametrize(
    ("per_minute", "most", "seconds"),
    [(3, 3, 60), (0.5, 1, 120), (60, 60, 60), (6000, 60, 0.6), (90.5, 60, 3600 / 90.5)],
)
def test_a_rate_a_minute_as_a_limit(per_minute: float, most: float, seconds: float) -> None:
    assert limit_to(per_minute) == (Limit(most, pytest.approx(seconds), even=True),)
    assert limit_to(float("inf")) == ()


@pytest.mark.parametrize(
    ("limits", "workers"),
    [
        ((), MOST_AT_ONCE),
        ((Limit(3, 60),), 1),
        ((Limit(5, 1),), 5),
        ((Limit(120, 60, even=True),), 2),
        ((Limit(240, 3),), MOST_AT_ONCE),
        ((Limit(20, 2, "/a"), Limit(2, 2, "/b")), MOST_AT_ONCE),
        ((Limit(600, 1), Limit(60, 60)), 1),
    ],
)
def test_how_many_at_once(limits: tuple[Limit, ...], workers: int) -> None:
    assert count_workers(limits) == workers


@pytest.mark.parametrize(
    ("headers", "pause_s"),
    [
        ({"X-Gate-RateLimit-Requests-Remain": "0", "X-Gate-RateLimit-Reset-Timestamp": "1800000004"}, 4),
        ({"X-Gate-RateLimit-Requests-Remain": "1", "X-Gate-RateLimit-Reset-Timestamp": "1800000004"}, 0),
        ({"X-Bapi-Limit-Status": "0", "X-Bapi-Limit-Reset-Timestamp": "1800000002500"}, 2.5),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "3"}, 3),
        ({"RateLimit-Remaining": "0"}, 1),
        ({"RateLimit-Remaining": "0", "RateLimit-Reset": "1700000000"}, 0),  # it is over
        ({"RateLimit-Remaining": "0;w=1", "RateLimit-Reset": "3"}, 0),  # another grammar: not understood
        ({"X-MBX-USED-WEIGHT-1M": "2399"}, 0),
        ({"X-MBX-USED-WEIGHT-1M": "2400"}, 60),  # 1,800,000,000 s is a full minute
        ({}, 0),
    ],
)
def test_what_headers_say(headers: dict[str, str], pause_s: float) -> None:
    assert read_pause(headers, 1_800_000_000.0) == pytest.approx(pause_s)
