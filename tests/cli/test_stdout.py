"""``-o -`` and ``--format`` of the commands: the same bytes as in a file."""

from __future__ import annotations

import io
import json
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from conftest import ROOT, RunCli, cli_environment

pytestmark = pytest.mark.usefixtures("empty_pictures")

QUIET = [f"2026-03-01T{hour:02}:30:00Z,gate,BTCUSDT,short,100,1,fill,full" for hour in range(24)]
BURST = [f"2026-03-01T12:00:{second:02}Z,gate,BTCUSDT,long,100,100,fill,full" for second in range(40)]
EVENTS = "\n".join(["ts,exchange,symbol,position,price,qty,price_kind,completeness", *QUIET, *BURST, ""])


@pytest.fixture
def filled(imported: Callable[[str, Path], Path], lake: Path) -> Path:
    return imported(EVENTS, lake)


@pytest.mark.parametrize("ending", ["json", "csv"])
def test_cascades(run_cli: RunCli, filled: Path, tmp_path: Path, ending: str) -> None:
    words = ("cascades", "BTC", "--until", "2026-03-02", "--format", ending)
    done = run_cli(*words, "-o", f"c.{ending}", "-o", "-", check=0)
    assert done.stdout == (tmp_path / f"c.{ending}").read_text() == run_cli(*words, check=0).stdout
    assert "long" in done.stdout
    assert done.stderr == f"wrote c.{ending}\n"


@pytest.mark.slow
def test_sql(run_cli: RunCli, filled: Path, tmp_path: Path) -> None:
    words = ("sql", "SELECT count(*) AS n, sum(qty) AS coins FROM liquidations")
    assert run_cli(*words, "-o", "-", "--format", "csv", check=0).stdout == "n,coins\n64,4024.0\n"
    assert run_cli(*words, "-o", "-", check=0).stdout == run_cli(*words, check=0).stdout
    done = subprocess.run(
        [sys.executable, "-m", "liqcli", *words, "-o", "-", "--format", "parquet"],
        cwd=tmp_path, env=cli_environment(filled), capture_output=True, check=True,
    )  # fmt: skip
    assert pq.read_table(io.BytesIO(done.stdout)).to_pylist() == [{"n": 64, "coins": 4024.0}]


def test_init(run_cli: RunCli, tmp_path: Path) -> None:
    assert run_cli("init", "--config", "-", check=0).stdout == (ROOT / "templates/liqcli.toml").read_text()
    assert not (tmp_path / "-").exists()
    assert not (tmp_path / "liqcli.toml").exists()


def test_rows_of_a_recording() -> None:
    from liqcli.cli.record import record_row
    from liqcli.ingest.stream.recorder import RecordRow

    row = RecordRow("bybit", "BTCUSDT", 2, 300.5, 60.0, 1, 0, None)
    assert json.loads(json.dumps(record_row(row))) == {
        "exchange": "bybit", "symbol": "BTCUSDT", "events": 2, "notional": 300.5, "connected_s": 60.0, "disconnects": 1,
        "rejected": 0, "lost": 0, "unconfirmed_s": 0.0, "clock_offset_s": None, "result": "ok", "error": None,
    }  # fmt: skip
