"""Interface of a live source: its connections, and how to read their messages. Does not use the network."""

from __future__ import annotations

import json
import zlib
from collections.abc import Callable, Generator, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import msgspec

from liqcli.core.model import Liquidation
from liqcli.core.symbols import LIVE, normalise_symbol
from liqcli.net.request import Request
from liqcli.sources.base import Endpoint
from liqcli.sources.contracts import ListedContract

LATEST_MS = 10**14  # the year 5138: larger numbers are not milliseconds
LARGEST_TEXT = 8 * 2**20  # of a frame after decompression [bytes]

Contracts = Mapping[str, ListedContract]  # by the name that the exchange's messages use


@dataclass(frozen=True, slots=True)
class Channel:
    """
    One connection: its ``path``, messages to send once it is open (``hello``), and the symbols it delivers.

    Where all symbols are wanted (``every``), ``symbols`` is ``(EVERY,)`` if the connection delivers all of them,
    otherwise those that are subscribed.
    """

    path: str
    symbols: tuple[str, ...]
    hello: tuple[str, ...] = ()
    every: bool = False


@dataclass(frozen=True, slots=True)
class Frame:
    """
    Content of one message.

    Attributes
    ----------
    orders : tuple
        Raw events for :attr:`LiveSource.parse`.
    confirmed, refused
        Symbols by the result of their subscription; ``EVERY`` stands for all symbols of the channel.
    sent_us : int or None
        The exchange's clock, if the message contains it. [µs UTC]
    replayed : bool
        Whether the events are a history that the exchange sends after a subscription. They were perhaps received
        before, and the time before the subscription is not covered by them.
    reply : str or None
        Answer that the exchange expects at once.
    alive : bool
        Whether the message proves that the subscription delivers, as an ordinary trade does.
    """

    orders: tuple[Mapping[str, Any], ...] = ()
    confirmed: tuple[str, ...] = ()
    refused: Mapping[str, str] = field(default_factory=dict)
    sent_us: int | None = None
    replayed: bool = False
    reply: str | None = None
    alive: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class ContractList(Endpoint):
    """Where an exchange lists its contracts; ``ask`` takes the wanted symbols, ``EVERY`` for all."""

    ask: Callable[[Sequence[str]], Generator[Request, Any, dict[str, ListedContract]]]


class FrameError(ValueError):
    """Raised by a decoder: the frame is not compressed as agreed."""


def read_json(data: bytes) -> object:
    """Decode a frame of JSON, as :func:`json.loads` does."""
    message: object
    try:
        message = msgspec.json.decode(data)  # faster, but refuses NaN, 1e400, lone surrogates and UTF-16
    except (msgspec.MsgspecError, ValueError, RecursionError):
        message = json.loads(data)
    return message


def read_json_or_pong(data: bytes) -> object:
    """Decode a frame of JSON; the text ``pong`` has no content."""
    return None if data == b"pong" else read_json(data)


def read_gzip(data: bytes) -> object:
    """
    Decode a frame of JSON in gzip.

    Raises
    ------
    FrameError
        The frame is not gzip, is truncated, or is larger than any real one after decompression.
    """
    inflate = zlib.decompressobj(wbits=31)
    try:
        text = inflate.decompress(data, LARGEST_TEXT)
    except zlib.error as error:
        raise FrameError(f"not gzip: {error}") from None
    if not inflate.eof:
        raise FrameError(f"gzip frame is {'too large' if inflate.unconsumed_tail else 'truncated'}")
    return read_json(text)


@dataclass(frozen=True, slots=True)
class LiveSource:
    """
    A live stream of forced orders.

    Attributes
    ----------
    name : str
        The exchange, followed by ``-live`` if the exchange has a history too.
    url : str
        ``wss://host``.
    quotes : tuple of str
        Quotes of its symbols.
    channels : callable
        Takes requested symbols, or ``(EVERY,)``, and yields the connections for them.
    read : callable
        Reads a decoded message.
    parse : callable
        Parses an order; any exception rejects the order.
    name_symbol : callable
        Converts the exchange's name of a contract to a symbol.
    name_keys : tuple of str
        Keys of an order under which that name may be.
    decode : callable
        Decodes the bytes of a frame; None for a frame without content.
    confirms : bool
        Whether coverage starts with the confirmation of a subscription instead of the open connection.
    replays : bool
        Whether the first message with events on each connection is a history (:attr:`Frame.replayed`), as far as these
        are older than the connection.
    market_wide : bool
        Whether a connection delivers every symbol, so that all cost no more than one.
    contract_list : ContractList or None
        List of contracts, for ``bind``; requested if the stream ``needs_list``, or if all symbols are wanted and it is
        not ``market_wide``.
    bind : callable or None
        Takes contracts by the name that messages use, and returns the source that knows them.
    needs_list : bool
        Whether events cannot be read, or contracts not be subscribed, without the list.
    ping, ping_s : str or None, float
        Message to send regularly, and its interval. [s]
    patience_s : float or None
        Time without any event after which the connection is replaced. [s]
    messages_per_min : float or None
        How many messages the exchange accepts per minute, if it states a limit. New connections are spaced by it.
    twins : bool
        Whether equal events are separate events.
    late_s : float
        How late events were seen to arrive, if more than a second or two; so young, time is not covered yet. [s]
    """

    name: str
    url: str
    quotes: tuple[str, ...]
    channels: Callable[[Sequence[str]], Iterator[Channel]]
    read: Callable[[object], Frame]
    parse: Callable[[Mapping[str, Any]], Liquidation]
    name_symbol: Callable[[str], str] = normalise_symbol
    name_keys: tuple[str, ...] = ("s", "symbol")
    decode: Callable[[bytes], object] = read_json
    confirms: bool = False
    replays: bool = False
    market_wide: bool = False
    contract_list: ContractList | None = None
    bind: Callable[[Contracts], LiveSource] | None = None
    needs_list: bool = False
    ping: str | None = None
    ping_s: float = 20.0
    patience_s: float | None = None
    messages_per_min: float | None = None
    twins: bool = False
    late_s: float = 0.0

    @property
    def exchange(self) -> str:
        """The exchange, as users name it."""
        return self.name.removesuffix(LIVE)


def read_ms(value: object) -> int | None:
    """Convert milliseconds of the exchange's clock to microseconds; None for invalid times."""
    if not isinstance(value, int) or isinstance(value, bool) or not 0 < value < LATEST_MS:
        return None
    return value * 1000


def split_channels(
    path: str, symbols: Sequence[str], most: int, greet: Callable[[str], Sequence[str]]
) -> Iterator[Channel]:
    """Yield connections with at most ``most`` symbols each; ``greet`` builds the messages that subscribe a symbol."""
    for start in range(0, len(symbols), most):
        part = tuple(symbols[start : start + most])
        yield Channel(path, part, tuple(text for symbol in part for text in greet(symbol)))


def require_object(message: object) -> Mapping[str, Any]:
    """
    Return a message that is an object.

    Raises
    ------
    ValueError
        It is something else.
    """
    if not isinstance(message, dict):
        raise ValueError(f"not an object: {message!r}")
    return message


def pick_rows(rows: object, is_wanted: Callable[[Mapping[str, Any]], bool]) -> Iterator[Mapping[str, Any]]:
    """Yield the wanted rows of a list; what is no object in it becomes a row that no parser accepts."""
    for row in rows if isinstance(rows, list) else ():
        if not isinstance(row, dict):
            yield {"unreadable": row}
        elif is_wanted(row):
            yield row


def require_name(order: Mapping[str, Any], key: str) -> str:
    """
    Return the name of a contract in an order.

    Raises
    ------
    ValueError
        It is missing or not text.
    """
    name = order.get(key)
    if not isinstance(name, str):
        raise ValueError(f"{key} is missing or not text: {name!r}")
    return name
