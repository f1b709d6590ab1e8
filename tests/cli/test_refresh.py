"""Pages that are drawn again and again: ``liqcli heatmap --every`` and ``liqcli watch``."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import threading
import time
from pathlib import Path

import pytest
from factories import fill_lake, make_liquidation
from typer.testing import CliRunner
from websockets.sync.server import serve

from liqcli.cli import app, refresh
from liqcli.cli.refresh import WatchedPage, parse_interval, repeat
from liqcli.core.errors import EmptyWindowError, LakeError, UsageError
from liqcli.core.times import now_us

META = '<meta http-equiv="refresh" content="60">'


def rounds(number):
    """A wait that ends the loop after so many rounds; gives the waits."""
    waits = []

    def wait(seconds):
        waits.append(seconds)
        if len(waits) == number:
            raise KeyboardInterrupt

    return wait, waits


def test_a_round_counts_from_its_start():
    wait, waits = rounds(3)
    with pytest.raises(KeyboardInterrupt):
        repeat(lambda: time.sleep(0.01), 0.05, wait)
    assert len(waits) == 3
    assert all(0 <= seconds <= 0.04 for seconds in waits)


def test_a_problem_is_told_once_and_tried_again(capsys):
    problems = [EmptyWindowError("nothing yet"), EmptyWindowError("nothing yet"), None, LakeError("full")]
    wait, waits = rounds(4)

    def draw():
        if problem := problems[len(waits)]:
            raise problem

    with pytest.raises(KeyboardInterrupt):
        repeat(draw, 60, wait)
    assert capsys.readouterr().err.splitlines() == [
        "liqcli: warning: nothing yet; retrying", "liqcli: warning: full; retrying",
    ]  # fmt: skip


def test_a_usage_error_ends_it():
    def draw():
        raise UsageError("no such symbol")

    with pytest.raises(UsageError):
        repeat(draw, 60)


def test_intervals():
    assert parse_interval("1m") == 60
    with pytest.raises(UsageError, match="at least 5s"):
        parse_interval("4s")


def recent_lake(lake, count=3):
    now = now_us()
    rows = [
        make_liquidation(now - (k + 1) * 600_000_000, price=100 + k, symbol="BTCUSDT", source="gate")
        for k in range(count)
    ]
    return fill_lake(lake, rows)


def test_a_page_that_is_drawn_again_loads_itself_again(lake, tmp_path, monkeypatch):
    recent_lake(lake)
    times = []

    def twice(draw, every_s):
        draw()
        times.append(every_s)

    monkeypatch.setattr(refresh, "repeat", twice)
    page = tmp_path / "map.html"
    words = ["heatmap", "-s", "BTCUSDT", "--every", "60s", "-o", str(page), "--sections", "brief", "--lake", str(lake)]
    done = CliRunner().invoke(app, words, catch_exceptions=False)
    assert (done.exit_code, times) == (0, [60])
    assert META in page.read_text()
    assert "<script" not in page.read_text()
    words.remove("--every")
    words.remove("60s")
    CliRunner().invoke(app, words, catch_exceptions=False)
    assert 'http-equiv="refresh"' not in page.read_text()


def test_every_writes_files_only(lake):
    done = CliRunner().invoke(app, ["heatmap", "-s", "BTC", "--every", "60s", "-o", "-", "--lake", str(lake)])
    assert done.exit_code == 2
    assert "-o map.html" in done.stderr


def test_before_the_first_liquidation_the_page_waits(lake, tmp_path):
    page = WatchedPage(lake, "BTCUSDT", (), "24h", tmp_path / "map.html", 60, "dark", opens=False)
    page.draw(60)
    text = page.path.read_text()
    assert META in text
    assert "Waiting for the first liquidation" in text


@pytest.mark.soak
def test_watch_records_and_draws(lake, tmp_path):
    """One order at once, another after some seconds: both are on the page before the end, which then stays as it is."""
    page = tmp_path / "map.html"

    def order(qty):
        ms = time.time_ns() // 1_000_000
        raw = {"s": "BTCUSDT", "S": "SELL", "p": "1", "ap": "100000", "X": "FILLED", "z": qty, "T": ms, "st": 1}
        return json.dumps({"stream": "!forceOrder@arr", "data": {"e": "forceOrder", "E": ms, "o": raw}})

    def play(connection):
        connection.send(order("0.5"))
        time.sleep(8)
        connection.send(order("0.25"))
        connection.recv()

    with serve(play, "127.0.0.1", 0) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        words = [sys.executable, "-m", "liqcli", "watch", "-s", "BTCUSDT", "--exchange", "binance", "--every", "5s"]
        words += ["-o", str(page), "--no-open", "--lake", str(lake)]
        environment = {**os.environ, "LIQCLI_URL_BINANCE": url}
        process = subprocess.Popen(words, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
        seen = wait_for(page, "75.0K", 90)
        process.send_signal(signal.SIGTERM)
        out, err = process.communicate(timeout=90)
    assert seen, err
    assert process.returncode == 130, err
    assert out.splitlines()[1].split()[:4] == ["binance", "BTCUSDT", "2", "75.0K"]
    assert "75.0K" in page.read_text()
    assert 'http-equiv="refresh"' not in page.read_text()
    assert "warning" not in err
    assert not list(Path(lake / "segments").iterdir())


def wait_for(page: Path, text: str, seconds: float) -> bool:
    """Read the page all the time: it is always whole."""
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline:
        if page.exists():
            found = page.read_text()
            assert found.endswith("</html>\n")
            if text in found:
                return True
        time.sleep(0.2)
    return False
