"""What every live source is made of: the connections it wants, and how it reads a frame. No network in here."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from liqcli.core.model import Liquidation
from liqcli.core.symbols import normalise_symbol

LATEST_MS = 10**14  # the year 5138: larger whole numbers are no milliseconds


@dataclass(frozen=True, slots=True)
class Channel:
    """One connection: its ``path``, what is sent when it is open (``hello``), and whose events it brings."""

    path: str
    symbols: tuple[str, ...]
    hello: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """
    What one message of the exchange says.

    ``orders`` are raw events for :attr:`LiveSource.parse`; ``confirmed`` and ``refused`` name symbols whose
    subscription stands or does not; ``sent_us`` is the exchange's clock [µs UTC], where the message tells it.
    """

    orders: tuple[Mapping[str, Any], ...] = ()
    confirmed: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    sent_us: int | None = None


@dataclass(frozen=True, slots=True)
class LiveSource:
    """
    A stream of forced orders.

    ``url`` is ``wss://host``; ``quotes`` what its symbols end in; ``channels`` the connections for wanted symbols;
    ``read`` understands a decoded message; ``parse`` an order (any exception: it cannot be read, and is kept as
    rejected); ``name_symbol`` turns the exchange's name of a contract into a symbol;
    ``confirms`` says that a subscription counts from its answer, not from the open connection; ``ping`` is sent every
    ``ping_s``; after ``patience_s`` without any event the connection is no longer believed and made anew; ``twins``
    says that two equal events can be two.
    """

    name: str
    url: str
    quotes: tuple[str, ...]
    channels: Callable[[Sequence[str]], Iterator[Channel]]
    read: Callable[[object], Frame]
    parse: Callable[[Mapping[str, Any]], Liquidation]
    name_symbol: Callable[[str], str] = normalise_symbol
    confirms: bool = False
    ping: str | None = None
    ping_s: float = 20.0
    patience_s: float | None = None
    twins: bool = False


def read_ms(value: object) -> int | None:
    """Read a clock of the exchange: milliseconds to microseconds; None for anything that is no time."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < LATEST_MS:
        return None
    return value * 1000
