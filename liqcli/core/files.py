"""
The one way files are written: a reader, or a crash, finds the old file or the new one, whole.

Files that ship with liqcli: templates and sample data, inside the wheel or beside the package in a checkout.
"""

from __future__ import annotations

import contextlib
import glob
import os
import secrets
from collections.abc import Iterator
from pathlib import Path

from liqcli.core.errors import DamagedError, LakeError


@contextlib.contextmanager
def lake_errors(root: Path) -> Iterator[None]:
    """Turn an error of the file system into one line about the lake."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise LakeError(f"{root}: cannot write the lake ({reason}); what it held before is untouched") from error


def replace_file(path: Path, content: bytes, mode: int = 0o666) -> None:
    """
    Write a file whole, in place of an older one; its folder is made if it is missing.

    Parameters
    ----------
    path : Path
        The file. Two writers at once are safe: the last one wins.
    content : bytes
        All of it.
    mode : int
        Permissions of the new file, less the umask.

    Raises
    ------
    OSError
        It cannot be written; the old file is as it was.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        temporary_beside(path) as temporary,
        open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file,
    ):
        file.write(content)


@contextlib.contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """Give a new name beside ``path``; on success its file is synced and moved over ``path``, else it is removed."""
    _sweep(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{secrets.token_hex(3)}.tmp")
    try:
        yield temporary
        move_into_place(temporary, path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def move_into_place(temporary: Path, path: Path) -> None:
    """Sync a finished file, so that its bytes are on disk before its name is, and give it its final name."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(path)


def sync_folder(folder: Path) -> None:
    """Sync the names in a folder, where the system can do that: the files themselves are safe either way."""
    with contextlib.suppress(OSError):  # Windows opens no folder, some network file systems sync none
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def is_alive(pid: int) -> bool:
    """Whether a process runs; where that cannot be known, it does."""
    if os.name == "nt":  # os.kill(pid, 0) is Ctrl-C there
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def _sweep(path: Path) -> None:
    """Remove temporaries of this target that killed writers left; their names carry the process."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        pid = left.name[len(path.name) + 2 :].removesuffix(".tmp").split("-")[0]
        if pid.isdecimal() and not is_alive(int(pid)):
            left.unlink(missing_ok=True)


def data_folder(name: str) -> Path:
    """
    Find ``templates`` or ``sample_data``.

    Raises
    ------
    DamagedError
        The installation lacks it.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_data" / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise DamagedError(f"this installation of liqcli lacks its {name} folder; install it again")
