"""
Segments: what a recorder has received, on disk before it counts.

::

    <lake>/segments/<recorder>.lock          held by the recorder for as long as it lives
    <lake>/segments/<recorder>.000001.jsonl  lines in the order of receipt; see :class:`SegmentWriter`

A segment is only appended to. Once closed, :mod:`liqcli.lake.segment_intake` takes it into the month files; those of a
recorder that died are taken in by the next command that reads the lake.
"""

from __future__ import annotations

import contextlib
import os
import secrets
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, NamedTuple

import msgspec

from liqcli.core.errors import LakeError
from liqcli.core.files import lake_errors
from liqcli.core.model import Liquidation, Rejected
from liqcli.lake.fetch_log import Status
from liqcli.lake.store import Lake

FOLDER = "segments"
MOST_PENDING = 64 * 2**20  # kept in memory while the disk is full [bytes]


class Feed(NamedTuple):
    """
    The origin of some lines; ``twins``: equal events are separate events.

    ``every`` means that covered time is kept only for symbols with events, of which there may be hundreds.
    """

    source: str
    exchange: str
    twins: bool
    every: bool


class Claim(NamedTuple):
    """Time that a connection covered, for some symbols: ``complete``, ``provisional`` or ``unconfirmed``. [µs UTC]"""

    symbols: tuple[str, ...]
    start_us: int
    end_us: int
    status: Status


class SegmentWriter:
    """
    Writes the segments of one recorder.

    Lines are JSON arrays: ``["feed", n, *Feed]``, ``["symbols", n, [...]]``, ``["event", feed, [*Liquidation]]``,
    ``["replay", feed, number, [*Liquidation]]`` (one number per replay), ``["claim", feed, symbols, start_us, end_us,
    status]`` and ``["rejected", feed, line, reason, raw]``. They are kept in memory until they are on the disk.

    One thread adds lines and calls :meth:`hand_over`; any other one may :meth:`write` meanwhile, which can take long.
    """

    def __init__(self, lake: Lake) -> None:
        self._lake = lake
        self._folder = lake.root / FOLDER
        self._name = f"{os.getpid()}-{secrets.token_hex(4)}"
        self._lock = open_recorder_lock(self._folder / f"{self._name}.lock")
        self._encode = msgspec.json.Encoder().encode
        self._pending: list[bytes] = []
        self._pending_size = 0
        self._handed = b""  # to be written next
        self._closing = False  # the file ends with these
        self._file: IO[bytes] | None = None
        self._number = 0
        self._replays = 0
        self._known: dict[object, int] = {}  # feeds and sets of symbols that the current file names
        self.size = 0  # of the current file, without what is not written yet [bytes]

    def __enter__(self) -> SegmentWriter:
        with self._lake.locked(), lake_errors(self._lake.root):  # nobody may take the lock for a dead recorder's
            self._folder.mkdir(parents=True, exist_ok=True)
            self._lock.acquire(blocking=False)
        return self

    def __exit__(self, *_: object) -> None:
        if self._file:
            self._file.close()
        with self._lake.locked():
            self._lock.release()
            with contextlib.suppress(OSError):  # its segments, if any, are found by their own names
                Path(self._lock.lock_file).unlink(missing_ok=True)

    @property
    def is_full(self) -> bool:
        """Whether so much could not be written that nothing may be added."""
        return len(self._handed) + self._pending_size > MOST_PENDING

    def add_events(self, feed: Feed, rows: Iterable[Liquidation]) -> None:
        """Add live events."""
        number = self._number_of(feed)
        for row in rows:
            self._put(("event", number, row))

    def add_replay(self, feed: Feed, rows: Iterable[Liquidation]) -> None:
        """Add one replay: events that were perhaps received before."""
        self._replays += 1
        number = self._number_of(feed)
        for row in rows:
            self._put(("replay", number, self._replays, row))

    def add_claim(self, feed: Feed, claim: Claim) -> None:
        """Add covered time; the events of that time must have been added before."""
        number = self._number_of(feed)
        self._put(("claim", number, self._number_of(claim.symbols), claim.start_us, claim.end_us, claim.status))

    def add_rejected(self, feed: Feed, rows: Iterable[Rejected]) -> None:
        """Add events that could not be read."""
        number = self._number_of(feed)
        for row in rows:
            texts = (text.encode(errors="backslashreplace").decode() for text in (row.reason, row.raw))
            self._put(("rejected", number, row.line, *texts))  # lone surrogates are no UTF-8

    def hand_over(self, close: bool = False) -> bool:
        """
        Hand the lines so far to :meth:`write`, as the last of their file if ``close``; return whether it will close.

        Nothing happens while earlier lines are not written. Call it when no write is running.
        """
        if self._handed or self._closing:
            return False
        self._handed, self._pending, self._pending_size = b"".join(self._pending), [], 0
        self._closing = close and bool(self._handed or self._file)
        if self._closing:
            self._known.clear()
        return self._closing

    def write(self) -> Path | None:
        """
        Write what was handed over to the disk; return the file if it is closed by that.

        Raises
        ------
        LakeError
            Not possible; the lines are kept, and what was written of them is cut off.
        """
        with lake_errors(self._lake.root):
            if self._handed:
                self._append(self._handed)
                self.size += len(self._handed)
                self._handed = b""
            if not self._closing or self._file is None:
                return None
            self._file.close()
            self._file, self._closing = None, False
            return self._path()

    def _append(self, data: bytes) -> None:
        if self._file is None:
            self._number += 1
            self._folder.mkdir(parents=True, exist_ok=True)
            self._file = self._path().open("ab", buffering=0)
            self.size = 0
        try:
            _write_all(self._file, data)
            os.fsync(self._file.fileno())
        except OSError:
            with contextlib.suppress(OSError):
                self._file.truncate(self.size)
            raise

    def _path(self) -> Path:
        return self._folder / f"{self._name}.{self._number:06d}.jsonl"

    def _number_of(self, thing: Feed | tuple[str, ...]) -> int:
        """Return the number of a feed or a set of symbols, which the current file names before it is used."""
        number = self._known.get(thing)
        if number is None:
            number = self._known[thing] = len(self._known)
            self._put(("feed", number, *thing) if isinstance(thing, Feed) else ("symbols", number, thing))
        return number

    def _put(self, line: Sequence[Any]) -> None:
        data = self._encode(line) + b"\n"
        self._pending.append(data)
        self._pending_size += len(data)


def open_recorder_lock(path: Path) -> Any:  # noqa: ANN401 - filelock has no stubs
    """Return the lock of a recorder, not yet held. The system releases it when the process ends, however it ends."""
    import filelock

    return filelock.FileLock(path, is_singleton=False, thread_local=False)


def list_segments(lake: Lake) -> dict[str, list[Path]]:
    """List the segments of every recorder, oldest first, also of those that have only a lock."""
    found: dict[str, list[Path]] = {path.stem: [] for path in (lake.root / FOLDER).glob("*.lock")}
    for path in sorted((lake.root / FOLDER).glob("*.jsonl")):
        found.setdefault(path.name.split(".", 1)[0], []).append(path)
    return found


def read_lines(path: Path) -> Iterator[tuple[int, list[Any] | None]]:
    """
    Read a segment: the number of each line and its content, None for a line that is damaged.

    Raises
    ------
    LakeError
        The file cannot be read.
    """
    decode = msgspec.json.Decoder(list[Any]).decode
    try:
        with path.open("rb") as file:
            for number, data in enumerate(file, 1):
                try:
                    yield number, decode(data) if data.endswith(b"\n") else None
                except msgspec.MsgspecError:
                    yield number, None
    except OSError as error:
        raise LakeError(f"{path}: cannot be read ({error.strerror or error})") from error


def _write_all(file: IO[bytes], data: bytes) -> None:
    """Write everything: an unbuffered write may write a part."""
    left = memoryview(data)
    while left:
        left = left[file.write(left) :]
