"""From buffers to the lake: segments every second, month files every minute. Knows neither network nor clock."""

from __future__ import annotations

import threading
import time
from collections import deque
from pathlib import Path

from liqcli.core.errors import LiqcliError
from liqcli.core.formatting import format_counted
from liqcli.core.model import US_PER_S, Liquidation
from liqcli.ingest.stream import buffer as stream_buffer
from liqcli.ingest.stream.buffer import Batch, StreamBuffer
from liqcli.ingest.stream.knowledge import write_knowledge
from liqcli.lake.segment_intake import take_in
from liqcli.lake.segments import Feed, SegmentWriter
from liqcli.lake.store import Lake

MERGE_S = 60.0
LARGEST_SEGMENT = 24 * 2**20  # about 200,000 events [bytes]
SHARE = 10  # merging takes at most one tenth of the time


class RecordStore:
    """
    Stores what buffers receive. Use as a context manager.

    Call :meth:`collect` and :meth:`prepare` on the thread of the buffers about every second, then :meth:`flush` and
    :meth:`merge` on any thread. While a flush takes long, only :meth:`collect` may be called.

    Attributes
    ----------
    trouble : LiqcliError or None
        Why the last flush or merge failed; nothing is lost by it unless ``lost`` grows.
    lost : dict
        Number of a buffer -> events that were dropped because the disk was full or hung for too long.
    """

    def __init__(self, lake: Lake, buffers: list[StreamBuffer], merge_s: float = MERGE_S) -> None:
        self.lake, self.buffers = lake, buffers
        self.lost: dict[int, int] = {}
        self._writer = SegmentWriter(lake)
        self._merge_us = self._pause_us = round(merge_s * US_PER_S)
        self._started_us: int | None = None  # of the current segment
        self._closed: deque[Path] = deque()
        self._recent: deque[tuple[Feed, Liquidation]] = deque()
        self._merging = threading.Lock()
        self._flush_trouble: LiqcliError | None = None
        self._merge_trouble: LiqcliError | None = None

    def __enter__(self) -> RecordStore:
        self._writer.__enter__()
        return self

    def __exit__(self, *details: object) -> None:
        self._writer.__exit__(*details)

    @property
    def trouble(self) -> LiqcliError | None:
        """Why something is not stored as it should be."""
        return self._flush_trouble or self._merge_trouble

    @property
    def has_closed(self) -> bool:
        """Whether there is something to merge."""
        return bool(self._closed)

    def collect(self, now_us: int) -> None:
        """Take what the buffers have; if too much waits for the disk, drop it and the time that it covers."""
        for number, buffer in enumerate(self.buffers):
            batch = buffer.take()
            if self._writer.is_full:
                count = len(batch.rows) + sum(map(len, batch.replays))
                self.lost[number] = self.lost.get(number, 0) + count
                buffer.coverage.forfeit(batch.claims, now_us + buffer.settle_us)  # the exchange's clock may be ahead
            else:
                self._add(buffer.feed, batch)
        limit_us = now_us - stream_buffer.HOLD_US
        while self._recent and self._recent[0][1].ts_us <= limit_us:
            self._recent.popleft()

    def prepare(self, now_us: int, at_once: bool = False) -> None:
        """
        Decide what the next flush writes, and whether it closes the segment because its time has come.

        Not while closed ones cannot be merged: the number of files stays bounded. Equal events may arrive in two
        messages and count as often as in the fuller of two segments, so young ones are in both.
        """
        if self._started_us is None:
            self._started_us = now_us
        due = now_us - self._started_us >= self._pause_us or self._writer.size > LARGEST_SEGMENT
        if self._writer.hand_over(close=at_once or (due and not self._closed)):
            self._started_us = now_us
            for feed, row in self._recent if not at_once else ():
                if row.ts_us > now_us - stream_buffer.HOLD_US:
                    self._writer.add_events(feed, [row])

    def flush(self) -> None:
        """Write to the disk what was prepared; if that fails, it is tried again the next time."""
        try:
            path = self._writer.write()
        except LiqcliError as error:
            self._flush_trouble = error
        else:
            self._flush_trouble = None
            if path:
                self._closed.append(path)

    def merge(self, now_us: int) -> None:
        """Take closed segments into the lake; one that fails stays, and is tried again the next time."""
        with self._merging:
            started = time.process_time()
            try:
                while self._closed:
                    take_in(self.lake, self._closed[0], now_us)
                    self._closed.popleft()
                write_knowledge(self.lake, self.buffers, now_us)
            except LiqcliError as error:
                self._merge_trouble = error
            else:
                self._merge_trouble = None
            spent_us = round((time.process_time() - started) * US_PER_S)
            self._pause_us = max(self._merge_us, SHARE * spent_us)

    def finish(self, now_us: int) -> None:
        """Store everything."""
        self.collect(now_us)
        self.flush()  # what an earlier one could not write
        if not self._flush_trouble:
            self.prepare(now_us, at_once=True)
            self.flush()
        self.merge(now_us)

    def describe_trouble(self) -> str | None:
        """Describe what is not in the lake at the end."""
        if self._flush_trouble:
            return f"{self._flush_trouble}; the last events could not be written and are lost"
        if self._merge_trouble:
            waiting = format_counted(len(self._closed), "segment")
            return f"{self._merge_trouble}; nothing is lost: the next liqcli status merges {waiting}"
        return None

    def _add(self, feed: Feed, batch: Batch) -> None:
        self._writer.add_events(feed, batch.rows)
        for replay in batch.replays:
            self._writer.add_replay(feed, replay)
        for claim in batch.claims:  # after their events
            self._writer.add_claim(feed, claim)
        self._writer.add_rejected(feed, batch.rejected)
        if feed.twins:
            self._recent.extend((feed, row) for row in batch.rows)
