"""Segments of a recorder: on the disk before they count, taken in once, and never lost to a kill or a full disk."""

from __future__ import annotations

import errno
import json
import shutil

import pytest
from factories import T0, make_liquidation, read_rows, snapshot

from liqcli.core.errors import LakeError
from liqcli.core.model import Rejected
from liqcli.core.symbols import EVERY
from liqcli.lake import segments as module
from liqcli.lake.fetch_log import FetchLog, add_recorded
from liqcli.lake.segment_intake import take_in, take_in_leftovers
from liqcli.lake.segments import Claim, Feed, SegmentWriter
from liqcli.lake.store import Lake

S = 1_000_000
NOW = T0 + 3600 * S
FEED = Feed("gate", "gate", twins=False, every=False)
TWINS = FEED._replace(twins=True)


def event(second, **changes):
    return make_liquidation(T0 + second * S, **changes)


def claim(start, end, status="complete", *symbols):
    return Claim(symbols or ("SOLUSDT",), T0 + start * S, T0 + end * S, status)


def log_of(lake, symbol="SOLUSDT"):
    """Status, start and end of the logged windows, in seconds after T0."""
    windows = Lake(lake).read_fetch_log("gate", symbol, "gate").windows
    return [(w.status, (w.window.start_us - T0) // S, (w.window.end_us - T0) // S) for w in windows]


def flush(writer, close=False):
    """Write what was added; return the file if it is closed."""
    writer.hand_over(close)
    return writer.write()


def write(lake, fill):
    """Write one segment, closed and not taken in; return its path."""
    with SegmentWriter(Lake(lake)) as writer:
        fill(writer)
        return flush(writer, close=True)


def die(writer):
    """Leave what a killed process leaves: the files, and a lock that nobody holds."""
    writer._file.close()
    writer._lock.release()


def test_a_segment_becomes_rows_coverage_and_rejections(lake):
    def fill(writer):
        writer.add_events(FEED, [event(1), event(2)])
        writer.add_claim(FEED, claim(0, 3))
        writer.add_claim(FEED, claim(3, 9, "provisional"))
        writer.add_rejected(FEED, [Rejected("record-gate", 7, "no price \ud800", "{}")])

    path = write(lake, fill)
    copy = lake / "copy"
    shutil.copy(path, copy)
    taken = take_in(Lake(lake), path, NOW)
    assert (taken.events, taken.damaged, taken.torn, path.exists()) == (2, 0, False, False)
    assert [row.ts_us for row in read_rows(Lake(lake))] == [T0 + S, T0 + 2 * S]
    assert log_of(lake) == [("complete", 0, 3), ("provisional", 3, 9)]
    (line,) = (lake / "rejected/record-gate.jsonl").read_text().splitlines()
    assert (json.loads(line)["line"], json.loads(line)["file"]) == (7, "record-gate")
    shutil.move(copy, path)
    before = snapshot(lake / "liquidations"), snapshot(lake / "windows")
    take_in(Lake(lake), path, NOW)  # killed before it was removed
    assert (snapshot(lake / "liquidations"), snapshot(lake / "windows")) == before


def test_a_killed_recorder_loses_its_last_line_only(lake):
    writer = SegmentWriter(Lake(lake)).__enter__()
    writer.add_events(FEED, [event(1), event(2)])
    writer.add_claim(FEED, claim(0, 3))
    flush(writer)
    with writer._path().open("ab") as file:
        file.write(b'["event",0,[177232320')
    assert take_in_leftovers(Lake(lake), NOW) == [], "it still runs"
    die(writer)
    assert take_in_leftovers(Lake(lake), NOW) == [
        "took in 2 events of a recording that ended without storing them",
        "its last line was incomplete and is lost: at most one second",
    ]
    assert len(read_rows(Lake(lake))) == 2
    assert log_of(lake) == [("complete", 0, 3)]
    assert list((lake / "segments").iterdir()) == []
    assert take_in_leftovers(Lake(lake), NOW) == []


def test_a_damaged_line_is_named_and_kept(lake):
    def fill(writer):
        writer.add_events(FEED, [event(1), event(2), event(3)])

    path = write(lake, fill)
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([lines[0], lines[1], b'["event",0,[1,"x"]]\n', lines[3]]))
    said = take_in_leftovers(Lake(lake), NOW)
    assert said[1] == f"1 damaged line could not be read; kept in {lake / 'damaged'}"
    assert [row.ts_us for row in read_rows(Lake(lake))] == [T0 + S, T0 + 3 * S]
    assert (lake / "damaged/segments" / path.name).exists()


def test_what_cannot_be_taken_in_waits(lake, monkeypatch):
    write(lake, lambda writer: writer.add_events(FEED, [event(1)]))

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr("liqcli.core.files.os.replace", full, raising=False)
        patch.setattr("pathlib.Path.replace", full)
        (said,) = take_in_leftovers(Lake(lake), NOW)
    assert "wait in" in said
    assert "No space left" in said
    take_in_leftovers(Lake(lake), NOW)
    assert len(read_rows(Lake(lake))) == 1


def test_a_replay_repeats_what_was_received_live(lake):
    """Twins received live (two), replayed with one more (three), and replayed again (two): three in all."""

    def fill(writer):
        writer.add_events(TWINS, [event(1)] * 2)
        writer.add_replay(TWINS, [event(1)] * 3)
        writer.add_replay(TWINS, [event(1)] * 2)

    take_in(Lake(lake), write(lake, fill), NOW)
    assert len(read_rows(Lake(lake))) == 3
    take_in(Lake(lake), write(lake, lambda writer: writer.add_replay(TWINS, [event(1), event(0)])), NOW)
    assert len(read_rows(Lake(lake))) == 4


def test_equal_events_of_a_feed_without_twins_are_one(lake):
    take_in(Lake(lake), write(lake, lambda writer: writer.add_events(FEED, [event(1)] * 2)), NOW)
    assert len(read_rows(Lake(lake))) == 1


def test_time_of_all_symbols_goes_to_those_with_events(lake):
    every = FEED._replace(every=True)

    def first(writer):
        writer.add_events(every, [event(1, symbol="BTCUSDT")])
        writer.add_claim(every, claim(0, 5, "complete", EVERY))

    def second(writer):
        writer.add_events(every, [event(7, symbol="ETHUSDT")])
        writer.add_claim(every, claim(0, 5, "complete", "ETHUSDT"))
        writer.add_claim(every, claim(5, 9, "complete", EVERY))

    take_in(Lake(lake), write(lake, first), NOW)
    assert log_of(lake, "BTCUSDT") == [("complete", 0, 5)]
    take_in(Lake(lake), write(lake, second), NOW)
    assert log_of(lake, "BTCUSDT") == log_of(lake, "ETHUSDT") == [("complete", 0, 9)]
    assert Lake(lake).list_fetch_logs() == [("gate", "BTCUSDT", "gate"), ("gate", "ETHUSDT", "gate")]


def test_time_of_named_symbols_of_all_is_kept_only_with_events(lake):
    every = FEED._replace(every=True)

    def fill(writer):
        writer.add_events(every, [event(1, symbol="BTCUSDT")])
        writer.add_claim(every, claim(0, 5, "complete", "BTCUSDT", "XYZUSDT"))

    take_in(Lake(lake), write(lake, fill), NOW)
    assert Lake(lake).list_fetch_logs() == [("gate", "BTCUSDT", "gate")]


def test_a_full_disk_keeps_everything_in_memory(lake, monkeypatch):
    write_all, full = module._write_all, [True, True]

    def fail_halfway(file, data):
        if full:
            full.pop()
            file.write(data[: len(data) // 2])
            raise OSError(errno.ENOSPC, "No space left on device")
        write_all(file, data)

    monkeypatch.setattr(module, "_write_all", fail_halfway)
    with SegmentWriter(Lake(lake)) as writer:
        for second in range(3):
            writer.add_events(FEED, [event(second)])
            if full:
                with pytest.raises(LakeError, match="No space left"):
                    flush(writer)
                assert writer.hand_over(close=True) is False, "what could not be written comes first"
            else:
                flush(writer)
        path = flush(writer, close=True)
    assert take_in(Lake(lake), path, NOW).events == 3
    assert [row.ts_us for row in read_rows(Lake(lake))] == [T0, T0 + S, T0 + 2 * S]


def test_memory_is_bounded(lake, monkeypatch):
    monkeypatch.setattr(module, "MOST_PENDING", 500)
    with SegmentWriter(Lake(lake)) as writer:
        assert not writer.is_full
        writer.add_events(FEED, [event(k) for k in range(10)])
        assert writer.is_full
        flush(writer)
        assert not writer.is_full


# ------------------------------------------------------------------ the fetch log


def merged(*steps):
    """Add claims one after another: (status, start, end) in seconds."""
    log = FetchLog()
    for status, start, end in steps:
        log = add_recorded(log, {status: [(start * S, end * S)]}, NOW)
    return [(w.status, w.window.start_us // S, w.window.end_us // S) for w in log.windows]


def test_overlapping_recorders_keep_the_counts():
    """[0, 60) has 12 events. [2, 62) overlaps it, so only [60, 62) is counted: one more. [70, 80) has none."""
    counted = []

    def count(part):
        counted.append(tuple((moment - T0) // S for moment in part))
        return {(0, 60): 12, (60, 62): 1, (70, 80): 0}[counted[-1]]

    log = FetchLog()
    for start, end in ((0, 60), (2, 62), (70, 80), (0, 62)):
        log = add_recorded(log, {"complete": [(T0 + start * S, T0 + end * S)]}, NOW, count)
    assert counted == [(0, 60), (60, 62), (70, 80)]
    assert [(w.window.length_us // S, w.events) for w in log.windows] == [(62, 13), (10, 0)]


def test_a_silence_decides_what_was_provisional():
    assert merged(("complete", 0, 9), ("provisional", 9, 20), ("complete", 9, 30)) == [("complete", 0, 30)]
    doubted = merged(("complete", 0, 9), ("provisional", 9, 20), ("unconfirmed", 9, 70))
    assert doubted == [("complete", 0, 9), ("unconfirmed", 9, 70)]


def test_a_second_recorder_proves_what_the_first_doubts():
    assert merged(("complete", 0, 50), ("unconfirmed", 20, 60)) == [("complete", 0, 50), ("unconfirmed", 50, 60)]
    assert merged(("unconfirmed", 20, 60), ("complete", 0, 50)) == [("complete", 0, 50), ("unconfirmed", 50, 60)]
    assert merged(("complete", 0, 50), ("provisional", 40, 60)) == [("complete", 0, 50), ("provisional", 50, 60)]
    assert merged(("unconfirmed", 0, 50), ("provisional", 40, 60)) == [("unconfirmed", 0, 50), ("provisional", 50, 60)]


def test_two_recorders_of_one_feed_do_not_double(lake):
    """Both received the same two twins and another event; the second one also an event that the first missed."""
    first = write(lake, lambda writer: writer.add_events(TWINS, [event(1)] * 2 + [event(2)]))
    second = write(lake, lambda writer: writer.add_events(TWINS, [event(1)] * 2 + [event(2), event(3)]))
    for path in (first, second):
        take_in(Lake(lake), path, NOW)
    assert [(row.ts_us - T0) // S for row in read_rows(Lake(lake))] == [1, 1, 2, 3]
