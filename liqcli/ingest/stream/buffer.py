"""Events of one stream connection and the time that it covers. Pure: receives times and messages, sends nothing."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from liqcli.core.errors import LiqcliError, UsageError
from liqcli.core.formatting import format_counted, format_duration, format_time
from liqcli.core.model import US_PER_S, Liquidation, Rejected, find_fault
from liqcli.core.symbols import EVERY
from liqcli.ingest.stream.coverage import LiveCoverage
from liqcli.ingest.stream.silence import ClockOffset
from liqcli.lake.segments import Claim, Feed
from liqcli.sources.stream_base import Channel, Frame, FrameError, LiveSource

SETTLE_US = 3 * US_PER_S  # streams deliver within a second; younger time is not covered yet
HOLD_US = 2 * US_PER_S  # equal events arrive in one or two messages and must be in one segment
CLOCKS_APART_US = 10 * US_PER_S


@dataclass(slots=True)
class Batch:
    """What a connection brought since the last batch; ``replays`` has one list per replay."""

    rows: list[Liquidation]
    replays: list[list[Liquidation]]
    claims: list[Claim]
    rejected: list[Rejected]


@dataclass(slots=True)
class StreamBuffer:
    """
    Events and covered time of one connection. Not thread-safe: use it from the event loop.

    Attributes
    ----------
    coverage : LiveCoverage
        The time that the connection covers.
    clock : ClockOffset
        Difference between this machine's clock and the exchange's.
    delay_us : int
        Time from the last event to its receipt.
    event_us : int or None
        Time of receipt of the last event of a recorded symbol.
    failure : str or None
        Why there is no connection now.
    fault : str or None
        First exception that the network does not explain.
    last_break : str or None
        Why the last connection ended.
    outbox : list of str
        Subscriptions to send on the open connection.
    replays : list of list of Liquidation
        Events of a history that the exchange sent after a subscription, one list per message. They are not counted, and
        stored apart from ``rows``, so that those received before do not double.
    """

    source: LiveSource
    channel: Channel
    coverage: LiveCoverage = field(init=False)
    clock: ClockOffset = field(default_factory=ClockOffset)
    delay_us: int = 0
    event_us: int | None = None
    rows: list[Liquidation] = field(default_factory=list)
    replays: list[list[Liquidation]] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    outbox: list[str] = field(default_factory=list)
    refused: dict[str, str] = field(default_factory=dict)
    events: dict[str, int] = field(default_factory=dict)
    notional: dict[str, float] = field(default_factory=dict)
    rejections: int = 0
    failure: str | None = None
    fault: str | None = None
    last_break: str | None = None
    breaks: int = 0
    frames: int = 0
    is_first: bool = False
    opened_us: int = 0
    is_open: bool = False
    is_resubscribed: bool = False

    def __post_init__(self) -> None:
        self.coverage = LiveCoverage(self.channel.symbols, self.source.patience_s)

    @property
    def settle_us(self) -> int:
        """Age at which time is covered. [µs]"""
        return SETTLE_US + round(self.source.late_s * US_PER_S)

    @property
    def feed(self) -> Feed:
        """The origin of its lines in a segment."""
        return Feed(self.source.name, self.source.exchange, self.source.twins, self.channel.every)

    @property
    def symbols(self) -> tuple[str, ...]:
        """Recorded symbols; if all are recorded, those with events, or ``EVERY`` as long as there are none."""
        if not self.channel.every:
            return self.channel.symbols
        return tuple(sorted(self.events)) or (EVERY,)

    @property
    def state(self) -> str:
        """What the connection does: ``live``, ``unproven``, ``silent``, ``refused`` or ``connecting``."""
        if not self.is_open:
            return "connecting"
        if self.refused and not self.coverage.has_confirmed:
            return "refused"
        if not self.coverage.is_doubted:
            return "live"
        return "silent" if self.coverage.silent else "unproven"

    def open(self, now_us: int) -> None:
        """Record that the connection is open."""
        self.failure = None
        self.is_first = self.is_open = True
        self.is_resubscribed = False
        self.opened_us = now_us
        self.outbox.clear()
        self.coverage.open(now_us)
        if not self.source.confirms:
            self.coverage.confirm(self.channel.symbols, now_us)

    def follow(self, channel: Channel, hello: Sequence[str], now_us: int) -> None:
        """Deliver other symbols: ``channel`` is for later connections, ``hello`` for the one that is open."""
        new = tuple(symbol for symbol in channel.symbols if symbol not in self.channel.symbols)
        self.channel = channel
        self.coverage.symbols += tuple(symbol for symbol in new if symbol not in self.coverage.symbols)
        if self.is_open:
            self.outbox += hello
            if not self.source.confirms:
                self.coverage.confirm(new, now_us)

    def resubscribe(self) -> None:
        """
        Subscribe one by one, once per connection, what no subscription of several symbols has confirmed.

        An exchange may refuse all of a message because of one symbol, such as a contract that was delisted.
        """
        symbols, source = self.channel.symbols, self.source
        if self.is_resubscribed or not source.confirms or source.market_wide or len(self.channel.hello) >= len(symbols):
            return
        self.is_resubscribed = True
        alone = (channel for s in self.coverage.find_unconfirmed(symbols) for channel in self.source.channels([s]))
        self.outbox += [text for channel in alone if channel.path == self.channel.path for text in channel.hello]

    def describe_refused(self) -> str | None:
        """Describe the refused symbols, or return None."""
        if not self.refused:
            return None
        why, *others = self.refused.values()
        return f"{why} and {format_counted(len(others), 'other')}" if others else why

    def pulse(self, now_us: int) -> None:
        """Record an answer to a ping."""
        self.coverage.answered_us = max(self.coverage.answered_us, now_us)

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
        replay: list[Liquidation] = []
        is_live = frame.alive
        for order in frame.orders:
            try:
                row = self.source.parse(order)
            except Exception as error:
                is_live = is_live or not (frame.replayed or maybe)
                if self._may_be_wanted(order):
                    self._reject(_reason(error), order)
            else:
                replayed = frame.replayed or (maybe and row.ts_us < self.opened_us)
                is_live = is_live or not replayed
                self._add_row(row, order, now_us, replay if replayed else None)
        if replay:
            self.replays.append(replay)
        if is_live:
            self.coverage.prove(now_us, self.settle_us)
        return frame.reply

    def close(self) -> None:
        """Record the end of the connection; time that is not covered yet stays uncovered."""
        self.coverage.close(self.settle_us)
        self.is_open = False

    def find_silence(self, now_us: int) -> str | None:
        """Describe an unusual silence, after which to reconnect; what it covers is then unconfirmed."""
        coverage = self.coverage
        if not coverage.is_silent(now_us):
            return None
        coverage.doubt(self.settle_us)
        coverage.silent += 1
        silence, usual = format_duration(now_us - coverage.proof_us), format_duration(coverage.patience_us)
        return f"no events for {silence}, suspect after {usual}; unconfirmed since {format_time(coverage.proof_us)} UTC"

    def record_disconnect(self, why: str) -> None:
        """Count a connection that ended before the recording did."""
        self.breaks += 1
        self.failure = self.last_break = why

    def record_rejection(self, error: Exception) -> str:
        """Keep the first exception that only a fault in liqcli explains; returns its description."""
        why = f"unexpected {type(error).__name__}: {_reason(error)}"
        self.fault = self.fault or why
        return why

    def take(self) -> Batch:
        """Remove and return everything that was received and covered so far."""
        self.coverage.extend(self.settle_us)
        batch = Batch(self.rows, self.replays, self.coverage.claims, self.rejected)
        self.rows, self.replays, self.coverage.claims, self.rejected = [], [], [], []
        return batch

    def _record_frame(self, frame: Frame, now_us: int) -> None:
        own = self.channel.symbols
        confirmed = own if EVERY in frame.confirmed else frame.confirmed
        self.coverage.confirm(confirmed, now_us)
        for symbol in confirmed if self.refused else ():
            self.refused.pop(symbol, None)
        if EVERY in frame.refused:
            self.refused.update(dict.fromkeys(own, frame.refused[EVERY]))
        self.refused.update({s: why for s, why in frame.refused.items() if s in own})
        if frame.sent_us is not None:
            self.clock.add(frame.sent_us, now_us)

    def _is_wanted(self, symbol: str) -> bool:
        """Return whether to keep events of a symbol, also of one that only the open connection delivers."""
        return symbol in self.coverage.symbols or EVERY in self.coverage.symbols

    def _add_row(self, row: Liquidation, order: object, now_us: int, replay: list[Liquidation] | None) -> None:
        if not self._is_wanted(row.symbol):
            return
        if fault := find_fault(row, now_us):
            self._reject(fault, order)
            return
        if replay is not None:
            replay.append(row)
            return
        if self.channel.every and row.symbol not in self.events:
            self.coverage.claim_past(row.symbol)
        self.rows.append(row)
        self.event_us, self.delay_us = now_us, now_us - row.ts_us
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
        self.rejections += 1
        self.rejected.append(Rejected(f"record-{self.source.exchange}", self.frames, reason, text[:1000]))


def _reason(error: Exception) -> str:
    """Describe an exception in one line, without its type if a parser raised it on purpose."""
    text = " ".join(str(error).split())[:200]
    return text if text and isinstance(error, (ValueError, LiqcliError)) else f"{type(error).__name__}: {text}"
