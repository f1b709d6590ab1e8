"""Page through OKX's list of a contract, newest first, from the end of a window to its start."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

from liqcli.core.model import Window, parse_number
from liqcli.net.client import RefusalError
from liqcli.net.request import Request
from liqcli.sources.contracts import ListedContract
from liqcli.sources.stale_answers import has_duplicates, request_twice

Entry = tuple[str, Any, int | None]  # instrument, row, time [ms]
LIMIT = 100
ROUND = 10  # pages shorter than requested have a round number of rows if there are more


@dataclass(slots=True)
class PageCursor:
    """
    State of paging from a window's end to its start.

    The oldest millisecond of a full page may continue on the next page, so its rows are ``held`` back and requested
    again, which also proves that no page was skipped. What follows a full page of one millisecond cannot be requested:
    it is ``cut``.
    """

    market: ListedContract
    start_ms: int
    after_ms: int
    raws: list[Any] = field(default_factory=list)
    timeless: dict[str, Any] = field(default_factory=dict)
    held: list[Entry] = field(default_factory=list)
    cut: list[Window] = field(default_factory=list)
    ended: bool = False

    def add(self, entries: Sequence[Entry]) -> None:
        """Add a page and move to the next one."""
        own = self.market.instrument
        self.timeless |= {repr(raw): raw for name, raw, ts in entries if ts is None and name == own}
        older = [entry for entry in entries if entry[2] is not None and entry[2] < self.after_ms]
        if self.held and not _joins(older, self.after_ms):
            older += self.held  # dropped by OKX between two pages
        self.held = []
        full = len(entries) >= LIMIT
        if not older and full:
            raise RefusalError(f"a full page without a row older than {self.after_ms}")
        self.ended = not older or (not full and len(entries) % ROUND > 0)
        if older:
            self._advance(older, full)

    def _advance(self, older: list[Entry], full: bool) -> None:
        oldest = self.after_ms = min(ts for _name, _raw, ts in older if ts is not None)
        if full and all(ts == oldest for _name, _raw, ts in older):
            self.cut += [Window(oldest * 1000, oldest * 1000 + 1000)] if oldest >= self.start_ms else []
        elif full:
            self.after_ms = oldest + 1
            self.held = [entry for entry in older if entry[2] == oldest]
            older = [entry for entry in older if entry[2] != oldest]
        self.raws += [raw for name, raw, _ts in older if name == self.market.instrument]


def page_request(market: ListedContract, after_ms: int) -> Request:
    """Build the request for the page of rows older than a time."""
    params = (
        ("instType", "SWAP"),
        ("state", "filled"),
        ("uly", market.instrument.removesuffix("-SWAP")),
        ("limit", str(LIMIT)),
        ("after", str(after_ms)),
    )
    return Request("/api/v5/public/liquidation-orders", params)


def request_page(cursor: PageCursor) -> Generator[Request, Any, list[Entry]]:
    """
    Request the page of rows older than the cursor.

    A page entirely before the window may be correct in a quiet time, and so may a page without the millisecond that it
    should continue, if OKX dropped it meanwhile; such pages must come twice.
    """

    def continues(page: object) -> bool:
        entries = list(_iter_page(page))
        if cursor.held:
            return _joins(entries, cursor.after_ms)
        return any(ts is None or ts >= cursor.start_ms for _name, _raw, ts in entries)

    possible = partial(_is_asked, market=cursor.market, after_ms=cursor.after_ms)
    page = yield from request_twice(page_request(cursor.market, cursor.after_ms), continues, possible)
    return list(_iter_page(page))


def _joins(entries: Iterable[Entry], after_ms: int) -> bool:
    return any(ts == after_ms - 1 for _name, _raw, ts in entries)


def _is_asked(page: object, market: ListedContract, after_ms: int) -> bool:
    """Return whether rows are of this instrument, without duplicates and not newer than requested."""
    entries = list(_iter_page(page))
    own = [ts for name, _raw, ts in entries if name == market.instrument]
    near = all(ts is None or ts <= after_ms for ts in own)
    return not entries or (bool(own) and near and not has_duplicates(entries, [ts for _name, _raw, ts in entries]))


def _iter_page(page: object) -> Iterator[Entry]:
    """Yield instrument, row and time [ms] of each row of a page; the time is None if it cannot be read."""
    if not isinstance(page, list):
        raise RefusalError("the answer is not a list of orders")
    for entry in page:
        for raw in entry["details"]:
            try:
                yield entry["instId"], raw, int(parse_number(raw["ts"]))
            except (KeyError, ValueError, TypeError, OverflowError):
                yield entry["instId"], raw, None
