"""The printed crontab line and systemd units, and what happens when they are run as printed."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from datetime import UTC, datetime, time, timedelta, timezone
from pathlib import Path

import pytest
from conftest import RunCli

from liqcli.demo import fill_lake
from liqcli.errors import UsageError
from liqcli.lake import Lake
from liqcli.schedule import Job, format_cron, format_service, format_timer, parse_at

NOW = datetime(2026, 1, 8, 12, tzinfo=UTC)


def job(config: str = "/home/me/liqcli.toml", at: time = time(0, 10), zone: str = "UTC") -> Job:
    return Job(("/venv/bin/python", "-P", "-m", "liqcli"), Path("/data/lake"), Path(config), None, at, zone)


def test_cron_line() -> None:
    assert format_cron(job(), NOW) == (
        "10 0 * * * LC_ALL=C.UTF-8 PYTHONUTF8=1 TERM=dumb /venv/bin/python -P -m liqcli daily --quiet "
        "--config /home/me/liqcli.toml --lake /data/lake >/dev/null"
    )
    assert format_cron(job(zone="Europe/Berlin"), NOW).startswith("10 23 * * * "), "winter: Berlin is UTC+1"
    india = NOW.astimezone(timezone(timedelta(hours=5, minutes=30)))
    assert format_cron(job(), india).startswith("40 5 * * * ")
    assert r"--config '/a 100\% \"b\"/c.toml'".replace(r"\"", '"') in format_cron(job('/a 100% "b"/c.toml'), NOW)


def test_systemd_units() -> None:
    assert 'daily --quiet --config "/a 100%% \\"$$b\\"/c.toml" --lake /data/lake' in format_service(
        job('/a 100% "$b"/c.toml')
    )
    assert "OnCalendar=*-*-* 00:10:00 Europe/Berlin\n" in format_timer(job(zone="Europe/Berlin"))
    with pytest.raises(UsageError, match="line break"):
        format_service(job("/a\nExecStart=x"))


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


def test_the_crontab_line_works_as_printed(run_cli: RunCli, tmp_path: Path) -> None:
    """With nothing but PATH and HOME, from another folder, in a place whose name wants quoting."""
    folder = tmp_path / "my 100% folder"
    folder.mkdir()
    fill_lake(Lake(tmp_path / "lake"))
    (folder / "liqcli.toml").write_text('symbols = ["SOLUSDT"]\nlookbacks = ["4h"]\nout = "out"\nfetch = false\n')
    env = {"LIQCLI_KEY_TARDIS": "TD.secret"}
    printed = run_cli("schedule", "--at", "01:30", cwd=folder, env=env, check=0).stdout
    assert "Not taken along from this shell: LIQCLI_KEY_TARDIS." in printed
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
