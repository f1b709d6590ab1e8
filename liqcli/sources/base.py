"""What every source is made of: a :class:`Source`, the markets it lists, and the answers it gives.

A source never talks to the network itself. It *asks* with a generator: it yields a
:class:`~liqcli.net.client.Request`, is
sent the decoded answer, and returns what it made of all of them. So paging is as testable as parsing.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from liqcli.core.model import (
    US_PER_S,
    Liquidation,
    Rejected,
    Window,
)
from liqcli.net.client import Request
from liqcli.net.rate_limit import Limit
from liqcli.sources.contracts import ListedContract, Listing

HOUR_US = 3600 * US_PER_S
DAY_US = 24 * HOUR_US


@dataclass(slots=True)
class Answer:
    """
    All that was said of one window.

    ``cut`` could not be given in full; ``absent`` says why nothing was said of the whole window, or of its ``unknown``
    parts (they stay unknown, not empty); to ``unsettled`` parts something may still be added.
    """

    rows: list[Liquidation] = field(default_factory=list)
    rejected: list[Rejected] = field(default_factory=list)
    skipped: int = 0
    cut: list[Window] = field(default_factory=list)
    unknown: list[Window] = field(default_factory=list)
    unsettled: list[Window] = field(default_factory=list)
    absent: str | None = None


AskMarkets = Generator[Request, Any, Listing]
AskWindow = Generator[Request, Any, Answer]


@dataclass(frozen=True, slots=True)
class Source:
    """
    A place where liquidations come from.

    ``window_us`` the longest window of one question; ``grain_us`` what its edges must be multiples of; ``retention_us``
    how far back it answers (None: no end known); ``settle_us`` how old an event must be before nothing can come after
    it; ``delay_us`` how late data are published; ``late_us`` of how much time behind a window the file is to be read as
    well, for what was received late; ``union`` when answers overlap their window and so add to what is stored instead
    of replacing it; ``find_obstacle`` says why a window cannot be asked (a key is missing); ``by_default`` when a fetch
    that names neither source nor exchange asks it, and ``mostly`` about which of its exchanges (none: its first);
    ``quotes`` what its symbols end in (none: anything); ``shared`` when an answer tells of all symbols, so that a run
    asks the same question only once.
    """

    name: str
    exchanges: tuple[str, ...]
    url: str
    limits: tuple[Limit, ...]
    window_us: int
    grain_us: int
    retention_us: int | None
    settle_us: int
    decode: Callable[[bytes], object]
    ask_markets: Callable[[str, Sequence[str]], AskMarkets]
    ask_window: Callable[[ListedContract, Window], AskWindow]
    delay_us: int = 0
    late_us: int = 0
    union: bool = False
    keyless: bool = True
    by_default: bool = True
    mostly: tuple[str, ...] = ()
    quotes: tuple[str, ...] = ()
    shared: bool = False
    sizes_from: Mapping[str, str] = field(default_factory=dict)
    find_obstacle: Callable[[Window], str | None] | None = None
