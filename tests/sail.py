"""Sail, a Spark Connect server without Java, for the tests of the second engine."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

_SERVE = """
import sys
from pysail.spark import SparkConnectServer
server = SparkConnectServer("127.0.0.1", 0)
server.start(background=True)
print(server.listening_address[1], flush=True)
sys.stdin.read()
"""


@contextmanager
def start_sail(**settings: str) -> Iterator[str]:
    """Start Sail in a process of its own, with ``SAIL_*`` variables; yields its address."""
    pytest.importorskip("pysail", reason="pysail is not installed: make setup installs it")
    pytest.importorskip("pyspark", reason="pyspark-client is not installed: make setup installs it")
    command = [sys.executable, "-c", _SERVE]
    environment = {**os.environ, "RUST_LOG": "error", **settings}
    with subprocess.Popen(
        command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, env=environment, text=True
    ) as process:
        try:
            assert process.stdout is not None
            yield f"sc://127.0.0.1:{int(process.stdout.readline())}"
        finally:
            process.kill()
