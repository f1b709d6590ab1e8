"""What every source is made of: a :class:`Source`, the markets it lists, and the answers it gives.

A source never talks to the network itself. It *asks* with a generator: it yields a
:class:`~liqcli.net.client.Request`, is
sent the decoded answer, and returns what it made of all of them. So paging is as testable as parsing.
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable, Generator, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Any

from liqcli.core.errors import UsageError
from liqcli.core.instruments import Contract, Kind, read_contract, require_kind
from liqcli.core.model import (
    US_PER_S,
    Completeness,
    Liquidation,
    Position,
    PriceKind,
    Rejected,
    Window,
    find_fault,
    parse_number,
)
from liqcli.core.symbols import expiry_of, normalise_symbol, split_symbol
from liqcli.core.times import now_us
from liqcli.net.client import Request
from liqcli.net.rate_limit import Limit

HOUR_US = 3600 * US_PER_S
DAY_US = 24 * HOUR_US
Row = Mapping[str, Any]
_ROUND_DIGITS = 8  # a quantity has so few digits; a quotient that is none has 12


@dataclass(frozen=True, slots=True)
class ListedContract:
    """
    One contract: ``contract_size`` is base coins a contract, or USD a contract when ``inverse``; None = unknown.

    ``siblings`` are further contracts of the same symbol, asked along with it (Kraken: PI_XBTUSD beside PF_XBTUSD).
    """

    exchange: str
    symbol: str
    instrument: str
    contract_size: float | None
    inverse: bool = False
    siblings: tuple[ListedContract, ...] = ()


@dataclass(frozen=True, slots=True)
class Listing:
    """What a source said it lists: the markets that were wanted, and all names it told (for the nearest ones)."""

    markets: Mapping[str, ListedContract]
    names: tuple[str, ...] = ()


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


def decode_json(body: bytes) -> object:
    """
    Read JSON.

    Raises
    ------
    ValueError
        Empty, HTML or broken off: worth asking again.
    """
    if not body.strip():
        raise ValueError("an empty body")
    try:
        return json.loads(body)
    except (ValueError, RecursionError) as error:
        kind = "an HTML page" if body.lstrip().startswith(b"<") else "broken JSON"
        raise ValueError(f"{kind} instead of JSON ({len(body)} bytes)") from error


def pick_markets(markets: Iterable[ListedContract], wanted: Sequence[str]) -> Listing:
    """Choose the wanted ones among all that are listed; a bare base (``SOL``) takes every contract on it."""
    listed = {market.symbol: market for market in markets}
    chosen = {
        symbol: market for symbol, market in listed.items() if symbol in wanted or split_symbol(symbol)[0] in wanted
    }
    return Listing(chosen, tuple(sorted(listed)))


def read_markets(listed: object, parse: Callable[[Row], ListedContract | None]) -> list[ListedContract]:
    """Parse a list of contracts; one of another shape is passed over, for it cannot be asked about anyway."""
    found: list[ListedContract] = []
    for raw in listed if isinstance(listed, list) else []:
        with contextlib.suppress(KeyError, TypeError, ValueError, AttributeError):
            if market := parse(raw):
                found.append(market)
    return found


def canonical(instrument: str) -> str | None:
    """Give the symbol of an instrument, or None for a name that is no plain contract name."""
    try:
        return normalise_symbol(instrument)
    except UsageError:
        return None


def known_contract(exchange: str, instrument: str, stated: Kind | None = None) -> Contract | None:
    """
    Read a perpetual's name by the one rule of all readers; None for dated and quanto contracts and for other names.

    ``stated`` is what the exchange's own list calls it: where that is not what its name says, nothing is certain.
    """
    try:
        contract = read_contract(exchange, instrument)
        kind = stated or require_kind(contract, exchange, instrument)
    except ValueError:
        return None
    if contract.kind not in (None, kind) or expiry_of(contract.symbol) or not contract.in_dollars:
        return None
    return replace(contract, kind=kind)


def read_size(value: object) -> float | None:
    """Read a contract size; None when it is not a positive number."""
    try:
        size = parse_number(value)
    except (ValueError, TypeError):
        return None
    return size if size > 0 else None


def multiply(*factors: float) -> float:
    """Multiply as decimals, so that 8.55 contracts of 0.01 are 0.0855 and not 0.08550000000000001."""
    product = Decimal(1)
    for factor in factors:
        product *= Decimal(repr(factor))
    return float(product)


def check_quote(amount: float, price: float) -> None:
    """
    See that an amount counts money (Bitget: 13.70319 USDT at 0.1649 = 83.1 coins exactly): coins would not divide so.

    Raises
    ------
    ValueError
        It may as well count coins or contracts.
    """
    if _digits(Decimal(repr(amount)) / Decimal(repr(price))) > _ROUND_DIGITS >= _digits(Decimal(repr(amount))):
        raise ValueError(f"unit is unclear: amount {amount!r} at {price!r} is no round quantity of coins")


def _digits(number: Decimal) -> int:
    return len(Decimal(f"{number:.11e}").normalize().as_tuple().digits)


def build_liquidation(
    market: ListedContract,
    *,
    ts_us: int,
    position: Position,
    price: float,
    price_kind: PriceKind,
    contracts: float,
    completeness: Completeness,
    source: str,
    event_id: str | None = None,
) -> Liquidation:
    """
    Turn contracts into base coins and USD.

    Raises
    ------
    ValueError
        The contract size is not known: nothing is guessed.
    """
    size = market.contract_size
    if size is None:
        raise ValueError(f"contract size of {market.instrument} is unknown")
    if not price > 0:
        raise ValueError(f"price is not positive: {price!r}")
    notional = multiply(contracts, size) if market.inverse else multiply(contracts, size, price)
    qty = notional / price if market.inverse else multiply(contracts, size)
    return Liquidation(
        ts_us,
        market.exchange,
        market.symbol,
        market.instrument,
        position,
        price,
        price_kind,
        qty,
        notional,
        contracts,
        size,
        completeness,
        event_id,
        source,
    )


def build_answer(
    raws: Iterable[Any],
    parse: Callable[[Row], Liquidation | None],
    window: Window,
    where: str,
    cut: Iterable[Window] = (),
) -> Answer:
    """
    Parse the rows of a window; bad ones are kept with their reason, those outside the window are dropped.

    ``parse`` gives None for a row that says that nothing was executed; such rows are counted.
    """
    answer = Answer(cut=list(cut))
    now = now_us()
    for line, raw in enumerate(raws, 1):
        try:
            row = parse(raw)
            fault = find_fault(row, now) if row else None
        except KeyError as error:
            row, fault = None, f"field {error} is missing"
        except (ValueError, TypeError, AttributeError, ArithmeticError) as error:
            row, fault = None, str(error)
        if fault:
            answer.rejected.append(Rejected(where, line, fault, json.dumps(raw, ensure_ascii=False)[:1000]))
        elif row is None:
            answer.skipped += 1
        elif window.contains(row.ts_us):
            answer.rows.append(row)
    return answer


def closed_position(order_side: str) -> Position:
    """
    Say which position an order closed: a sell closes a long.

    Raises
    ------
    ValueError
        Neither buy nor sell.
    """
    try:
        return {"sell": "long", "buy": "short"}[order_side.lower()]  # type: ignore[return-value]
    except KeyError:
        raise ValueError(f"unknown order side {order_side!r}") from None
