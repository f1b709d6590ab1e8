"""Files are complete at any instant: killed writers, a full disk, two writers at once."""

from __future__ import annotations

import os
import signal
import stat
import subprocess
import sys
import threading
from pathlib import Path
from typing import NamedTuple

import pytest

from liqcli.core.files import is_alive, replace_file, temporary_beside

# Each way in which liqcli writes a file that is not the lake's, as a program that writes NEW to the path it is given.
WRITERS = {
    "atomic": "from liqcli.core.files import replace_file; replace_file(path, b'NEW')",
    "outputs": "from liqcli.report.output_files import write_file; write_file(path, b'NEW')",
    "settings": "from liqcli.core.settings import write_default_settings; write_default_settings(path, force=True)",
    "manifest": "from liqcli.daily.folders import _write_manifest; _write_manifest(path.parent, ['NEW'])",
    "publish": (
        "from liqcli.daily.folders import publish; made = path.parent / 'made'; made.mkdir(exist_ok=True); "
        "(made / path.name).write_bytes(b'NEW'); publish(made, path.parent)"
    ),
}
NAMES = {"manifest": ".liqcli.json"}
KILLED = """
import os, pathlib, signal, sys
def replace(self, target):
    if fatal and pathlib.Path(target) == path:
        os.kill(os.getpid(), signal.SIGKILL)
    os.replace(self, target)
pathlib.Path.replace = replace
synced = []
fsync = os.fsync
os.fsync = lambda handle: (synced.append(handle), fsync(handle))
"""


# A child is killed, then its parent writes: what both need is imported once, for all writers.
TWICE = """
path, fatal = pathlib.Path({path!r}), False
synced.clear()
child = os.fork()
if child == 0:
    fatal = True
    {write}
    os._exit(0)
code = os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])
kept = path.read_bytes()
{write}
print({writer!r}, code, kept.decode(), len(synced))
"""


class Twice(NamedTuple):
    """The file of a writer of which one was killed, how that ended, what it left, and how often the next one synced."""

    path: Path
    code: int
    kept: str
    synced: int


@pytest.fixture(scope="module")
def written(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Twice]:
    """Each writer's file, written by a process that is killed, then by another."""
    paths, imports, writes = {}, "", ""
    for writer, program in WRITERS.items():
        paths[writer] = tmp_path_factory.mktemp(writer) / NAMES.get(writer, "file.toml")
        paths[writer].write_bytes(b"OLD")
        imported, _, write = program.partition("; ")
        imports += f"{imported}\n"
        writes += TWICE.format(path=str(paths[writer]), write=write, writer=writer)
    command = [sys.executable, "-c", KILLED + imports + writes]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert (done.returncode, done.stderr) == (0, "")
    said = (line.split() for line in done.stdout.splitlines())
    return {writer: Twice(paths[writer], int(code), kept, int(synced)) for writer, code, kept, synced in said}


@pytest.mark.slow
@pytest.mark.parametrize("writer", WRITERS)
def test_killed_between_writing_and_moving(written: dict[str, Twice], writer: str) -> None:
    """The old file stays whole; the next writer removes the temporary and syncs both file and folder."""
    path, code, kept, synced = written[writer]
    assert (code, kept) == (-signal.SIGKILL, "OLD")
    assert synced >= 2
    assert path.read_bytes() != b"OLD"
    assert [left.name for left in path.parent.rglob("*.tmp")] == []


def test_a_living_writers_file_is_left_alone(tmp_path: Path) -> None:
    """Two threads write one path at once; the one that ends last wins, and neither fails."""
    path, both = tmp_path / "x", threading.Barrier(2)

    def write_slowly(text: bytes) -> None:
        with temporary_beside(path) as temporary:
            temporary.write_bytes(text)
            both.wait(60)

    other = threading.Thread(target=write_slowly, args=(b"one",))
    other.start()
    write_slowly(b"two")
    other.join()
    assert path.read_bytes() in (b"one", b"two")
    assert [left.name for left in tmp_path.iterdir()] == ["x"]


def test_an_error_leaves_the_old_file_and_no_other(tmp_path: Path) -> None:
    replace_file(tmp_path / "new folder" / "x", b"old", mode=0o600)
    path = tmp_path / "new folder" / "x"
    assert stat.S_IMODE(path.stat().st_mode) == 0o600

    def fill_the_disk() -> None:
        with temporary_beside(path) as temporary:
            temporary.write_bytes(b"half")
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        fill_the_disk()
    assert path.read_bytes() == b"old"
    assert [left.name for left in path.parent.iterdir()] == ["x"]


def test_a_process_is_alive_or_not(monkeypatch: pytest.MonkeyPatch) -> None:
    assert is_alive(os.getpid())
    assert not is_alive(999_999_999)
    assert not is_alive(10**30)
    monkeypatch.setattr(os, "name", "nt")
    monkeypatch.setattr(os, "kill", lambda *_: pytest.fail("that is Ctrl-C on Windows"))
    assert is_alive(1)
