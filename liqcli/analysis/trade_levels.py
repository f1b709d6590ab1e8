"""Place a stop just beyond a price band and a target just before it: levels of two different trades."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Direction = Literal["up", "down"]
Trade = Literal["long", "short"]

STOP_ATR, TARGET_ATR = 0.25, 0.1  # beyond the far edge of a band, and before its near one [ATR]
USUAL_FEES_PCT = 0.1  # of a trade: about 0.05% as taker at each end


@dataclass(frozen=True, slots=True)
class TradeLevel:
    """
    A price [quote] of a ``trade``, and its signed distance from the last price in ATR, to two decimals.

    ``entry`` is where the trade opens: at the near edge of the band, or at the last price. [quote]
    """

    trade: Trade
    price: float
    distance_atr: float
    entry: float

    @property
    def percent(self) -> float:
        """Signed distance from the entry. [%]"""
        return 100 * (self.price / self.entry - 1)


@dataclass(frozen=True, slots=True)
class TradeLevels:
    """
    The stop and the target at a band, each of its own trade; None where there is none.

    ``stop`` belongs to a trade that opens at the band, against the move towards it: it lies beyond the far edge.
    ``target`` belongs to a trade from the last price towards the band: it lies before the near edge.
    """

    stop: TradeLevel | None = None
    target: TradeLevel | None = None


NO_LEVELS = TradeLevels()


def build_trade_levels(
    low: float, high: float, direction: Direction | None, last_price: float, atr: float | None
) -> TradeLevels:
    """
    Place the stop a quarter of an ATR beyond the far edge, the target a tenth of an ATR before the near edge.

    Parameters
    ----------
    low, high : float
        The band. [quote]
    direction : {"up", "down"} or None
        From the last price towards the band; None when the price is inside.
    last_price, atr : float, float or None
        [quote]

    Returns
    -------
    TradeLevels
        Empty without a direction or an ATR. No stop below a price of 0; no target that the price has already passed.
    """
    if direction is None or not atr:
        return NO_LEVELS
    up = direction == "up"
    stop = high + STOP_ATR * atr if up else low - STOP_ATR * atr
    target = low - TARGET_ATR * atr if up else high + TARGET_ATR * atr
    ahead = target > last_price if up else target < last_price

    def level(trade: Trade, price: float, entry: float) -> TradeLevel:
        return TradeLevel(trade, price, round((price - last_price) / atr, 2) + 0.0, entry)

    return TradeLevels(
        stop=level("short" if up else "long", stop, low if up else high) if stop > 0 else None,
        target=level("long" if up else "short", target, last_price) if ahead else None,
    )
