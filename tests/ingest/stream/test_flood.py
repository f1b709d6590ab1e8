"""10,000 messages a second over all exchanges through sockets, and two recorders of the same feeds in one lake."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from conftest import RunCli
from loopback.flood import FRAMES, Flood
from loopback.scenes import stored
from loopback.stream_cases import CASES
from loopback.truth import tidy

RATE = int(os.environ.get("LIQCLI_FLOOD_RATE", "10000"))
TESTS = Path(__file__).parents[2]


class Servers:
    """The process of all servers."""

    def __init__(self, flood: Flood) -> None:
        command = [sys.executable, "-m", "loopback.flood", *map(str, flood)]
        environment = {**os.environ, "PYTHONPATH": str(TESTS)}
        self.process = subprocess.Popen(
            command, env=environment, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        self.urls = self._read()

    def __enter__(self) -> Servers:
        return self

    def __exit__(self, *_: object) -> None:
        self.process.kill()
        self.process.communicate()

    def start(self) -> None:
        """Send what is due from now on."""
        assert self.process.stdin is not None
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def wait(self) -> dict[str, Any]:
        """Wait until everything was sent and received."""
        return self._read()

    def _read(self) -> dict[str, Any]:
        assert self.process.stdout is not None
        line = self.process.stdout.readline()
        assert line, "the servers died"
        found: dict[str, Any] = json.loads(line)
        return found


class Recorder:
    """A process that records every symbol of every exchange."""

    def __init__(self, lake: Path, log: Path, urls: dict[str, str]) -> None:
        environment = dict(os.environ)
        for name, url in urls.items():
            for variable in (name.upper(), f"{name.upper()}_LIVE"):
                environment[f"LIQCLI_URL_{variable}"] = url
                environment[f"LIQCLI_RATE_{variable}"] = "unlimited"
        command = ["record", "--exchange", ",".join(CASES), "--symbol", "all", "--format", "json", "--lake", str(lake)]
        self.log = log
        with log.open("w") as errors, log.with_suffix(".json").open("w") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "liqcli", *command], env=environment, stdout=output, stderr=errors
            )

    def wait_until_listening(self) -> None:
        while {name for name in CASES if f"{name}: listening" in self.log.read_text()} != set(CASES):
            assert self.process.poll() is None, self.log.read_text()
            time.sleep(0.1)

    def end(self, number: signal.Signals) -> tuple[list[dict[str, Any]], float, int]:
        """End it; return what it printed, its CPU time [s] and the peak of its memory [KiB]."""
        self.process.send_signal(number)
        _, status, usage = os.wait4(self.process.pid, 0)
        self.process.returncode = os.waitstatus_to_exitcode(status)
        text = self.log.with_suffix(".json").read_text()
        return json.loads(text) if text else [], usage.ru_utime + usage.ru_stime, usage.ru_maxrss


def plan_flood(rate: int, seconds: int) -> Flood:
    """Plan to start as soon as all messages may be encoded (60 µs each) and a recorder started."""
    return Flood(rate, seconds, round((time.time() + 10 + rate * seconds * 60e-6) * 1000))


def check_lake(lake: Path, flood: Flood) -> int:
    """Compare the lake with what was sent, event by event; return their number."""
    count = 0
    for exchange, case in CASES.items():
        for symbol, rows in case.rows(flood.make_truth(exchange)).items():
            held, told = tidy(stored(lake, symbol, exchange)), tidy(rows)
            missing, extra = told - held, held - told
            assert (missing.total(), extra.total()) == (0, 0), (exchange, symbol)
            count += held.total()
    return count


def check_counted(rows: list[dict[str, Any]], flood: Flood) -> None:
    """Check the printed numbers; after a late start the first message of a connection may look like a replay."""
    for name in CASES:
        counted = sum(row["events"] for row in rows if row["exchange"] == name)
        assert flood.count(name) - 1 <= counted <= flood.count(name), name


@pytest.mark.soak
def test_ten_thousand_messages_a_second_of_all_exchanges(lake: Path, tmp_path: Path) -> None:
    """600,000 messages; Kraken sends an ordinary fill with each event, so it has half as many events."""
    flood = plan_flood(RATE, 60)
    with Servers(flood) as servers:
        recorder = Recorder(lake, tmp_path / "log", servers.urls)
        recorder.wait_until_listening()
        servers.start()
        sent = servers.wait()
        rows, cpu_s, memory = recorder.end(signal.SIGTERM)
    print(f"sent {sent}; recorder: {cpu_s:.1f} s CPU, {memory / 1024:.0f} MiB at most")
    assert recorder.process.returncode == 130
    assert sent["complaints"] == []
    assert sent["messages"] == sum(flood.count(name) * FRAMES.get(name, 1) for name in CASES)
    assert sum(row["disconnects"] + row["rejected"] + row["lost"] for row in rows) == 0, recorder.log.read_text()
    check_counted(rows, flood)
    assert check_lake(lake, flood) == sum(flood.count(name) for name in CASES)


@pytest.mark.soak
@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_two_recorders_of_the_same_feeds(lake: Path, tmp_path: Path, run_cli: RunCli, number: signal.Signals) -> None:
    """20 s of 1,200 messages; one of the two ends after half of them, the other one has them all."""
    flood = plan_flood(1_200, 20)
    with Servers(flood) as servers:
        recorders = [Recorder(lake, tmp_path / name, servers.urls) for name in ("first", "second")]
        for recorder in recorders:
            recorder.wait_until_listening()
        servers.start()
        time.sleep(max(0.0, flood.start_ms / 1000 - time.time()) + 10)
        recorders[0].end(number)
        sent = servers.wait()
        rows, *_ = recorders[1].end(signal.SIGTERM)
    assert sent["complaints"] == []
    check_counted(rows, flood)
    run_cli("status", "--lake", lake)  # takes in what the killed one left
    assert list((lake / "segments").glob("*.jsonl")) == []
    assert check_lake(lake, flood) == sum(flood.count(name) for name in CASES)
    assert run_cli("verify", "--lake", lake).exit_code == 0


@pytest.mark.soak
def test_a_recorder_that_stands_still_loses_nothing(lake: Path, tmp_path: Path) -> None:
    """20 s of 3,000 messages; for 6 of them the recorder does not run, so that they wait in the system's buffers."""
    flood = plan_flood(3_000, 20)
    with Servers(flood) as servers:
        recorder = Recorder(lake, tmp_path / "log", servers.urls)
        recorder.wait_until_listening()
        servers.start()
        time.sleep(max(0.0, flood.start_ms / 1000 - time.time()) + 4)
        recorder.process.send_signal(signal.SIGSTOP)
        time.sleep(6)
        recorder.process.send_signal(signal.SIGCONT)
        sent = servers.wait()
        rows, cpu_s, memory = recorder.end(signal.SIGTERM)
    print(f"sent {sent}; recorder: {cpu_s:.1f} s CPU, {memory / 1024:.0f} MiB at most")
    assert sum(row["disconnects"] + row["rejected"] + row["lost"] for row in rows) == 0, recorder.log.read_text()
    check_counted(rows, flood)
    assert check_lake(lake, flood) == sum(flood.count(name) for name in CASES)
