"""Keep compiled templates, which otherwise take longer than the rest of a page, in the user's cache folder."""

from __future__ import annotations

import contextlib
import os
import sys
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from jinja2 import BytecodeCache

from liqcli.core.environment import cache_folder
from liqcli.core.version import __version__

if TYPE_CHECKING:
    from jinja2.bccache import Bucket


class TemplateCache(BytecodeCache):
    """
    One file per template, named after its path and valid for its text and for one version of Python and jinja2.

    Like Python's own cache it is left out where it cannot be read or written, or with ``PYTHONDONTWRITEBYTECODE``.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder

    def load_bytecode(self, bucket: Bucket) -> None:
        """Read the code of a template; that of another text or version, or a damaged file, counts as missing."""
        try:
            with self._path(bucket).open("rb") as file:
                bucket.load_bytecode(file)
        except OSError:
            return
        except Exception:  # whatever unpickling a damaged file raises
            bucket.reset()

    def dump_bytecode(self, bucket: Bucket) -> None:
        """Write the code of a template, unsynced because a damaged file only costs time."""
        if sys.dont_write_bytecode:
            return
        path = self._path(bucket)
        temporary = path.with_suffix(f".{os.getpid()}.tmp")
        with contextlib.suppress(OSError):
            path.parent.mkdir(parents=True, exist_ok=True)
            temporary.write_bytes(bucket.bytecode_to_string())
            temporary.replace(path)

    def _path(self, bucket: Bucket) -> Path:
        return self._folder / f"{bucket.key}.bin"


@cache
def open_cache() -> TemplateCache:
    """Open the cache of this user."""
    return TemplateCache(cache_folder() / f"templates-{__version__}")
