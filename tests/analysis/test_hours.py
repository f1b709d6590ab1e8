"""USD by hour: of the window, or of the day."""

from __future__ import annotations

from dataclasses import replace

import pyarrow as pa
import pytest
from factories import DAY, HOUR, MINUTE, T0, make_window

from liqcli.core.coverage import ExchangeCoverage
from liqcli.query.duckdb_engine import DuckDBEngine
from liqcli.report.records import hours_record
from liqcli.report.window_scans import scan_hours


def coverage_of(window, *intervals, exchange="gate"):
    return ExchangeCoverage(exchange, "SOLUSDT", window, intervals, (), False, (exchange,))


def table_of(window, events, coverage=()):
    """events: (ts_us, position, USD)."""
    with DuckDBEngine() as engine:
        columns = {
            "ts_us": pa.array([t for t, _, _ in events], pa.int64()),
            "position": pa.array([p for _, p, _ in events], pa.string()),
            "notional_e6": pa.array([round(usd * 1e6) for *_, usd in events], pa.int64()),
        }
        engine.register("liquidations", pa.table(columns))
        return scan_hours(engine, window, coverage)


def test_a_day_by_its_own_hours():
    window = make_window(T0 + 30 * MINUTE, T0 + DAY + 30 * MINUTE)
    events = [
        (T0 + 30 * MINUTE, "long", 1.5),
        (T0 + HOUR - 1, "short", 2),
        (T0 + HOUR, "short", 4),
        (T0 + DAY + 29 * MINUTE, "long", 8),
    ]
    table = table_of(window, events)
    assert (table.step_us, table.of_day, len(table.rows)) == (HOUR, False, 25)
    first, second, last = table.rows[0], table.rows[1], table.rows[-1]
    assert (first.start_us, first.span_us) == (T0, 30 * MINUTE)
    assert (first.long_notional, first.short_notional, first.long_events, first.short_events) == (1.5, 2, 1, 1)
    assert (second.start_us, second.span_us, second.short_notional, second.short_events) == (T0 + HOUR, HOUR, 4, 1)
    assert (last.start_us, last.span_us, last.long_notional) == (T0 + DAY, 30 * MINUTE, 8)
    assert all(r.long_events + r.short_events == 0 for r in table.rows[2:-1])  # empty hours stay
    assert {r.coverage for r in table.rows} == {None}


def test_an_hour_of_which_some_is_unknown_has_no_share():
    window = make_window(T0, T0 + 24 * HOUR)
    okx = coverage_of(window, (T0, T0 + 3 * HOUR), exchange="okx")
    gate = replace(coverage_of(window, (T0, T0 + HOUR)), unknown=((T0 + HOUR, T0 + 2 * HOUR + 1),))
    table = table_of(window, [], (okx, gate))
    # Hour 0: both recorded. Hour 1 and the first microsecond of hour 2: Gate unknown. Hour 3: neither.
    assert [row.coverage for row in table.rows[:4]] == [1.0, None, None, 0.0]


def test_an_hour_of_more_than_a_double_counts_exactly():
    """Longs and shorts are added as millionths; as dollars their sum ends in 57 instead of 56.6."""
    events = [(T0, "long", 18_452_941_617.0618), (T0, "short", 19_922_054_172.509764)]
    (first, *_) = hours_record(table_of(make_window(T0, T0 + DAY), events))["rows"]
    assert first["notional"] == 38_374_995_789_571_564 / 1e6


def test_a_week_by_the_hours_of_the_day():
    window = make_window(T0 + 30 * MINUTE, T0 + 7 * DAY)
    events = [(T0 + k * DAY + 5 * HOUR + 59 * MINUTE, "long", 10) for k in range(7)] + [(T0 + 6 * HOUR, "short", 1)]
    table = table_of(window, events)
    assert (table.of_day, len(table.rows)) == (True, 24)
    assert [r.start_us for r in table.rows] == [k * HOUR for k in range(24)]
    assert (table.rows[5].long_notional, table.rows[5].long_events, table.rows[6].short_notional) == (70, 7, 1)
    assert (table.rows[0].span_us, table.rows[1].span_us) == (7 * HOUR - 30 * MINUTE, 7 * HOUR)
    record = hours_record(table)
    assert [row["start"] for row in record["rows"]][:2] == ["00:00", "01:00"]
    assert (record["step_s"], record["of_day"], record["rows"][5]["notional"]) == (3600, True, 70)


@pytest.mark.parametrize(
    ("length", "step", "of_day"),
    [
        (90 * 1_000_000, 5 * MINUTE, False),
        (2 * HOUR, 5 * MINUTE, False),
        (4 * HOUR, 15 * MINUTE, False),
        (24 * HOUR, HOUR, False),
        (48 * HOUR, HOUR, False),
        (48 * HOUR + 1, HOUR, True),
    ],
)
def test_the_step_fits_the_window(length, step, of_day):
    table = table_of(make_window(T0, T0 + length), [(T0, "long", 1)])
    assert (table.step_us, table.of_day) == (step, of_day)
    assert sum(r.span_us for r in table.rows) == length


def test_hour_without_data_is_not_calm():
    window = make_window(T0, T0 + DAY)
    gate = coverage_of(window, (T0, T0 + 2 * HOUR), (T0 + 150 * MINUTE, T0 + DAY))
    okx = coverage_of(window, (T0 + HOUR, T0 + DAY), exchange="okx")
    table = table_of(window, [(T0, "long", 1)], [gate, okx])
    assert [r.coverage for r in table.rows[:4]] == [0.5, 1, 0.75, 1]
    nothing = table_of(window, [(T0, "long", 1)], [coverage_of(window)])
    assert {r.coverage for r in nothing.rows} == {0.0}


def test_coverage_of_the_hours_of_the_day_is_that_of_all_days():
    window = make_window(T0, T0 + 4 * DAY)
    table = table_of(window, [(T0, "long", 1)], [coverage_of(window, (T0 + 12 * HOUR, T0 + 3 * DAY + 6 * HOUR))])
    assert [table.rows[h].coverage for h in (0, 5, 6, 11, 12, 23)] == [0.75, 0.75, 0.5, 0.5, 0.75, 0.75]
