"""Parse the expiry in the name of a dated contract, in every exchange's spelling."""

from __future__ import annotations

import re
from datetime import date, timedelta

# HTX also names contracts by their trading period; the date is then unknown and the period is kept.
PERIODS = ("CW", "NW", "CQ", "NQ")

_MONTHS = ("JAN", "FEB", "MAR", "APR", "MAY", "JUN", "JUL", "AUG", "SEP", "OCT", "NOV", "DEC")
MONTH_CODES = "FGHJKMNQUVXZ"
_DIGITS = re.compile(r"[-_:](\d{2})?(\d{6})$")  # BTCUSDT_261225, BTC_USDT_20200814
_GLUED = re.compile(r"(?<=[A-Z])(\d{2})?(\d{6})$")  # HTX: BTC200703
_DAY = re.compile(r"[-_:](\d{1,2})([A-Z]{3})(\d{2})$")  # Deribit, Bybit: 26DEC25
_CODE = re.compile(rf"(?<=USD|SDT|SDC|XBT)([{MONTH_CODES}])(\d{{2}})$")  # Bybit, BitMEX, Bitget: BTCUSDM24, XBTZ21
_PERIOD = re.compile(rf"[-_:]({'|'.join(PERIODS)})$")
_CANONICAL = re.compile(rf"\d{{6}}|{'|'.join(PERIODS)}")


def cut_expiry(name: str) -> tuple[str, str]:
    """
    Split the expiry off an upper-case contract name: ``BTC-26DEC25`` -> ``BTC``, ``251226``.

    Returns
    -------
    stem, expiry
        The expiry as ``YYMMDD``, or as HTX's period (``CQ``); empty for a perpetual. A month code (``BTCUSDM24``) is
        the last Friday of the month, on which such contracts of Bybit, BitMEX and Bitget expire.
    """
    if match := _DIGITS.search(name) or _GLUED.search(name):
        if (match[1] or "20") == "20" and _is_day(match[2]):
            return name[: match.start()], match[2]
    elif match := _DAY.search(name):
        if match[2] in _MONTHS:
            text = f"{match[3]}{_MONTHS.index(match[2]) + 1:02d}{int(match[1]):02d}"
            if _is_day(text):
                return name[: match.start()], text
    elif match := _CODE.search(name):
        return name[: match.start()], _last_friday(2000 + int(match[2]), MONTH_CODES.index(match[1]) + 1)
    elif match := _PERIOD.search(name):
        return name[: match.start()], match[1]
    return name, ""


def is_expiry(text: str) -> bool:
    """Return True if a text is an expiry as part of a symbol: ``251226`` or ``CQ``."""
    return bool(_CANONICAL.fullmatch(text)) and (text in PERIODS or _is_day(text))


def expiry_date(expiry: str) -> date | None:
    """Return the date on which a contract expires; None for a perpetual and for a period."""
    if not _is_day(expiry):
        return None
    return date(2000 + int(expiry[:2]), int(expiry[2:4]), int(expiry[4:]))


def _is_day(text: str) -> bool:
    if not re.fullmatch(r"[0-9]{6}", text):
        return False
    try:
        date(2000 + int(text[:2]), int(text[2:4]), int(text[4:]))
    except ValueError:
        return False
    return True


def _last_friday(year: int, month: int) -> str:
    day = date(year + month // 12, month % 12 + 1, 1) - timedelta(days=1)
    return f"{day - timedelta(days=(day.weekday() - 4) % 7):%y%m%d}"
