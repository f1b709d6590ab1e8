"""Events of one stream connection and the time that it covers. Pure: receives times and messages, sends nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field

from liqcli.core.errors import LiqcliError, UsageError
from liqcli.core.intervals import Interval, merge_intervals, subtract_intervals, total_length
from liqcli.core.model import US_PER_S, Liquidation, Rejected, find_fault
from liqcli.core.symbols import EVERY
from liqcli.sources.stream_base import Channel, Frame, FrameError, LiveSource

SETTLE_US = 3 * US_PER_S  # streams deliver within a second; younger time is not covered yet
HOLD_US = 2 * US_PER_S  # equal events arrive in one or two messages and must be written together
CLOCKS_APART_US = 10 * US_PER_S


@dataclass(slots=True)
class StreamBuffer:
    """
    Events and covered intervals of one connection. Not thread-safe: use it from the event loop.

    Attributes
    ----------
    since : dict
        Symbol -> start of the connected time that is not covered yet. [µs UTC]
    alive_us : int
        Time until which the connection has certainly delivered everything: the last event of any symbol if the source
        has a ``patience_s`` (a stream may stay open and silent), otherwise the last answer to a ping.
    apart_us : int
        Difference between this machine's clock and the exchange's at the last message.
    failure : str or None
        Why there is no connection now.
    fault : str or None
        First exception that the network does not explain.
    last_break : str or None
        Why the last connection ended.
    replayed : list of Liquidation
        Events of a history that the exchange sent after a subscription. They are not counted, and stored apart from
        ``rows``, so that those received before do not double.
    all_claims, given : dict
        Symbol -> covered intervals, and those returned so far; if all symbols are recorded, only symbols with events
        are returned, with all of their intervals.
    """

    source: LiveSource
    channel: Channel
    since: dict[str, int] = field(default_factory=dict)
    alive_us: int = 0
    last_event_us: int = 0
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
    replayed: list[Liquidation] = field(default_factory=list)
    is_first: bool = False
    opened_us: int = 0
    all_claims: dict[str, list[Interval]] = field(default_factory=dict)
    given: dict[str, list[Interval]] = field(default_factory=dict)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Recorded symbols; if all are recorded, those with events, or ``EVERY`` as long as there are none."""
        if not self.channel.every:
            return self.channel.symbols
        return tuple(sorted(self.events)) or (EVERY,)

    def open(self, now_us: int) -> None:
        """Record that the connection is open."""
        self.failure = None
        self.is_first = True
        self.opened_us = now_us
        self.alive_us = self.last_event_us = now_us
        self.since = {} if self.source.confirms else dict.fromkeys(self.channel.symbols, now_us)

    def pulse(self, now_us: int) -> None:
        """Record an answer to a ping."""
        if self.source.patience_s is None:
            self.alive_us = now_us

    def add_bytes(self, data: bytes, now_us: int) -> str | None:
        """Add one raw message, and return the answer that it asks for; reject it if it cannot be decoded."""
        try:
            message = self.source.decode(data)
        except (ValueError, RecursionError) as error:
            self.frames += 1
            reason = str(error) if isinstance(error, FrameError) else f"not JSON: {error}"
            self._reject(reason, data.decode("utf-8", "replace"))
            return None
        return self.add(message, now_us)

    def add(self, message: object, now_us: int) -> str | None:
        """
        Add one decoded message, and return the answer that it asks for; events of other symbols are ignored.

        An exchange can send anything, so any exception rejects the message or event that caused it, with the reason. It
        never ends the connection.
        """
        self.frames += 1
        if message is None:
            return None
        try:
            frame = self.source.read(message)
        except Exception as error:
            self._reject(_reason(error), message)
            return None
        self._record_frame(frame, now_us)
        maybe = self.source.replays and self.is_first
        self.is_first = self.is_first and not frame.orders
        for order in frame.orders:
            try:
                row = self.source.parse(order)
            except Exception as error:
                if self._may_be_wanted(order):
                    self._reject(_reason(error), order)
            else:
                replayed = frame.replayed or (maybe and row.ts_us < self.opened_us)
                self._add_row(row, order, now_us, replayed)
        return frame.reply

    def is_stale(self, now_us: int) -> bool:
        """Return whether the stream has been silent for longer than a working one would be."""
        patience_s = self.source.patience_s
        return patience_s is not None and now_us - self.last_event_us > patience_s * US_PER_S

    def claim(self) -> None:
        """Extend the covered intervals to the present."""
        end_us = self.alive_us - SETTLE_US
        for symbol, start_us in self.since.items():
            if end_us > start_us:
                self.claims.setdefault(symbol, []).append((start_us, end_us))
                self.since[symbol] = end_us

    def close(self) -> None:
        """Record the end of the connection; time that is not covered yet stays uncovered."""
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
        """Remove and return what can be stored: everything, or with ``now_us`` only rows old enough to be complete."""
        self.claim()
        limit_us = None if now_us is None else now_us - HOLD_US
        ready: list[Liquidation] = []
        kept: list[Liquidation] = []
        for row in self.rows:
            (ready if limit_us is None or row.ts_us <= limit_us else kept).append(row)
        self.rows = kept
        claims, self.claims = {s: merge_intervals(parts) for s, parts in self.claims.items()}, {}
        if self.channel.every:
            claims = self._assign_claims(claims)
        rejected, self.rejected = self.rejected, []
        return ready, claims, rejected

    def take_replayed(self) -> list[Liquidation]:
        """Remove and return the replayed events; store them by themselves, or those received before would double."""
        replayed, self.replayed = self.replayed, []
        return replayed

    def _assign_claims(self, fresh: dict[str, list[Interval]]) -> dict[str, list[Interval]]:
        """Keep new intervals, and return those of symbols with events that were not returned yet."""
        for symbol, parts in fresh.items():
            self.all_claims[symbol] = merge_intervals([*self.all_claims.get(symbol, ()), *parts])
        claims: dict[str, list[Interval]] = {}
        for symbol in self.events:
            known = self.all_claims.get(symbol, self.all_claims.get(EVERY, []))
            if left := subtract_intervals(known, self.given.get(symbol, [])):
                claims[symbol] = left
                self.given[symbol] = known
        return claims

    def _record_frame(self, frame: Frame, now_us: int) -> None:
        own = self.channel.symbols
        for symbol in own if EVERY in frame.confirmed else frame.confirmed:
            if symbol in own:
                self.since.setdefault(symbol, now_us)
        if EVERY in frame.refused:
            self.refused.update(dict.fromkeys(own, frame.refused[EVERY]))
        self.refused.update({s: why for s, why in frame.refused.items() if s in own})
        if frame.sent_us is not None:
            self.apart_us = now_us - frame.sent_us
        if frame.orders or frame.alive:
            self.last_event_us = self.alive_us = now_us

    def _is_wanted(self, symbol: str) -> bool:
        return symbol in self.channel.symbols or EVERY in self.channel.symbols

    def _add_row(self, row: Liquidation, order: object, now_us: int, replayed: bool) -> None:
        if not self._is_wanted(row.symbol):
            return
        if fault := find_fault(row, now_us):
            self._reject(fault, order)
            return
        if replayed:
            self.replayed.append(row)
            return
        self.rows.append(row)
        self.events[row.symbol] = self.events.get(row.symbol, 0) + 1
        self.notional[row.symbol] = self.notional.get(row.symbol, 0.0) + row.notional

    def _may_be_wanted(self, order: object) -> bool:
        """Return whether an unreadable event is of a requested symbol, or its symbol is unreadable too."""
        fields: Mapping[str, object] = order if isinstance(order, Mapping) else {}
        name = next((fields[key] for key in self.source.name_keys if key in fields), None)
        try:
            return self._is_wanted(self.source.name_symbol(name)) if isinstance(name, str) else True
        except (UsageError, ValueError):
            return True

    def _reject(self, reason: str, raw: object) -> None:
        try:
            text = raw if isinstance(raw, str) else json.dumps(raw, ensure_ascii=False, default=str)
        except (ValueError, RecursionError):
            text = repr(type(raw))
        self.rejected.append(Rejected(f"record-{self.source.name}", self.frames, reason, text[:1000]))


def _reason(error: Exception) -> str:
    """Describe an exception in one line, without its type if a parser raised it on purpose."""
    text = " ".join(str(error).split())[:200]
    return text if text and isinstance(error, (ValueError, LiqcliError)) else f"{type(error).__name__}: {text}"


def covered_s(intervals: list[Interval]) -> float:
    """Total length of merged intervals. [s]"""
    return total_length(merge_intervals(intervals)) / US_PER_S
