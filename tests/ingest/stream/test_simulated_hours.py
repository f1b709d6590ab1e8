"""Hours of recording with a clock of their own: coverage to the second, few files, flat memory, kills at any byte."""

from __future__ import annotations

import json
import random
import resource
import shutil
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from loopback.scenes import stored

from liqcli.ingest.stream.buffer import StreamBuffer
from liqcli.ingest.stream.storage import RecordStore
from liqcli.lake.segment_intake import take_in, take_in_leftovers
from liqcli.lake.store import Lake
from liqcli.lake.verify import verify_lake
from liqcli.sources.registry import KNOWN_SOURCES, load_live_source
from liqcli.sources.stream_base import Channel

S = 1_000_000
T = 1_772_323_200 * S  # 2026-03-01
SYMBOL = "BTCUSDT"


def message(second: int) -> bytes:
    """0.1 BTC at 100,000 USD."""
    event = {"T": (T + second * S) // 1000, "s": SYMBOL, "S": "Buy", "v": "0.1", "p": "100000"}
    return json.dumps({"topic": f"allLiquidation.{SYMBOL}", "ts": T // 1000 + second * 1000, "data": [event]}).encode()


class Simulation:
    """One connection: a ping a second, an event every five seconds, except where told otherwise."""

    def __init__(self, lake: Path, merge_s: float) -> None:
        self.lake = Lake(lake)
        self.buffer = StreamBuffer(replace(load_live_source("bybit"), confirms=False), Channel("/", (SYMBOL,)))
        self.store = RecordStore(self.lake, [self.buffer], merge_s)
        self.files = 0

    def run(self, last: int, is_down: Callable[[int], bool], is_quiet: Callable[[int], bool]) -> None:
        """Record until a second, inclusive."""
        buffer, store = self.buffer, self.store
        with store:
            for second in range(last + 1):
                now = T + second * S
                if is_down(second):
                    if buffer.is_open:
                        buffer.close()
                else:
                    if not buffer.is_open:
                        buffer.open(now)
                    buffer.pulse(now)
                    if second % 5 == 0 and not is_quiet(second):
                        buffer.add_bytes(message(second), now)
                    if buffer.find_silence(now):
                        buffer.close()
                        buffer.open(now)
                self.tick(now)
            buffer.close()
            store.finish(T + last * S)

    def tick(self, now: int) -> None:
        """What the recorder does every second."""
        self.store.collect(now)
        self.store.prepare(now)
        self.store.flush()
        if self.store.has_closed:
            self.store.merge(now)
            self.files = max(self.files, sum(path.is_file() for path in self.lake.root.rglob("*")))

    def log(self) -> list[tuple[str, int, int]]:
        """Status, start and end of the logged windows, in seconds."""
        windows = self.lake.read_fetch_log("bybit", SYMBOL, "bybit").windows
        return [(w.status, (w.window.start_us - T) // S, (w.window.end_us - T) // S) for w in windows]


def test_twenty_minutes_with_a_break(lake):
    """An event every five seconds; no connection from 600 to 630 s; the last three seconds are not settled."""
    simulation = Simulation(lake, merge_s=240)
    simulation.run(1200, lambda second: 600 < second < 630, lambda _second: False)
    assert simulation.log() == [("complete", 0, 597), ("complete", 630, 1197)]
    assert sum(stored(lake, SYMBOL).values()) == 121 + 115
    assert simulation.files <= 6  # month file, log, knowledge, two locks, an open segment


def test_rows_that_vanish_from_recorded_time_are_noticed(lake):
    """
    Events at 0, 5, ... 595 s are 120 in the first covered stretch, those at 630, 635, ... 1195 s are 114 in the second.
    Three rows vanish from the first one, then the log is one of a recorder that did not count.
    """
    simulation = Simulation(lake, merge_s=240)
    simulation.run(1200, lambda second: 600 < second < 630, lambda _second: False)
    path = simulation.lake.fetch_log_path("bybit", SYMBOL, "bybit")
    assert [window["events"] for window in json.loads(path.read_text())["windows"]] == [120, 114]
    assert verify_lake(simulation.lake, KNOWN_SOURCES).issues == []
    (rows,) = lake.glob("liquidations/**/*.parquet")
    table = pq.ParquetFile(rows).read()
    pq.write_table(pa.concat_tables([table.slice(0, 10), table.slice(13)]), rows)
    (issue,) = verify_lake(simulation.lake, KNOWN_SOURCES).damage
    assert issue.path == rows
    assert issue.what.startswith("120 events received 2026-03-01 00:00 to 2026-03-01 00:09 UTC, 117 stored: 3 are")
    assert issue.do.startswith("restore the file from a backup; a recording cannot be repeated")
    path.write_text(path.read_text().replace("120", "null"))
    assert verify_lake(simulation.lake, KNOWN_SOURCES).damage == []


@pytest.mark.soak
def test_twelve_hours(lake):
    """
    A break of half a minute every hour, and at 20,000 s a silence of 500 s with answered pings.

    After 61 s of it the stream is opened again, then after 121 and 241 s more. The next event comes at 20,500 s, 77 s
    after the last opening: so long a silence is not usual either.
    """
    simulation = Simulation(lake, merge_s=60)
    memory = []

    def is_down(second: int) -> bool:
        if second % 3600 == 0:
            memory.append(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss)
        return 1800 < second % 3600 < 1830

    simulation.run(12 * 3600, is_down, lambda second: 20_000 < second < 20_500)
    edges = [0, *(edge for hour in range(12) for edge in (hour * 3600 + 1797, hour * 3600 + 1830)), 12 * 3600 - 3]
    whole = [("complete", *pair) for pair in zip(edges[::2], edges[1::2], strict=True)]
    assert whole[5] == ("complete", 16_230, 19_797)
    assert whole[6] == ("complete", 19_830, 23_397)
    silence = [
        ("complete", 19_830, 19_997), ("unconfirmed", 19_997, 20_058), ("unconfirmed", 20_061, 20_179),
        ("unconfirmed", 20_182, 20_420), ("unconfirmed", 20_423, 20_497), ("complete", 20_497, 23_397),
    ]  # fmt: skip
    assert simulation.log() == [*whole[:6], *silence, *whole[7:]]
    assert simulation.files <= 6
    assert memory[-1] - memory[2] < 20_000, f"memory grew [KiB]: {memory}"
    print(f"resident memory by hour [KiB]: {memory}")


def test_a_kill_at_any_byte_loses_only_what_is_not_covered(lake, tmp_path):
    """Cut the segment anywhere: every covered event is there, and at most the lines after the cut are missing."""
    simulation = Simulation(lake, merge_s=1000)
    buffer, store = simulation.buffer, simulation.store
    ends: list[tuple[int, int]] = []  # bytes on the disk, and the second up to which events were received
    with store:
        buffer.open(T)
        for second in range(60):
            buffer.pulse(T + second * S)
            buffer.add_bytes(message(second), T + second * S)
            store.collect(T + second * S)
            store.prepare(T + second * S)
            store.flush()
            ends.append((store._writer.size, second))
        path = store._writer._path()
        data = path.read_bytes()
    rng = random.Random(5)
    for cut in sorted(rng.sample(range(1, len(data)), 25)):
        other = tmp_path / f"cut-{cut}"
        copy = other / "segments" / path.name
        copy.parent.mkdir(parents=True)
        copy.write_bytes(data[:cut])
        take_in(Lake(other), copy, T + 3600 * S)
        seconds = {(int(str(row[0])) - T) // S for row in stored(other, SYMBOL)}
        flushed = max((second for size, second in ends if size <= cut), default=-1)
        assert seconds >= set(range(flushed + 1)), "what was flushed is there"
        windows = Lake(other).read_fetch_log("bybit", SYMBOL, "bybit").windows
        assert all(second in seconds for second in range(60) if any(w.window.contains(T + second * S) for w in windows))
        shutil.rmtree(other)
    assert take_in_leftovers(Lake(lake), T + 3600 * S) == [
        "took in 60 events of a recording that ended without storing them"
    ]


@pytest.mark.soak
def test_ten_thousand_messages_a_second(lake):
    """A minute's worth, 600,000 messages, in one process: CPU per message, memory, and none lost."""
    import time

    simulation = Simulation(lake, merge_s=60)
    buffer, store = simulation.buffer, simulation.store
    before, longest = time.process_time(), 0.0
    with store:
        buffer.open(T)
        for second in range(60):
            now, started = T + second * S, time.process_time()
            buffer.pulse(now)
            frames = [
                message(second).replace(b'"0.1"', f'"{second * 10_000 + k + 1}e-3"'.encode()) for k in range(10_000)
            ]
            for frame in frames:
                buffer.add_bytes(frame, now)
            simulation.tick(now)
            longest = max(longest, time.process_time() - started)
        buffer.close()
        store.finish(T + 60 * S)
    spent = time.process_time() - before
    print(f"{spent:.1f} s CPU for 60 s, longest second {longest:.2f} s, {resource.getrusage(0).ru_maxrss} KiB")
    assert sum(stored(lake, SYMBOL).values()) == 600_000
