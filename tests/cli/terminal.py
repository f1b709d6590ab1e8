"""Run the program in a pseudo terminal, as somebody sees it."""

from __future__ import annotations

import fcntl
import os
import struct
import subprocess
import sys
import termios
from collections.abc import Mapping
from pathlib import Path

from conftest import cli_environment


def run_in_terminal(
    *args: object, lake: Path, columns: int = 100, rows: int = 40, env: Mapping[str, str] | None = None
) -> tuple[int, str]:
    """
    Run ``python -m liqcli ARGS`` with stdin, stdout and stderr on one terminal.

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
    program = subprocess.Popen(
        [sys.executable, "-m", "liqcli", *map(str, args)],
        stdin=theirs, stdout=theirs, stderr=theirs, env=environment, cwd=lake.parent, start_new_session=True,
    )  # fmt: skip
    os.close(theirs)
    received = bytearray()
    while True:
        try:
            chunk = os.read(ours, 65536)
        except OSError:  # Linux: the other end is closed
            break
        if not chunk:
            break
        received += chunk
    os.close(ours)
    return program.wait(timeout=60), received.decode().replace("\r\n", "\n")
