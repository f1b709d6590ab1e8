"""Run the program in a pseudo terminal, as somebody sees it."""

from __future__ import annotations

import fcntl
import os
import struct
import termios
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

from conftest import cli_environment
from fork_server import ForkClient


def run_in_terminal(
    client: ForkClient,
    *args: object,
    lake: Path,
    columns: int = 100,
    rows: int = 40,
    env: Mapping[str, str] | None = None,
) -> tuple[int, str]:
    """
    Run ``python -m liqcli ARGS`` with stdin, stdout and stderr on one terminal; pictures are left empty.

    Returns
    -------
    exit code, text
        What the terminal received, lines ended by a newline.
    """
    environment = cli_environment(lake, env)
    for name in ("COLUMNS", "NO_COLOR", "TERM"):
        if name not in (env or {}):
            environment.pop(name, None)
    ours, theirs = os.openpty()
    fcntl.ioctl(ours, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))
    with ThreadPoolExecutor(1) as pool:
        received = pool.submit(_read_all, ours)
        try:
            words = list(map(str, args))
            code = client.run_on([theirs] * 3, words, environment, lake.parent, timeout_s=60, plain=True)
        finally:
            os.close(theirs)
        text = received.result(timeout=60)
    os.close(ours)
    return code, text.decode().replace("\r\n", "\n")


def _read_all(terminal: int) -> bytes:
    received = bytearray()
    while True:
        try:
            chunk = os.read(terminal, 65536)
        except OSError:  # Linux: the other end is closed
            return bytes(received)
        if not chunk:
            return bytes(received)
        received += chunk
