"""The fetch log: later answers replace earlier ones, and inferred windows replace neither."""

from __future__ import annotations

import numpy as np
import pytest
from factories import HOUR, MINUTE, T0, make_window
from hypothesis import given
from hypothesis import strategies as st

from liqcli.core.errors import DamagedError
from liqcli.core.model import Window
from liqcli.lake.fetch_log import CoveredWindow, FetchLog, parse_fetch_log, render_fetch_log
from liqcli.lake.heartbeat import Heartbeat
from liqcli.lake.store import Lake


def item(start, end, status="complete", events=0, fetched=1):
    """A window of hours since T0, to keep the tables readable."""
    return CoveredWindow(Window(T0 + start * HOUR, T0 + end * HOUR), status, events, fetched)


def shown(log):
    return [((k.window.start_us - T0) // HOUR, (k.window.end_us - T0) // HOUR, k.status, k.events) for k in log.windows]


def remember(*steps):
    log = FetchLog()
    for step in steps:
        log = log.add([step])
    return log


@pytest.mark.parametrize(
    ("steps", "expected"),
    [
        # Touching equals are joined, and their events added.
        ([item(0, 1, events=3), item(1, 2, events=4)], [(0, 2, "complete", 7)]),
        ([item(1, 2, events=4), item(0, 1, events=3)], [(0, 2, "complete", 7)]),
        # A hole between stays a hole.
        ([item(0, 1), item(2, 3)], [(0, 1, "complete", 0), (2, 3, "complete", 0)]),
        # The same question again: the newer answer counts, not both.
        ([item(0, 2, "provisional", 5), item(0, 2, "complete", 6)], [(0, 2, "complete", 6)]),
        # A narrower answer cuts the older one in two; how its events divide is not known.
        (
            [item(0, 4, "complete", 8), item(1, 2, "cut", 1)],
            [(0, 1, "complete", None), (1, 2, "cut", 1), (2, 4, "complete", None)],
        ),
        # A wider answer swallows.
        ([item(1, 2, "cut", 1), item(0, 4, "complete", 8)], [(0, 4, "complete", 8)]),
        # Different statuses that touch stay apart.
        ([item(0, 1), item(1, 2, "provisional")], [(0, 1, "complete", 0), (1, 2, "provisional", 0)]),
        # Nothing is no answer.
        ([item(1, 1, events=9)], []),
        # A guess fills what nobody asked for, and no more.
        (
            [item(1, 2, "complete", 4), item(0, 3, "inferred", 9)],
            [(0, 1, "inferred", None), (1, 2, "complete", 4), (2, 3, "inferred", None)],
        ),
        ([item(0, 3, "cut", 4), item(0, 3, "inferred", 9)], [(0, 3, "cut", 4)]),
        ([item(0, 3, "provisional", 4), item(1, 2, "inferred", 9)], [(0, 3, "provisional", 4)]),
        # An answer goes over a guess.
        ([item(0, 3, "inferred", 9), item(1, 2, "complete", 4)],
         [(0, 1, "inferred", None), (1, 2, "complete", 4), (2, 3, "inferred", None)]),
        # A guess over a guess: the newer counts where they overlap.
        ([item(0, 2, "inferred", 5), item(1, 3, "inferred", 6)], [(0, 1, "inferred", None), (1, 3, "inferred", 6)]),
        # A window that is replaced part by part is counted in the end; unknown parts that touch are joined.
        ([item(0, 3, events=8), item(0, 1, events=3)], [(0, 1, "complete", 3), (1, 3, "complete", None)]),
        ([item(0, 3, events=8), item(0, 1, events=3), item(1, 3, events=6)], [(0, 3, "complete", 9)]),
        ([item(0, 4, events=8), item(3, 4, events=3), item(0, 1, events=1), item(1, 3, events=6)],
         [(0, 4, "complete", 10)]),
        ([item(0, 2, events=8), item(2, 4, events=5), item(0, 1, events=3), item(3, 4, events=1)],
         [(0, 1, "complete", 3), (1, 3, "complete", None), (3, 4, "complete", 1)]),
    ],
)  # fmt: skip
def test_add(steps, expected):
    assert shown(remember(*steps)) == expected


def test_missing_is_all_that_is_not_complete():
    log = remember(item(0, 1), item(1, 2, "provisional"), item(3, 4, "cut"), item(4, 5, "inferred"), item(6, 7))
    hours = [((w.start_us - T0) / HOUR, (w.end_us - T0) / HOUR) for w in log.missing(item(-1, 8).window)]
    assert hours == [(-1, 0), (1, 6), (7, 8)]
    assert log.missing(item(0, 1).window) == []
    assert log.missing(Window(T0 + HOUR // 2, T0 + HOUR)) == []


def test_covered_joins_all_statuses_or_those_asked_for():
    log = remember(item(0, 1), item(1, 2, "provisional"), item(3, 4, "cut"))
    assert list(log.covered()) == [(T0, T0 + 2 * HOUR), (T0 + 3 * HOUR, T0 + 4 * HOUR)]
    assert list(log.covered(("cut",))) == [(T0 + 3 * HOUR, T0 + 4 * HOUR)]


def test_joined_windows_keep_the_latest_fetch():
    log = remember(item(0, 1, fetched=20), item(1, 2, fetched=10))
    assert [k.fetched_us for k in log.windows] == [20]


STATUSES = st.sampled_from(["complete", "provisional", "cut", "inferred", "unknown"])
ITEMS = st.builds(item, st.integers(0, 9), st.integers(0, 9), STATUSES, st.integers(0, 5), st.integers(0, 9))


def rank(status):
    return {"unknown": 0, "inferred": 1}.get(status, 2)


@given(st.lists(ITEMS, max_size=8))
def test_each_hour_has_the_last_answer_and_only_without_one_a_guess(items):
    expected = {}
    for new in items:
        for hour in range(*((edge - T0) // HOUR for edge in new.window.interval)):
            if rank(new.status) >= rank(expected.get(hour, "unknown")):
                expected[hour] = new.status
    log = FetchLog().add(items)
    found = {hour: status for start, end, status, _ in shown(log) for hour in range(start, end)}
    assert found == expected
    assert parse_fetch_log(render_fetch_log(log), "x") == log


def test_text_form_is_readable_and_exact():
    odd = CoveredWindow(Window(T0 + 1, T0 + HOUR), "complete", 3, T0 + 2)
    cut = CoveredWindow(Window(T0 + HOUR, T0 + 2 * HOUR), "cut", None, T0)
    text = render_fetch_log(FetchLog((odd, cut)))
    assert text == (
        '{"version": 1, "windows": [\n'
        '  {"start": "2026-03-01T00:00:00.000001Z", "end": "2026-03-01T01:00:00Z", "status": "complete", "events": 3, '
        '"fetched_at": "2026-03-01T00:00:00.000002Z"},\n'
        '  {"start": "2026-03-01T01:00:00Z", "end": "2026-03-01T02:00:00Z", "status": "cut", "events": null, '
        '"fetched_at": "2026-03-01T00:00:00Z"}\n'
        "]}\n"
    )
    assert parse_fetch_log(text, "x").windows == (odd, cut)
    assert parse_fetch_log(render_fetch_log(FetchLog()), "x") == FetchLog()


@pytest.mark.parametrize(
    "text",
    [
        "",
        "{",
        "[]",
        "null",
        "{}",
        '{"windows": [1]}',
        '{"windows": [{"start": "2026-03-01"}]}',
        '{"windows": [{"start": 1, "end": 2, "status": "complete", "events": 0, "fetched_at": "2026-03-01"}]}',
        '{"windows": [{"start": "soon", "end": "2026-03-01", "status": "cut", "events": 0, '
        '"fetched_at": "2026-03-01"}]}',
        '{"windows": [{"start": "0001-01-01T00:00+09:00", "end": "2026-03-01", "status": "cut", "events": 0, '
        '"fetched_at": "2026-03-01"}]}',
    ],
)
def test_damaged_memory_is_named(text, tmp_path):
    with pytest.raises(DamagedError, match=r"gate\.json: not a fetch log.*run liqcli verify for details"):
        parse_fetch_log(text, "windows/gate.json")
    path = tmp_path / "windows/exchange=gate/symbol=SOLUSDT/gate.json"
    path.parent.mkdir(parents=True)
    path.write_text(text)
    with pytest.raises(DamagedError, match=r"gate\.json"):
        Lake(tmp_path).read_fetch_log("gate", "SOLUSDT", "gate")


def test_memory_of_the_lake_round_trips_and_bytes_that_are_no_text_are_damage(tmp_path):
    lake = Lake(tmp_path)
    assert lake.read_fetch_log("gate", "SOLUSDT", "gate") == FetchLog()
    with lake.locked():
        lake.add_to_fetch_log("gate", "SOLUSDT", "gate", [item(0, 1, events=2)])
        lake.add_to_fetch_log("gate", "SOLUSDT", "gate", [item(1, 2, events=3)])
    assert shown(lake.read_fetch_log("gate", "SOLUSDT", "gate")) == [(0, 2, "complete", 5)]
    assert lake.read_fetch_log("gate", "SOLUSDT", "tardis") == FetchLog()
    path = tmp_path / "windows/exchange=gate/symbol=SOLUSDT/gate.json"
    path.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(DamagedError, match=r"gate\.json"):
        lake.read_fetch_log("gate", "SOLUSDT", "gate")


# ------------------------------------------------------------------ heartbeat


def beat(*moments):
    heartbeat = Heartbeat()
    half = len(moments) // 2
    for part in filter(None, (moments[:half], moments[half:])):
        heartbeat.add_all(np.array(part, np.int64))
    return heartbeat


def infer(heartbeat):
    covered, unknown = heartbeat.infer_coverage()
    return list(covered), list(unknown)


def every(step_us, count, start_us=T0):
    return [start_us + k * step_us for k in range(count)]


def test_nothing_is_inferred_from_fewer_than_thirty_minutes():
    assert infer(beat()) == ([], [])
    assert infer(beat(T0)) == ([], [(T0, T0 + 1)])
    assert infer(beat(*every(MINUTE, 29))) == ([], [(T0, T0 + 28 * MINUTE + 1)])
    assert infer(beat(*every(MINUTE, 30))) == ([(T0, T0 + 29 * MINUTE + 1)], [])


def test_a_silence_of_hours_in_a_busy_file_is_a_gap():
    # 120 minutes with an event each, 3 hours of nothing, 120 minutes more: silences of one minute, and one of 181.
    moments = [*every(MINUTE, 120), *every(MINUTE, 120, T0 + 5 * HOUR)]
    assert infer(beat(*reversed(moments))) == (
        [(T0, T0 + 119 * MINUTE + 1), (T0 + 5 * HOUR, T0 + 5 * HOUR + 119 * MINUTE + 1)],
        [],
    )


def test_holes_do_not_set_their_own_limit():
    # A short file that is mostly holes: 40 silences of a minute and 3 of a day. The 99th percentile is a day.
    starts = [T0 + k * 25 * HOUR for k in range(4)]
    covered, unknown = beat(*(t for start in starts for t in every(MINUTE, 11, start))).infer_coverage()
    assert list(covered) == [(start, start + 10 * MINUTE + 1) for start in starts]
    assert list(unknown) == []


def test_a_gap_has_fifteen_minutes_and_is_five_times_as_long_as_every_shorter_silence():
    busy, last = every(MINUTE, 120), T0 + 119 * MINUTE
    assert infer(beat(*busy, last + 15 * MINUTE - 1)) == ([(T0, last + 15 * MINUTE)], [])
    assert infer(beat(*busy, last + 15 * MINUTE))[0] == [
        (T0, last + 1),
        (last + 15 * MINUTE, last + 15 * MINUTE + 1),
    ]
    slow, last = every(4 * MINUTE, 60), T0 + 59 * 4 * MINUTE  # five times 4 min is 20 min
    assert infer(beat(*slow, last + 20 * MINUTE - 1)) == ([(T0, last + 20 * MINUTE)], [])
    assert len(beat(*slow, last + 20 * MINUTE).infer_coverage()[0]) == 2


def test_a_silence_beside_others_almost_as_long_is_calm_up_to_an_hour_and_then_unknown():
    # Silences of 1 min (300), 4, 16, 55 and 70 min: each less than five times the one before.
    moments = every(MINUTE, 301)
    for silence in (4, 16, 55, 70):
        moments.append(moments[-1] + silence * MINUTE)
    before, after = moments[-2:]
    assert infer(beat(*moments)) == ([(T0, before + 1), (after, after + 1)], [(before + 1, after)])


def test_a_feed_with_an_event_a_minute_that_stops_for_hours_was_not_calm():
    # 60 times the 90th percentile (1 min) is an hour, so the limit is 2 hours; no silence is five times another one.
    moments = every(MINUTE, 301)
    for silence in (4, 16, 55, 119, 121):
        moments.append(moments[-1] + silence * MINUTE)
    covered, unknown = beat(*moments).infer_coverage()
    assert list(unknown) == [(moments[-3] + 1, moments[-2])]
    assert list(covered) == [(T0, moments[-3] + 1), *((t, t + 1) for t in moments[-2:])]


def test_a_thin_venue_is_unknown_but_for_its_gaps():
    # An event every 70 minutes: each silence is longer than an hour. The last one, 350 min, is five times as long.
    moments = every(70 * MINUTE, 100)
    assert infer(beat(*moments)) == ([], [(T0, moments[-1] + 1)])
    later = moments[-1] + 350 * MINUTE
    assert infer(beat(*moments, later)) == ([], [(T0, moments[-1] + 1), (later, later + 1)])


def test_silence_is_measured_between_events_not_between_minutes():
    # Events at :00 and :59.9 of one minute: the silence to the next minute starts at the later one.
    first, last = T0, T0 + MINUTE - 100_000
    busy = [T0 - k * MINUTE for k in range(1, 120)]
    after = last + 15 * MINUTE - 1
    assert infer(beat(*busy, first, last, after)) == ([(busy[-1], after + 1)], [])
    assert len(beat(*busy, first, last, after + 1).infer_coverage()[0]) == 2


def test_window_needs_a_length():
    assert make_window("2026-03-01", "2026-03-02").length_us == 24 * HOUR
