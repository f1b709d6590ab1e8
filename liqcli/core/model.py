"""
The basic values: one liquidation, the window it falls in, the grid it is summed in.

Terms and units are those of ``docs/units.md``. Everything here is a plain value without I/O.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from datetime import UTC, datetime
from decimal import Decimal
from functools import cached_property
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

SAMPLE_SOURCE = "sample"  # the source of all rows of the sample, in any lake


Position = Literal["long", "short"]
PriceKind = Literal["fill", "order", "bankruptcy", "trigger"]
Completeness = Literal["full", "sampled"]

SIDES: tuple[Position, ...] = get_args(Position)
PRICE_KINDS: tuple[PriceKind, ...] = get_args(PriceKind)
COMPLETENESS: tuple[Completeness, ...] = get_args(Completeness)

US_PER_S = 1_000_000
EARLIEST_US = 1_420_070_400 * US_PER_S  # 2015-01-01: no exchange published liquidations earlier
CLOCK_SKEW_US = 3600 * US_PER_S  # a recorder's clock may be ahead by less than this
# An order above this is a unit error (contracts x price, satoshi x price): the largest day of all exchanges together
# was about 19e9 USD. The limit also keeps integer sums in 1e-6 USD far from overflow.
LARGEST_NOTIONAL = 1e10
SMALLEST_NOTIONAL = 1e-6  # sums are integers of 1e-6 USD; anything smaller would be an event of 0


class Liquidation(NamedTuple):
    """
    One forced order or fill, normalized; the field order is the lake's column order.

    ``ts_us`` event time [µs UTC]; ``position`` the side that was **liquidated**; ``price`` [quote], of the kind
    ``price_kind``; ``qty`` [base coin]; ``notional`` [USD]; ``contracts`` and ``contract_size`` as the exchange states
    them, if it does; ``source`` the origin of the data.
    """

    ts_us: int
    exchange: str
    symbol: str
    instrument: str
    position: Position
    price: float
    price_kind: PriceKind
    qty: float
    notional: float
    contracts: float | None
    contract_size: float | None
    completeness: Completeness
    event_id: str | None
    source: str


class Rejected(NamedTuple):
    """A row that could not be stored: its location, the reason, and its text."""

    file: str
    line: int
    reason: str
    raw: str


def parse_number(text: object) -> float:
    """
    Parse a finite number from a JSON or CSV field.

    Raises
    ------
    ValueError
        Empty, not a number, NaN or infinite. (``float`` also accepts ``1_000``, ``nan``, ``inf`` and non-Latin digits.)
    """
    if isinstance(text, bool) or text is None:
        raise ValueError(f"not a number: {text!r}")
    if isinstance(text, str) and ("_" in text or not text.strip().isascii()):
        raise ValueError(f"not a number: {shorten(text)}")
    try:
        number = float(text)  # type: ignore[arg-type]
    except (ValueError, TypeError):
        raise ValueError(f"not a number: {shorten(text)}") from None
    except OverflowError:  # an integer of more than 308 digits
        raise ValueError(f"not a number that a double can hold: {shorten(text)}") from None
    if not math.isfinite(number):
        raise ValueError(f"not a finite number: {shorten(text)}")
    return number


def shorten(value: object) -> str:
    """Format a value of a foreign file for a message: quoted, control characters escaped, at most 60 characters."""
    try:
        text = repr(value)
    except (ValueError, RecursionError):  # an integer of thousands of digits, or nested lists
        return f"a {type(value).__name__} too large to show"
    return text if len(text) <= 62 else f"{text[:60]}…"


def find_fault(row: Liquidation, now_us: int) -> str | None:
    """Describe why a liquidation is invalid, or return None if it is valid."""
    if not EARLIEST_US <= row.ts_us <= now_us + CLOCK_SKEW_US:
        return "time outside 2015..now"
    for name, number in (("price", row.price), ("qty", row.qty), ("notional", row.notional)):
        if not math.isfinite(number) or number <= 0:
            return f"{name} is not a positive finite number: {number!r}"
    if row.notional < SMALLEST_NOTIONAL:
        return f"notional of {row.notional:.4g} USD is below a millionth of a dollar: check the unit"
    if row.notional > LARGEST_NOTIONAL:
        return f"notional of {row.notional:.4g} USD is beyond any real order: check the unit"
    return None


@dataclass(frozen=True, order=True, slots=True)
class Window:
    """A half-open time interval ``[start_us, end_us)``. [µs UTC]"""

    start_us: int
    end_us: int

    @property
    def length_us(self) -> int:
        """Length of the window. [µs]"""
        return self.end_us - self.start_us

    @property
    def interval(self) -> tuple[int, int]:
        """The window as a plain pair for :mod:`liqcli.core.intervals`."""
        return (self.start_us, self.end_us)

    @property
    def start(self) -> datetime:
        """Start as an aware datetime."""
        return from_us(self.start_us)

    @property
    def end(self) -> datetime:
        """End (exclusive) as an aware datetime."""
        return from_us(self.end_us)

    def contains(self, ts_us: int) -> bool:
        """Return True if an instant lies inside."""
        return self.start_us <= ts_us < self.end_us


def from_us(ts_us: int) -> datetime:
    """Convert µs since the epoch to an aware UTC datetime, exactly (a float of seconds would lose microseconds)."""
    seconds, micros = divmod(ts_us, US_PER_S)
    return datetime.fromtimestamp(seconds, tz=UTC).replace(microsecond=micros)


def to_us(moment: datetime) -> int:
    """Convert an aware datetime to µs since the epoch, exactly."""
    whole = moment.astimezone(UTC).replace(microsecond=0)
    return int(whole.timestamp()) * US_PER_S + moment.microsecond


@dataclass(frozen=True, slots=True)
class BinWidth:
    """
    A decimal price step as an exact fraction ``num / den``.

    ``k * num / den`` with integers below 2**53 is one correctly rounded division, so bin edge ``k`` is the double
    nearest to the decimal edge, and comparing a price with it gives the result of decimal arithmetic.
    """

    num: int
    den: int

    @classmethod
    def from_decimal(cls, width: Decimal) -> BinWidth:
        """Build from a decimal such as ``Decimal("0.05")``; must be positive and finite."""
        num, den = width.as_integer_ratio()
        exponent = width.as_tuple().exponent
        if isinstance(exponent, int) and exponent < 0:  # keep a power of ten below: exact up to 10**22
            den = 10**-exponent
            num = int(width.scaleb(-exponent))
        return cls(num, den)

    @property
    def width(self) -> float:
        """The step. [quote]"""
        return self.num / self.den

    def edge(self, k: int) -> float:
        """Compute the lower edge of bin ``k``. [quote]"""
        return k * self.num / self.den

    def text(self) -> str:
        """Format the step as a plain decimal without an exponent, e.g. ``0.05``."""
        value = Decimal(self.num) / Decimal(self.den)
        text = f"{value:f}"
        return text.rstrip("0").rstrip(".") if "." in text else text


@dataclass(frozen=True, slots=True)
class Outside:
    """The events beyond one end of a price axis: number, USD [1e-6 USD], and the furthest price [quote], if any."""

    events: int = 0
    notional_e6: int = 0
    price: float | None = None

    @property
    def notional(self) -> float:
        """In dollars. [USD]"""
        return self.notional_e6 / 1e6


@dataclass(frozen=True)
class HeatmapGrid:
    """
    The full price x time grid of a window; cells without liquidations are 0.

    ``long_e6``, ``short_e6`` [1e-6 USD], ``long_qty``, ``short_qty`` [base coin], ``long_events``, ``short_events`` and
    values derived from them have shape ``(n_bins, n_buckets)``, row 0 the lowest price. Money is summed as integers,
    because above 9 billion dollars a double cannot represent millionths. ``bucket_starts_us``, shape ``(n_buckets,)``
    [µs UTC]; ``price_edges``, shape ``(n_bins + 1,)`` [quote]. The cells hold the events of ``[price_low, price_high)``
    [quote]; ``below`` and ``above`` sum the events outside.
    """

    window: Window
    bucket_us: int
    bin: BinWidth
    bucket_starts_us: NDArray[np.int64]
    price_edges: NDArray[np.float64]
    long_e6: NDArray[np.int64]
    short_e6: NDArray[np.int64]
    long_events: NDArray[np.int64]
    short_events: NDArray[np.int64]
    long_qty: NDArray[np.float64]
    short_qty: NDArray[np.float64]
    price_low: float = 0.0
    price_high: float = math.inf
    below: Outside = Outside()
    above: Outside = Outside()

    @property
    def outside_notional(self) -> float:
        """Sum of the events outside the price axis. [USD]"""
        return (self.below.notional_e6 + self.above.notional_e6) / 1e6

    @property
    def outside_events(self) -> int:
        """Number of events outside the price axis."""
        return self.below.events + self.above.events

    @cached_property
    def notional_e6(self) -> NDArray[np.int64]:
        """Longs and shorts together. [1e-6 USD]"""
        return self.long_e6 + self.short_e6

    @cached_property
    def long_notional(self) -> NDArray[np.float64]:
        """Longs alone. [USD]"""
        return self.long_e6 / 1e6

    @cached_property
    def short_notional(self) -> NDArray[np.float64]:
        """Shorts alone. [USD]"""
        return self.short_e6 / 1e6

    @cached_property
    def notional(self) -> NDArray[np.float64]:
        """Longs and shorts together. [USD]"""
        return self.notional_e6 / 1e6

    @cached_property
    def events(self) -> NDArray[np.int64]:
        """Longs and shorts together."""
        return self.long_events + self.short_events

    @cached_property
    def qty(self) -> NDArray[np.float64]:
        """Longs and shorts together. [base coin]"""
        return self.long_qty + self.short_qty


@dataclass(frozen=True, slots=True)
class PriceSeries:
    """
    Candles of a window, shape ``(n,)`` each, rising ``ts_us`` = open time [µs UTC]; prices [quote].

    ``basis`` names their origin, e.g. ``"binance BTCUSDT 1m candle"``; ``step_us`` is the interval.
    """

    ts_us: NDArray[np.int64]
    open: NDArray[np.float64]
    high: NDArray[np.float64]
    low: NDArray[np.float64]
    close: NDArray[np.float64]
    step_us: int
    basis: str
