"""Exchange x linear, inverse, quanto, dated x generic file, Tardis, fetched: USD, coins and symbol, or a refusal."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from liqcli.cli import app
from liqcli.core.instruments import RULES
from liqcli.core.model import Liquidation
from liqcli.core.symbols import EXCHANGES
from liqcli.ingest.files import amounts, generic_rows
from liqcli.ingest.files.column_mapping import guess_columns
from liqcli.sources.bitget import liquidations as bitget_liquidations
from liqcli.sources.bybit import stream as bybit_live
from liqcli.sources.contracts import ListedContract
from liqcli.sources.deribit import liquidations as deribit_liquidations
from liqcli.sources.gate import liquidations as gate_liquidations
from liqcli.sources.htx import liquidations as htx_liquidations
from liqcli.sources.kraken import liquidations as kraken_liquidations
from liqcli.sources.okx import liquidations as okx_liquidations
from liqcli.sources.poloniex import liquidations as poloniex_liquidations
from liqcli.sources.tardis import files as tardis_files

UNITS = Path(__file__).parents[2] / "docs/units.md"

# exchange, the contract as the exchange writes it, the symbol
LINEAR = [
    ("aster", "BTCUSDT", "BTCUSDT"), ("binance", "BTCUSDT", "BTCUSDT"), ("bitfinex", "tBTCF0:USTF0", "BTCUSDT"),
    ("bitget", "BTCUSDT", "BTCUSDT"), ("bitget", "BTCPERP", "BTCUSDC"), ("bitget", "BTCUSDT_UMCBL", "BTCUSDT"),
    ("bitmex", "XBTUSDT", "BTCUSDT"), ("bybit", "BTCUSDT", "BTCUSDT"), ("bybit", "BTCPERP", "BTCUSDC"),
    ("coinex", "BTCUSDT", "BTCUSDT"), ("deribit", "BTC_USDC-PERPETUAL", "BTCUSDC"), ("dydx", "BTC-USD", "BTCUSD"),
    ("ftx", "BTC-PERP", "BTCUSD"), ("gate", "BTC_USDT", "BTCUSDT"), ("htx", "BTC-USDT", "BTCUSDT"),
    ("hyperliquid", "BTC", "BTC"), ("kraken", "PF_XBTUSD", "BTCUSD"), ("lighter", "BTC", "BTCUSDC"),
    ("okx", "BTC-USDT-SWAP", "BTCUSDT"), ("okx", "BTC-USD_UM-SWAP", "BTCUSD"), ("pacifica", "BTC", "BTC"),
    ("poloniex", "BTC_USDT_PERP", "BTCUSDT"), ("newexchange", "BTCUSDT", "BTCUSDT"),
    ("backpack", "SOL_USDC_PERP", "SOLUSDC"), ("extended", "BTC-USD", "BTCUSD"),
]  # fmt: skip
INVERSE = [
    ("binance", "BTCUSD_PERP", "BTCUSD"), ("bitget", "BTCUSD", "BTCUSD"), ("bitget", "BTCUSD_DMCBL", "BTCUSD"),
    ("bitmex", "XBTUSD", "BTCUSD"), ("bybit", "BTCUSD", "BTCUSD"), ("coinex", "BTCUSD", "BTCUSD"),
    ("deribit", "BTC-PERPETUAL", "BTCUSD"), ("gate", "BTC_USD", "BTCUSD"), ("htx", "BTC-USD", "BTCUSD"),
    ("kraken", "PI_XBTUSD", "BTCUSD"), ("okx", "BTC-USD-SWAP", "BTCUSD"), ("poloniex", "BTC_USD_PERP", "BTCUSD"),
]  # fmt: skip
DATED_LINEAR = [
    ("aster", "BTCUSDT_251226", "BTCUSDT-251226"), ("binance", "BTCUSDT_251226", "BTCUSDT-251226"),
    ("bitmex", "XBTUSDTZ25", "BTCUSDT-251226"), ("bybit", "BTCUSDT-26DEC25", "BTCUSDT-251226"),
    ("bybit", "BTC-26DEC25", "BTCUSDC-251226"), ("deribit", "BTC_USDC-26DEC25", "BTCUSDC-251226"),
    ("ftx", "BTC-0325", "BTCUSD-220325"), ("ftx", "BTC-20210326", "BTCUSD-210326"),
    ("gate", "BTC_USDT_20251226", "BTCUSDT-251226"), ("htx", "BTC-USDT-251226", "BTCUSDT-251226"),
    ("htx", "BTC-USDT-CQ", "BTCUSDT-CQ"), ("kraken", "FF_XBTUSD_251226", "BTCUSD-251226"),
    ("okx", "BTC-USDT-251226", "BTCUSDT-251226"), ("newexchange", "BTC/USDT:USDT-251226", "BTCUSDT-251226"),
]  # fmt: skip
DATED_INVERSE = [
    ("binance", "BTCUSD_251226", "BTCUSD-251226"), ("bitget", "BTCUSDZ25", "BTCUSD-251226"),
    ("bitmex", "XBTZ25", "BTCUSD-251226"), ("bybit", "BTCUSDZ25", "BTCUSD-251226"),
    ("deribit", "BTC-26DEC25", "BTCUSD-251226"), ("htx", "BTC251226", "BTCUSD-251226"), ("htx", "BTC_CW", "BTCUSD-CW"),
    ("kraken", "FI_XBTUSD_251226", "BTCUSD-251226"), ("okx", "BTC-USD-251226", "BTCUSD-251226"),
]  # fmt: skip
REFUSED = [
    ("bitmex", "ETHUSD", "quanto"), ("bitmex", "XRPH21", "quanto"), ("gate", "ETH_USD", "quanto"),
    ("aster", "BTCUSD", "contract_kind=:inverse"), ("bitfinex", "BTCUSD", "contract_kind=:inverse"),
    ("newexchange", "BTCUSD", "contract_kind=:inverse"), ("newexchange", "BTC", "contract_kind=:inverse"),
    ("binance", "ETHBTC", "notional=COLUMN"), ("deribit", "BTC-26DEC25-80000-C", "option"),
    ("lighter", "1", "market number 1"), ("binance", "BTC/USDT", "spot"),
]  # fmt: skip

COLUMNS = ("ts", "exchange", "symbol", "position", "price", "contracts", "contract_size")


def _generic(exchange: str, name: str, *, contracts: str, size: str, **more: str) -> Liquidation:
    cells = ("2025-12-01T00:00Z", exchange, name, "long", "50000", contracts, size)
    record = dict(zip(COLUMNS, cells, strict=True)) | more
    columns = guess_columns(list(record), generic_rows.KNOWN_NAMES)
    return generic_rows.parse_record(record, generic_rows.TableMap(columns, guessed=frozenset(columns)))


@pytest.mark.parametrize(("exchange", "name", "symbol"), LINEAR + DATED_LINEAR)
def test_linear_in_a_generic_file(exchange: str, name: str, symbol: str) -> None:
    """3 contracts of 0.01 coins are 0.03 coins; at 50,000 they are 1,500 USD."""
    row = _generic(exchange, name, contracts="3", size="0.01")
    assert (row.symbol, row.instrument, row.exchange) == (symbol, name, exchange)
    assert row.qty == pytest.approx(0.03, rel=1e-12)
    assert row.notional == pytest.approx(1500, rel=1e-12)


@pytest.mark.parametrize(("exchange", "name", "symbol"), INVERSE + DATED_INVERSE)
def test_inverse_in_a_generic_file(exchange: str, name: str, symbol: str) -> None:
    """3 contracts of 100 USD are 300 USD at any price; at 50,000 they are 300 / 50,000 = 0.006 coins."""
    row = _generic(exchange, name, contracts="3", size="100")
    assert (row.symbol, row.notional, row.contracts, row.contract_size) == (symbol, 300, 3, 100)
    assert row.qty == pytest.approx(0.006, rel=1e-12)


@pytest.mark.parametrize(("exchange", "name", "reason"), REFUSED)
def test_what_is_not_certain_is_refused(exchange: str, name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        _generic(exchange, name, contracts="3", size="100")


def test_the_numbers_of_the_issue() -> None:
    """Kraken 3 x 100 USD; Kraken PI_ 250 x 1 USD; HTX 218 x 100 USD."""
    assert _generic("kraken", "BTCUSD", contracts="3", size="100").notional == 300  # a linear one is one coin there
    assert _generic("kraken", "PI_ETHUSD", contracts="250", size="1").notional == 250
    row = _generic("htx", "BTC200703", contracts="218", size="100")
    assert (row.symbol, row.notional) == ("BTCUSD-200703", 21_800)
    with pytest.raises(ValueError, match=r"may be linear \(1 coin a contract\) or inverse \(1 USD"):
        _generic("kraken", "ETHUSD", contracts="250", size="1")


@pytest.mark.parametrize(
    ("name", "price", "size", "is_inverse"),
    [
        ("BTCUSD", "50000", "100", True),  # as coins 100 x 50,000 = 5,000,000 USD a contract
        ("BTCUSD", "50000", "10", True),  # 500,000
        ("BTCUSD", "50000", "50", True),  # 2,500,000
        ("BTCUSD", "50000", "1000", True),  # 50,000,000
        ("ETHUSD", "3000", "100", True),  # 300,000
        ("ETHUSD", "3000", "10", False),  # 30,000
        ("BTCUSD", "120000", "1", False),  # 1 coin: what Kraken's linear contracts are
        ("BTCUSD", "50000", "5", False),
        ("DOGEUSD", "0.30", "100", False),  # 30 USD
        ("LINKUSD", "15", "10", False),  # 150 USD
    ],
)
def test_kraken_is_inverse_by_guess_only_where_linear_is_absurd(
    name: str, price: str, size: str, is_inverse: bool
) -> None:
    if is_inverse:
        row = _generic("kraken", name, contracts="3", size=size, price=price)
        assert row.notional == 3 * float(size)
    else:
        with pytest.raises(ValueError, match="pass --columns contract_kind=:linear, contract_kind=:inverse"):
            _generic("kraken", name, contracts="3", size=size, price=price)


def test_the_summary_says_that_a_contract_is_assumed_to_be_inverse(tmp_path: Path) -> None:
    """3 x 100 USD are 300 USD; as linear 3 x 100 coins x 50,000 = 15,000,000 USD."""
    path = tmp_path / "a.csv"
    path.write_text(f"{','.join(COLUMNS)}\n2025-12-01T00:00Z,kraken,BTCUSD,long,50000,3,100\n")
    words = ["import", str(path), "--lake", str(tmp_path / "lake")]
    done = CliRunner().invoke(app, words)
    assert "BTCUSD: inverse, 100 USD a contract (assumed; if linear: --columns contract_kind=:linear)" in done.stdout
    assert "300.00 USD" in done.stdout
    for kind, usd in (("inverse", "300.00 USD"), ("linear", "15,000,000.00 USD")):
        done = CliRunner().invoke(app, [*words, "--columns", f"contract_kind=:{kind}", "--replace"])
        assert usd in done.stdout
        assert "assumed;" not in done.stdout


def test_the_file_may_say_it_but_not_against_the_name() -> None:
    assert _generic("newexchange", "BTCUSD", contracts="3", size="100", contract_kind="inverse").notional == 300
    assert _generic("newexchange", "BTCUSD", contracts="3", size="0.01", contract_kind="Linear").notional == 1500
    with pytest.raises(ValueError, match="contract_kind is linear, but BTCUSD is inverse by its name and exchange"):
        _generic("okx", "BTC-USD-SWAP", contracts="3", size="100", contract_kind="linear")
    with pytest.raises(ValueError, match="is a quanto contract"):
        _generic("newexchange", "ETHUSD", contracts="3", size="100", contract_kind="quanto")
    with pytest.raises(ValueError, match="contract_kind is neither linear nor inverse: 'perpetual'"):
        _generic("newexchange", "ETHUSD", contracts="3", size="100", contract_kind="perpetual")


def test_amounts_are_checked_against_each_other() -> None:
    """At 50,000: 3 x 100 USD = 300 USD = 0.006 coins. Where the name does not say the kind, another amount does."""
    assert _generic("okx", "BTC-USD-SWAP", contracts="3", size="100", qty="0.006").notional == 300
    assert _generic("newexchange", "BTCUSD", contracts="3", size="100", notional="300").qty == 300 / 50_000
    assert _generic("newexchange", "BTCUSD", contracts="3", size="0.01", amount_base="0.03").notional == 1500
    with pytest.raises(ValueError, match="newexchange may count coins, contracts or USD"):  # 836 coins, or USD?
        _generic("newexchange", "BTCUSD", contracts="836", size="1", qty="836")
    with pytest.raises(ValueError, match="notional 1500 differs from contracts x contract_size = 300"):
        _generic("okx", "BTC-USD-SWAP", contracts="3", size="100", notional="1500")
    with pytest.raises(ValueError, match="neither the coins nor the USD of the row"):
        _generic("newexchange", "BTCUSD", contracts="3", size="100", notional="1500")
    with pytest.raises(
        ValueError, match="notional 300 differs from price x qty"
    ):  # 300 as coins would be 15,000,000 USD
        _generic("newexchange", "BTCUSDT", contracts="", size="", qty="300", notional="300")


@pytest.mark.parametrize(
    ("exchange", "name", "column", "reason"),
    [
        ("bybit", "BTCUSD", "qty", "bybit states USD of 'BTCUSD', not coins. Pass --columns notional=qty; if"),
        ("kraken", "PI_XBTUSD", "qty", "kraken states USD of 'PI_XBTUSD'"),
        ("okx", "BTC-USDT-SWAP", "size", "okx counts contracts of 'BTC-USDT-SWAP', not coins. Pass --columns"),
        ("gate", "BTC_USDT", "size", "gate counts contracts of 'BTC_USDT'"),
        ("bitget", "BTCUSDT", "amount", "bitget states USD of 'BTCUSDT'"),
        ("kraken", "BTCUSD", "amount", "kraken may count coins, contracts or USD of 'BTCUSD'"),
        ("newexchange", "BTCUSD", "quantity", "newexchange may count coins, contracts or USD of 'BTCUSD'"),
    ],
)  # fmt: skip
def test_a_column_that_may_count_anything_is_no_quantity_unasked(
    exchange: str, name: str, column: str, reason: str
) -> None:
    record = {"ts": "2025-12-01T00:00Z", "exchange": exchange, "symbol": name, "position": "long", "price": "50000",
              column: "2"}  # fmt: skip
    columns = guess_columns(list(record), generic_rows.KNOWN_NAMES)
    tables = [generic_rows.TableMap(columns, guessed=frozenset(columns))]
    if exchange != "newexchange":  # there the user's word for the column is all that is known
        tables.append(generic_rows.TableMap(columns))
    for table in tables:
        with pytest.raises(ValueError, match=re.escape(f"qty={column} is ambiguous: {reason}")) as caught:
            generic_rows.parse_record(record, table)
        assert str(caught.value).endswith(f"if the column holds coins, qty={column}:coins")
    stated = generic_rows.parse_record(record, generic_rows.TableMap(columns, in_coins=True))
    assert (stated.qty, stated.notional) == (2, 100_000)


def test_the_instrument_says_more_than_the_symbol() -> None:
    row = _generic("kraken", "BTCUSD", contracts="3", size="1", instrument="PI_XBTUSD")
    assert (row.symbol, row.notional) == ("BTCUSD", 3)
    row = _generic("binance", "BTCUSDT", contracts="3", size="0.01", instrument="BTCUSDT_251226")
    assert (row.symbol, row.instrument) == ("BTCUSDT-251226", "BTCUSDT_251226")
    with pytest.raises(ValueError, match=r"BTCUSDT_251226 \(BTCUSDT-251226\), but --symbol is BTCUSDT"):
        amounts.find_contract("binance", "BTCUSDT", "BTCUSDT_251226", None, True)


TARDIS_IDS = {
    "aster": "aster-futures", "bitget": "bitget-futures", "bitmex": "bitmex", "bybit": "bybit", "deribit": "deribit",
    "dydx": "dydx-v4", "ftx": "ftx", "htx": "huobi-dm-swap", "kraken": "cryptofacilities", "lighter": "lighter",
    "okx": "okex-swap", "binance": "binance-delivery",
}  # fmt: skip
FACE_OF_BTC = {"binance": 100, "htx": 100, "okx": 100}  # USD an inverse contract; elsewhere amounts are USD
COUNTED = ("okx", "htx", "bitmex")  # linear amounts are contracts there


def _tardis(exchange: str, name: str, amount: str, size: float | None = None) -> Liquidation:
    raw = {"exchange": TARDIS_IDS[exchange], "symbol": name, "timestamp": "1764547200000000", "local_timestamp": "",
           "id": "", "side": "sell", "price": "50000", "amount": amount}  # fmt: skip
    return tardis_files.parse_row(raw, {name: size} if size else {})


@pytest.mark.parametrize(
    ("exchange", "name", "symbol"),
    [case for case in LINEAR + DATED_LINEAR if case[0] in TARDIS_IDS and case[1] != "BTC/USDT:USDT-251226"],
)
def test_linear_of_tardis(exchange: str, name: str, symbol: str) -> None:
    """3 coins, or 300 contracts of 0.01 coins, are 150,000 USD; Bitget says the USDT."""
    amount, size = ("300", 0.01) if exchange in COUNTED else ("150000" if exchange == "bitget" else "3", None)
    row = _tardis(exchange, name, amount, size)
    assert (row.symbol, row.qty, row.notional) == (symbol, 3, 150_000)


@pytest.mark.parametrize(
    ("exchange", "name", "symbol"), [case for case in INVERSE + DATED_INVERSE if case[0] in TARDIS_IDS]
)
def test_inverse_of_tardis(exchange: str, name: str, symbol: str) -> None:
    """Contracts of 100 USD or of 1 USD: 300 USD, 0.006 coins at 50,000."""
    row = _tardis(exchange, name, str(300 // FACE_OF_BTC.get(exchange, 1)))
    assert (row.symbol, row.notional) == (symbol, 300)
    assert row.qty == pytest.approx(0.006, rel=1e-12)


@pytest.mark.parametrize(("exchange", "name", "reason"), [case for case in REFUSED if case[0] in TARDIS_IDS])
def test_tardis_refuses_too(exchange: str, name: str, reason: str) -> None:
    with pytest.raises(ValueError, match=reason.replace("contract_kind=:inverse", "linear or inverse").replace(
        "notional=COLUMN", "not quoted in dollars")):  # fmt: skip
        _tardis(exchange, name, "300", 1.0)


# What an exchange's own list says of a contract -> market or None, and how its kind is called there
FETCHED: list[tuple[Callable[[Any], ListedContract | None], dict[str, Any], str | None, bool]] = [
    (kraken_liquidations.parse_market, {"symbol": "PF_XBTUSD"}, "BTCUSD", False),
    (kraken_liquidations.parse_market, {"symbol": "PI_XBTUSD"}, "BTCUSD", True),
    (kraken_liquidations.parse_market, {"symbol": "FF_XBTUSD_251226"}, None, False),
    (okx_liquidations.parse_market, {"instId": "BTC-USDT-SWAP", "ctVal": "0.01", "ctType": "linear"}, "BTCUSDT", False),
    (okx_liquidations.parse_market, {"instId": "BTC-USD-SWAP", "ctVal": "100", "ctType": "inverse"}, "BTCUSD", True),
    (okx_liquidations.parse_market, {"instId": "BTC-USD-SWAP", "ctVal": "100"}, "BTCUSD", True),
    (okx_liquidations.parse_market, {"instId": "BTC-USD-SWAP", "ctVal": "100", "ctType": "linear"}, None, False),
    (okx_liquidations.parse_market, {"instId": "BTC-USDT-251226", "ctVal": "0.01"}, None, False),
    (htx_liquidations.parse_market, {"contract_code": "BTC-USDT", "contract_size": 0.001}, "BTCUSDT", False),
    (htx_liquidations.parse_market, {"contract_code": "BTC-USD", "contract_size": 100}, "BTCUSD", True),
    (htx_liquidations.parse_market, {"contract_code": "BTC-USDT-251226", "contract_size": 0.001}, None, False),
    (
        gate_liquidations.parse_market,
        {"name": "BTC_USDT", "type": "direct", "quanto_multiplier": "0.0001"},
        "BTCUSDT",
        False,
    ),
    (gate_liquidations.parse_market, {"name": "BTC_USD", "type": "inverse", "quanto_multiplier": "0"}, "BTCUSD", True),
    (
        gate_liquidations.parse_market,
        {"name": "ETH_USD", "type": "direct", "quanto_multiplier": "0.000001"},
        None,
        False,
    ),
    (
        deribit_liquidations.parse_market,
        {"instrument_name": "BTC-PERPETUAL", "instrument_type": "reversed"},
        "BTCUSD",
        True,
    ),
    (
        deribit_liquidations.parse_market,
        {"instrument_name": "BTC_USDC-PERPETUAL", "instrument_type": "linear"},
        "BTCUSDC",
        False,
    ),
    (deribit_liquidations.parse_market, {"instrument_name": "BTC-26DEC25", "instrument_type": "reversed"}, None, False),
    (bitget_liquidations.parse_market, {"symbol": "BTCUSDT", "type": "perpetual"}, "BTCUSDT", False),
    (bitget_liquidations.parse_market, {"symbol": "BTCUSD", "type": "perpetual"}, "BTCUSD", True),
    (bitget_liquidations.parse_market, {"symbol": "BTCUSDZ25", "type": "delivery"}, None, False),
    (
        poloniex_liquidations.parse_market,
        {"symbol": "BTC_USDT_PERP", "ctType": "LINEAR", "ctVal": "0.001"},
        "BTCUSDT",
        False,
    ),
    (poloniex_liquidations.parse_market, {"symbol": "BTC_USD_PERP", "ctType": "INVERSE", "ctVal": "100"}, None, False),
]


@pytest.mark.parametrize(("parse", "raw", "symbol", "inverse"), FETCHED)
def test_contracts_that_are_fetched(
    parse: Callable[[Any], ListedContract | None], raw: dict[str, Any], symbol: str | None, inverse: bool
) -> None:
    market = parse(raw)
    assert (market and (market.symbol, market.inverse)) == (symbol and (symbol, inverse))


@pytest.mark.parametrize(
    "symbol", ["BTCUSDT", "BTCUSD", "BTCUSDC", "BTCUSDT-251226", "BTCUSDC-251205", "BTCUSD-251226"]
)
def test_bybit_live_names_find_their_way_back(symbol: str) -> None:
    assert bybit_live.name_symbol(bybit_live.name_instrument(symbol)) == symbol


def test_every_exchange_has_a_rule_and_a_case() -> None:
    assert set(RULES) == set(EXCHANGES)
    assert {case[0] for case in LINEAR} >= set(EXCHANGES)
    assert {case[0] for case in INVERSE} == {name for name, rule in RULES.items() if rule.usd == "inverse"} | {"kraken"}


def test_the_table_of_the_documentation_is_the_rule() -> None:
    """docs/units.md: | exchange | linear contracts count | contracts in USD are | USD of an inverse contract |"""
    table = UNITS.read_text(encoding="utf-8").partition("### contract kinds")[2]
    lines = [[cell.strip() for cell in line.split("|")[1:-1]] for line in table.splitlines() if line.startswith("| `")]
    written = {cells[0].strip("`"): cells[1:4] for cells in lines}
    counts = {"base": "coins", "contracts": "contracts", "quote": "money"}
    for exchange, rule in RULES.items():
        faces = "1" if rule.faces == (1.0, 1.0) else "100 (BTC), 10" if rule.faces else "—"
        kind = rule.usd or "named"
        kind = f"{kind} ({', '.join(rule.bases)}), else quanto" if rule.bases else kind
        assert written[exchange] == [counts[rule.unit], kind, faces], exchange
