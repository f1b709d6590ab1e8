"""A real Spark cluster on this machine: a master, two worker processes and a Spark Connect server, from SPARK_HOME."""

from __future__ import annotations

import json
import os
import shutil
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

WORKERS = 2
START_S = 180.0


@dataclass(frozen=True)
class SparkCluster:
    """Addresses and processes of a cluster; ``events`` is the folder of its event log."""

    address: str
    page: str
    events: Path
    workers: list[subprocess.Popen[bytes]]

    def kill_busy_worker(self) -> None:
        """Wait until every executor computes a task, then kill the first worker with its executor."""
        wait_until("every executor is busy", lambda: self._count_busy() == WORKERS)
        os.killpg(self.workers[0].pid, signal.SIGKILL)

    def _count_busy(self) -> int:
        (application,) = self._ask("applications")
        executors = self._ask(f"applications/{application['id']}/executors")
        return sum(e["activeTasks"] > 0 for e in executors if e["id"] != "driver")

    def _ask(self, what: str) -> list[Any]:
        with urlopen(f"{self.page}/api/v1/{what}", timeout=30) as answer:
            found: list[Any] = json.load(answer)
            return found

    def read_events(self) -> list[dict[str, Any]]:
        """Read the event log. [Spark's names]"""
        (log,) = self.events.iterdir()
        found = []
        for line in log.read_text(encoding="utf-8").splitlines():
            with suppress(json.JSONDecodeError):  # the last line is still being written
                found.append(json.loads(line))
        return found


@contextmanager
def start_cluster(folder: Path) -> Iterator[SparkCluster]:
    """Start a cluster that works in a folder; skips without Java or SPARK_HOME."""
    home = os.environ.get("SPARK_HOME")
    if shutil.which("java") is None or home is None:
        pytest.skip("needs Java 17, and in SPARK_HOME a Spark 4, such as the package pyspark of another environment")
    events, logs = folder / "events", folder / "logs"
    events.mkdir()
    logs.mkdir()
    master, connect, page = (_find_port() for _ in range(3))
    environment = {**os.environ, "SPARK_LOCAL_IP": "127.0.0.1", "SPARK_WORKER_DIR": str(folder / "work")}
    started: list[subprocess.Popen[bytes]] = []

    def start(name: str, *arguments: str) -> subprocess.Popen[bytes]:
        with (logs / name).open("wb") as log:
            command = [f"{home}/bin/spark-class", *arguments]
            started.append(
                subprocess.Popen(command, stdout=log, stderr=log, env=environment, cwd=folder, start_new_session=True)
            )
        return started[-1]

    settings = {
        "spark.driver.host": "127.0.0.1",
        "spark.driver.bindAddress": "127.0.0.1",
        "spark.connect.grpc.binding.address": "127.0.0.1",
        "spark.connect.grpc.binding.port": str(connect),
        "spark.ui.port": str(page),
        "spark.executor.memory": "800m",
        "spark.scheduler.minRegisteredResourcesRatio": "1",
        "spark.scheduler.maxRegisteredResourcesWaitingTime": f"{START_S:.0f}s",
        "spark.sql.shuffle.partitions": "4",
        "spark.eventLog.enabled": "true",
        "spark.eventLog.dir": events.as_uri(),
        "spark.eventLog.compress": "false",
        "spark.eventLog.rolling.enabled": "false",
    }
    try:
        deploy, at = "org.apache.spark.deploy", f"spark://127.0.0.1:{master}"
        start("master", f"{deploy}.master.Master", "--host", "127.0.0.1", "--port", str(master), "--webui-port", "0")
        wait_until("the master listens", lambda: _listens(master))
        worker = f"{deploy}.worker.Worker", "--host", "127.0.0.1", "--cores", "1", "--memory", "1g", "--webui-port", "0"
        workers = [start(f"worker-{number}", *worker, at) for number in range(WORKERS)]
        options = [word for name, value in settings.items() for word in ("--conf", f"{name}={value}")]
        server = "org.apache.spark.sql.connect.service.SparkConnectServer"
        start("connect", f"{deploy}.SparkSubmit", "--master", at, "--class", server, *options, "spark-internal")
        wait_until("the server listens", lambda: _listens(connect))
        yield SparkCluster(f"sc://127.0.0.1:{connect}", f"http://127.0.0.1:{page}", events, workers)
    finally:
        for process in reversed(started):
            with suppress(ProcessLookupError):
                os.killpg(process.pid, signal.SIGKILL)
            process.wait()


def wait_until(what: str, is_true: Callable[[], bool]) -> None:
    """Wait until something holds; fails after three minutes."""
    end = time.monotonic() + START_S
    while not is_true():
        assert time.monotonic() < end, f"waited {START_S:.0f} s until {what}"
        time.sleep(0.02)


def _find_port() -> int:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        port: int = taken.getsockname()[1]
        return port


def _listens(port: int) -> bool:
    with socket.socket() as client:
        return client.connect_ex(("127.0.0.1", port)) == 0
