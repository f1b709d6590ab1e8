"""Fetching in processes that are killed: one more run equals a clean run, byte for byte."""

from __future__ import annotations

import contextlib
import os
import random
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from loopback.scenes import (
    WINDOW,
    gate_server,
    htx_server,
    parquet_bytes,
)

from liqcli.core.model import US_PER_S, Window
from liqcli.lake.store import Lake

# A process with everything imported that forks a child a line: a kill then lands in the work, not in Python's start.
ZYGOTE = """
import os, signal, sys
import duckdb, pyarrow, pyarrow.parquet, requests
pyarrow.array([""])  # the first array imports pandas where it is installed
from pathlib import Path
from liqcli.ingest.fetch import fetch
from liqcli.lake.store import Lake
from liqcli.core.model import Window
from liqcli.sources.registry import load_source
for name in ("gate", "htx"): load_source(name)
signal.signal(signal.SIGINT, signal.default_int_handler)  # whoever runs the tests in the background has it ignored
for line in sys.stdin:
    lake, start, end, flush_s = line.split()
    pid = os.fork()
    if pid == 0:
        code = 1
        try:
            window = Window(int(start), int(end))
            fetch(Lake(Path(lake)), window, ["BTCUSDT", "ETHUSDT"], ["gate", "htx"], flush_s=float(flush_s))
            code = 0
        except KeyboardInterrupt:
            code = 130
        finally:
            os._exit(code)
    print(pid, flush=True)
    print(os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]), flush=True)
"""


class Runs:
    """Runs fetches in processes that can be killed."""

    def __init__(self, servers: dict[str, str]) -> None:
        env = {k: v for k, v in os.environ.items() if not k.startswith("LIQCLI_")}
        env |= {f"LIQCLI_URL_{name.upper()}": url for name, url in servers.items()}
        env |= {f"LIQCLI_RATE_{name.upper()}": "unlimited" for name in servers}
        self._process = subprocess.Popen(
            [sys.executable, "-c", ZYGOTE], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env
        )

    def __enter__(self) -> Runs:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.communicate(timeout=20)

    def run(
        self,
        lake: Path,
        window: Window,
        kill_when: Callable[[], bool] | None = None,
        sign: int = signal.SIGKILL,
        flush_s: float = 0.02,
    ) -> int:
        """Fetch; send a signal once something holds. Gives the exit code (-9: killed midway)."""
        assert self._process.stdin
        assert self._process.stdout
        self._process.stdin.write(f"{lake} {window.start_us} {window.end_us} {flush_s}\n")
        self._process.stdin.flush()
        pid = int(self._process.stdout.readline())
        over = threading.Event()
        if kill_when is not None:
            threading.Thread(target=_kill, args=(pid, sign, over, kill_when), daemon=True).start()
        code = int(self._process.stdout.readline())
        over.set()
        return code


def _kill(pid: int, sign: int, over: threading.Event, when: Callable[[], bool]) -> None:
    while not when() and not over.wait(0.003):
        pass
    if not over.is_set():
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, sign)


@pytest.mark.slow
@pytest.mark.parametrize("most", [4, pytest.param(50, marks=pytest.mark.soak)])
def test_many_kills_then_one_run_equals_a_clean_run(tmp_path: Path, most: int) -> None:
    """Kills land once a file is stored, then so many requests after a start, and up to 100 ms later: it may write."""
    rng = random.Random(20261122)
    with (
        gate_server(latency_s=0.01) as gate,
        htx_server(latency_s=0.01) as htx,
        Runs({"gate": gate.url, "htx": htx.url}) as runs,
    ):

        def asked() -> int:
            return len(gate.asked) + len(htx.asked)

        def kill_after(requests: int, late_s: float) -> Callable[[], bool]:
            """True for the first time so many requests from now, and a little later."""
            goal = asked() + requests
            return lambda: asked() >= goal and not time.sleep(late_s)

        def kill_once_stored(lake: Path, late_s: float) -> Callable[[], bool]:
            """True for the first time a little after the lake has a file."""
            return lambda: len(parquet_bytes(lake)) > 0 and not time.sleep(late_s)

        assert runs.run(tmp_path / "clean", WINDOW) == 0
        whole, clean = asked(), parquet_bytes(tmp_path / "clean")
        assert len(clean) == 4
        kills, lakes, between = 0, 0, 0
        while kills < most:
            lake = tmp_path / f"lake-{lakes}"
            lakes += 1
            for turn in range(5):
                late_s = rng.uniform(0, 0.1)
                moment = kill_after(rng.randrange(1, whole), late_s) if turn else kill_once_stored(lake, late_s / 5)
                killed = runs.run(lake, WINDOW, kill_when=moment) == -signal.SIGKILL
                kills += killed
                between += killed and len(parquet_bytes(lake)) > 0
            assert runs.run(lake, WINDOW) == 0
            assert parquet_bytes(lake) == clean
    assert between >= most / 5, "hardly any kill found rows in the lake: the moments are badly chosen"


@pytest.mark.slow
@pytest.mark.parametrize("sign", [signal.SIGTERM, pytest.param(signal.SIGINT, marks=pytest.mark.soak)])
def test_interrupted_run_keeps_what_is_complete(tmp_path: Path, sign: int) -> None:
    """Nothing is written before the end or the signal (the flush interval is long), then all complete windows are."""
    with gate_server(latency_s=0.03) as gate, htx_server() as htx, Runs({"gate": gate.url, "htx": htx.url}) as runs:
        lake = tmp_path / "lake"
        assert (
            runs.run(lake, WINDOW, kill_when=lambda: len(gate.paths("liq_orders")) >= 12, sign=sign, flush_s=60) == 130
        )
        done = Lake(lake).read_fetch_log("gate", "BTCUSDT", "gate").covered(("complete",))
        assert done
        gate.asked.clear()
        assert runs.run(lake, WINDOW) == 0
        again = [int(a.params["from"]) * US_PER_S for a in gate.paths("liq_orders") if "BTC" in a.params["contract"]]
        assert again
        assert not [ts for ts in again for start, end in done if start <= ts < end], "complete windows were asked again"
        assert runs.run(tmp_path / "clean", WINDOW) == 0
        assert parquet_bytes(lake) == parquet_bytes(tmp_path / "clean")
