"""Full or read-only disks, a damaged fetch log, foreign files: one line of error, and no data lost."""

from __future__ import annotations

import shutil
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

import pytest
from conftest import cli_environment
from factories import HOUR, T0, fill_lake, make_liquidation
from loopback.market import BinanceMarket
from loopback.scenes import WINDOW, be_swift, gate_server, parquet_bytes, point

from liqcli.core.errors import ExitCode
from liqcli.core.formatting import format_iso
from liqcli.ingest.fetch import fetch
from liqcli.lake.selection import Query, build_selection
from liqcli.lake.status import build_status
from liqcli.lake.store import Lake
from liqcli.lake.verify import verify_lake
from liqcli.query.duckdb_engine import DuckDBEngine
from liqcli.sources.registry import KNOWN_SOURCES

SPAN = ("--since", format_iso(WINDOW.start_us), "--until", format_iso(WINDOW.end_us))
FETCH = ("fetch", "--quiet", "--kind", "liquidations", "--source", "gate", "--symbol")
# A disk of its own in a namespace of its own: no other program sees it, and it is gone with the last of its programs.
ON_OWN_DISK = """
mount -t tmpfs -o size=$1 tmpfs "$2" && cp -a "$3/." "$2" || exit 99
[ "$4" = rw ] || mount -o remount,ro "$2" || exit 99
disk=$2 kept=$5; shift 5
"$@"; code=$?
cp -a "$disk/." "$kept" && exit $code
"""


class Told(NamedTuple):
    """How a program on a disk of its own ended, and what the lake on it held then."""

    code: int
    stdout: str
    stderr: str
    lake: Path


@pytest.fixture
def environment(lake: Path) -> dict[str, str]:
    return cli_environment(lake, {f"LIQCLI_RATE_{name}": "unlimited" for name in ("GATE", "BINANCE")})


def run_on_disk(tmp_path: Path, lake: Path, size: str, mode: str, environment: dict[str, str], *words: str) -> Told:
    """Copy a lake onto a disk of a size, ``rw`` or ``ro``, and run the program there."""
    disk, kept = tmp_path / "disk", tmp_path / "kept"
    shutil.rmtree(kept, ignore_errors=True)
    for folder in (disk, kept):
        folder.mkdir(exist_ok=True)
    program = [sys.executable, "-m", "liqcli", *words, "--lake", str(disk)]
    command = ["unshare", "-Umr", "sh", "-c", ON_OWN_DISK, "sh", size, disk, lake, mode, kept, *program]
    done = subprocess.run(list(map(str, command)), capture_output=True, text=True, env=environment, check=False)
    if done.returncode == 99 or "unshare" in done.stderr:
        pytest.skip(f"no disk can be made here: {done.stderr}")
    return Told(done.returncode, done.stdout, done.stderr, kept)


needs_a_disk = pytest.mark.skipif(not shutil.which("unshare"), reason="no disk can be made here")


@pytest.mark.slow
@needs_a_disk
def test_a_full_disk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lake: Path, environment: dict[str, str]) -> None:
    """
    A fetch, an import and candles that do not fit beside what is there: one line, exit 5, what was there is as it was;
    with room again the fetch goes on and completes.
    """
    table = tmp_path / "import.csv"
    lines = [f"{WINDOW.start_us // 1000 + n * 777},ETHUSDT,long,{3000 + n % 97},{1 + n % 13}" for n in range(5_000)]
    table.write_text("\n".join(["ts,symbol,position,price,qty", *lines]) + "\n")
    be_swift(monkeypatch)
    with gate_server() as gate, BinanceMarket() as binance:
        point(monkeypatch, gate=gate.url)
        environment |= {"LIQCLI_URL_GATE": gate.url, "LIQCLI_URL_BINANCE": binance.url}
        fetch(Lake(lake), WINDOW, ["ETHUSDT"], ["gate"])
        before = parquet_bytes(lake)
        for words in (
            (*FETCH, "BTCUSDT", *SPAN),
            ("import", table, "--quiet", "--format", "generic", "--exchange", "bybit"),
            ("fetch", "--quiet", "--kind", "candles", "--exchange", "binance", "--symbol", "BTCUSDT", *SPAN),
        ):
            told = run_on_disk(tmp_path, lake, "24k", "rw", environment, *map(str, words))
            assert told.code == ExitCode.DAMAGED, told
            assert told.stderr.count("\n") == 1
            assert "cannot write the lake (No space left on device); its previous contents are unchanged" in told.stderr
            # A slow fetch stores its first hours before the disk is full: complete ones, beside what was there.
            assert before.items() <= parquet_bytes(told.lake).items()
            assert not list(told.lake.rglob("*.tmp"))
            assert verify_lake(Lake(told.lake), KNOWN_SOURCES).issues == []
        row = fetch(Lake(told.lake), WINDOW, ["BTCUSDT"], ["gate"]).rows[0]
    assert (row.result, row.events) == ("ok", 2_408)


@pytest.mark.slow
@needs_a_disk
def test_a_read_only_disk(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, lake: Path, environment: dict[str, str]
) -> None:
    """A fetch reports it in one line and requests no liquidations; reading still works."""
    be_swift(monkeypatch)
    with gate_server() as gate:
        point(monkeypatch, gate=gate.url)
        environment |= {"LIQCLI_URL_GATE": gate.url}
        fetch(Lake(lake), WINDOW, ["ETHUSDT"], ["gate"])
        gate.asked.clear()
        told = run_on_disk(tmp_path, lake, "1m", "ro", environment, *FETCH, "BTCUSDT", *SPAN)
        assert not gate.paths("liq_orders")
    said = (
        f"liqcli: {tmp_path}/disk: cannot write the lake (Read-only file system); its previous contents are unchanged\n"
    )
    assert (told.code, told.stderr) == (ExitCode.DAMAGED, said)
    told = run_on_disk(tmp_path, lake, "1m", "ro", environment, "status", "--format", "json")
    assert (told.code, told.stderr) == (0, "")
    assert '"events": 508' in told.stdout


def build(lake: Path) -> Lake:
    rows = [make_liquidation(T0), make_liquidation(T0 + HOUR, exchange="okx", source="okx")]
    whole = [(T0, T0 + 2 * HOUR, "complete")]
    return fill_lake(lake, rows, {("gate", "SOLUSDT", "gate"): whole, ("okx", "SOLUSDT", "okx"): whole})


@pytest.mark.parametrize("content", [b"", b'{"version": 1, "windows": [\n  {"sta', b"[]", b"\xff\xfe"], ids=repr)
def test_a_damaged_memory_costs_the_coverage_and_is_named(lake: Path, content: bytes) -> None:
    """Rows count as before, and so does the other source; status, verify and the map name the file."""
    store = build(lake)
    memory = store.fetch_log_path("gate", "SOLUSDT", "gate")
    memory.write_bytes(content)
    rows, damaged = build_status(store)
    assert [(row.exchange, row.events, row.coverage) for row in rows] == [("gate", 1, None), ("okx", 1, 1.0)]
    assert damaged == [memory]
    assert memory in [issue.path for issue in verify_lake(store, KNOWN_SOURCES).issues]
    query = Query("SOLUSDT", since="2026-03-01", until="2026-03-01T02:00:00")
    with DuckDBEngine() as engine:
        chosen = build_selection(engine, store, query)
        assert chosen.damaged == (memory,)
        assert [(c.exchange, c.share) for c in chosen.coverage] == [("gate", None), ("okx", 1.0)]
        assert int(engine.run("totals")["events"].sum()) == 2


def test_strange_files_are_left_out_and_named(lake: Path) -> None:
    """A copy that a file manager made would double its rows; hidden files of macOS are ignored."""
    store = build(lake)
    target = store.partitions()[0].path(lake)
    copy = target.with_name("gate (1).parquet")
    shutil.copy(target, copy)
    odd_month = target.parent.with_name("month=2026-13") / "gate.parquet"
    odd_month.parent.mkdir()
    shutil.copy(target, odd_month)
    target.with_name("._gate.parquet").write_bytes(b"AppleDouble")
    store.fetch_log_path("gate", "SOLUSDT", "gate").with_name("._gate.json").write_bytes(b"AppleDouble")
    target.with_name("notes.txt").write_text("mine")
    rows, damaged = build_status(store)
    assert [(row.exchange, row.events) for row in rows] == [("gate", 1), ("okx", 1)]
    assert damaged == sorted([copy, odd_month])
    found = {issue.path.name for issue in verify_lake(store, KNOWN_SOURCES).issues}
    assert found >= {"gate (1).parquet", "._gate.parquet", "notes.txt"}
    with DuckDBEngine() as engine:
        build_selection(engine, store, Query("SOLUSDT", since="2026-03-01", until="2026-03-01T02:00:00"))
        assert int(engine.run("totals")["events"].sum()) == 2
