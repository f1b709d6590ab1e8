"""Normalize symbols: one canonical name (``SOLUSDT``, ``BTCUSDT-251226``) for every exchange's and user's spelling."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterable

from liqcli.core.errors import UsageError
from liqcli.core.expiry import cut_expiry, is_expiry

# Longest first: "USDT" must match before "USD".
QUOTES = ("FDUSD", "USDT", "USDC", "BUSD", "TUSD", "USDE", "USD", "EUR", "BTC", "ETH")

EVERY = "ALL"  # as a symbol: every contract that a source lists
LIVE = "-live"  # ends the name of a stream whose exchange also has a history, so that the lake keeps the two apart

# Known coins that the lake may not hold yet; used only to distinguish typos from coins not fetched yet.
WELL_KNOWN_BASES = (
    "BTC", "ETH", "SOL", "XRP", "DOGE", "BNB", "ADA", "AVAX", "LINK", "LTC", "BCH", "TRX", "DOT", "SUI", "NEAR", "APT",
    "ARB", "OP", "HYPE", "PEPE", "WIF", "SHIB", "TON", "FIL", "ATOM", "UNI", "AAVE", "ETC", "INJ", "TIA", "SEI", "ENA",
    "ONDO", "JUP", "PYTH", "WLD", "XLM", "ICP", "HBAR",
)  # fmt: skip

# Exchanges that liqcli can name: those of its sources, and those of Tardis files.
EXCHANGES = (
    "binance",
    "bybit",
    "okx",
    "gate",
    "htx",
    "deribit",
    "kraken",
    "bitfinex",
    "bitget",
    "coinex",
    "dydx",
    "poloniex",
    "aster",
    "bitmex",
    "ftx",
    "lighter",
    "hyperliquid",
    "pacifica",
    "extended",
    "backpack",
)

_PERPETUAL = re.compile(r"[-_](SWAP|PERP|PERPETUAL)$")
_KRAKEN = re.compile(r"^(PF|PI|FI|FF)_")
_BITFINEX = re.compile(r"^T([A-Z0-9]+)F0:UST(F0)?$")
_CCXT = re.compile(r"^([^/:]+)/([^/:]+):[^/:-]+(-\d{6})?$")
_MULTIPLE = re.compile(r"^(100+|1M)(?=[A-Z])|(?<=[A-Z])100+$")  # 1000PEPE, 1MBABYDOGE, SHIB1000
_OPTION = re.compile(r"[-_][\dD.]+[-_][CP]([-_][A-Z]+)?$")  # BTC-27MAR26-80000-C, XRP_USDC-27MAR26-0d5-C


def normalise_symbol(text: str) -> str:
    """
    Normalize any spelling of a perpetual or future to base + quote: ``SOL-USDT-SWAP`` -> ``SOLUSDT``.

    A dated future keeps its expiry: ``BTCUSDT_261225`` -> ``BTCUSDT-261225``. A bare base (``SOL``, ``BTC_261225``) is
    returned as it is; :func:`match_symbols` resolves it to every contract on that base (with that expiry).

    Raises
    ------
    UsageError
        A spot name (``SOL/USDT``, ``SOLUSDT-SPOT``), an option, or characters that no contract name has.
    """
    name = text.strip().upper()
    if name.endswith(("-SPOT", "_SPOT", ":SPOT")) or (name.count("/") == 1 and ":" not in name):
        pair = re.sub(r"[-_:]SPOT$", "", name).replace("/", "").replace("-", "").replace("_", "")
        check_name(pair, "symbol", text)
        raise UsageError(
            f"{text!r} is a spot market: spot has no leverage, so nothing is liquidated there; "
            f"the perpetual is called {pair}"
        )
    if _OPTION.search(name) or "-FS-" in name:
        raise UsageError(f"{text!r} is {'a spread' if '-FS-' in name else 'an option'}, not a future")
    if match := _BITFINEX.match(name):
        name = match[1] + "USDT"
    if match := _CCXT.match(name):
        name = match[1] + match[2] + (match[3] or "")
    stem, expiry = cut_expiry(_KRAKEN.sub("", name))
    pair = _join_pair(stem)
    return check_symbol(f"{pair}-{expiry}" if expiry else pair, text)


def _join_pair(name: str) -> str:
    """Join base and quote, without the suffix of a perpetual."""
    perpetual = _PERPETUAL.search(name)
    name = _PERPETUAL.sub("", name)
    joined = re.sub(r"[-_]", "", name)
    if joined == name and perpetual and not _has_quote(name):
        joined += "USD"  # BTC-PERPETUAL is Deribit's inverse contract
    return "BTC" + joined[3:] if joined.startswith("XBT") else joined


def check_symbol(symbol: str, shown: str | None = None) -> str:
    """
    Check a canonical symbol: letters and digits, and an optional expiry after a dash.

    Raises
    ------
    UsageError
        Anything else.
    """
    pair, dash, expiry = symbol.partition("-")
    if dash and not is_expiry(expiry):
        pair = symbol
    check_name(pair, "symbol", shown if shown is not None else symbol)
    return symbol


def expiry_of(symbol: str) -> str:
    """Return the expiry of a canonical symbol (``251226``), empty for a perpetual."""
    return symbol.partition("-")[2]


def add_quote(symbol: str, quote: str) -> str:
    """Add a quote to a symbol without one: ``BTC`` -> ``BTCUSDT``, ``BTC-251226`` -> ``BTCUSDT-251226``."""
    base, dash, expiry = symbol.partition("-")
    return f"{base}{quote}{dash}{expiry}"


def check_name(name: str, what: str, shown: str | None = None) -> str:
    """
    Check that a name has only letters and digits, so that it is safe in a path, in SQL and in HTML.

    Raises
    ------
    UsageError
        Anything else, or longer than 40 characters.
    """
    if not name or len(name) > 40 or not name.isalnum():
        several = "; one at a time" if "," in name else ""
        raise UsageError(
            f"{what}: {shown if shown is not None else name!r} is not a contract name (letters and digits){several}"
        )
    return name


def is_every(symbols: Iterable[str]) -> bool:
    """Return True if ``all`` is among some symbols in any spelling."""
    return any(symbol.strip().upper() == EVERY for symbol in symbols)


def split_symbol(symbol: str) -> tuple[str, str]:
    """Split a canonical symbol into base and quote, without its expiry; the quote is empty if not recognized."""
    pair = symbol.partition("-")[0]
    for quote in QUOTES:
        if pair.endswith(quote) and len(pair) > len(quote):
            return pair[: -len(quote)], quote
    return pair, ""


def is_multiple(symbol: str, other: str) -> bool:
    """Return True if two symbols differ in the coins per unit, as ``PEPE``, ``1000PEPEUSDT`` and ``PEPE1000USDT``."""
    base, base_of_other = split_symbol(symbol)[0], split_symbol(other)[0]
    return base != base_of_other and _MULTIPLE.sub("", base) == _MULTIPLE.sub("", base_of_other)


def match_symbols(wanted: str, held: Iterable[str]) -> list[str]:
    """
    Find the stored symbols a user means: the symbol itself, or every contract on a bare base (with its expiry, if any).

    Raises
    ------
    UsageError
        Nothing similar is stored and the name is unknown; the message has the nearest stored ones.
    """
    symbol = normalise_symbol(wanted)
    names = sorted(set(held))
    if _has_quote(symbol):
        found = [symbol] if symbol in names else []
    else:
        base, expiry = split_symbol(symbol)[0], expiry_of(symbol)
        on_base = [name for name in names if name == symbol or split_symbol(name)[0] == base]
        found = [name for name in on_base if not expiry or expiry_of(name) == expiry]
    if not found and names and not _is_known(symbol):
        if multiples := [name for name in names if is_multiple(name, symbol)]:
            raise UsageError(f"unknown symbol {wanted!r}; did you mean {', '.join(multiples[:3])}?")
        pool = names if _has_quote(symbol) else [*names, *(split_symbol(name)[0] for name in names)]
        raise UsageError(f"unknown symbol {wanted!r}{nearest(symbol, pool, 'the lake holds')}")
    return found


def check_exchange(name: str, extra: Iterable[str] = ()) -> str:
    """
    Check an exchange name against the known ones and those the lake holds.

    Raises
    ------
    UsageError
        Unknown; the message has the nearest names.
    """
    known = sorted({*EXCHANGES, *extra})
    lowered = name.strip().lower()
    if lowered not in known:
        raise UsageError(f"unknown exchange {name!r}{nearest(lowered, known)}")
    return lowered


def doubt_exchange(name: str) -> str:
    """Suggest the known exchange that an unknown name resembles; empty if it is known or resembles none."""
    lowered = name.strip().lower()
    close = difflib.get_close_matches(lowered, EXCHANGES, n=1, cutoff=0.7)
    return (
        f"{lowered!r} is stored as an exchange of its own; did you mean {close[0]}?"
        if close != [lowered] and close
        else ""
    )


def nearest(word: str, names: Iterable[str], known: str = "known") -> str:
    """Format ``; did you mean a, b?`` with the closest names, or the whole list, named ``known``, if none is close."""
    pool = sorted(set(names))
    close = difflib.get_close_matches(word, pool, n=3, cutoff=0.5)
    if close:
        return f"; did you mean {', '.join(close)}?"
    return f"; {known}: {', '.join(pool[:20])}{' …' if len(pool) > 20 else ''}"


def _has_quote(symbol: str) -> bool:
    base, quote = split_symbol(symbol)
    return bool(quote) and bool(base)


def _is_known(symbol: str) -> bool:
    base, _quote = split_symbol(symbol)
    return base in WELL_KNOWN_BASES
