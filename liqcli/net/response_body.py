"""Read the body of an answer: small ones into memory, large files to disk, with limits on size and duration."""

from __future__ import annotations

import io
import mmap
import tempfile
import time
from typing import IO, TYPE_CHECKING, cast

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

CHUNK = 256 * 1024
IN_MEMORY = 8 * 2**20  # bytes; larger files go to disk
LARGEST_TEXT = 64 * 2**20  # bytes; bodies other than files are parsed in memory
LARGEST_FILE = 4 * 2**30
SLOW_S = 30.0  # after this time a body must have arrived at least at this speed:
SLOWEST = 1024  # bytes a second; a read timeout restarts with every byte, so it does not catch one byte every 20 s


class FileBody(mmap.mmap):
    """A large body in an unnamed temporary file, usable like bytes and as a file."""

    def readable(self) -> bool:
        """Return True: the body can be read as a file."""
        return True

    def seekable(self) -> bool:
        """Return True: the body can be read in any order."""
        return True


Body = bytes | FileBody


def as_file(body: Body) -> IO[bytes]:
    """Open a body as a file, at its start."""
    if isinstance(body, bytes):
        return io.BytesIO(body)
    body.seek(0)
    return cast("IO[bytes]", body)  # it has all methods that reading needs


class SlowBodyError(Exception):
    """A body arrives too slowly."""


class LargeBodyError(Exception):
    """A body is larger than any valid answer."""


def read_body(raw: BaseHTTPResponse, file: bool = False, packed: bool = False) -> Body:
    """
    Read a body to its end.

    Parameters
    ----------
    raw : BaseHTTPResponse
        urllib3's response, unread. Its content encoding is decoded.
    file : bool
        Whether the body is a file, which may be large.
    packed : bool
        Do not decode the content encoding.

    Raises
    ------
    SlowBodyError, LargeBodyError
        The body is too slow or too large.
    OSError
        The disk is full.
    urllib3.exceptions.HTTPError
        The connection broke or stalled, or the encoding is broken.
    """
    most = LARGEST_FILE if file else LARGEST_TEXT
    began_s, size = time.monotonic(), 0
    with tempfile.SpooledTemporaryFile(IN_MEMORY if file else most) as spool:
        while chunk := raw.read1(CHUNK, decode_content=not packed):
            size += len(chunk)
            taken_s = time.monotonic() - began_s
            if size > most:
                raise LargeBodyError(f"more than {most // 2**20:,} MB")
            if taken_s > SLOW_S and size < taken_s * SLOWEST:
                raise SlowBodyError(f"{size:,} bytes in {taken_s:.0f} s")
            spool.write(chunk)
        if file and size > IN_MEMORY:
            spool.flush()
            return FileBody(spool.fileno(), 0, access=mmap.ACCESS_READ)
        spool.seek(0)
        return spool.read()
