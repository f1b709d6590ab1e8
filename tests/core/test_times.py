"""Times as users type them."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest
from factories import DAY, HOUR, MINUTE, T0

from liqcli.core import times
from liqcli.core.errors import UsageError
from liqcli.core.model import Window, from_us, to_us
from liqcli.core.times import parse_moment, resolve_window


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2026-03-01", T0),
        ("2026-03-01T00:00", T0),
        ("2026-03-01T00:00Z", T0),
        ("2026-03-01t00:00z", T0),
        ("2026-03-01 00:00:00.000001", T0 + 1),
        ("2026-03-01T05:30+05:30", T0),
        ("2026-02-28T19:00-05:00", T0),
        (" 2026-03-01T01:00Z ", T0 + HOUR),
        ("1969-12-31T23:59:59.999999Z", -1),
    ],
)
def test_moment(text, expected):
    assert parse_moment(text, "x") == expected


@pytest.mark.parametrize(
    "text",
    ["", "soon", "2026-13-01", "2026-02-30", "25:00", "1772323200", "2026-03-01T24:30", "now", "0001-01-01T00:00+05:00",
     "9999-12-31T23:59-05:00"],
)  # fmt: skip
def test_bad_moment(text):
    with pytest.raises(UsageError, match=r"^--since: .* is not a time; write it like 2026-03-31"):
        parse_moment(text, "--since")


def test_microseconds_survive_both_ways():
    for ts_us in (T0, T0 + 1, T0 + 999_999, -1, 253_402_300_799_999_999):
        assert to_us(from_us(ts_us)) == ts_us
    assert from_us(T0 + 1) == datetime(2026, 3, 1, 0, 0, 0, 1, tzinfo=UTC)


@pytest.fixture
def noon(monkeypatch):
    """Now is 12:00:30 on 2026-03-01."""
    monkeypatch.setattr(times, "now_us", lambda: T0 + 12 * HOUR + 30_000_000)


@pytest.mark.parametrize(
    ("since", "until", "lookback", "latest", "start", "end"),
    [
        (None, None, "24h", None, T0 - 12 * HOUR + MINUTE, T0 + 12 * HOUR + MINUTE),  # now: the next full minute
        (None, "NOW", "1h", None, T0 + 11 * HOUR + MINUTE, T0 + 12 * HOUR + MINUTE),
        (None, "latest", "1h", T0 + HOUR + 1, T0 + MINUTE, T0 + HOUR + MINUTE),
        (None, "latest", "1m", T0 + HOUR, T0 + HOUR, T0 + HOUR + MINUTE),  # the last event itself lies inside
        ("2026-03-01", "2026-03-02", "1h", None, T0, T0 + DAY),  # since beats lookback
        ("2026-03-01T01:00+01:00", "2026-03-01T00:00:00.000001Z", "1h", None, T0, T0 + 1),
        (None, "2026-03-01T00:00:30Z", "30s", None, T0, T0 + 30_000_000),  # a moment is taken as it is
        ("2026-03-01", None, "1h", None, T0, T0 + 12 * HOUR + MINUTE),
    ],
)
def test_window(noon, since, until, lookback, latest, start, end):
    assert resolve_window(since, until, lookback, latest) == Window(start, end)


def test_now_on_a_full_minute_stays(monkeypatch):
    monkeypatch.setattr(times, "now_us", lambda: T0)
    assert resolve_window(None, "now", "1h", None) == Window(T0 - HOUR, T0)


@pytest.mark.parametrize(
    ("since", "until", "lookback", "words"),
    [
        ("2026-03-01", "2026-03-01", "1h", "--since must lie before --until"),
        ("2026-03-02", "2026-03-01", "1h", "before --until: 2026-03-02 00:00 is not before 2026-03-01 00:00 UTC$"),
        ("2030-03-02", None, "1h", r"2030-03-02 00:00 is not before \d+-\d+-\d+ \d+:\d+ UTC, which is now$"),
        ("last week", None, "1h", r"--since: 'last week' is not a time; .* today, yesterday, .* monday, -3d, -12h$"),
        ("-1.5d", None, "1h", r"--since: '1.5d' is not a length of time; .* 1d12h$"),
        ("2014-12-31T23:59", "2026-03-01", "1h", "before 2015"),
        (None, "2015-01-01", "1s", "before 2015"),
        (None, "now", "99999w", "before 2015"),
        ("now", None, "1h", "--since: 'now' and 'latest' only make sense for --until"),
        ("Latest", None, "1h", "--since: 'now' and 'latest'"),
        (None, "latest", "1h", "the lake holds no event"),
        (None, "tomorrow", "1h", "--until: 'tomorrow' is not a time"),
        (None, "now", "a day", "--lookback: 'a day'"),
    ],
)
def test_bad_window(noon, since, until, lookback, words):
    with pytest.raises(UsageError, match=words):
        resolve_window(since, until, lookback, None)


def test_a_window_is_half_open():
    window = Window(T0, T0 + 10)
    assert [window.contains(T0 + k) for k in (-1, 0, 9, 10)] == [False, True, True, False]
    assert (window.length_us, window.interval) == (10, (T0, T0 + 10))
