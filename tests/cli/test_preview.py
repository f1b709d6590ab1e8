"""The small map of ``liqcli heatmap``: on a terminal only, and switched off in three ways."""

from __future__ import annotations

import sys
from collections.abc import Callable, Mapping
from pathlib import Path

import pytest
from conftest import RunCli
from fork_server import ForkClient

pytestmark = [
    pytest.mark.skipif(sys.platform == "win32", reason="needs a pseudo terminal"),
    pytest.mark.usefixtures("empty_pictures"),
]

EVENTS = (
    "ts,exchange,symbol,position,price,qty,price_kind,completeness\n"
    "2026-03-01T10:10:00Z,gate,BTCUSDT,long,100,10,fill,full\n"
    "2026-03-01T22:10:00Z,gate,BTCUSDT,short,110,30,fill,full\n"
)
WORDS = ("heatmap", "BTC", "--until", "2026-03-02")


@pytest.fixture
def filled(imported: Callable[[str, Path], Path], lake: Path) -> Path:
    return imported(EVENTS, lake)


@pytest.fixture
def show(filled: Path, fork_client: ForkClient) -> Callable[..., str]:
    """Run the command on a terminal; its page has one short section."""
    from terminal import run_in_terminal

    def run(*args: object, columns: int = 100, env: Mapping[str, str] | None = None) -> str:
        environment = {"TERM": "xterm-256color", "LIQCLI_HEATMAP_SECTIONS": "clusters", **(env or {})}
        code, text = run_in_terminal(fork_client, *WORDS, *args, lake=filled, columns=columns, env=environment)
        assert code == 0, text
        return text

    return run


def test_title_map_and_hottest_cell(show: Callable[..., str]) -> None:
    lines = show(env={"NO_COLOR": "1"}).splitlines()
    assert lines[0] == "BTCUSDT · 2026-03-01 00:00 to 2026-03-02 00:00 UTC"
    assert lines[1] == "2 events, 4.30K USD realized: 1.00K longs, 3.30K shorts"
    assert "█" in "".join(lines)
    assert any(line.endswith("◄ 110 last") for line in lines)
    assert lines[-2].startswith("hottest cell: 110.0")
    assert lines[-2].endswith(" at 2026-03-01 22:00 UTC, 3.30K USD")
    assert lines[-1] == "wrote BTC-2026-03-01-0000-24h.html"
    assert "\x1b[" not in "".join(lines)


def test_colours_follow_the_terminal(show: Callable[..., str]) -> None:
    assert "\x1b[38;5;" in show()
    assert "\x1b[38;2;" in show(env={"COLORTERM": "truecolor"})
    assert "\x1b[" not in show(env={"TERM": "dumb"})


def test_width_of_the_terminal(show: Callable[..., str]) -> None:
    lines = show(columns=60, env={"NO_COLOR": "1"}).splitlines()
    drawn = lines[3 : lines.index(next(line for line in lines if "┴" in line)) + 1]
    assert 45 <= max(map(len, drawn)) <= 60
    assert "no map: the terminal has 30 columns" in show(columns=30)


def test_switched_off(show: Callable[..., str], tmp_path: Path) -> None:
    assert "hottest cell" not in show("--no-preview")
    assert "hottest cell" not in show("-q")
    assert "hottest cell" not in show(env={"LIQCLI_HEATMAP_PREVIEW": "0"})
    assert "hottest cell" not in show("-o", "x.csv")
    (tmp_path / "liqcli.toml").write_text("preview = false\n")
    assert "hottest cell" not in show()
    assert "hottest cell" in show("--preview", "-o", "x.csv"), "a flag overrides both"


def test_never_in_a_pipe(filled: Path, run_cli: RunCli) -> None:
    done = run_cli(*WORDS, "--preview", env={"FORCE_COLOR": "1", "TERM": "xterm-256color", "NO_COLOR": ""}, check=0)
    assert (done.stdout, done.stderr) == ("", "wrote BTC-2026-03-01-0000-24h.html\n")
