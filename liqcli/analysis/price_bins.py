"""Choose round bucket and bin sizes for a window, and check requested ones."""

from __future__ import annotations

import math
from decimal import Decimal, InvalidOperation

from liqcli.core.durations import format_length, parse_length
from liqcli.core.errors import UsageError
from liqcli.core.formatting import format_price
from liqcli.core.model import US_PER_S, BinWidth, Window, parse_number

# Steps of a clock that divide an hour, a day or a week.
_BUCKETS_S = (1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200, 14400, 21600, 43200, 86400, 172800, 604800)
_MANTISSAS = (Decimal(1), Decimal(2), Decimal("2.5"), Decimal(5))
TARGET_BINS = 160
MOST_COLUMNS, MOST_ROWS = 144, 78  # cells of at least 9 x 7 px on a picture of 1600 x 1000
FEWEST_COLUMNS, FEWEST_ROWS = 24, 16
MANY_EVENTS = 400  # from this many on the cells are as fine as the picture allows
MOST_BUCKETS = 20_000
MOST_BINS = 5_000
MOST_CELLS = 20_000_000
MOST_PLACES = 22  # 10^22 is the largest power of ten that a double holds exactly
WIDEST = 10**13
FINEST_OF_PRICE, FINEST = 1e-10, 1e-19  # finer than any tick; smaller differences are rounding errors


def choose_bucket(length_us: int, events: int = MANY_EVENTS, columns: int = MOST_COLUMNS) -> int:
    """
    Choose the clock step of the columns: at most ``columns``, fewer for few events; 24 h -> 10 min. [µs]

    Parameters
    ----------
    length_us : int
        Length of the window. [µs]
    events : int
        Number of events in the window.
    columns : int
        Number of columns that fit, so that each is at least 9 px wide.
    """
    wanted = _thin_out(events, FEWEST_COLUMNS, columns)
    fitting = [s * US_PER_S for s in _BUCKETS_S if length_us <= columns * s * US_PER_S]
    return min(fitting or [_BUCKETS_S[-1] * US_PER_S], key=lambda step: abs(math.log(length_us / step / wanted)))


def choose_rows(events: int, rows: int = MOST_ROWS) -> int:
    """Choose the number of rows between the ends of the price axis: at most ``rows``, fewer for few events."""
    return round(_thin_out(events, FEWEST_ROWS, rows))


def _thin_out(events: int, fewest: int, most: int) -> float:
    """Reduce a number of steps for few events, so that neighbouring cells still meet: by the root of their number."""
    return min(max(most * math.sqrt(events / MANY_EVENTS), min(fewest, most)), most)


def fit_cells(size: tuple[int, int]) -> tuple[int, int]:
    """
    Count the columns and rows of a picture of this size [px], so that cells have at least 9 x 7 px.

    Larger pictures show the same cells larger, so never more than 144 x 78. Header, labels, bars and open interest take
    what ``liqcli.charts.heatmap_layout`` gives them, at most.
    """
    width, height = size
    portrait = height > width
    ratio = min(width / 457, height / 628) if portrait else min(width / 1600, height / 1000)
    scale = ratio if ratio >= 1 else ratio**0.6  # of text, as in ``liqcli.charts.canvas``
    beside, below = scale * (122 if portrait else 298), scale * 414
    cell = max(scale, 1.0) if not portrait else 1.0
    columns, rows = (width - beside) / (9 * cell), (height - below) / (7 * cell) / 1.06  # the axis has margins of 3%
    return min(max(int(columns), 1), MOST_COLUMNS), min(max(int(rows), 1), MOST_ROWS)


def suit_width(low: float, high: float, rows: int = TARGET_BINS) -> float:
    """Compute the unrounded width that divides a price range into ``rows``; for a single price 1/10,000 of it."""
    return max((high - low) / rows, high * FINEST_OF_PRICE, FINEST) if high > low else high * 1e-4


def choose_bin(
    low: float, high: float, rows: int = TARGET_BINS, tick: BinWidth | None = None, most: int = MOST_BINS
) -> BinWidth:
    """
    Choose a width of {1, 2, 2.5, 5} x 10^k that comes closest to ``rows`` rows between two prices.

    The rows never exceed ``most``. With a ``tick`` the width is a multiple of it: finer bins would always be empty,
    and bins of two ticks next to bins of three would look like a pattern.
    """
    ideal = suit_width(low, high, rows)
    exponent = math.floor(math.log10(ideal))
    candidates = [m.scaleb(k) for k in (exponent - 1, exponent, exponent + 1) for m in _MANTISSAS]
    allowed = [width for width in candidates if count_rows(low, high, float(width)) <= MOST_BINS]
    widths = [BinWidth.from_decimal(width) for width in allowed]
    widths = [width for width in widths if (high - low) / width.width <= most * (1 + 1e-9)]
    if tick is not None:
        widths = [width for width in widths if width.num * tick.den % (width.den * tick.num) == 0] or [tick]
    return min(widths, key=lambda width: abs(math.log(width.width / ideal)))


def count_rows(low: float, high: float, width: float) -> int:
    """Count the bins between two prices, at most; depending on the edges it can be one less."""
    return int((high - low) / width) + 2


def parse_bin(text: str) -> BinWidth:
    """
    Parse ``--bin``, a price width such as ``0.05``.

    Raises
    ------
    UsageError
        Not a positive decimal, more than 15 digits, or smaller or larger than any price step.
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
    Parse ``--price-range LOW:HIGH``, half-open. [quote]

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
    """Parse ``--bucket``, a length such as ``5m``. [µs]"""
    return parse_length(text, "--bucket")


def choose_fine_width(lowest: float, highest: float, rows: int) -> BinWidth:
    """Choose a width of 5 x 10^k of which any grid of about ``rows`` rows between two prices has multiples."""
    ideal = suit_width(lowest, highest, rows)
    return BinWidth.from_decimal(Decimal(5).scaleb(max(math.floor(math.log10(ideal)) - 1, -MOST_PLACES)))


def check_bucket(bucket_us: int | None, window: Window) -> None:
    """
    Reject a requested time step that is longer than the window.

    Raises
    ------
    UsageError
        The single column would extend beyond the window; the message names the largest step that fits.
    """
    if bucket_us is not None and bucket_us > max(window.length_us, choose_bucket(window.length_us)):
        length = format_length(window.length_us)
        raise UsageError(
            f"--bucket: {format_length(bucket_us)} is longer than the window of {length}; the largest is {length}"
        )


def check_size(buckets: int, bins: int, bin_width: BinWidth) -> None:
    """
    Reject a grid that is too large for a figure.

    Raises
    ------
    UsageError
        Too many rows, columns or cells; the message names a flag that helps.
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
    Reject a width whose edges near the highest price are not exact as doubles.

    Raises
    ------
    UsageError
        ``k * num`` exceeds the integers that a double holds, so a price on an edge could fall into the bin below.
    """
    if (highest / bin_width.width + 2) * bin_width.num >= 2**53:
        raise UsageError(
            f"--bin: {bin_width.text()} has too many figures for prices up to {format_price(highest)}; write fewer"
        )
