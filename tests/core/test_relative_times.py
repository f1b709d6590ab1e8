"""``yesterday``, ``monday``, ``-3d``: which instant they mean, also around clock changes."""

from __future__ import annotations

from datetime import UTC, datetime
from zoneinfo import ZoneInfo

import pytest

from liqcli.core import times
from liqcli.core.errors import UsageError
from liqcli.core.model import Window, to_us
from liqcli.core.relative_times import parse_relative
from liqcli.core.times import resolve_window


def utc(text: str) -> int:
    return to_us(datetime.fromisoformat(text).replace(tzinfo=UTC))


@pytest.mark.parametrize(
    ("text", "now", "zone", "expected"),
    [
        ("today", "2026-11-30 00:42", "UTC", "2026-11-30 00:00"),
        (" Yesterday ", "2026-11-30 00:42", "UTC", "2026-11-29 00:00"),
        # It is Sunday evening in New York: today is the 29th there, UTC-5.
        ("today", "2026-11-30 00:42", "America/New_York", "2026-11-29 05:00"),
        ("yesterday", "2026-11-30 00:42", "America/New_York", "2026-11-28 05:00"),
        ("monday", "2026-11-30 00:42", "America/New_York", "2026-11-23 05:00"),
        ("monday", "2026-11-30 00:42", "UTC", "2026-11-30 00:00"),
        ("TUESDAY", "2026-11-30 00:42", "UTC", "2026-11-24 00:00"),
        ("sunday 9:30", "2026-11-30 00:42", "Asia/Kolkata", "2026-11-29 04:00"),
        ("yesterday 14:30", "2026-11-30 00:42", "UTC", "2026-11-29 14:30"),
        ("yesterdayT14:30", "2026-11-30 00:42", "Europe/Berlin", None),
        ("yesterday T14:30", "2026-11-30 00:42", "UTC", "2026-11-29 14:30"),
        ("-3d", "2026-11-30 00:42", "Europe/Berlin", "2026-11-27 00:42"),
        ("-1d12h", "2026-11-30 00:42", "UTC", "2026-11-28 12:42"),
        # Berlin moves from UTC+1 to UTC+2 at 2026-03-29 01:00 UTC, and back on 2026-10-25: days of 23 and 25 hours.
        ("yesterday", "2026-03-30 12:00", "Europe/Berlin", "2026-03-28 23:00"),
        ("today", "2026-03-30 12:00", "Europe/Berlin", "2026-03-29 22:00"),
        ("yesterday", "2026-10-26 12:00", "Europe/Berlin", "2026-10-24 22:00"),
        ("today", "2026-10-26 12:00", "Europe/Berlin", "2026-10-25 23:00"),
        ("-24h", "2026-10-26 12:00", "Europe/Berlin", "2026-10-25 12:00"),
        # Cairo skipped the hour after midnight on 2026-04-24: the day began at 01:00 local, 22:00 UTC.
        ("friday", "2026-04-25 12:00", "Africa/Cairo", "2026-04-23 22:00"),
        # Havana repeats the hour after midnight on 2026-11-01: the day begins with the first one, UTC-4.
        ("sunday", "2026-11-02 12:00", "America/Havana", "2026-11-01 04:00"),
        ("now", "2026-11-30 00:42", "UTC", None),
        ("2026-11-29", "2026-11-30 00:42", "UTC", None),
        ("tomorrow", "2026-11-30 00:42", "UTC", None),
        ("mon", "2026-11-30 00:42", "UTC", None),
    ],
)
def test_relative(text: str, now: str, zone: str, expected: str | None) -> None:
    found = parse_relative(text, "--since", utc(now), lambda: ZoneInfo(zone))
    if text == "yesterdayT14:30":
        expected = "2026-11-29 13:30"
    assert found == (utc(expected) if expected else None)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("yesterday 02:30", r"--since: 'yesterday 02:30': a clock change in Europe/Berlin skips or repeats 02:30 on "
         r"2026-03-29; add an offset, as in 2026-03-29T02:30\+02:00"),
        ("today 24:00", "'today 24:00': there is no time of day 24:00"),
        ("today 10:60", "no time of day 10:60"),
        ("-3x", "--since: '3x' is not a length of time"),
        ("-0d", "not a length of time"),
    ],
)  # fmt: skip
def test_bad_relative(text: str, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        parse_relative(text, "--since", utc("2026-03-30 12:00"), lambda: ZoneInfo("Europe/Berlin"))


def test_a_repeated_time_of_day_is_refused() -> None:
    with pytest.raises(UsageError, match="skips or repeats 02:30 on 2026-10-25"):
        parse_relative("sunday 02:30", "--since", utc("2026-10-26 12:00"), lambda: ZoneInfo("Europe/Berlin"))


def test_days_are_those_of_the_settings(monkeypatch: pytest.MonkeyPatch, tmp_path) -> None:
    monkeypatch.setattr(times, "now_us", lambda: utc("2026-11-30 00:41:30"))
    yesterday = Window(utc("2026-11-29 00:00"), utc("2026-11-30 00:00"))
    assert resolve_window("yesterday", "today", "24h", None) == yesterday, "UTC without liqcli.toml"
    (tmp_path / "my.toml").write_text('time_zone = "America/New_York"\n')
    monkeypatch.setenv("LIQCLI_CONFIG", str(tmp_path / "my.toml"))
    here = Window(utc("2026-11-28 05:00"), utc("2026-11-29 05:00"))
    assert resolve_window("yesterday", "today", "24h", None) == here
    assert resolve_window("yesterday", "today", "24h", None, ZoneInfo("UTC")) == yesterday, "a given zone counts"
    assert resolve_window(None, "-1h", "1h", None) == Window(utc("2026-11-29 22:42"), utc("2026-11-29 23:42"))
    with pytest.raises(UsageError, match="--since yesterday --until 2026-11-30T05:00:00Z"):
        times.check_lookback("2d", "yesterday")
