"""The printed service of ``liqcli schedule --record``."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from liqcli.core.errors import UsageError
from liqcli.daily.record_service import RecordJob, format_record_service

JOB = RecordJob(("/venv/bin/python", "-P", "-m", "liqcli"), Path("/data/my lake"), ("--symbol", "all"))


def test_the_service_is_started_again_whatever_ended_it():
    lines = format_record_service(JOB).splitlines()
    assert 'ExecStart=/venv/bin/python -P -m liqcli record --lake "/data/my lake" --symbol all' in lines
    for line in ("Restart=always", "RestartPreventExitStatus=2", "SuccessExitStatus=130", "WantedBy=default.target"):
        assert line in lines


def test_a_line_break_is_refused():
    with pytest.raises(UsageError, match="line breaks"):
        format_record_service(RecordJob(("python",), Path("/data\nExecStart=evil")))


def test_systemd_accepts_it(tmp_path):
    program = shutil.which("systemd-analyze")
    if program is None:
        pytest.skip("no systemd-analyze on this machine")
    path = tmp_path / "liqcli-record.service"
    path.write_text(format_record_service(RecordJob(("/bin/true",), tmp_path)))
    done = subprocess.run([program, "verify", "--man=no", str(path)], capture_output=True, text=True)
    assert "Unknown" not in done.stderr, done.stderr


def test_the_command(run_cli, lake):
    out = run_cli("schedule", "--record", "--exchange", "okx,gate", "-s", "BTC", "--lake", lake, check=0).stdout
    assert f"record --lake {lake} --exchange okx,gate --symbol BTC" in out
    assert "loginctl enable-linger" in out
    assert run_cli("schedule", "--record", "--format", "service", check=0).stdout.startswith("[Unit]\n")
    assert run_cli("schedule", "--record", "--format", "cron").exit_code == 2
    assert run_cli("schedule", "-s", "BTC").exit_code == 2
