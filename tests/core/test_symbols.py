"""One name for every spelling; spot and hostile names are rejected."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqcli.core.errors import UsageError
from liqcli.core.symbols import (
    check_exchange,
    check_name,
    is_multiple,
    match_symbols,
    nearest,
    normalise_symbol,
    split_symbol,
)

# product.md section 2, and the contract names of the exchanges it lists.
SPELLINGS = {
    "SOLUSDT": ["SOLUSDT", "solusdt", "SOL-USDT-SWAP", "SOL_USDT", "SOL/USDT:USDT", "tSOLF0:USTF0", "SOL-USDT",
                " SOLUSDT "],
    "BTCUSDC": ["BTC_USDC-PERPETUAL", "BTC/USDC:USDC"],
    "BTCUSD": ["PF_XBTUSD", "PI_XBTUSD", "BTC-USD", "BTC-PERPETUAL", "BTCUSD_PERP", "XBTUSD", "BTC-USD-SWAP",
               "BTC/USD:BTC"],
    "BTCUSDT": ["BTC/USDT:USDT", "tBTCF0:USTF0"],
    # Dated: base + quote - YYMMDD. 27 December 2024 and 28 June 2024 are the last Fridays of their months (Z, M).
    "BTCUSDT-241227": ["BTC-USDT-241227", "BTCUSDT_241227", "BTCUSDT-27DEC24", "BTC/USDT:USDT-241227", "XBTUSDTZ24",
                       "BTC_USDT_20241227"],
    "BTCUSD-240628": ["FI_XBTUSD_240628", "FF_XBTUSD_240628", "BTCUSD_240628", "BTC-USD-240628", "BTC/USD:BTC-240628",
                      "BTCUSDM24"],
    "BTCUSDC-240628": ["BTC_USDC-28JUN24"],
    "BTCUSDT-CQ": ["BTC-USDT-CQ"],  # HTX: this quarter's, whichever that was
    "BTC-240628": ["BTC-28JUN24", "BTC_240628", "btc-240628", "BTC240628", "XBT_240628"],  # without a quote
    "BTC999999": ["BTC-999999"],  # no date
    "ETHUSD": ["ETH-PERPETUAL", "PF_ETHUSD"],
    "1000PEPEUSDT": ["1000PEPEUSDT", "1000pepe_usdt"],
    "BTC": ["BTC", "btc", "XBT"],
    "ETH": ["ETH"],  # a base, although it is also a quote
}  # fmt: skip


@pytest.mark.parametrize(("spelling", "symbol"), [(s, symbol) for symbol, many in SPELLINGS.items() for s in many])
def test_spelling(spelling, symbol):
    assert normalise_symbol(spelling) == symbol
    assert normalise_symbol(symbol) == symbol


@pytest.mark.parametrize("spot", ["SOL/USDT", "sol/usdt", "SOLUSDT-SPOT", "SOL_USDT_SPOT", "SOL/USDT:SPOT"])
def test_spot_symbol_is_explained(spot):
    with pytest.raises(
        UsageError, match=r"is a spot market.*nothing is liquidated there; the perpetual is called SOLUSDT"
    ):
        normalise_symbol(spot)


@pytest.mark.parametrize(
    "name",
    ["", "  ", "../x", "..", "/", "x;DROP", "<script>", "SOL USDT", "SOL'USDT", "a\\b", "A" * 41, "$(x)", "a/../b"],
)
def test_hostile_names_are_rejected(name):
    with pytest.raises(UsageError, match="is not a contract name"):
        normalise_symbol(name)


@given(st.text(max_size=30))
def test_whatever_comes_out_is_letters_and_digits(text):
    try:
        symbol = normalise_symbol(text)
    except UsageError:
        return
    pair, dash, expiry = symbol.partition("-")
    assert pair.isalnum()
    assert len(pair) <= 40
    assert (len(expiry) in (2, 6)) == bool(dash)
    assert expiry.isascii()


def test_check_name():
    assert check_name("A" * 40, "symbol") == "A" * 40
    with pytest.raises(UsageError, match=r"^exchange: 'a-b' is not"):
        check_name("a-b", "exchange")


@pytest.mark.parametrize(
    ("symbol", "parts"),
    [
        ("SOLUSDT", ("SOL", "USDT")),
        ("BTCUSD", ("BTC", "USD")),
        ("ETHBTC", ("ETH", "BTC")),
        ("BTCUSDC", ("BTC", "USDC")),
        ("USDCUSDT", ("USDC", "USDT")),
        ("BTCFDUSD", ("BTC", "FDUSD")),
        ("USDT", ("USDT", "")),
        ("SOL", ("SOL", "")),
        ("ETH", ("ETH", "")),
        ("BTCUSDT-241227", ("BTC", "USDT")),
        ("BTC-241227", ("BTC", "")),
    ],
)
def test_split(symbol, parts):
    assert split_symbol(symbol) == parts


HELD = ["SOLUSD", "SOLUSDT", "SOLVUSDT", "BTCUSDT", "WEIRD"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("sol", ["SOLUSD", "SOLUSDT"]),
        ("SOL_USDT", ["SOLUSDT"]),
        ("XBT", ["BTCUSDT"]),
        ("WEIRD", ["WEIRD"]),
        ("ETHUSDT", []),  # a coin we know, not fetched yet
        ("ETH", []),
    ],
)
def test_match(wanted, found):
    assert match_symbols(wanted, HELD) == found


QUARTERLIES = ["BTCUSD", "BTCUSD-251226", "BTCUSDT", "BTCUSDT-251226", "BTCUSDT-260327", "ETHUSDT-251226"]


@pytest.mark.parametrize(
    ("wanted", "found"),
    [
        ("BTC", ["BTCUSD", "BTCUSD-251226", "BTCUSDT", "BTCUSDT-251226", "BTCUSDT-260327"]),
        ("BTCUSDT", ["BTCUSDT"]),
        ("BTC_251226", ["BTCUSD-251226", "BTCUSDT-251226"]),
        ("BTC-26DEC25", ["BTCUSD-251226", "BTCUSDT-251226"]),
        *((spelling, ["BTCUSDT-251226"]) for spelling in ("BTCUSDT_251226", "BTC-USDT-251226", "BTCUSDT-26DEC25")),
        *((spelling, ["BTCUSD-251226"]) for spelling in ("FI_XBTUSD_251226", "BTC-USD-251226", "BTCUSD_251226")),
        ("BTCUSDT_261225", []),
    ],
)
def test_a_dated_contract_is_one_of_its_own(wanted, found):
    """A base means all of its contracts; a perpetual's name means none with an expiry."""
    assert match_symbols(wanted, QUARTERLIES) == found


@pytest.mark.parametrize("name", ["BTC-27MAR26-80000-C", "XRP_USDC-27MAR26-0d5-P", "BTC-FS-27MAR26_PERP"])
def test_options_and_spreads_are_rejected(name):
    with pytest.raises(UsageError, match=r"is (an option|a spread), not a future"):
        normalise_symbol(name)


def test_match_names_the_nearest():
    with pytest.raises(UsageError, match=r"^unknown symbol 'SLUSDT'; did you mean SOLUSDT"):
        match_symbols("SLUSDT", HELD)
    with pytest.raises(UsageError, match=r"^unknown symbol 'QQQQ'; the lake holds: "):
        match_symbols("QQQQ", HELD)
    with pytest.raises(UsageError, match=r"^unknown symbol 'SLO'; did you mean SOL"):
        match_symbols("SLO", HELD)
    with pytest.raises(UsageError, match=r"'SOL,BTC' is not a contract name \(letters and digits\); one at a time"):
        match_symbols("SOL,BTC", HELD)
    # Well-known coins that the lake does not hold are not offered.
    with pytest.raises(UsageError, match=r"^unknown symbol 'ETHH'; the lake holds: SOL, SOLUSDT$"):
        match_symbols("ETHH", ["SOLUSDT"])
    with pytest.raises(UsageError, match=r"^unknown symbol 'TSOLUSDT'; did you mean SOLUSDT\?$"):
        match_symbols("TSOLUSDT", ["SOLUSDT"])
    assert match_symbols("QQQQ", []) == []  # an empty lake cannot call anything unknown


def test_exchange_names():
    assert check_exchange(" Gate ") == "gate"
    assert check_exchange("newone", ["newone"]) == "newone"
    with pytest.raises(UsageError, match="unknown exchange 'binanse'; did you mean binance"):
        check_exchange("binanse")
    with pytest.raises(UsageError, match=r"unknown exchange '../x'"):
        check_exchange("../x")


def test_nearest_lists_when_nothing_is_close():
    assert nearest("zzz", ["b", "a"]) == "; known: a, b"
    assert nearest("zzz", [f"n{k:02}" for k in range(21)]).endswith("n19 …")


@pytest.mark.parametrize(
    ("symbol", "other", "same"),
    [
        ("PEPE", "1000PEPEUSDT", True),
        ("1000PEPEUSDT", "PEPEUSD", True),
        ("SHIB1000USDT", "1000SHIBUSDT", True),
        ("BABYDOGE", "1MBABYDOGEUSDT", True),
        ("PEPEUSDT", "PEPEUSDC", False),
        ("1INCH", "INCHUSDT", False),
        ("PEPE", "PEOPLEUSDT", False),
    ],
)
def test_contracts_on_several_coins(symbol, other, same):
    assert is_multiple(symbol, other) == is_multiple(other, symbol) == same
