"""Columns of contracts: never taken for coins in silence, multiplied by the size of their own contract alone."""

from __future__ import annotations

import pytest
from typer.testing import CliRunner, Result

from liqcli.cli import app

HEAD = "ts,instId,side,bkPx,sz"
BTC = "2024-03-01T00:00:00Z,BTC-USDT-SWAP,sell,60000,7"  # 7 x 0.01 = 0.07 BTC, 4,200 USD
ETH = "2024-03-01T00:01:00Z,ETH-USDT-SWAP,buy,3000,5"  # 5 x 0.1 = 0.5 ETH, 1,500 USD
INVERSE = "2024-03-01T00:02:00Z,BTC-USD-SWAP,sell,60000,12"  # 12 x 100 = 1,200 USD, 0.02 BTC
WORDS = "symbol=instId,side=side,price=bkPx"


@pytest.fixture
def imports(tmp_path, lake):
    """Write rows to a file and import it."""

    def run(rows, columns, *more, exchange="okx", head=HEAD, words=WORDS) -> Result:
        path = tmp_path / "feed.csv"
        path.write_text("\n".join([head, *rows]) + "\n")
        options = ["--columns", ",".join(filter(None, (words, columns))), "--lake", lake]
        options += ["--exchange", exchange] if exchange else []
        return CliRunner().invoke(app, ["import", *map(str, (path, *options, *more))])

    return run


def amounts(lake) -> dict[str, tuple[float, float, float | None, float | None]]:
    """Read instrument -> qty, USD, contracts, contract size."""
    import pyarrow.parquet as pq

    rows = [row for path in lake.rglob("import.parquet") for row in pq.ParquetFile(path).read().to_pylist()]
    return {row["instrument"]: (row["qty"], row["notional"], row["contracts"], row["contract_size"]) for row in rows}


def test_contracts_of_okx_as_coins_are_asked_about_once(imports, lake):
    """As coins the two rows would be 7 x 60,000 + 5 x 3,000 = 435,000 USD instead of 5,700."""
    asked = imports([BTC, ETH], "qty=sz")
    assert asked.exit_code == 2
    assert asked.stderr.count("ambiguous") == 1
    assert (
        "qty=sz is ambiguous: okx counts contracts of 'BTC-USDT-SWAP', not coins. Pass --columns contracts=sz with "
        "contract_size=COLUMN, contract_size=:0.01 or --contract-size BTC-USDT-SWAP=SIZE; if the column holds coins, "
        "qty=sz:coins"
    ) in asked.stderr
    assert not (lake / "liquidations").exists()


def test_coins_are_believed_when_stated(imports, lake):
    done = imports([BTC], "qty=sz:coins")
    assert done.exit_code == 0
    assert amounts(lake) == {"BTC-USDT-SWAP": (7, 420_000, None, None)}
    wrong = imports([BTC], "qty=sz:lots")
    assert wrong.exit_code == 2
    assert "qty=sz:lots: 'lots' is not coins; a column of contracts is contracts=sz, one of USD is" in wrong.stderr


def test_columns_used_show_that_coins_were_stated(imports):
    done = imports([BTC], "ts=1,symbol=2,side=3,price=4,qty=5:coins", "--no-header", words="", head=BTC)
    assert "qty=5:coins (7)" in done.stderr


def test_a_missing_quantity_suggests_the_unit_of_the_exchange_first(imports):
    okx = imports([BTC], "").stderr
    assert (
        "quantity not specified: pass --columns contracts=sz with contract_size=COLUMN, contract_size=:0.01 or "
        "--contract-size INSTRUMENT=SIZE (okx counts contracts), qty=sz:coins or notional=sz (USD)"
    ) in okx
    bitget = imports([BTC], "", exchange="bitget", words="symbol=instId,position=side:buy-is-long,price=bkPx").stderr
    assert "pass --columns notional=sz (bitget states USD), qty=sz:coins or contracts=sz" in bitget
    assert "pass --columns qty=sz (coins), notional=sz (USD) or contracts=sz" in imports([], "", exchange="dydx").stderr
    binance = imports([], "", exchange="binance").stderr
    assert "qty=sz (coins), contracts=sz (coin-margined contracts) or notional=sz (USD)" in binance
    assert "mexc counts contracts" in imports([BTC], "", exchange="mexc").stderr


def test_a_column_of_the_word_itself_is_coins_with_a_note(imports, lake):
    head = HEAD.replace("sz", "qty")
    done = imports([BTC], "", head=head)
    assert "qty is read as coins; okx itself states contracts: if the column does too, --columns contracts=qty" in (
        done.stderr
    )
    assert amounts(lake)["BTC-USDT-SWAP"][0] == 7
    assert "is read as coins" not in imports([BTC], "qty=qty:coins", head=head).stderr
    binance = imports([BTC.replace("-", "").replace("SWAP", "")], "", head=head, exchange="binance")
    assert "is read as coins" not in binance.stderr


def test_contract_sizes_are_refused_for_other_kinds(tmp_path, lake):
    path = tmp_path / "oi.csv"
    path.write_text("ts,open_interest\n2024-03-01T00:00:00Z,5\n")
    words = ("--exchange", "okx", "--symbol", "BTCUSDT", "--kind", "open-interest", "--contract-size", "BTCUSDT=0.01")
    done = CliRunner().invoke(app, ["import", str(path), *words, "--lake", str(lake)])
    assert done.exit_code == 2
    assert "--contract-size applies to liquidations only" in done.stderr


def test_sizes_of_several_contracts(imports, lake):
    """The inverse contract needs no size: 100 USD by docs/units.md."""
    sizes = ("--contract-size", "BTC-USDT-SWAP=0.01", "--contract-size", "ethusdt=0.1")
    done = imports([BTC, ETH, INVERSE], "contracts=sz", *sizes)
    assert done.exit_code == 0
    assert "6,900.00 USD" in done.stdout
    assert amounts(lake) == {
        "BTC-USDT-SWAP": (pytest.approx(0.07), pytest.approx(4200), 7, 0.01),
        "ETH-USDT-SWAP": (pytest.approx(0.5), pytest.approx(1500), 5, 0.1),
        "BTC-USD-SWAP": (pytest.approx(0.02), 1200, 12, 100),
    }


def test_an_unknown_size_rejects_the_row_until_it_is_stated(imports, lake):
    done = imports([BTC, ETH, INVERSE], "contracts=sz", "--contract-size", "BTC-USDT-SWAP=0.01")
    assert done.exit_code == 6
    assert (
        "contract size of ETH-USDT-SWAP is unknown: pass --contract-size ETH-USDT-SWAP=SIZE or --columns "
        "contract_size=COLUMN"
    ) in done.stderr
    assert set(amounts(lake)) == {"BTC-USDT-SWAP", "BTC-USD-SWAP"}
    sizes = ("--contract-size", "BTC-USDT-SWAP=0.01", "--contract-size", "ETH-USDT-SWAP=0.1")
    assert imports([BTC, ETH, INVERSE], "contracts=sz", *sizes).exit_code == 0
    assert sum(usd for _qty, usd, *_rest in amounts(lake).values()) == pytest.approx(6900)
    changed = imports([BTC, ETH, INVERSE], "contracts=sz", "--contract-size", "BTC-USDT-SWAP=1")
    assert changed.exit_code == 2
    assert "with other options" in changed.stderr


def test_other_options_beside_new_sizes_are_refused(imports):
    first = imports([BTC, ETH], "contracts=sz", "--contract-size", "BTC-USDT-SWAP=0.01")
    assert first.exit_code == 6
    sizes = ("--contract-size", "BTC-USDT-SWAP=0.01", "--contract-size", "ETH-USDT-SWAP=0.1")
    other = imports([BTC, ETH], "contracts=sz,price_kind=:bankruptcy", *sizes)
    assert other.exit_code == 2
    assert "with other options" in other.stderr


def test_a_face_of_one_dollar_is_not_the_size_of_a_contract(imports):
    """Deribit states USD; its contract on BTC is 10 USD, which docs/units.md does not hold."""
    row = "2024-03-01T00:00:00Z,BTC-PERPETUAL,long,60000,3,deribit"
    words = "symbol=instId,position=side,price=bkPx,contracts=sz"
    done = imports([row], "", head=f"{HEAD},venue", words=words, exchange="deribit")
    assert "contract size of INSTRUMENT is unknown" in done.stderr
    row_by_row = imports(
        [row, row.replace("00Z", "01Z")], "exchange=venue", head=f"{HEAD},venue", words=words, exchange=""
    )
    assert row_by_row.exit_code == 5
    assert "contract size of BTC-PERPETUAL is unknown" in row_by_row.stderr


def test_one_constant_never_sizes_two_contracts(imports, lake):
    """0.01 would make 5 contracts of ETH 0.05 ETH, and 12 contracts of 100 USD 0.12 USD."""
    for rows, reason in (
        ([BTC, ETH], "contract_size=:0.01 would apply to contracts on BTC (okx) and to ETH-USDT-SWAP (okx)"),
        ([BTC, INVERSE], "contract_size=:0.01, but BTC-USD-SWAP is 100 USD a contract"),
    ):
        done = imports(rows, "contracts=sz,contract_size=:0.01")
        assert done.exit_code != 0
        assert reason in done.stderr
        assert "--contract-size" in done.stderr
        assert not amounts(lake)
    assert imports([BTC, BTC.replace("sell", "buy")], "contracts=sz,contract_size=:0.01").exit_code == 0
    assert amounts(lake)["BTC-USDT-SWAP"][1] == pytest.approx(4200)


def test_a_size_belongs_to_one_exchange(imports, lake):
    """A contract of BTC is 0.01 BTC on OKX and 0.001 BTC on HTX."""
    rows = ["2024-03-01T00:00:00Z,BTCUSDT,sell,60000,7,okx", "2024-03-01T00:00:01Z,BTCUSDT,sell,60000,7,htx"]
    options = ("--contract-size", "BTCUSDT=0.01")
    done = imports(rows, "contracts=sz,exchange=venue", *options, head=f"{HEAD},venue", exchange="")
    assert done.exit_code != 0
    assert "--contract-size BTCUSDT would apply to rows of okx and htx" in done.stderr
    assert not amounts(lake)


def test_contracts_of_one_coin_are_sized_alike_where_the_exchange_counts_coins(imports, lake):
    """7 x 60,000 = 420,000 and 5 x 3,000 = 15,000 USD."""
    rows = ["2024-03-01T00:00:00Z,BTCUSDT,sell,60000,7", "2024-03-01T00:00:01Z,ETHUSDT,sell,3000,5"]
    assert imports(rows, "contracts=sz,contract_size=:1", exchange="binance").exit_code == 0
    assert sum(usd for _qty, usd, *_rest in amounts(lake).values()) == 435_000


def test_a_size_column_is_used_with_contracts_alone(imports, lake):
    rows = [f"{BTC},0.01", f"{ETH},0.1"]
    assert imports(rows, "contracts=sz", head=f"{HEAD},contract_size").exit_code == 0
    assert {size for *_rest, size in amounts(lake).values()} == {0.01, 0.1}


def test_contract_size_without_contracts_is_refused(imports):
    done = imports([BTC], "qty=sz", "--contract-size", "BTC-USDT-SWAP=0.01")
    assert done.exit_code == 2
    assert "--contract-size applies to a column of contracts: pass --columns contracts=COLUMN" in done.stderr
    both = imports([BTC], "contracts=sz,contract_size=:1", "--contract-size", "BTC-USDT-SWAP=0.01")
    assert "--contract-size cannot be combined with contract_size=:1" in both.stderr
    sizes = ("--contract-size", "BTC-USDT-SWAP=0.01", "--contract-size", "XRP-USDT-SWAP=100")
    assert "--contract-size XRP-USDT-SWAP not used" in imports([BTC], "contracts=sz", *sizes).stderr


COIN_M = "2024-03-01T00:00:00Z,BTCUSD_PERP,SELL,60000,33"  # 33 x 100 = 3,300 USD, as coins 1,980,000


def test_contracts_of_coin_margined_binance(imports, lake):
    asked = imports([COIN_M], "qty=sz", exchange="binance")
    assert asked.exit_code == 2
    assert (
        "binance counts contracts of 'BTCUSD_PERP', not coins. Pass --columns contracts=sz (100 USD a contract); if"
        in (asked.stderr)
    )
    assert imports([COIN_M], "contracts=sz", exchange="binance").exit_code == 0
    assert amounts(lake) == {"BTCUSD_PERP": (pytest.approx(0.055), 3300, 33, 100)}


def test_a_file_with_both_kinds_rejects_only_the_unclear_rows(imports, lake):
    usd_m = "2024-03-01T00:01:00Z,BTCUSDT,SELL,60000,0.5"
    done = imports([COIN_M, usd_m, COIN_M], "qty=sz", exchange="binance")
    assert done.exit_code == 6
    assert "2  qty=sz is ambiguous: binance counts contracts of 'BTCUSD_PERP'" in done.stderr
    assert amounts(lake) == {"BTCUSDT": (0.5, 30_000, None, None)}


@pytest.mark.parametrize(
    ("exchange", "name"),
    [
        ("bybit", "BTCUSD"), ("gate", "BTC_USD"), ("bitmex", "XBTUSD"), ("deribit", "BTC-PERPETUAL"),
        ("kraken", "PI_XBTUSD"), ("coinex", "BTCUSD"), ("bitget", "BTCUSD"),
    ],
)  # fmt: skip
def test_usd_of_inverse_contracts_is_a_notional(imports, lake, exchange, name):
    """900 USD at 60,000 are 0.015 BTC; as coins they would be 54,000,000 USD."""
    row = f"2024-03-01T00:00:00Z,{name},long,60000,900"
    words = "symbol=instId,position=side,price=bkPx"
    asked = imports([row], "qty=sz", exchange=exchange, words=words)
    assert asked.exit_code == 2
    assert f"{exchange} states USD of '{name}', not coins. Pass --columns notional=sz;" in asked.stderr
    sizeless = imports([row], "contracts=sz", exchange=exchange, words=words)  # Deribit's contract is 10 USD, not 1
    assert "contract size of" in sizeless.stderr
    assert imports([row], "notional=sz", exchange=exchange, words=words).exit_code == 0
    assert amounts(lake)[name][:2] == (pytest.approx(0.015), 900)


@pytest.mark.parametrize("column", ["base_volume", "qty_coins", "amount_base"])
def test_a_name_that_says_coins_is_not_asked_about(imports, lake, column):
    done = imports([BTC], f"qty={column}", head=HEAD.replace("sz", column))
    assert done.exit_code == 0
    assert amounts(lake)["BTC-USDT-SWAP"][0] == 7


def test_a_usd_column_beside_it_settles_the_unit(imports, lake):
    """7 x 60,000 = 420,000 USD agrees with coins; 4,200 USD does not."""
    head = f"{HEAD},usd"
    assert imports([f"{BTC},420000"], "qty=sz,notional=usd", head=head).exit_code == 0
    other = imports([f"{BTC},4200"], "qty=sz,notional=usd", head=head)
    assert "notional 4200 differs from price x qty = 420000" in other.stderr
