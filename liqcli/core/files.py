"""
Write files atomically, and locate the files shipped with liqcli.

A reader, or a crash, finds either the old file or the new one, complete. Templates and sample data lie inside the
wheel, or beside the package in a checkout.
"""

from __future__ import annotations

import contextlib
import glob
import os
from collections.abc import Iterator
from pathlib import Path

from liqcli.core.errors import DamagedError, LakeError


@contextlib.contextmanager
def lake_errors(root: Path) -> Iterator[None]:
    """Convert file system errors to a one-line LakeError."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise LakeError(f"{root}: cannot write the lake ({reason}); its previous contents are unchanged") from error


def replace_file(path: Path, content: bytes, mode: int = 0o666) -> None:
    """
    Write a file atomically, replacing an older one; a missing folder is created.

    Parameters
    ----------
    path : Path
        The file. With two writers at once the last one wins.
    content : bytes
        The whole content.
    mode : int
        Permissions of the new file, less the umask.

    Raises
    ------
    OSError
        It cannot be written; the old file is unchanged.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    with (
        temporary_beside(path) as temporary,
        open(os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode), "wb") as file,
    ):
        file.write(content)


@contextlib.contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """Yield a temporary name beside ``path``; on success the file is synced and moved to ``path``, else removed."""
    remove_leftovers(path)
    temporary = path.with_name(f".{path.name}.{os.getpid()}-{os.urandom(3).hex()}.tmp")
    try:
        yield temporary
        move_into_place(temporary, path)
        sync_folder(path.parent)
    finally:
        temporary.unlink(missing_ok=True)


def move_into_place(temporary: Path, path: Path) -> None:
    """Sync a finished file, so that its content is on disk before its name, and rename it."""
    with temporary.open("rb+") as file:
        os.fsync(file.fileno())
    temporary.replace(path)


def sync_folder(folder: Path) -> None:
    """Sync the entries of a folder where the system supports it; the files are safe either way."""
    with contextlib.suppress(OSError):  # not supported by Windows and some network file systems
        handle = os.open(folder, os.O_RDONLY)
        try:
            os.fsync(handle)
        finally:
            os.close(handle)


def is_alive(pid: int) -> bool:
    """Return True if a process runs, or if that cannot be determined."""
    if os.name == "nt":  # os.kill(pid, 0) sends Ctrl-C there
        return True
    try:
        os.kill(pid, 0)
    except (ProcessLookupError, OverflowError):
        return False
    except OSError:
        return True
    return True


def remove_leftovers(path: Path) -> None:
    """Remove temporary files of this target left by killed writers; their names contain the process id."""
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        pid = left.name[len(path.name) + 2 :].removesuffix(".tmp").split("-")[0]
        if pid.isdecimal() and not is_alive(int(pid)):
            left.unlink(missing_ok=True)


def data_folder(name: str) -> Path:
    """
    Locate ``templates`` or ``sample_data``.

    Raises
    ------
    DamagedError
        The installation does not contain it.
    """
    package = Path(__file__).resolve().parent.parent
    for folder in (package / "_data" / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise DamagedError(f"the {name} folder of liqcli is missing; reinstall liqcli")
