"""Read plain, gzip or zip text line by line; any damage raises :class:`DamagedError`."""

from __future__ import annotations

import contextlib
import csv
import gzip
import hashlib
import io
import itertools
import json
import lzma
import re
import struct
import zipfile
import zlib
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO, Any, NamedTuple, TypeVar, cast

from liqcli.core.errors import DamagedError
from liqcli.ingest.files.file_kinds import HEAD_BYTES, check_text, name_zip

T = TypeVar("T")
LONGEST_LINE = 1_000_000
LARGEST_ARRAY = 200_000_000  # bytes, unpacked
# Errors that unpacking damaged bytes raises, found with make fuzz; decoding errors are handled before these.
_UNPACKING_ERRORS = (
    zlib.error, zipfile.BadZipFile, lzma.LZMAError, struct.error, RuntimeError, ValueError, LookupError, OverflowError
)  # fmt: skip
_TEXT_MEMBERS = (".csv", ".jsonl", ".ndjson", ".json", ".txt")


class TextLine(NamedTuple):
    """A line of text and its number, counted from 1."""

    number: int
    text: str


@dataclass(slots=True)
class ReadProgress:
    """Progress of reading a file: ``done`` of ``size``, in bytes on disk or in rows of Parquet."""

    size: int = 0
    done: Callable[[], int] = int
    opened: list[Any] = field(default_factory=list)  # files and database connections

    def close(self) -> None:
        """Close the files, also those of readers that an error has left in the middle."""
        for file in self.opened:
            file.close()

    @property
    def share(self) -> float:
        """Share of the file that has been read, 0 to 1."""
        return min(1.0, self.done() / self.size) if self.size else 0.0


def sha256_of(path: Path) -> str:
    """Compute the SHA-256 of a file in chunks."""
    digest = hashlib.sha256()
    with describe_damage(path), path.open("rb") as handle:
        while piece := handle.read(1 << 20):
            digest.update(piece)
    return digest.hexdigest()


def is_parquet(path: Path) -> bool:
    """Return whether a file is Parquet, by its first four bytes."""
    with describe_damage(path):
        return _magic(path) == b"PAR1"


def iter_lines(path: Path, meter: ReadProgress | None = None) -> Iterator[TextLine]:
    """
    Yield the lines of a text file without line ends and blank lines; gzip and zip are recognised by their first bytes.

    ``meter`` is updated as the file is read.

    Raises
    ------
    DamagedError
        The file is truncated, not UTF-8, in an unknown format, or a zip without exactly one text file.
    """
    with describe_damage(path), open_bytes(path, meter or ReadProgress()) as raw:
        head, raw = read_head(raw)
        text = io.TextIOWrapper(raw, encoding=check_text(path, head), errors="strict")
        for number in itertools.count(1):
            line = text.readline(LONGEST_LINE)
            if not line:
                return
            if len(line) >= LONGEST_LINE:
                raise DamagedError(describe_long_line(path, number))
            line = line.rstrip("\r\n")
            if line.strip():
                yield TextLine(number, line)


def opens_array(path: Path, without: bytes = b"\0") -> bool:
    """Return whether a text starts as a JSON array of objects without the given bytes near its start."""
    with describe_damage(path), open_bytes(path, ReadProgress()) as raw:
        head, raw = read_head(raw)
        encoding = check_text(path, head)
        start = raw.read(4096)
        if encoding == "utf-16":
            start = start[: len(start) // 2 * 2].decode(encoding, "replace").encode()
        return re.match(rb"(\xef\xbb\xbf)?\s*\[\s*[{\]]", start) is not None and without not in start


def read_array(path: Path, meter: ReadProgress | None = None) -> list[Any]:
    """
    Read a whole JSON array.

    Raises
    ------
    DamagedError
        The file is not JSON, or too large to be read as a whole.
    """
    with describe_damage(path), open_bytes(path, meter or ReadProgress()) as raw:
        head, raw = read_head(raw)
        encoding = check_text(path, head)
        content = raw.read(LARGEST_ARRAY + 1)
        if len(content) > LARGEST_ARRAY:
            raise DamagedError(
                f"{path}: JSON arrays are limited to {LARGEST_ARRAY // 1_000_000} MB; convert it to JSON lines: "
                f"jq -c '.[]' {path.name}"
            )
        try:
            found: list[Any] = json.loads(content.decode(encoding))
        except UnicodeDecodeError:
            raise
        except (ValueError, RecursionError) as error:
            raise DamagedError(f"{path}: invalid JSON array ({error}); nothing was stored") from error
        return found


def peek(rows: Iterator[T], count: int) -> tuple[list[T], Iterator[T]]:
    """Return the first rows, and an iterator that still yields them."""
    head = list(itertools.islice(rows, count))
    return head, itertools.chain(head, rows)


def split_cells(text: str, delimiter: str = ",") -> list[str]:
    """
    Split one line into cells.

    Each line is parsed by itself, so an unmatched quote invalidates one row only; a CSV reader would also
    consume the next rows.
    """
    if '"' not in text:
        return text.split(delimiter)
    try:
        return next(csv.reader([text], delimiter=delimiter))
    except csv.Error as error:
        raise ValueError(f"not a CSV row ({error})") from None


def split_header(line: TextLine, delimiter: str = ",") -> list[str]:
    """
    Split the header into column names.

    Raises
    ------
    DamagedError
        The line is not a CSV row.
    """
    try:
        return [cell.strip() for cell in split_cells(line.text, delimiter)]
    except ValueError as error:
        raise DamagedError(f"line {line.number} is not a header: {error}; nothing was stored") from None


def guess_delimiter(header: str) -> str:
    """Choose comma, semicolon or tab: the most frequent one in the header."""
    return max((",", ";", "\t"), key=header.count)


@contextlib.contextmanager
def describe_damage(path: Path) -> Iterator[None]:
    """Convert the errors that a damaged file causes to a :class:`DamagedError` that names the file."""
    try:
        yield
    except UnicodeDecodeError as error:
        raise DamagedError(f"{path}: not UTF-8 text ({error.reason}); nothing was stored") from error
    except EOFError as error:
        raise DamagedError(f"{path}: truncated; nothing was stored") from error
    except (gzip.BadGzipFile, *_UNPACKING_ERRORS) as error:
        what = "damaged or not Parquet" if type(error).__module__.startswith("pyarrow") else "damaged archive"
        raise DamagedError(f"{path}: {what} ({error}); nothing was stored") from error
    except OSError as error:
        raise DamagedError(f"{path}: cannot be read ({error.strerror or error}); nothing was stored") from error
    except Exception as error:
        if type(error).__module__.startswith("pyarrow"):
            raise DamagedError(f"{path}: damaged or not Parquet ({error}); nothing was stored") from error
        raise


def describe_long_line(path: Path, number: int) -> str:
    """Explain why a line cannot belong to a table."""
    return f"{path}: line {number} is longer than {LONGEST_LINE:,} characters; this is not a text table"


def read_head(raw: IO[bytes]) -> tuple[bytes, IO[bytes]]:
    """Return the first bytes, and a stream that still yields them."""
    buffered = raw if isinstance(raw, io.BufferedReader) else io.BufferedReader(cast(io.RawIOBase, raw))
    return buffered.peek(HEAD_BYTES)[:HEAD_BYTES], buffered


@contextlib.contextmanager
def open_bytes(path: Path, meter: ReadProgress) -> Iterator[IO[bytes]]:
    """Open a file, or the only text in a gzip or zip file; ``meter`` is updated as it is read."""
    magic = _magic(path)
    with contextlib.ExitStack() as stack:
        file = stack.enter_context(path.open("rb"))
        meter.opened.append(file)
        meter.size = path.stat().st_size
        meter.done = lambda: meter.size if file.closed else file.tell()
        if magic[:2] == b"\x1f\x8b":
            yield cast(IO[bytes], stack.enter_context(gzip.open(file, "rb")))
        elif magic[:2] == b"PK":
            archive = stack.enter_context(zipfile.ZipFile(file))
            yield stack.enter_context(archive.open(_only_member(path, archive)))
        else:
            yield file


def _magic(path: Path) -> bytes:
    with path.open("rb") as handle:
        return handle.read(4)


def _only_member(path: Path, archive: zipfile.ZipFile) -> zipfile.ZipInfo:
    members = [
        info
        for info in archive.infolist()
        if info.filename.lower().endswith(_TEXT_MEMBERS) and not info.filename.startswith("__MACOSX/")
    ]
    if not members:
        if kind := name_zip(archive.namelist()):
            raise DamagedError(f"{path}: {kind[0]} cannot be imported; {kind[1]}")
        raise DamagedError(f"{path}: the zip contains no .csv or .jsonl file")
    if len(members) > 1:
        names = ", ".join(info.filename[:60] for info in members[:3])
        raise DamagedError(
            f"{path}: the zip contains {len(members)} files ({names} …); unpack it and import them by name"
        )
    return members[0]
