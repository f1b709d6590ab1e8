"""Progress of fetches and imports: lines in a log, bars on a terminal, nothing with --quiet."""

from __future__ import annotations

import io
import os
import sys
from typing import TYPE_CHECKING

import pytest
from loopback.scenes import busy_reply
from loopback.server import Asked, Loopback, Reply, json_reply

from liqcli.cli import output
from liqcli.cli.progress import ProgressBars, show_progress
from liqcli.ingest import progress
from liqcli.ingest.progress import Progress
from liqcli.net.client import Client
from liqcli.net.request import Request
from liqcli.sources.envelope import decode_json

if TYPE_CHECKING:
    from rich.console import Console


def test_prints_a_line_at_the_end_and_every_five_seconds(monkeypatch: pytest.MonkeyPatch) -> None:
    now = [100.0]
    monkeypatch.setattr(progress.time, "monotonic", lambda: now[0])
    lines: list[str] = []
    shown = Progress(lines.append)
    shown.plan("gate", 0)
    shown.plan("gate", 3)
    shown.plan("gate", 1)
    shown.plan("binance market", 1)
    shown.advance("gate", 1200, 1_500_000.0)
    now[0] += 4.9
    shown.advance("gate", 0, 0.0)
    assert lines == []
    now[0] += 0.2
    shown.advance("gate", 34, 500_000.0)
    shown.advance("gate", 1, 1.0)
    shown.advance("binance market", 1440)
    shown.wait("gate", "rate limit", 4.9)
    shown.wait("gate", "429: too many requests", 30)
    shown.fail("gate", "said at the end")
    assert lines == [
        "gate: 3 of 4 windows, 1,234 events, 2.00M USD",
        "gate: 4 of 4 windows, 1,235 events, 2.00M USD",
        "binance market: 1 of 1 windows, 1,440 rows",
        "gate: waiting 30 s (429: too many requests)",
    ]


def _screen(width: int = 80) -> Console:
    from rich.console import Console

    return Console(file=io.StringIO(), force_terminal=True, width=width, color_system=None, legacy_windows=False)


def _lines(screen: Console, shown: ProgressBars) -> list[str]:
    with screen.capture() as capture:
        screen.print(shown._live.get_renderable())
    return capture.get().splitlines()


@pytest.mark.parametrize("width", [80, 120])
def test_shows_one_bar_per_source(width: int) -> None:
    """A bar shows windows done, rows received, the countdown of a wait, and an error cut at the edge."""
    now = [0.0]
    screen = _screen(width)
    shown = ProgressBars(screen, clock=lambda: now[0])
    shown._live.disable = True  # rendered by hand below
    shown.plan("htx", 0)
    shown.plan("gate", 72)
    for _ in range(36):
        shown.advance("gate", 10, 1_000_000.0)
    shown.plan("cryptohftdata", 24)
    shown.wait("cryptohftdata", "429: too many requests", 0.9)  # too short to show
    shown.wait("cryptohftdata", "rate limit", 12.0)
    now[0] = 2.0
    shown.plan("okx", 1)
    shown.fail("okx", "okx: /api/v5/public/instruments cannot be reached: " + "no name " * 20)
    htx, gate, hft, okx = _lines(screen, shown)
    assert htx.startswith("htx ")
    assert "36/72 360 events, 36.0M USD" in gate
    assert "0/24 waiting 10 s: rate limit" in hft
    assert "0/1 /api/v5/public/instruments" in okx
    assert okx.rstrip().endswith("…")
    assert {len(line.rstrip()) <= width for line in (htx, gate, hft, okx)} == {True}
    shown.advance("cryptohftdata", 7, 1.0)
    assert "1/24 7 events, 1.00 USD" in _lines(screen, shown)[2]


def test_bars_disappear_and_lines_stay_above() -> None:
    screen = _screen()
    with ProgressBars(screen) as shown:
        shown.plan("gate", 1)
        shown.say("binance: using [cryptohftdata]")
        shown.advance("gate", 1, 5.0)
    out = screen.file.getvalue()  # type: ignore[attr-defined]
    assert "binance: using [cryptohftdata]\n" in out
    assert out.endswith("\x1b[1A\x1b[2K")  # the bar's line is wiped


def test_an_import_shows_one_bar_and_removes_it_for_lines() -> None:
    screen = _screen()
    out: io.StringIO = screen.file  # type: ignore[assignment]
    with ProgressBars(screen) as shown:
        shown.read("small.csv", 0.0, 0)
        shown.store("small.csv", 300)
        with shown.aside():
            assert out.getvalue() == ""  # read too fast for a bar
        shown.read("big.csv", 0.25, 250_000)
        shown._live.refresh()
        assert "big.csv" in out.getvalue()
        assert "25% 250,000 rows" in out.getvalue()
        shown.store("big.csv", 1_000_000)
        shown._live.refresh()
        assert "storing 1,000,000 rows" in out.getvalue()
        with shown.aside():
            assert out.getvalue().endswith("\x1b[2K")  # the bar's line is wiped
            assert shown._live.tasks == []


@pytest.mark.parametrize(
    ("quiet", "terminal", "kind", "bars_shown"),
    [
        (False, True, "xterm", True),
        (False, False, "xterm", False),
        (False, True, "dumb", False),
        (True, True, "xterm", False),
    ],
)
def test_bars_only_on_a_terminal(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    quiet: bool,
    terminal: bool,
    kind: str,
    bars_shown: bool,
) -> None:
    """FORCE_COLOR, as build servers set it, does not turn a log file into a terminal; --quiet prints nothing."""
    monkeypatch.setattr(output.STATE, "quiet", quiet)
    monkeypatch.setattr(sys.stderr, "isatty", lambda: terminal)
    monkeypatch.setenv("TERM", kind)
    monkeypatch.setitem(os.environ, "FORCE_COLOR", "1")
    shown = show_progress()
    assert isinstance(shown, ProgressBars) is bars_shown
    if not bars_shown:
        with shown as progress_of:
            progress_of.say("a word")
        captured = capsys.readouterr()
        assert (captured.out, captured.err) == ("", "" if quiet else "a word\n")


class _Moody(Loopback):
    """The first answer is a 429 with Retry-After, the second broken JSON, the third good."""

    def answer(self, asked: Asked) -> Reply:
        return [busy_reply("1"), Reply(200, b'{"a"'), json_reply({"a": 1})][min(len(self.asked), 3) - 1]


def test_every_pause_is_told_with_its_reason(monkeypatch: pytest.MonkeyPatch) -> None:
    from liqcli.net import client as net_client

    waits: list[tuple[str, float]] = []
    monkeypatch.setattr(net_client, "SAME_WAIT_S", -9.0)
    with _Moody() as server:
        monkeypatch.setenv("LIQCLI_URL_GATE", server.url)
        client = Client("gate", "https://nowhere.example", (), on_wait=lambda why, s: waits.append((why, s)))
        assert client.get(Request("/x"), decode_json) == {"a": 1}
        client.close()
    assert waits == [
        ("429: too many requests", 1.0),
        ("retrying: broken JSON instead of JSON (4 bytes)", net_client.BACKOFF_S),
    ]
