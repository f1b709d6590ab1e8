"""Build liquidations from the rows of an answer: units, side, validity."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable
from decimal import Decimal
from typing import Any

from liqcli.core.model import (
    Completeness,
    Liquidation,
    Position,
    PriceKind,
    Rejected,
    Window,
    find_fault,
)
from liqcli.core.times import now_us
from liqcli.sources.base import Answer
from liqcli.sources.contracts import ListedContract, Row

_ROUND_DIGITS = 8  # maximum digits of a quantity; other quotients have 12


def multiply(*factors: float) -> float:
    """Multiply as decimals, so that 8.55 contracts of 0.01 are 0.0855 and not 0.08550000000000001."""
    product = Decimal(1)
    for factor in factors:
        product *= Decimal(repr(factor))
    return float(product)


def check_quote(amount: float, price: float) -> None:
    """
    Check that an amount is in quote currency (Bitget: 13.70319 USDT at 0.1649 = 83.1 coins exactly).

    Raises
    ------
    ValueError
        It may count coins or contracts: the quotient is not a round quantity.
    """
    if _digits(Decimal(repr(amount)) / Decimal(repr(price))) > _ROUND_DIGITS >= _digits(Decimal(repr(amount))):
        raise ValueError(f"unit is unclear: amount {amount!r} at {price!r} is not a round quantity of coins")


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
    Build a liquidation from contracts: compute base coins and USD.

    Raises
    ------
    ValueError
        The contract size is unknown, or the price is not positive.
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
    Parse the rows of a window: invalid rows are kept with their reason, rows outside the window are dropped.

    ``parse`` returns None for rows without an execution; they are counted as skipped.
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
    Return the position that an order closed: a sell closes a long.

    Raises
    ------
    ValueError
        The side is neither buy nor sell.
    """
    try:
        return {"sell": "long", "buy": "short"}[order_side.lower()]  # type: ignore[return-value]
    except KeyError:
        raise ValueError(f"unknown order side {order_side!r}") from None
