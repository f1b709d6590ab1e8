"""Round steps: which bucket and bin suit a window, so that axes read like a ruler."""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation

from liqcli.core.errors import UsageError
from liqcli.core.formatting import format_price
from liqcli.core.model import US_PER_S, BinWidth, Window, parse_number
from liqcli.core.times import format_length, parse_length

# Steps of a clock that divide an hour, a day or a week.
_BUCKETS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 604800)
_MANTISSAS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5))
TARGET_BUCKETS = 250
TARGET_BINS = 160
MOST_BUCKETS = 20_000
MOST_BINS = 5_000
MOST_CELLS = 20_000_000
MOST_PLACES = 22  # 10^22 is the largest power of ten that a double holds exactly
WIDEST = 10**13
FINEST_OF_PRICE, FINEST = 1e-10, 1e-19  # no market has ticks so fine: what differs by less is a rounding of one price


def choose_bucket(length_us: int) -> int:
    """Pick the clock step that gives nearest to 250 columns: 24 h -> 5 min. [µs]"""
    return min(
        (s * US_PER_S for s in _BUCKETS_S), key=lambda step: abs(math.log(max(length_us / step, 1e-9) / TARGET_BUCKETS))
    )


def suit_width(low: float, high: float, rows: int = TARGET_BINS) -> float:
    """Give the width, not round yet, that makes ``rows`` rows between two prices; of one price a ten-thousandth."""
    return max((high - low) / rows, high * FINEST_OF_PRICE, FINEST) if high > low else high * 1e-4


def choose_bin(low: float, high: float, rows: int = TARGET_BINS, tick: BinWidth | None = None) -> BinWidth:
    """
    Pick a width of {1, 2, 2.5, 5} x 10^k that gives nearest to ``rows`` rows between two prices.

    More rows than a grid may have are never chosen. With a ``tick`` the width is a multiple of it: bins that are finer
    would be empty for sure, and bins of two ticks beside bins of three would look like heat.
    """
    ideal = suit_width(low, high, rows)
    exponent = math.floor(math.log10(ideal))
    candidates = [m.scaleb(k) for k in (exponent - 1, exponent, exponent + 1) for m in _MANTISSAS]
    allowed = [width for width in candidates if count_rows(low, high, float(width)) <= MOST_BINS]
    widths = [BinWidth.from_decimal(width) for width in allowed]
    if tick is not None:
        widths = [width for width in widths if width.num * tick.den % (width.den * tick.num) == 0] or [tick]
    return min(widths, key=lambda width: abs(math.log(width.width / ideal)))


def count_rows(low: float, high: float, width: float) -> int:
    """Give how many bins it may take from one price to another: their edges can lie so that it is one less."""
    return int((high - low) / width) + 2


def parse_bin(text: str) -> BinWidth:
    """
    Read ``--bin``, a price width such as ``0.05``.

    Raises
    ------
    UsageError
        Not a positive decimal, with more than 15 figures, or smaller or larger than any price step.
    """
    try:
        width = Decimal(text.strip())
    except InvalidOperation:
        raise UsageError(f"--bin: {text!r} is not a price width; write it like 0.5 or 50") from None
    if not width.is_finite() or width <= 0:
        raise UsageError(f"--bin: {text!r} must be greater than 0")
    width = width.normalize()
    digits, places = len(width.as_tuple().digits), -int(width.as_tuple().exponent)
    if digits > 15 or places > MOST_PLACES or not FINEST <= width < WIDEST:
        raise UsageError(f"--bin: {text!r} has too many figures for a price width")
    return BinWidth.from_decimal(width)


def parse_price_range(text: str) -> tuple[float, float]:
    """
    Read ``--price-range LOW:HIGH``, half-open. [quote]

    Raises
    ------
    UsageError
        Not two rising, finite prices.
    """
    try:
        low, high = (parse_number(part.strip()) for part in text.split(":"))
    except ValueError:
        raise UsageError(f"--price-range: {text!r} is not LOW:HIGH, such as 95000:101000") from None
    if not 0 <= low < high:
        raise UsageError(f"--price-range: {text!r} must rise from LOW to HIGH")
    return low, high


def parse_bucket(text: str) -> int:
    """Read ``--bucket``, a length such as ``5m``. [µs]"""
    return parse_length(text, "--bucket")


def check_bucket(bucket_us: int | None, window: Window) -> None:
    """
    Refuse a requested step of the time axis that is longer than the window.

    Raises
    ------
    UsageError
        The one column would reach beyond the window, into the future; names the largest step that fits.
    """
    if bucket_us is not None and bucket_us > max(window.length_us, choose_bucket(window.length_us)):
        length = format_length(window.length_us)
        raise UsageError(
            f"--bucket: {format_length(bucket_us)} is longer than the window of {length}; the largest is {length}"
        )


def check_size(buckets: int, bins: int, bin_width: BinWidth) -> None:
    """
    Refuse a grid that no picture could show.

    Raises
    ------
    UsageError
        Too many rows, columns or cells; says a flag that helps.
    """
    if buckets > MOST_BUCKETS:
        raise UsageError(f"--bucket: {buckets:,} columns are too many (at most {MOST_BUCKETS:,}); use a longer bucket")
    if bins > MOST_BINS or buckets * bins > MOST_CELLS:
        raise UsageError(
            f"--bin: a width of {bin_width.text()} makes {bins:,} rows, too many (at most {MOST_BINS:,}); use a wider "
            f"bin, or --bins {TARGET_BINS}"
        )


def check_exact(highest: float, bin_width: BinWidth) -> None:
    """
    Refuse a width whose edges near the highest price are no longer exact in the engine's doubles.

    Raises
    ------
    UsageError
        ``k * num`` leaves the whole numbers that a double holds: a price on an edge could fall into the bin below.
    """
    if (highest / bin_width.width + 2) * bin_width.num >= 2**53:
        raise UsageError(
            f"--bin: {bin_width.text()} has too many figures for prices up to {format_price(highest)}; write fewer"
        )
