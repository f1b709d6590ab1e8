"""Read columns of times in the usual forms; every other text is left to :func:`~liqcli.core.times.parse_time_cell`."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray

_MOST_DIGITS = 19  # of 64 bits, if the first one is not a 9
_SECONDS_BELOW, _MS_BELOW, _US_BELOW = 10**11, 10**14, 10**17  # as in core.times
_DATE_AND_TIME = 19  # characters
_MOST_PLACES = 6  # of a second
_LONGEST = _DATE_AND_TIME + 1 + _MOST_PLACES + len("+00:00")
_DAYS = (0, 31, 29, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31)


def read_times(texts: pa.Array, in_utc: bool) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """
    Read times: digits in s, ms, µs or ns by magnitude, or ``2024-12-04T22:16:25.587Z``. [µs UTC]

    Parameters
    ----------
    texts : array of text
        Shape (n_rows,), without nulls.
    in_utc : bool
        Whether times without an offset are in UTC; otherwise they are left out.

    Returns
    -------
    times, plain : arrays
        The second is False where a text has another form.
    """
    import numpy as np
    import pyarrow as pa
    import pyarrow.compute as pc

    lengths = np.asarray(pc.binary_length(texts))
    digits = np.asarray(pc.ascii_is_decimal(texts)) & (lengths <= _MOST_DIGITS) & (lengths > 0)
    digits &= (lengths < _MOST_DIGITS) | np.asarray(pc.less(texts, "9"))
    times = np.zeros(len(texts), np.int64)
    plain = digits.copy()
    if digits.any():
        numbers = np.asarray(pc.if_else(pa.array(digits), texts, "0").cast(pa.int64()))
        factor = np.where(numbers < _SECONDS_BELOW, 1_000_000, np.where(numbers < _MS_BELOW, 1000, 1))
        times = np.where(numbers < _US_BELOW, numbers * factor, numbers // 1000)
    offsets = np.frombuffer(texts.buffers()[1], np.int32)[texts.offset : texts.offset + len(texts)].astype(np.int64)
    data = np.frombuffer(texts.buffers()[2] or b"", np.uint8)
    for length in np.unique(lengths[~digits]).tolist():
        if _DATE_AND_TIME <= length <= _LONGEST:
            rows = np.flatnonzero(~digits & (lengths == length))
            times[rows], plain[rows] = _read_iso(data[offsets[rows, None] + np.arange(length)], in_utc)
    return times, plain


def _read_iso(letters: NDArray[np.uint8], in_utc: bool) -> tuple[NDArray[np.int64], NDArray[np.bool_]]:
    """Read times from texts of one length, an array of shape (n_rows, length)."""
    import numpy as np

    def is_text(start: int, text: bytes) -> NDArray[np.bool_]:
        return np.asarray((letters[:, start : start + len(text)] == np.frombuffer(text, np.uint8)).all(axis=1))

    length = letters.shape[1]
    plain = np.zeros(len(letters), bool)
    places = np.zeros(len(letters), np.int64)
    for suffix in (b"", b"Z", b"+00:00"):
        end = length - len(suffix)
        number = end - _DATE_AND_TIME - 1
        if end != _DATE_AND_TIME and not 1 <= number <= _MOST_PLACES:
            continue
        mine = is_text(end, suffix) if suffix else np.full(len(letters), in_utc)
        if number > 0:
            mine &= letters[:, _DATE_AND_TIME] == ord(".")
            mine &= _are_digits(letters[:, _DATE_AND_TIME + 1 : end])
            places = np.where(mine, _read_digits(letters[:, _DATE_AND_TIME + 1 : end]) * 10 ** (6 - number), places)
        plain |= mine
    for place, mark in ((4, b"-"), (7, b"-"), (13, b":"), (16, b":")):
        plain &= is_text(place, mark)
    plain &= is_text(10, b"T") | is_text(10, b" ")
    spans = ((0, 4), (5, 7), (8, 10), (11, 13), (14, 16), (17, 19))
    for start, end in spans:
        plain &= _are_digits(letters[:, start:end])
    year, month, day, hour, minute, second = (_read_digits(letters[:, start:end]) for start, end in spans)
    is_leap = (year % 4 == 0) & ((year % 100 != 0) | (year % 400 == 0))
    plain &= (year > 0) & (month >= 1) & (month <= 12) & (hour < 24) & (minute < 60) & (second < 60)
    longest = np.array(_DAYS)[np.where(plain, month, 1)] - ((month == 2) & ~is_leap)
    plain &= (day >= 1) & (day <= longest)
    days = np.where(plain, _count_days(year, month, day), 0)
    return (((days * 24 + hour) * 60 + minute) * 60 + second) * 1_000_000 + places, plain


def _count_days(year: NDArray[np.int64], month: NDArray[np.int64], day: NDArray[np.int64]) -> NDArray[np.int64]:
    """Count the days since 1970-01-01, with years that start in March."""
    shifted = year - (month <= 2)
    of_year = (153 * ((month + 9) % 12) + 2) // 5 + day - 1
    return 365 * shifted + shifted // 4 - shifted // 100 + shifted // 400 + of_year - 719_468


def _are_digits(letters: NDArray[np.uint8]) -> NDArray[np.bool_]:
    import numpy as np

    return np.asarray(((letters >= ord("0")) & (letters <= ord("9"))).all(axis=1))


def _read_digits(letters: NDArray[np.uint8]) -> NDArray[np.int64]:
    import numpy as np

    number = np.zeros(len(letters), np.int64)
    for column in letters.T:
        number = number * 10 + column - ord("0")
    return number
