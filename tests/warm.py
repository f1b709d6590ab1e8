"""
Programs that start warm: a process with everything imported forks a child a run, which saves it a second of imports.

A child is a process of its own as ``python -m liqcli`` is: its arguments, folder, environment, three streams and exit
code. Two parents take turns, each with its own hash seed, so that what depends on the order of a set shows. What only
counts when an interpreter starts (``PYTHON…``, matplotlib's settings, the locale) asks for a cold start.
"""

from __future__ import annotations

import contextlib
import importlib
import itertools
import json
import os
import pkgutil
import selectors
import signal
import socket
import subprocess
import sys
import tempfile
import time
import traceback
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import IO, NoReturn

COLD = ("PYTHON", "MPL", "MATPLOTLIB", "LC_", "LANG", "HOME", "XDG_CACHE")  # beginnings of names of variables
HEAVY = "duckdb numpy.ma pyarrow.parquet requests jinja2 matplotlib.backends.backend_agg PIL.PngImagePlugin"


class Parent:
    """A process that forks programs; started at the first run and gone with its standard input."""

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="liqcli-warm-")
        self._door = str(Path(self._folder.name) / "door")
        self._process = subprocess.Popen(
            [sys.executable, __file__, self._door],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=None,
            env=dict(environment),
        )
        assert self._process.stdout
        assert self._process.stdout.readline() == b"open\n", "the warm parent did not start"

    def run(
        self,
        args: Sequence[str],
        environment: Mapping[str, str],
        cwd: Path,
        streams: Sequence[IO[bytes]],
        timeout_s: float,
    ) -> int:
        """Run one program to its end; gives the exit code, below zero for a signal, as ``subprocess`` does."""
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as line:
            line.connect(self._door)
            line.settimeout(timeout_s)
            words = json.dumps({"args": list(args), "environment": dict(environment), "cwd": str(cwd)}).encode()
            socket.send_fds(line, [b"%8d" % len(words)], [stream.fileno() for stream in streams])
            line.sendall(words)
            with line.makefile("r") as answer:
                pid = int(answer.readline())
                try:
                    return int(answer.readline())
                except TimeoutError:
                    os.kill(pid, signal.SIGKILL)
                    raise

    def close(self) -> None:
        """End it."""
        self._process.communicate(timeout=10)
        self._folder.cleanup()


class Warmth:
    """The parents of one test process."""

    def __init__(self) -> None:
        self._parents: list[Parent] = []
        self._turn = itertools.count()

    def run(
        self, args: Sequence[str], environment: Mapping[str, str], cwd: Path, stdin: str, timeout_s: float
    ) -> tuple[int, str, str]:
        """Run ``liqcli ARGS``; gives its exit code and what it wrote on stdout and stderr."""
        if len(self._parents) < 2:
            self._parents.append(Parent(environment))
        parent = self._parents[next(self._turn) % len(self._parents)]
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            given.write(stdin.encode())
            given.seek(0)
            code = parent.run(args, environment, cwd, (given, out, err), timeout_s)
            for stream in (out, err):
                stream.seek(0)
            return code, _read(out), _read(err)

    def close(self) -> None:
        """End all parents."""
        for parent in self._parents:
            parent.close()


def wants_cold_start(environment: Mapping[str, str]) -> bool:
    """Whether variables that a test asks for count only when an interpreter starts."""
    return any(name.startswith(COLD) for name in environment)


def _read(stream: IO[bytes]) -> str:
    return stream.read().decode().replace("\r\n", "\n")


# ------------------------------------------------------------------------------------------------ the parent


def _open_door(path: str) -> None:
    import liqcli

    for name in HEAVY.split():
        importlib.import_module(name)
    for module in pkgutil.walk_packages(liqcli.__path__, "liqcli."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door, selectors.DefaultSelector() as events:
        door.bind(path)
        door.listen(8)
        print("open", flush=True)
        events.register(door, selectors.EVENT_READ)
        events.register(sys.stdin, selectors.EVENT_READ)
        while all(key.fileobj is door for key, _ in events.select()):
            line, _ = door.accept()
            if os.fork() == 0:
                _keep(line)
            line.close()
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass


def _keep(line: socket.socket) -> NoReturn:
    """In a process of its own: start the program that is asked for, wait for it, and say how it ended."""
    head, streams, _flags, _address = socket.recv_fds(line, 8, 3)
    size, words = int(head), b""
    while len(words) < size:
        words += line.recv(size - len(words))
    pid = os.fork()
    if pid == 0:
        line.close()
        _become(json.loads(words), streams)
    with contextlib.suppress(OSError):
        line.sendall(b"%d\n" % pid)
        line.sendall(b"%d\n" % os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]))
    os._exit(0)


def _become(asked: Mapping[str, object], streams: Sequence[int]) -> NoReturn:
    """In a process of its own: be the program."""
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
    os.chdir(str(asked["cwd"]))
    os.environ.clear()
    os.environ.update(dict(asked["environment"]))  # type: ignore[call-overload]
    time.tzset()
    import liqcli.cli

    main = sys.modules["__main__"]
    main.__package__ = "liqcli"  # so that it calls itself what it is called with python -m
    sys.argv = [str(Path(liqcli.cli.__file__).parents[1] / "__main__.py"), *asked["args"]]  # type: ignore[misc]
    code = 1
    try:
        liqcli.cli.main()
        code = 0
    except SystemExit as done:
        code = done.code if isinstance(done.code, int) else int(done.code is not None)
    except BaseException:
        traceback.print_exc()
    finally:
        for stream in (sys.stdout, sys.stderr):
            with contextlib.suppress(OSError, ValueError):
                stream.flush()
        os._exit(code)


if __name__ == "__main__":
    _open_door(sys.argv[1])
