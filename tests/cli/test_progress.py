"""How a fetch shows how far it is: lines where nobody looks on, bars on a terminal, nothing with --quiet."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

import pytest
from loopback.scenes import busy_reply
from loopback.server import Asked, Loopback, Reply, json_reply

from liqcli.cli import output, progress_bars
from liqcli.cli import progress as chosen
from liqcli.cli import progress_bars as cli_progress_bars
from liqcli.ingest.fetch import progress
from liqcli.ingest.fetch.progress import Progress
from liqcli.net.client import Client, Request
from liqcli.sources.base import decode_json

if TYPE_CHECKING:
    from rich.console import Console


def test_a_line_when_all_is_there_and_every_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    lines: list[str] = []
    told = Progress(lines.append)
    told.plan("gate", 0)
    told.plan("gate", 3)
    told.plan("gate", 1)
    told.plan("binance market", 1)
    told.advance("gate", 1200, 1_500_000.0)
    now[0] += 4.9
    told.advance("gate", 0, 0.0)
    assert lines == []
    now[0] += 0.2
    told.advance("gate", 34, 500_000.0)
    told.advance("gate", 1, 1.0)
    told.advance("binance market", 1440)
    told.wait("gate", "rate limit", 4.9)
    told.wait("gate", "429: too many requests", 30)
    told.fail("gate", "said at the end")
    assert lines == [
        "gate: 3 of 4 windows, 1,234 events, 2.00M USD",
        "gate: 4 of 4 windows, 1,235 events, 2.00M USD",
        "binance market: 1 of 1 windows, 1,440 rows",
        "gate: waits 30 s (429: too many requests)",
    ]


def _screen(width: int = 80) -> Console:
    from rich.console import Console

    return Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None, legacy_windows=False)


def _lines(screen: Console, told: progress_bars.ProgressBars) -> list[str]:
    with screen.capture() as capture:
        screen.print(told._live.get_renderable())
    return capture.get().splitlines()


@pytest.mark.parametrize("width", [80, 120])
def test_a_bar_a_source(width: int) -> None:
    """What is done and what came, the countdown of a pause, a failure in one line that is cut off at the edge."""
    now = [0.0]
    screen = _screen(width)
    told = progress_bars.ProgressBars(screen, clock=lambda: now[0])
    told.plan("htx", 0)
    told.plan("gate", 72)
    for _ in range(36):
        told.advance("gate", 10, 1_000_000.0)
    told.plan("cryptohftdata", 24)
    told.wait("cryptohftdata", "429: too many requests", 0.9)  # too short to show
    told.wait("cryptohftdata", "rate limit", 12.0)
    now[0] = 2.0
    told.plan("okx", 1)
    told.fail("okx", "okx: /api/v5/public/instruments cannot be reached: " + "no name " * 20)
    htx, gate, hft, okx = _lines(screen, told)
    assert htx.startswith("htx ")
    assert "36/72 360 events, 36.0M USD" in gate
    assert "0/24 waits 10 s: rate limit" in hft
    assert "0/1 /api/v5/public/instruments" in okx
    assert okx.rstrip().endswith("…")
    assert {len(line.rstrip()) <= width for line in (htx, gate, hft, okx)} == {True}
    told.advance("cryptohftdata", 7, 1.0)
    assert "1/24 7 events, 1.00 USD" in _lines(screen, told)[2]


def test_bars_leave_nothing_behind_and_lines_stand_above() -> None:
    screen = _screen()
    with progress_bars.ProgressBars(screen) as told:
        told.plan("gate", 1)
        told.say("binance: taken from [cryptohftdata]")
        told.advance("gate", 1, 5.0)
    out = screen.file.getvalue()  # type: ignore[attr-defined]
    assert "binance: taken from [cryptohftdata]\n" in out
    assert out.endswith("\x1b[1A\x1b[2K")  # the bar's line is wiped


def test_an_import_draws_one_bar_and_makes_room_for_lines() -> None:
    screen = _screen()
    out: io.StringIO = screen.file  # type: ignore[assignment]
    with cli_progress_bars.ImportBar(screen) as told:
        told.read("small.csv", 0.0, 0)
        told.store("small.csv", 300)
        with told.aside():
            assert out.getvalue() == ""  # read in no time: nothing to show
        told.read("big.csv", 0.25, 250_000)
        told._live.refresh()
        assert "big.csv" in out.getvalue()
        assert "25%, 250,000 rows" in out.getvalue()
        told.store("big.csv", 1_000_000)
        told._live.refresh()
        assert "storing 1,000,000 rows" in out.getvalue()
        with told.aside():
            assert out.getvalue().endswith("\x1b[2K")  # the bar's line is wiped, and the cursor stands there
            assert told._live.tasks == []


@pytest.mark.parametrize(
    ("quiet", "terminal", "kind", "bars_shown"),
    [
        (False, True, "xterm", True),
        (False, False, "xterm", False),
        (False, True, "dumb", False),
        (True, True, "xterm", False),
    ],
)
def test_who_gets_bars(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    quiet: bool,
    terminal: bool,
    kind: str,
    bars_shown: bool,
) -> None:
    """FORCE_COLOR, as build servers set it, makes a log file no terminal; --quiet says nothing at all."""
    monkeypatch.setattr(output.STATE, "quiet", quiet)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setenv("TERM", kind)
    monkeypatch.setitem(os.environ, "FORCE_COLOR", "1")
    for shown, kind_of_bar in (
        (chosen.show_progress(), progress_bars.ProgressBars),
        (chosen.show_import(), cli_progress_bars.ImportBar),
    ):
        assert isinstance(shown, kind_of_bar) is bars_shown
        if not bars_shown:
            with shown as told:
                told.say("a word")
            captured = capsys.readouterr()
            assert (captured.out, captured.err) == ("", "" if quiet else "a word\n")


class _Moody(Loopback):
    """The first answer is a 429 with Retry-After, the second broken JSON, the third good."""

    def answer(self, asked: Asked) -> Reply:
        return [busy_reply("1"), Reply(200, b'{"a"'), json_reply({"a": 1})][min(len(self.asked), 3) - 1]


def test_every_pause_is_told_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    from liqcli.net import client as net_client

    told: list[tuple[str, float]] = []
    monkeypatch.setattr(net_client, "SAME_WAIT_S", -9.0)
    with _Moody() as server:
        monkeypatch.setenv("LIQCLI_URL_GATE", server.url)
        client = Client("gate", "https://nowhere.example", (), on_wait=lambda why, s: told.append((why, s)))
        assert client.get(Request("/x"), decode_json) == {"a": 1}
        client.close()
    assert told == [
        ("429: too many requests", 1.0),
        ("asks again: broken JSON instead of JSON (4 bytes)", net_client.BACKOFF_S),
    ]
