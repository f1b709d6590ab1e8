"""Interface of a source: where it answers, and for liquidations its properties and the answer to one window.

A source does not use the network. Its ``ask_`` functions are generators: they yield a
:class:`~liqcli.net.request.Request`, receive the decoded answer, and return their result. Paging can therefore be
tested like parsing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar

from liqcli.core.model import (
    US_PER_S,
    Liquidation,
    Rejected,
    Window,
)
from liqcli.core.positions import OpenPosition
from liqcli.net.rate_limit import Limit
from liqcli.net.request import Request
from liqcli.sources.contracts import ListedContract, Listing

HOUR_US = 3600 * US_PER_S
DAY_US = 24 * HOUR_US


RowT = TypeVar("RowT")


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """
    Where a source of any kind of data answers.

    Attributes
    ----------
    keyless : bool
        Whether the source works without an API key.
    shared : bool
        Whether an answer contains all symbols, so that a run sends each request once, from one thread.
    """

    name: str
    url: str
    limits: tuple[Limit, ...]
    decode: Callable[[bytes], object]
    keyless: bool = True
    shared: bool = False

    @property
    def title(self) -> str:
        """Name in the progress; sources with equal titles share a client and its worker threads."""
        return self.name


@dataclass(slots=True)
class WindowAnswer(Generic[RowT]):
    """
    Answer to one window.

    Attributes
    ----------
    skipped : int
        Number of rows without an execution.
    cut : list of Window
        Parts with more rows than the source returns.
    unknown : list of Window
        Parts without an answer; they stay unknown instead of empty.
    unsettled : list of Window
        Parts that may still get rows.
    absent : str or None
        Why the window, or its ``unknown`` parts, have no answer.
    fingerprint : int or None
        Hash of rows that do not say to which request they belong; equal ones of two requests are a wrong answer.
    """

    rows: list[RowT] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    skipped: int = 0
    cut: list[Window] = field(default_factory=list)
    unknown: list[Window] = field(default_factory=list)
    unsettled: list[Window] = field(default_factory=list)
    absent: str | None = None
    fingerprint: int | None = None


Answer = WindowAnswer[Liquidation]


@dataclass(slots=True)
class WholeAnswer:
    """Answers to one window by symbol, and the names of other contracts that have rows."""

    answers: dict[str, Answer] = field(default_factory=dict)
    others: set[str] = field(default_factory=set)


AskPositions = Generator[Request, Any, list[OpenPosition]]


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionSource(Endpoint):
    """A source of open positions; ``ask(wallets)`` returns those of some accounts."""

    ask: Callable[[Sequence[str]], AskPositions]


AskMarkets = Generator[Request, Any, Listing]
Ask = Generator[Request, Any, WindowAnswer[RowT]]
AskWindow = Ask[Liquidation]
AskWhole = Generator[Request, Any, WholeAnswer]


@dataclass(frozen=True, slots=True)
class WholeFiles:
    """
    Files with the rows of all symbols, whose symbols are known only from the rows.

    Attributes
    ----------
    names_of : callable
        Takes an exchange and returns the names of its files of a window.
    name_of : callable
        Takes an exchange and a symbol and returns the name of the file that has its rows; None if no file has them.
    ask : callable
        Takes a name, contract sizes by instrument and a window, and asks for the file. Its one answer is under
        ``ALL``; ``others`` are contracts whose USD value is unknown.
    """

    names_of: Callable[[str], Sequence[str]]
    name_of: Callable[[str, str], str | None]
    ask: Callable[[str, Mapping[str, float], Window], AskWhole]


@dataclass(frozen=True, slots=True)
class Source(Endpoint):
    """
    A source of liquidations.

    Attributes
    ----------
    window_us, grain_us : int
        Longest window of one request, and what its edges must be multiples of.
    retention_us : int or None
        How far back the source answers; None if no limit is known.
    settle_us : int
        Age after which no further events appear.
    delay_us : int
        Delay of publication.
    late_us : int
        Length of the next file's start that may contain late events of a window.
    union : bool
        Whether answers overlap their window, so that rows are added to stored ones instead of replacing them.
    by_default : bool
        Whether a fetch without ``--source`` and ``--exchange`` uses it.
    mostly : tuple of str
        Exchanges that such a fetch requests; the first exchange if empty.
    quotes : tuple of str
        Quotes of its symbols; any if empty.
    sizes_from : mapping
        Exchange -> source that states its contract sizes.
    ask_whole : callable or None
        Takes contracts by symbol and a window, and asks for all of them at once; None if each contract needs its own
        requests. A ``shared`` source has it.
    whole_files : WholeFiles or None
        Files of all symbols. Its source has ``union``: rows are added to those of files of one symbol.
    find_obstacle : callable or None
        Takes a window and returns why it cannot be requested (a missing key), or None.
    """

    exchanges: tuple[str, ...]
    window_us: int
    grain_us: int
    retention_us: int | None
    settle_us: int
    ask_markets: Callable[[str, Sequence[str]], AskMarkets]
    ask_window: Callable[[ListedContract, Window], AskWindow]
    delay_us: int = 0
    late_us: int = 0
    union: bool = False
    by_default: bool = True
    mostly: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()
    sizes_from: Mapping[str, str] = field(default_factory=dict)
    ask_whole: Callable[[Mapping[str, ListedContract], Window], AskWhole] | None = None
    whole_files: WholeFiles | None = None
    find_obstacle: Callable[[Window], str | None] | None = None

    @property
    def serves_all(self) -> bool:
        """Whether it answers for every symbol at once."""
        return bool(self.ask_whole or self.whole_files)
