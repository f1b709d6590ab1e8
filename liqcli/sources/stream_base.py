"""Interface of a live source: its connections, and how to read their messages. Does not use the network."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from liqcli.core.model import Liquidation
from liqcli.core.symbols import normalise_symbol

LATEST_MS = 10**14  # the year 5138: larger numbers are not milliseconds


@dataclass(frozen=True, slots=True)
class Channel:
    """One connection: its ``path``, messages to send once it is open (``hello``), and the symbols it delivers."""

    path: str
    symbols: tuple[str, ...]
    hello: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Frame:
    """
    Content of one message.

    ``orders`` are raw events for :attr:`LiveSource.parse`; ``confirmed`` and ``refused`` list symbols by the result of
    their subscription; ``sent_us`` is the exchange's clock [µs UTC], if the message contains it.
    """

    orders: tuple[Mapping[str, Any], ...] = ()
    confirmed: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    sent_us: int | None = None


@dataclass(frozen=True, slots=True)
class LiveSource:
    """
    A live stream of forced orders.

    Attributes
    ----------
    url : str
        ``wss://host``.
    quotes : tuple of str
        Quotes of its symbols.
    channels : callable
        Takes requested symbols and yields the connections for them.
    read : callable
        Reads a decoded message.
    parse : callable
        Parses an order; any exception rejects the order.
    name_symbol : callable
        Converts the exchange's name of a contract to a symbol.
    confirms : bool
        Whether coverage starts with the confirmation of a subscription instead of the open connection.
    ping, ping_s : str or None, float
        Message to send regularly, and its interval. [s]
    patience_s : float or None
        Time without any event after which the connection is replaced. [s]
    twins : bool
        Whether equal events are separate events.
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
    """Convert milliseconds of the exchange's clock to microseconds; None for invalid times."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < LATEST_MS:
        return None
    return value * 1000
