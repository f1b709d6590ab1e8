"""
The time that a connection covers, as claims for the fetch log.

- Up to the last proof that the stream delivers (an event, or a trade of the same subscription) time is ``complete`` if
  the silence before it was usual.
- After it, time is ``provisional`` as long as pings are answered and the silence is usual.
- A longer silence makes the stream suspect: the time since the last proof is ``unconfirmed``, and stays so. So is the
  time of the following connections, until one of them has a proof.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

from liqcli.core.intervals import Interval, Intervals
from liqcli.core.model import US_PER_S
from liqcli.core.symbols import EVERY
from liqcli.ingest.stream.silence import GapStatistics
from liqcli.lake.fetch_log import Status
from liqcli.lake.segments import Claim

LONGEST_PAUSE_US = 3600 * US_PER_S


@dataclass(slots=True)
class LiveCoverage:
    """
    Covered time of one channel.

    Attributes
    ----------
    symbols : tuple of str
        Those that the channel delivers; ``EVERY`` alone for all.
    patience_s : float or None
        Usual silence as the source states it, until its own gaps are known. A source that states one has an event every
        few seconds, so its first connection covers nothing before the first event. [s]
    claims : list of Claim
        New claims; the caller empties it.
    known : dict
        Symbol -> complete intervals so far. [µs UTC]
    doubtful : dict
        Symbol -> unconfirmed intervals so far; some may have become complete. [µs UTC]
    proof_us, answered_us : int
        Last proof (at first the opening), last answer to a ping. [µs UTC]
    is_doubted : bool
        Whether the stream is suspect or unproven.
    silent : int
        Connections in a row that ended because of silence.
    """

    symbols: tuple[str, ...]
    patience_s: float | None = None
    gaps: GapStatistics = field(default_factory=GapStatistics)
    claims: list[Claim] = field(default_factory=list)
    known: dict[str, list[Interval]] = field(default_factory=dict)
    doubtful: dict[str, list[Interval]] = field(default_factory=dict)
    proof_us: int = 0
    answered_us: int = 0
    is_doubted: bool = False
    silent: int = 0
    _since: dict[str, int] = field(default_factory=dict)  # start of what is not complete yet
    _tail_us: dict[str, int] = field(default_factory=dict)  # end of the provisional or unconfirmed time
    _gap_from_us: int | None = None  # last proof without a break since then, other than for silence

    def __post_init__(self) -> None:
        self.is_doubted = self.patience_s is not None

    @property
    def patience_us(self) -> int:
        """Silence after which the stream is suspect. [µs]"""
        return self.gaps.patience_us(self.patience_s)

    @property
    def has_confirmed(self) -> bool:
        """Whether a symbol of the connection was confirmed."""
        return bool(self._since)

    def find_unconfirmed(self, symbols: Iterable[str]) -> list[str]:
        """Find the symbols that the connection has not confirmed."""
        return [symbol for symbol in symbols if symbol not in self._since]

    def open(self, now_us: int) -> None:
        """Start a connection."""
        self.proof_us = self.answered_us = now_us
        self._since.clear()
        self._tail_us.clear()
        if not self.silent:
            self._gap_from_us = None

    def confirm(self, symbols: Iterable[str], now_us: int) -> None:
        """Start the time of subscribed symbols; others are ignored."""
        for symbol in symbols:
            if symbol in self.symbols:
                self._since.setdefault(symbol, now_us)

    def prove(self, now_us: int, settle_us: int) -> None:
        """Record a proof that the stream delivers: the time since the last one is complete, or was too long."""
        self.answered_us = max(self.answered_us, now_us)
        if not self.gaps.is_usual(now_us - self.proof_us, self.patience_s):
            self.doubt(settle_us)
            self._since = dict.fromkeys(self._since, now_us - settle_us)
        if self._gap_from_us is not None:
            self.gaps.add(now_us - self._gap_from_us)
        self._gap_from_us = self.proof_us = now_us
        self.is_doubted, self.silent = False, 0

    def is_silent(self, now_us: int) -> bool:
        """Return whether to reconnect: the silence is unusual. Each silent connection in a row gets longer."""
        longest_us = max(self.patience_us, LONGEST_PAUSE_US)
        return now_us - self.proof_us > min(longest_us, self.patience_us << min(self.silent, 20))

    def doubt(self, settle_us: int) -> None:
        """Make the time since the last proof unconfirmed; pings that were answered prove nothing."""
        self._claim("complete", self.proof_us - settle_us)
        self.is_doubted = True
        self._tail_us.clear()
        self.extend(settle_us)

    def extend(self, settle_us: int) -> None:
        """Extend the claims to the last proof, and after it to the last answer."""
        if not self.is_doubted:
            self._claim("complete", self.proof_us - settle_us)
        self._claim("unconfirmed" if self.is_doubted else "provisional", self.answered_us - settle_us)

    def close(self, settle_us: int) -> None:
        """End the connection: a usual silence at its end is complete."""
        self.extend(settle_us)
        if not self.is_doubted:
            self._claim("complete", self.answered_us - settle_us)
        self._since.clear()

    def claim_past(self, symbol: str) -> None:
        """Claim the complete time so far for one more symbol of a channel with all symbols."""
        own = self.known.get(self._key(symbol), ())
        self.claims += [Claim((symbol,), start, end, "complete") for start, end in own]

    def forfeit(self, claims: Sequence[Claim], since_us: int) -> None:
        """Take back claims whose events could not be kept, and claim nothing before ``since_us``."""
        for claim in claims:
            for symbol in claim.symbols:
                if symbol in self.known:
                    left = Intervals(self.known[symbol]) - [(claim.start_us, claim.end_us)]
                    self.known[symbol] = list(left)
        self._since = dict.fromkeys(self._since, since_us)
        self._tail_us.clear()

    def covered_us(self, symbol: str) -> int:
        """Return how long a symbol was covered, with the provisional time. [µs]"""
        key = self._key(symbol)
        start_us, end_us = self._since.get(key, 0), self._tail_us.get(key, 0)
        tail_us = 0 if self.is_doubted or not start_us else max(0, end_us - start_us)
        return Intervals(self.known.get(key, ())).length + tail_us

    def unconfirmed_us(self, symbol: str) -> int:
        """Return how much time of a symbol is unconfirmed. [µs]"""
        key = self._key(symbol)
        return (Intervals(self.doubtful.get(key, ())) - self.known.get(key, ())).length

    def _key(self, symbol: str) -> str:
        """Return the name under which the time of a symbol is kept."""
        return EVERY if EVERY in self.symbols else symbol

    def _claim(self, status: Status, end_us: int) -> None:
        """Claim the time up to ``end_us`` that has no such claim yet; symbols with the same start share one."""
        found: dict[int, list[str]] = defaultdict(list)
        for symbol, since_us in self._since.items():
            start_us = since_us if status == "complete" else max(since_us, self._tail_us.get(symbol, 0))
            if start_us < end_us:
                found[start_us].append(symbol)
        for start_us, symbols in found.items():
            self.claims.append(Claim(tuple(symbols), start_us, end_us, status))
            for symbol in symbols:
                if status == "complete":
                    self._since[symbol] = end_us
                    _append(self.known.setdefault(symbol, []), (start_us, end_us))
                else:
                    self._tail_us[symbol] = end_us
                    if status == "unconfirmed":
                        _append(self.doubtful.setdefault(symbol, []), (start_us, end_us))


def _append(intervals: list[Interval], new: Interval) -> None:
    """Add an interval to sorted ones that end before it or touch it."""
    if intervals and intervals[-1][1] >= new[0]:
        intervals[-1] = (intervals[-1][0], max(intervals[-1][1], new[1]))
    else:
        intervals.append(new)
