"""Canonical exchange, source and symbol names from the text of options and cells."""

from __future__ import annotations

import re
from functools import lru_cache

from liqcli.core.errors import UsageError
from liqcli.core.model import shorten
from liqcli.core.symbols import add_quote, normalise_symbol, split_symbol

_NAME = re.compile(r"^[a-z0-9][a-z0-9-]{0,39}$")


@lru_cache(maxsize=20_000)
def canonical_symbol(text: str, quote: str | None) -> str:
    """
    Normalise a symbol; without a recognised quote, append ``quote`` or leave the symbol as it is.

    Raises
    ------
    ValueError
        The text has characters that contract names never have, or names a spot market.
    """
    try:
        symbol = normalise_symbol(check_letters(text))
    except UsageError as error:
        raise ValueError(str(error)) from None
    return add_quote(symbol, quote) if quote and not split_symbol(symbol)[1] else symbol


def is_same_symbol(symbol: str, text: str) -> bool:
    """Return whether a cell names this symbol: the same contract in any spelling, or its base coin alone."""
    try:
        name = canonical_symbol(text, None)
    except ValueError:
        return False
    return name == symbol or (not split_symbol(name)[1] and name == split_symbol(symbol)[0])


def is_same_exchange(exchange: str, text: str) -> bool:
    """Return whether a cell names this exchange."""
    return text.lower() == exchange


@lru_cache(maxsize=1000)
def canonical_name(text: str, what: str) -> str:
    """
    Normalise an exchange or source name: lower-case letters, digits and dashes.

    Raises
    ------
    ValueError
        The name has other characters.
    """
    name = text.strip().lower()
    if not _NAME.match(name):
        raise ValueError(f"{what} must consist of letters, digits and dashes: {shorten(text)}")
    return name


def check_quote(text: str | None) -> str | None:
    """
    Normalise ``--quote``.

    Raises
    ------
    UsageError
        Not a currency code.
    """
    if text is None:
        return None
    if not re.fullmatch(r"[A-Za-z]{2,8}", text):
        raise UsageError(f"--quote: {text!r} is not a currency such as USD or USDT")
    return text.upper()


@lru_cache(maxsize=20_000)
def check_letters(text: str) -> str:
    """
    Check that a contract name has only letters, digits and separators, so that it is safe in paths, SQL and HTML.

    Raises
    ------
    ValueError
        It has other characters or is longer than 60.
    """
    name = text.strip()
    if len(name) > 60 or not re.sub(r"[-_/:]", "", name).isalnum():
        raise ValueError(f"not a contract name: {shorten(text)}")
    return name
