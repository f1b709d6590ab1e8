"""A recorder that is killed again and again: what is missing is what ``status`` says is missing."""

from __future__ import annotations

import contextlib
import json
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from conftest import RunCli
from loopback.scenes import stored
from websockets.exceptions import ConnectionClosed
from websockets.sync.server import ServerConnection, serve

from liqcli.lake.store import Lake

KILLS = int(os.environ.get("LIQCLI_KILLS", "50"))
EVERY_S = 0.02
S = 1_000_000


class Market:
    """Sends an order of 0.001, 0.002, ... BTC every 20 ms to whoever listens, and remembers when."""

    def __init__(self) -> None:
        self.sent: dict[float, int] = {}  # qty -> time [µs UTC]
        self.number = 0

    def play(self, connection: ServerConnection) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                self.number += 1
                ms = time.time_ns() // 1_000_000
                qty = f"{self.number / 1000:.3f}"
                order = {
                    "s": "BTCUSDT",
                    "S": "SELL",
                    "p": "1",
                    "ap": "100000",
                    "X": "FILLED",
                    "z": qty,
                    "T": ms,
                    "st": 1,
                }
                connection.send(json.dumps({"data": {"e": "forceOrder", "E": ms, "o": order}}))
                self.sent[float(qty)] = ms * 1000
                time.sleep(EVERY_S)


@contextlib.contextmanager
def running(lake: Path, url: str) -> Iterator[subprocess.Popen[str]]:
    """A recorder that listens."""
    command = [sys.executable, "-m", "liqcli", "record", "--exchange", "binance", "-s", "BTCUSDT", "--lake", str(lake)]
    environment = {**os.environ, "LIQCLI_URL_BINANCE": url}
    process = subprocess.Popen(command, env=environment, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL, text=True)
    assert process.stderr is not None
    while not process.stderr.readline().startswith("binance: listening"):
        assert process.poll() is None
    yield process
    process.communicate(timeout=60)


@pytest.mark.soak
def test_killed_again_and_again(lake: Path, run_cli: RunCli) -> None:
    """Each run is killed up to 8 s after it listens, the last one is ended by SIGTERM; 3 s are not settled."""
    market, rng = Market(), random.Random(3)
    killed_us: list[int] = []
    with serve(market.play, "127.0.0.1", 0, compression=None) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        url = f"http://127.0.0.1:{server.socket.getsockname()[1]}"
        for number in range(KILLS + 1):
            with running(lake, url) as process:
                time.sleep(rng.uniform(0.1, 8.0) if number < KILLS else 6.0)
                if number < KILLS:
                    killed_us.append(time.time_ns() // 1000)
                    process.kill()
                else:
                    process.send_signal(signal.SIGTERM)
    assert process.returncode == 130
    (row,) = json.loads(run_cli("status", "--lake", lake, "--format", "json", check=0).stdout)
    rows = stored(lake, "BTCUSDT")
    assert set(rows.values()) == {1}, "nothing is doubled"
    found = {round(float(str(key[3])), 3) for key in rows}
    missing = {qty: ts_us for qty, ts_us in market.sent.items() if qty not in found}
    windows = Lake(lake).read_fetch_log("binance", "BTCUSDT", "binance").windows
    assert not [qty for qty, ts_us in missing.items() if any(w.window.contains(ts_us) for w in windows)], "not covered"
    late = [min(kill - ts_us for kill in killed_us if kill > ts_us - S) / S for ts_us in missing.values()]
    assert max(late, default=0.0) < 1.5, "at most the last second before a kill"
    assert len(windows) > KILLS / 4
    assert len(row["gaps"]) == len(windows) - 1
    assert run_cli("verify", "--lake", lake).exit_code == 0
    print(f"{len(market.sent)} sent, {len(found)} stored, {len(missing)} missing, latest {max(late, default=0):.2f} s")
