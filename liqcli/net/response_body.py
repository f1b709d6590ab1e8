"""Reading the body of an answer: in memory when it is small, on disk when it is a large file, never without end."""

from __future__ import annotations

import io
import mmap
import tempfile
import time
from typing import IO, TYPE_CHECKING, cast

if TYPE_CHECKING:
    from urllib3.response import BaseHTTPResponse

CHUNK = 256 * 1024
IN_MEMORY = 8 * 2**20  # bytes; a file that is larger goes to disk
LARGEST_TEXT = 64 * 2**20  # bytes; what is no file has to be taken apart in memory
LARGEST_FILE = 4 * 2**30
SLOW_S = 30.0  # from then on a body must have come at least this fast:
SLOWEST = 1024  # bytes a second; a read timeout starts anew with every byte, so it never sees one every 20 s


class FileBody(mmap.mmap):
    """
    A large body: looks like bytes, lies in a nameless temporary file, and costs no memory to speak of.

    It is a file to read from as well, for whoever wants one.
    """

    def readable(self) -> bool:
        """Whether it can be read from."""
        return True

    def seekable(self) -> bool:
        """Whether it can be read in any order."""
        return True


Body = bytes | FileBody


def as_file(body: Body) -> IO[bytes]:
    """Open a body for reading, from its beginning."""
    if isinstance(body, bytes):
        return io.BytesIO(body)
    body.seek(0)
    return cast("IO[bytes]", body)  # all of it that reading needs


class SlowBodyError(Exception):
    """A body comes slower than any network is."""


class LargeBodyError(Exception):
    """A body is larger than any true answer."""


def read_body(raw: BaseHTTPResponse, file: bool = False, packed: bool = False) -> Body:
    """
    Read a body to its end.

    Parameters
    ----------
    raw : BaseHTTPResponse
        urllib3's response, not read from yet; its content encoding is undone.
    file : bool
        Whether the body is a file, which may be large.
    packed : bool
        Leave the content encoding as it is.

    Raises
    ------
    SlowBodyError, LargeBodyError
        What the names say.
    OSError
        The disk is full.
    urllib3.exceptions.HTTPError
        The connection broke off or stalled, or the encoding is broken.
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
