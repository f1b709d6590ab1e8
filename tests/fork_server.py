"""
Run ``liqcli`` without the second of imports: a server process imports everything once and forks a child for each run.

A child behaves like ``python -m liqcli``: it has its own arguments, folder, environment, three streams and exit code.
Two servers with different hash seeds take turns, so that output that depends on the order of a set differs between two
runs. Variables that an interpreter or matplotlib reads at its start need a new interpreter (``needs_new_interpreter``).
"""

from __future__ import annotations

import contextlib
import gc
import importlib
import io
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

import plain_pictures

START_TIMEOUT_S = 120
READ_AT_START = ("PYTHON", "MPL", "MATPLOTLIB", "LC_", "LANG", "HOME", "XDG_CACHE")  # prefixes of variables
# Imported at first use by commands and libraries. typer imports more when it parses: see import_everything.
IMPORTED = """
    PIL.BmpImagePlugin PIL.GifImagePlugin PIL.JpegImagePlugin PIL.PngImagePlugin PIL.PpmImagePlugin PIL.WebPImagePlugin
    duckdb encodings.unicode_escape encodings.utf_8_sig filelock jinja2 matplotlib.backends.backend_agg numpy.ma
    platformdirs pyarrow.compute pyarrow.csv pyarrow.parquet requests websockets.asyncio.client
"""


class ForkServers:
    """
    The two server processes of a test run.

    They start in the background. Other processes can use them by their addresses until :meth:`close`.
    """

    def __init__(self, environment: Mapping[str, str]) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="liqcli-fork-")
        self.addresses = [str(Path(self._folder.name) / name) for name in ("a", "b")]
        self._processes = [
            subprocess.Popen([sys.executable, __file__, address], stdin=subprocess.PIPE, env=dict(environment))
            for address in self.addresses
        ]

    def close(self) -> None:
        """End the servers, which read the end of their standard input."""
        for process in self._processes:
            process.communicate(timeout=60)
        self._folder.cleanup()


class ForkClient:
    """Runs programs on the servers at ``addresses`` in turn."""

    def __init__(self, addresses: Sequence[str]) -> None:
        self._next = itertools.cycle(addresses)

    def run(
        self,
        args: Sequence[str],
        environment: Mapping[str, str],
        cwd: Path,
        stdin: str,
        timeout_s: float,
        plain: bool = False,
    ) -> tuple[int, str, str]:
        """
        Run ``liqcli ARGS``; returns exit code (negative for a signal, as in ``subprocess``), stdout, stderr.

        ``plain`` leaves its pictures empty.
        """
        with tempfile.TemporaryFile() as given, tempfile.TemporaryFile() as out, tempfile.TemporaryFile() as err:
            given.write(stdin.encode())
            given.seek(0)
            streams = [given.fileno(), out.fileno(), err.fileno()]
            code = self.run_on(streams, args, environment, cwd, timeout_s, plain)
            return code, _read(out), _read(err)

    def run_on(
        self,
        streams: Sequence[int],
        args: Sequence[str],
        environment: Mapping[str, str],
        cwd: Path,
        timeout_s: float,
        plain: bool = False,
    ) -> int:
        """Run ``liqcli ARGS`` with the descriptors of three streams; returns its exit code."""
        given = {"args": list(args), "environment": dict(environment), "cwd": str(cwd), "plain": plain}
        request = json.dumps(given).encode()
        with _connect(next(self._next)) as connection:
            connection.settimeout(timeout_s)
            socket.send_fds(connection, [b"%8d" % len(request)], list(streams))
            connection.sendall(request)
            return _read_exit_code(connection)


def needs_new_interpreter(environment: Mapping[str, str]) -> bool:
    """Return True if a variable is read only when an interpreter or matplotlib starts."""
    return any(name.startswith(READ_AT_START) for name in environment)


def skip_fsync(_handle: int) -> None:
    """Replace ``os.fsync``, which takes 10 ms per file: no test cuts the power, and a killed process loses nothing."""


def _connect(address: str) -> socket.socket:
    """Connect to a server, waiting for its start."""
    connection = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    end = time.monotonic() + START_TIMEOUT_S
    while True:
        try:
            connection.connect(address)
            return connection
        except (FileNotFoundError, ConnectionRefusedError):
            if time.monotonic() > end:
                connection.close()
                raise
            time.sleep(0.02)


def _read_exit_code(connection: socket.socket) -> int:
    with connection.makefile("r") as answer:
        pid = int(answer.readline())
        try:
            return int(answer.readline())
        except TimeoutError:
            os.kill(pid, signal.SIGKILL)
            raise


def _read(stream: IO[bytes]) -> str:
    stream.seek(0)
    return stream.read().decode(errors="replace").replace("\r\n", "\n")  # Parquet on stdout is no text


# ------------------------------------------------------------------------------------------- the server process


def import_everything() -> None:
    """Import what a run may need, so that forks of this process start at once."""
    import pyarrow as pa

    import liqcli
    import liqcli.cli

    pa.array([""])  # the first array imports pandas where it is installed
    for name in IMPORTED.split():
        importlib.import_module(name)
    for module in pkgutil.walk_packages(liqcli.__path__, "liqcli."):
        if not module.name.endswith("__main__"):
            importlib.import_module(module.name)
    from liqcli.report import html_markdown

    for name in html_markdown.load_environment().list_templates():
        html_markdown.load_environment().get_template(name)  # compiled once
    for command in (["sources", "gate"], ["sources", "--help"]):  # typer loads pydantic when it first parses arguments
        with contextlib.redirect_stdout(io.StringIO()), contextlib.suppress(SystemExit):
            liqcli.cli.app(command)


def _serve(address: str) -> None:
    """Fork a child for each connection, and answer with its process id and, when it ends, its exit code."""
    import_everything()
    os.fsync = skip_fsync
    gc.collect()
    gc.freeze()  # a collection in a child would copy every page
    ended, wake_up = socket.socketpair()
    for end in (ended, wake_up):
        end.setblocking(False)
    signal.signal(signal.SIGCHLD, lambda *_: None)
    signal.set_wakeup_fd(wake_up.fileno())
    waiting: dict[int, socket.socket] = {}
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as door, selectors.DefaultSelector() as events:
        door.bind(address)
        door.listen(8)
        for source in (door, ended, sys.stdin):
            events.register(source, selectors.EVENT_READ)
        while sys.stdin not in (ready := [key.fileobj for key, _ in events.select()]):
            if door in ready:
                connection, _ = door.accept()
                pid = _fork(connection, [door, ended, wake_up, *waiting.values()])
                waiting[pid] = connection
                _send(connection, pid)
            if ended in ready:
                ended.recv(4096)
            for pid, code in _list_ended():
                with waiting.pop(pid) as connection:
                    _send(connection, code)


def _fork(connection: socket.socket, inherited: Sequence[socket.socket]) -> int:
    """Read the request of a connection and start its program; ``inherited`` are closed in the child."""
    head, streams, _flags, _address = socket.recv_fds(connection, 8, 3)
    size, request = int(head), b""
    while len(request) < size:
        request += connection.recv(size - len(request))
    pid = os.fork()
    if pid == 0:
        signal.set_wakeup_fd(-1)
        signal.signal(signal.SIGCHLD, signal.SIG_DFL)
        for other in (connection, *inherited):
            other.close()
        _run_program(streams, **json.loads(request))
    for stream in streams:
        os.close(stream)
    return pid


def _list_ended() -> list[tuple[int, int]]:
    """Return process id and exit code of each child that has ended."""
    ended = []
    with contextlib.suppress(ChildProcessError):
        while (status := os.waitpid(-1, os.WNOHANG))[0]:
            ended.append((status[0], os.waitstatus_to_exitcode(status[1])))
    return ended


def _send(connection: socket.socket, number: int) -> None:
    with contextlib.suppress(OSError):  # the test gave up
        connection.sendall(b"%d\n" % number)


def _run_program(
    streams: Sequence[int], args: Sequence[str], environment: Mapping[str, str], cwd: str, plain: bool
) -> NoReturn:
    """Turn the child into the program and end it."""
    if plain:
        plain_pictures.skip_drawing()
        plain_pictures.guess_text_sizes()
    for number, stream in enumerate(streams):
        os.dup2(stream, number)
        os.close(stream)
    # The server's own objects remember whether its streams could seek.
    sys.stdin = open(0, encoding="utf-8", errors="surrogateescape", closefd=False)  # noqa: SIM115
    sys.stdout, sys.stderr = (
        os.fdopen(number, "w", 1 if os.isatty(number) or number == 2 else -1, "utf-8", errors, closefd=False)
        for number, errors in ((1, "strict"), (2, "backslashreplace"))
    )
    os.chdir(cwd)
    os.environ.clear()
    os.environ.update(environment)
    time.tzset()
    import liqcli.cli

    sys.modules["__main__"].__package__ = "liqcli"  # as python -m does
    sys.argv = [str(Path(liqcli.cli.__file__).parents[1] / "__main__.py"), *args]
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
    _serve(sys.argv[1])
    os._exit(0)  # gc.freeze leaves objects that extension modules report as leaked at a normal exit
