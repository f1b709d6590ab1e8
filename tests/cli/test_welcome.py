"""``liqcli`` without a command: what the lake holds on a terminal, the help elsewhere."""

from __future__ import annotations

import shutil
import sys
from collections.abc import Callable
from functools import partial
from pathlib import Path

import pytest
from conftest import RunCli
from fork_server import ForkClient

from liqcli.lake.contents import read_contents
from liqcli.lake.store import Lake

Run = Callable[..., tuple[int, str]]

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal")

HEAD = "ts,exchange,symbol,position,price,qty,price_kind,completeness,source\n"
EVENTS = HEAD + (
    "2026-03-01T00:10:00Z,okx,BTCUSDT,long,100,30,fill,sampled,import\n"
    "2026-03-02T00:10:00Z,gate,BTCUSDT,long,100,10,fill,full,import\n"
    "2026-03-02T00:20:00Z,gate,ETHUSDT,short,10,20,fill,full,import\n"
)


@pytest.fixture
def run_here(fork_client: ForkClient) -> Run:
    """Run the command on a terminal."""
    from terminal import run_in_terminal

    return partial(run_in_terminal, fork_client)


def test_an_empty_lake_names_the_commands_that_fill_it(run_here: Run, lake: Path) -> None:
    code, text = run_here(lake=lake)
    assert code == 0
    assert "The lake holds no liquidations yet." in text
    assert [line.split("  ")[1] for line in text.splitlines()[-3:]] == [
        "liqcli demo", "liqcli fetch", "liqcli import FILE",
    ]  # fmt: skip


def test_contents_on_a_terminal(run_here: Run, imported: Callable[[str, Path], Path], lake: Path) -> None:
    imported(EVENTS, lake)
    code, text = run_here(lake=lake)
    assert code == 0
    lines = text.splitlines()
    assert "2 symbols on 2 exchanges, 2026-03-01 to 2026-03-02 (2 days)" in lines
    assert any(line.startswith("3 liquidations, at least 4.20K USD realized, ") for line in lines)
    assert any(line.startswith("newest event 2026-03-02 00:20 UTC, ") and line.endswith(" ago") for line in lines)
    assert "complete: gate" in lines
    assert "sampled, so totals are minimums: okx" in lines
    assert "BTCUSDT  gate, okx  2026-03-01  2026-03-02       2  4.00K" in lines
    assert [line.strip().partition("  ")[0] for line in lines[-3:]] == [
        "liqcli heatmap BTCUSDT --until latest --open", "liqcli fetch", "liqcli --help",
    ]  # fmt: skip


def test_lake_before_the_command(
    run_here: Run, imported: Callable[[str, Path], Path], lake: Path, tmp_path: Path
) -> None:
    imported(EVENTS, tmp_path / "other lake")
    code, text = run_here("--lake", tmp_path / "other lake", lake=lake)
    assert code == 0
    assert "2 symbols" in text
    assert f"liqcli --lake '{tmp_path}/other lake' fetch" in text


def test_sources_that_overlap_are_not_added_up(
    imported: Callable[[str, Path], Path], lake: Path, tmp_path: Path
) -> None:
    event = HEAD + "2026-03-01T00:10:00Z,gate,BTCUSDT,long,100,{},fill,full,import\n"
    imported(event.format(10), lake)
    imported(event.format(7), tmp_path / "b")
    (stored,) = (tmp_path / "b/liquidations").rglob("*.parquet")
    shutil.copy(stored, (lake / stored.relative_to(tmp_path / "b")).with_name("b.parquet"))
    held = read_contents(Lake(lake))
    assert held.overlaps
    assert [(item.events, item.notional) for item in held.symbols] == [(1, 1000.0)]


def test_damage_is_named(imported: Callable[[str, Path], Path], lake: Path) -> None:
    imported(EVENTS, lake)
    (damaged,) = (lake / "liquidations/exchange=okx").rglob("*.parquet")
    damaged.write_bytes(b"not parquet")
    held = read_contents(Lake(lake))
    assert held.damaged == (damaged,)
    assert [item.symbol for item in held.symbols] == ["BTCUSDT", "ETHUSDT"]


def test_help_elsewhere(run_cli: RunCli) -> None:
    done = run_cli(check=2)
    assert done.stdout == run_cli("--help", check=0).stdout
    assert run_cli("--lake", "there", check=2).stdout == done.stdout
