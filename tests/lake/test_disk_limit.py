"""A write that fails midway, where no mount can be made: one line, exit 5, what the lake held is untouched.

Whole disks, full and read-only, are tried in ``test_lake_troubles.py``.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path

import pytest
from conftest import cli_environment
from loopback.scenes import WINDOW, gate_server
from typer.testing import CliRunner

from liqcli.cli import app
from liqcli.lake.store import Lake
from liqcli.lake.verify import verify_lake
from liqcli.sources.registry import KNOWN_SOURCES

HEADER = "ts,exchange,symbol,position,price,qty\n"
FIRST, SECOND = ("2026-03-02T10:00:00Z,gate,BTCUSDT,long,100,2\n", "2026-03-03T10:00:00Z,gate,BTCUSDT,long,101,2\n")


def snapshot(lake: Path) -> dict[str, str]:
    """Every file but the empty lock, with its hash."""
    files = [path for path in sorted(lake.rglob("*")) if path.is_file() and path.name != ".lock"]
    return {str(path.relative_to(lake)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def fetch_words(url: str) -> tuple[tuple[str, ...], dict[str, str]]:
    span = ("--since", WINDOW.start.isoformat(), "--until", WINDOW.end.isoformat())
    words = ("fetch", "--source", "gate", "--symbol", "BTCUSDT", *span)
    return words, {"LIQCLI_URL_GATE": url, "LIQCLI_RATE_GATE": "unlimited"}


def run_limited(lake: Path, env: dict[str, str], *words: object, blocks: int = 1) -> subprocess.CompletedProcess[str]:
    """Run the program with a limit on file size in blocks of 1024 bytes: writes fail as on a full disk."""
    line = f'ulimit -f {blocks}; exec "$0" -m liqcli "$@"'
    return subprocess.run(
        ["bash", "-c", line, sys.executable, *map(str, words)],
        capture_output=True, text=True, env=cli_environment(lake, env), cwd=lake.parent, check=False,
    )  # fmt: skip


def run(*words: object, code: int) -> tuple[str, list[str]]:
    """Run the program in this process; gives stdout and the lines of stderr."""
    done = CliRunner().invoke(app, [str(word) for word in words])
    assert done.exit_code == code, done.output
    return done.stdout, done.stderr.splitlines()


@pytest.fixture
def filled(tmp_path: Path) -> Path:
    (tmp_path / "first.csv").write_text(HEADER + FIRST)
    (tmp_path / "second.csv").write_text(HEADER + SECOND)
    run("import", tmp_path / "first.csv", code=0)
    return tmp_path / "lake"


@pytest.mark.slow
def test_full_disk_stops_a_fetch(monkeypatch: pytest.MonkeyPatch, filled: Path) -> None:
    before = snapshot(filled)
    with gate_server() as server:
        words, env = fetch_words(server.url)
        done = run_limited(filled, env, *words, "--quiet")
        assert done.returncode == 5
        (line,) = done.stderr.splitlines()
        assert line.startswith(f"liqcli: {filled}/liquidations/exchange=gate/symbol=BTCUSDT/")
        assert line.endswith("cannot write the lake (File too large); its previous contents are unchanged")
        after = snapshot(filled)
        assert {name: after[name] for name in before} == before
        assert set(after) - set(before) <= {"contracts/gate.json"}, "nothing half-written is left"
        assert verify_lake(Lake(filled), KNOWN_SOURCES).issues == []
        for name, value in env.items():
            monkeypatch.setenv(name, value)
        run(*words, code=0)  # there is space again: it goes on


@pytest.mark.slow
def test_full_disk_stops_an_import(filled: Path, tmp_path: Path) -> None:
    before = snapshot(filled)
    done = run_limited(filled, {}, "import", tmp_path / "second.csv")
    assert done.returncode == 5
    (line,) = done.stderr.splitlines()
    assert line.endswith("cannot write the lake (File too large); its previous contents are unchanged")
    assert snapshot(filled) == before
