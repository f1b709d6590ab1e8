"""The events of one connection, and the time that it covers. Pure: times are given, nothing is sent."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

from liqcli.core.errors import LiqcliError, UsageError
from liqcli.core.intervals import Interval, merge_intervals, total_length
from liqcli.core.model import US_PER_S, Liquidation, Rejected, find_fault
from liqcli.sources.stream_base import Channel, Frame, LiveSource

SETTLE_US = 3 * US_PER_S  # streams push within a second; what is younger is not claimed yet
HOLD_US = 2 * US_PER_S  # equal events stand in one or two messages: they are written together
CLOCKS_APART_US = 10 * US_PER_S


@dataclass(slots=True)
class StreamBuffer:
    """
    One connection's events and spans.

    ``since`` says from when each symbol is listened to and not claimed yet; ``alive_us`` until when the connection is
    known to have brought everything. With a patience that is the last event of any symbol, for a stream may be open
    and silent for good; without one it is the last answer to a ping. ``apart_us`` is how far the exchange's clock was
    from this machine's when last heard; ``failure`` why there is no connection now; ``fault`` the first exception that
    broke a connection and that no network explains; ``last_break`` why the last connection ended.

    Not safe between threads: whoever calls it does so from the event loop.
    """

    source: LiveSource
    channel: Channel
    since: dict[str, int] = field(default_factory=dict)
    alive_us: int = 0
    heard_us: int = 0
    apart_us: int = 0
    rows: list[Liquidation] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    claims: dict[str, list[Interval]] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)
    notional: dict[str, float] = field(default_factory=dict)
    failure: str | None = None
    fault: str | None = None
    last_break: str | None = None
    breaks: int = 0
    frames: int = 0

    def open(self, now_us: int) -> None:
        """Note that the connection stands."""
        self.failure = None
        self.alive_us = self.heard_us = now_us
        self.since = {} if self.source.confirms else dict.fromkeys(self.channel.symbols, now_us)

    def pulse(self, now_us: int) -> None:
        """Note that the other end answered."""
        if self.source.patience_s is None:
            self.alive_us = now_us

    def take_bytes(self, data: bytes, now_us: int) -> None:
        """Take one message as it came; one that is not JSON is rejected."""
        try:
            message = json.loads(data)
        except (ValueError, RecursionError) as error:
            self.frames += 1
            self._reject(f"not JSON: {error}", data.decode("utf-8", "replace"))
        else:
            self.take(message, now_us)

    def take(self, message: object, now_us: int) -> None:
        """
        Take one decoded message in; events of other symbols are passed over.

        An exchange can send anything, so any exception rejects what caused it, with its reason: a message that cannot
        be read, or one event of it. It never ends the connection.
        """
        self.frames += 1
        try:
            frame = self.source.read(message)
        except Exception as error:
            self._reject(_reason(error), message)
            return
        self._note(frame, now_us)
        for order in frame.orders:
            try:
                row = self.source.parse(order)
            except Exception as error:
                if self._may_be_wanted(order):
                    self._reject(_reason(error), order)
            else:
                self._add(row, order, now_us)

    def is_stale(self, now_us: int) -> bool:
        """Whether the stream was silent for longer than it can be."""
        patience_s = self.source.patience_s
        return patience_s is not None and now_us - self.heard_us > patience_s * US_PER_S

    def claim(self) -> None:
        """Say which time is covered by now."""
        end_us = self.alive_us - SETTLE_US
        for symbol, start_us in self.since.items():
            if end_us > start_us:
                self.claims.setdefault(symbol, []).append((start_us, end_us))
                self.since[symbol] = end_us

    def close(self) -> None:
        """Note that the connection is gone: what was not claimed by now is not known."""
        self.claim()
        self.since.clear()

    def record_disconnect(self, why: str) -> None:
        """Count a connection that ended before the recording did."""
        self.breaks += 1
        self.failure = self.last_break = why

    def record_rejection(self, error: Exception) -> str:
        """Keep the first exception that only a fault in liqcli explains; returns its description."""
        why = f"unexpected {type(error).__name__}: {_reason(error)}"
        self.fault = self.fault or why
        return why

    def take_ready(self, now_us: int | None) -> tuple[list[Liquidation], dict[str, list[Interval]], list[Rejected]]:
        """Give and forget what can be stored: all of it, or with ``now_us`` only what has no twin to wait for."""
        self.claim()
        limit_us = None if now_us is None else now_us - HOLD_US
        ready: list[Liquidation] = []
        kept: list[Liquidation] = []
        for row in self.rows:
            (ready if limit_us is None or row.ts_us <= limit_us else kept).append(row)
        self.rows = kept
        claims, self.claims = {s: merge_intervals(parts) for s, parts in self.claims.items()}, {}
        rejected, self.rejected = self.rejected, []
        return ready, claims, rejected

    def _note(self, frame: Frame, now_us: int) -> None:
        for symbol in frame.confirmed:
            if symbol in self.channel.symbols:
                self.since.setdefault(symbol, now_us)
        self.refused.update({s: why for s, why in frame.refused.items() if s in self.channel.symbols})
        if frame.sent_us is not None:
            self.apart_us = now_us - frame.sent_us
        if frame.orders:
            self.heard_us = self.alive_us = now_us

    def _add(self, row: Liquidation, order: object, now_us: int) -> None:
        if row.symbol not in self.channel.symbols:
            return
        if fault := find_fault(row, now_us):
            self._reject(fault, order)
            return
        self.rows.append(row)
        self.events[row.symbol] = self.events.get(row.symbol, 0) + 1
        self.notional[row.symbol] = self.notional.get(row.symbol, 0.0) + row.notional

    def _may_be_wanted(self, order: object) -> bool:
        """Whether an unreadable event is of a wanted symbol, or of one that cannot be read either."""
        name = order.get("s", order.get("symbol")) if isinstance(order, Mapping) else None
        try:
            return self.source.name_symbol(name) in self.channel.symbols if isinstance(name, str) else True
        except (UsageError, ValueError):
            return True

    def _reject(self, reason: str, raw: object) -> None:
        try:
            text = raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False, default=str)
        except (ValueError, RecursionError):
            text = repr(type(raw))
        self.rejected.append(Rejected(f"record-{self.source.name}", self.frames, reason, text[:1000]))


def _reason(error: Exception) -> str:
    """Describe an exception in a line; those that the parsers raise on purpose need no type."""
    text = " ".join(str(error).split())[:200]
    return text if text and isinstance(error, (ValueError, LiqcliError)) else f"{type(error).__name__}: {text}"


def covered_s(intervals: list[Interval]) -> float:
    """Length of joined intervals. [s]"""
    return total_length(merge_intervals(intervals)) / US_PER_S


def list_symbols(source: LiveSource, words: list[str]) -> Iterator[str]:
    """Spell wanted symbols out: a bare base means its contract in each quote of the source."""
    from liqcli.core.symbols import add_quote, split_symbol

    for word in words:
        quote = split_symbol(word)[1]
        if not quote:
            yield from (add_quote(word, each) for each in source.quotes)
        elif quote in source.quotes:
            yield word
