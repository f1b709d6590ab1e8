"""The printed crontab line and systemd units, and what happens when they are run as printed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections import Counter
from datetime import UTC, date, datetime, time, timedelta
from importlib import resources
from itertools import pairwise
from pathlib import Path
from zoneinfo import ZoneInfo, available_timezones

import pytest
from conftest import RunCli

from liqcli.core.errors import UsageError
from liqcli.core.model import to_us
from liqcli.daily.day import resolve_day
from liqcli.daily.schedule import (
    Clock,
    ScheduledJob,
    find_clock,
    format_cron,
    format_service,
    format_timer,
    list_runs,
    machine_zone,
    parse_at,
)

SINCE = date(2026, 1, 1)
MIDNIGHT = Clock("UTC", time(0, 10), (time(0, 10),))


def job(config: str = "/home/me/liqcli.toml", at: time = time(0, 10), zone: str = "UTC") -> ScheduledJob:
    return ScheduledJob(("/venv/bin/python", "-P", "-m", "liqcli"), Path("/data/lake"), Path(config), None, at, zone)


def test_cron_line() -> None:
    assert format_cron(job(), MIDNIGHT) == (
        "10 0 * * * LC_ALL=C.UTF-8 PYTHONUTF8=1 TERM=dumb /venv/bin/python -P -m liqcli daily --quiet "
        "--config /home/me/liqcli.toml --lake /data/lake >/dev/null"
    )
    assert format_cron(job(), Clock("UTC", time(23, 5), ())).startswith("5 23 * * * ")
    assert """--config '/a 100\\% "b"/c.toml'""" in format_cron(job('/a 100% "b"/c.toml'), MIDNIGHT)


def test_systemd_units() -> None:
    assert 'daily --quiet --config "/a 100%% \\"$$b\\"/c.toml" --lake /data/lake' in format_service(
        job('/a 100% "$b"/c.toml')
    )
    berlin = job(zone="Europe/Berlin")
    assert "OnCalendar=*-*-* 00:10:00 Europe/Berlin\n" in format_timer(berlin, Clock("Europe/Berlin", time(0, 10), ()))
    assert "OnCalendar=*-*-* 23:10:00 UTC\n" in format_timer(berlin, Clock("UTC", time(23, 10), ()))
    with pytest.raises(UsageError, match="line break"):
        format_service(job("/a\nExecStart=x"))


# ---------------------------------------------------------------------------------------------------- summer time


@pytest.mark.parametrize(
    ("zone", "machine", "at", "line", "there"),
    [
        ("UTC", "UTC", "00:10", "00:10", "00:10"),
        ("Europe/Berlin", "UTC", "00:10", "23:10", "00:10 01:10"),  # +1, in summer +2
        ("Europe/Berlin", "UTC", "07:00", "06:00", "07:00 08:00"),
        ("Europe/Berlin", "UTC", "23:40", "21:40", "22:40 23:40"),  # later would be beyond midnight
        ("Europe/Berlin", "Europe/Berlin", "00:10", "00:10", "00:10"),
        ("Europe/Berlin", "Europe/Berlin", "02:30", "03:00", "03:00"),  # 02:30 is skipped on a Sunday in March
        ("Asia/Kathmandu", "UTC", "00:10", "18:25", "00:10"),  # +5:45 all year
        ("Australia/Sydney", "UTC", "00:10", "14:10", "00:10 01:10"),  # +10, in the southern summer +11
        ("Australia/Lord_Howe", "UTC", "00:10", "13:40", "00:10 00:40"),  # +10:30, in summer +11
        ("America/New_York", "Europe/Berlin", "00:10", "06:10", "00:10 01:10"),  # 6 h apart, for some weeks 5 h
        ("America/Havana", "America/Havana", "00:10", "01:10", "01:10"),  # the hour after midnight is skipped
    ],
)
def test_each_local_day_gets_one_report(zone: str, machine: str, at: str, line: str, there: str) -> None:
    """Over a year, run by a cron that knows nothing of summer time: every day once, and only when it is over."""
    clock = find_clock(parse_at(at), zone, ZoneInfo(machine), SINCE)
    assert (f"{clock.at:%H:%M}", " ".join(f"{moment:%H:%M}" for moment in clock.there)) == (line, there)
    runs = list_runs(clock.at, ZoneInfo(machine), (SINCE + timedelta(days=k) for k in range(367)))
    made: Counter[str] = Counter()
    for run in runs:
        day = resolve_day("cut", zone, to_us(run))
        end = datetime.combine(date.fromisoformat(day.name) + timedelta(days=1), time(), ZoneInfo(zone))
        assert day.end_us == to_us(end.astimezone(UTC)) <= to_us(run)
        made[day.name] += 1
    first, last = (date.fromisoformat(name) for name in (min(made), max(made)))
    assert made == Counter((first + timedelta(days=k)).isoformat() for k in range((last - first).days + 1))
    assert len(made) in (366, 367)  # the first run may belong to a day that began in the year before


def test_a_line_in_the_wrong_half_of_the_year_would_miss_a_day() -> None:
    """What the choice avoids: 22:10 UTC, right in the Berlin summer, comes before midnight in winter."""
    runs = list_runs(time(22, 10), ZoneInfo("UTC"), (SINCE + timedelta(days=k) for k in range(366)))
    days = [date.fromisoformat(resolve_day("cut", "Europe/Berlin", to_us(run)).name) for run in runs]
    steps = Counter((after - before).days for before, after in pairwise(days))
    assert steps == {1: 363, 2: 1, 0: 1}  # in March one day is left out, in October one is made twice


def test_runs_of_the_simplest_cron() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    spring, autumn = date(2026, 3, 29), date(2026, 10, 25)
    assert list(list_runs(time(2, 30), berlin, [spring])) == []
    assert [run.hour for run in list_runs(time(2, 30), berlin, [autumn])] == [0, 1]
    assert [run.hour for run in list_runs(time(4), berlin, [spring, autumn])] == [2, 3]


@pytest.mark.soak
@pytest.mark.parametrize("at", ["00:10", "02:30", "12:00", "23:50"])
def test_every_zone_there_is(at: str) -> None:
    for zone in sorted(available_timezones()):
        clock = find_clock(parse_at(at), zone, ZoneInfo("UTC"), SINCE)
        runs = list_runs(clock.at, ZoneInfo("UTC"), (SINCE + timedelta(days=k) for k in range(367)))
        days = [date.fromisoformat(resolve_day("cut", zone, to_us(run)).name) for run in runs]
        assert {after - before for before, after in pairwise(days)} == {timedelta(days=1)}, zone


def test_which_clock_cron_goes_by(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setenv("TZ", "Asia/Kathmandu")
    assert str(machine_zone()) == "Asia/Kathmandu"
    monkeypatch.delenv("TZ")
    local = tmp_path / "zoneinfo/Europe/Berlin"
    local.parent.mkdir(parents=True)
    local.write_bytes((resources.files("tzdata.zoneinfo.Europe") / "Berlin").read_bytes())
    monkeypatch.setattr("liqcli.daily.schedule._LOCALTIME", local)
    zone = machine_zone()
    assert str(zone) == "Europe/Berlin"
    assert datetime(2026, 7, 1, tzinfo=zone).utcoffset() == timedelta(hours=2)
    monkeypatch.setattr("liqcli.daily.schedule._LOCALTIME", tmp_path / "none")
    assert str(machine_zone()) == "UTC"


def test_the_printed_times_say_whose_they_are(run_cli: RunCli, tmp_path: Path) -> None:
    (tmp_path / "liqcli.toml").write_text('time_zone = "Europe/Berlin"\n')
    printed = run_cli("schedule", env={"TZ": "UTC"}, check=0).stdout
    said = "(it uses UTC: 23:10 there is 00:10 or 01:10 Europe/Berlin, depending on summer time)"
    assert f"{said}\n10 23 *" in printed
    assert "OnCalendar=*-*-* 00:10:00 Europe/Berlin\n" in printed
    skipped = run_cli("schedule", "--at", "02:30", "--format", "timer", env={"TZ": "UTC"}, check=0).stdout
    assert "OnCalendar=*-*-* 01:30:00 UTC\n" in skipped, "systemd leaves a day out whose 02:30 does not exist"


def test_times_of_day() -> None:
    assert (parse_at("0:05"), parse_at("23:59")) == (time(0, 5), time(23, 59))
    for bad in ("24:00", "0:60", "noon", "00:10:00", ""):
        with pytest.raises(UsageError, match=r"--at: .* is not a time of day"):
            parse_at(bad)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="no systemd here")
def test_systemd_accepts_the_units(run_cli: RunCli, tmp_path: Path) -> None:
    for kind in ("service", "timer"):
        printed = run_cli("schedule", "--format", kind, check=0).stdout
        (tmp_path / f"liqcli-daily.{kind}").write_text(printed)
    done = subprocess.run(
        ["systemd-analyze", "verify", *sorted(tmp_path.glob("liqcli-daily.*"))], capture_output=True, text=True
    )
    assert "liqcli-daily" not in done.stderr


@pytest.mark.soak
def test_the_crontab_line_works_as_printed(run_cli: RunCli, sample: Path, tmp_path: Path) -> None:
    """With nothing but PATH and HOME, from another folder, in a place whose name wants quoting."""
    folder = tmp_path / "my 100% folder"
    folder.mkdir()
    shutil.copytree(sample, tmp_path / "lake")
    (folder / "liqcli.toml").write_text('symbols = ["SOLUSDT"]\nlookbacks = ["4h"]\nout = "out"\nfetch = false\n')
    env = {"LIQCLI_KEY_TARDIS": "TD.secret"}
    printed = run_cli("schedule", "--at", "01:30", cwd=folder, env=env, check=0).stdout
    assert "Not passed on from this shell: LIQCLI_KEY_TARDIS." in printed
    assert "TD.secret" not in printed
    line = run_cli("schedule", "--at", "01:30", "--format", "cron", cwd=folder, check=0).stdout.strip()
    assert line in printed
    command = line.split(" ", 5)[5].replace(r"\%", "%")
    assert sys.executable in command
    home = tmp_path / "home"
    home.mkdir()
    bare = {"PATH": os.environ["PATH"], "HOME": str(home)}
    done = subprocess.run(["sh", "-c", command], env=bare, cwd=home, capture_output=True, text=True)
    assert done.returncode == 4, "the sample is old: nothing of yesterday"
    assert done.stdout == ""
    assert "no data" in (folder / "out/index.html").read_text()
    dated = command.replace(" >/dev/null", " --until 2026-01-08")
    done = subprocess.run(["sh", "-c", dated], env=bare, cwd=home, capture_output=True, text=True)
    assert (done.returncode, done.stdout) == (0, f"{folder}/out/index.html\n")
    assert (folder / "out/2026-01-07/SOLUSDT-4h.html").is_file()
