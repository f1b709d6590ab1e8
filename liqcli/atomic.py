"""Writing so that a reader or a crash sees the old file or the new one, and what the disk says in one line."""

from __future__ import annotations

import contextlib
import glob
import os
from collections.abc import Iterator
from pathlib import Path

from liqcli.errors import LakeError


@contextlib.contextmanager
def lake_errors(root: Path) -> Iterator[None]:
    """Turn what the disk says into one line about the lake."""
    try:
        yield
    except OSError as error:
        reason = error.strerror or str(error)
        raise LakeError(f"{root}: cannot write the lake ({reason}); what it held before is untouched") from error


@contextlib.contextmanager
def temporary_beside(path: Path) -> Iterator[Path]:
    """
    Give a name beside ``path``; on success it is fsynced and moved over ``path``, else it is removed.

    The caller holds the lake's lock, so any other temporary of this target is what a killed writer left: it goes too.
    """
    for left in path.parent.glob(f".{glob.escape(path.name)}.*.tmp"):
        left.unlink(missing_ok=True)
    temporary = path.with_name(f".{path.name}.{os.getpid()}.tmp")
    try:
        yield temporary
        with temporary.open("rb") as handle:
            os.fsync(handle.fileno())
        temporary.replace(path)
        folder = os.open(path.parent, os.O_RDONLY)
        try:
            os.fsync(folder)
        finally:
            os.close(folder)
    finally:
        temporary.unlink(missing_ok=True)
