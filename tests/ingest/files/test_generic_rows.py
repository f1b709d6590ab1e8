"""The generic column map, and the times it reads."""

from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from liqcli.core.errors import UsageError
from liqcli.core.model import from_us
from liqcli.core.times import parse_time_cell, parse_zone
from liqcli.ingest.files.column_mapping import fill_columns, guess_columns, parse_columns
from liqcli.ingest.files.generic_rows import KNOWN_NAMES, TableMap, check_columns, parse_record

WORDS = tuple(KNOWN_NAMES)
COLUMNS = {"ts": "t", "symbol": "s", "position": "p", "price": "px", "qty": "q"}
CELLS = {"t": "2024-12-04T16:46:25.584Z", "s": "BTC-USDT-SWAP", "p": "Long", "px": "100", "q": "2"}
TABLE = TableMap(COLUMNS, exchange="pacifica")


def test_a_plain_row():
    row = parse_record(CELLS, TABLE)
    assert (row.exchange, row.symbol, row.instrument, row.position) == ("pacifica", "BTCUSDT", "BTC-USDT-SWAP", "long")
    assert (row.price, row.qty, row.notional, row.price_kind, row.source) == (100, 2, 200, "fill", "import")
    assert row.ts_us == 1_733_330_785_584_000
    assert row.completeness == "sampled"


@pytest.mark.parametrize(
    ("cell", "ts_us"),
    [
        ("2024-12-04 22:16:25.587000+05:30", 1_733_330_785_587_000),
        ("2024-12-04T16:46:25.587Z", 1_733_330_785_587_000),
        ("1733330785", 1_733_330_785_000_000),
        (1733330785587, 1_733_330_785_587_000),
        ("1733330785587123", 1_733_330_785_587_123),
        (1733330785587123456, 1_733_330_785_587_123),
        ("1733330785.587123", 1_733_330_785_587_123),
        (1733330785.5, 1_733_330_785_500_000),
        (from_us(1_733_330_785_587_123), 1_733_330_785_587_123),
        ("2024-12-04", 1_733_270_400_000_000),
    ],
)
def test_times(cell, ts_us):
    assert parse_time_cell(cell) == ts_us


@given(st.integers(min_value=1_420_070_400_000_000, max_value=4_000_000_000_000_000))
def test_each_unit_gives_the_same_instant(ts_us):
    assert parse_time_cell(ts_us) == ts_us
    assert parse_time_cell(str(ts_us * 1000)) == ts_us
    assert parse_time_cell(from_us(ts_us).isoformat()) == ts_us
    assert parse_time_cell(ts_us // 1000) == ts_us // 1000 * 1000


def test_naive_times_are_read_in_the_zone():
    berlin = ZoneInfo("Europe/Berlin")
    assert parse_time_cell("2026-03-15T15:37:43.072433", berlin) == parse_time_cell("2026-03-15T14:37:43.072433Z")
    assert parse_time_cell("2026-04-15T15:00:00", berlin) == parse_time_cell("2026-04-15T13:00:00Z")


@pytest.mark.parametrize("cell", ["2025-10-26 02:30:00", "2025-03-30 02:30:00"])
def test_a_local_time_that_happens_twice_or_never_is_refused(cell):
    with pytest.raises(ValueError, match="ambiguous or skipped"):
        parse_time_cell(cell, ZoneInfo("Europe/Berlin"))


@pytest.mark.parametrize("cell", [None, True, "", "soon", "1_000", float("nan"), "inf", "12:00"])
def test_no_time(cell):
    with pytest.raises(ValueError, match="not a time"):
        parse_time_cell(cell)


def test_zones():
    assert parse_time_cell("2024-01-01", parse_zone("Asia/Kolkata")) == parse_time_cell("2023-12-31T18:30Z")
    with pytest.raises(UsageError, match="unknown time zone"):
        parse_zone("../etc/passwd")


def test_side_is_only_read_when_mapped_and_is_the_orders():
    table = TableMap({**{k: v for k, v in COLUMNS.items() if k != "position"}, "side": "p"}, exchange="x")
    assert parse_record({**CELLS, "p": "SELL"}, table).position == "long"
    assert parse_record({**CELLS, "p": "buy"}, table).position == "short"
    with pytest.raises(ValueError, match="neither sell nor buy: 'long'"):
        parse_record({**CELLS, "p": "long"}, table)
    assert "side" not in guess_columns(["side", "price"], KNOWN_NAMES)
    both = TableMap({**COLUMNS, "side": "sd"}, exchange="x")
    assert parse_record({**CELLS, "sd": "sell"}, both).position == "long"
    with pytest.raises(ValueError, match="contradict"):
        parse_record({**CELLS, "sd": "buy"}, both)


def test_quantities_from_contracts_or_notional():
    base = {k: v for k, v in COLUMNS.items() if k != "qty"}
    by_contracts = TableMap({**base, "contracts": "c", "contract_size": "cs"}, exchange="x")
    row = parse_record({**CELLS, "c": "855", "cs": "0.0001"}, by_contracts)
    assert (row.qty, row.notional, row.contracts, row.contract_size) == (
        855 * 0.0001,
        100 * (855 * 0.0001),
        855,
        0.0001,
    )
    by_usd = TableMap({**base, "notional": "n"}, exchange="x")
    row = parse_record({**CELLS, "n": "50"}, by_usd)
    assert (row.qty, row.notional) == (0.5, 50)


def test_notional_must_agree_with_price_times_qty():
    table = TableMap({**COLUMNS, "notional": "n"}, exchange="x")
    assert parse_record({**CELLS, "n": "203.9"}, table).notional == 203.9
    with pytest.raises(ValueError, match="notional 205 differs from price x qty = 200"):
        parse_record({**CELLS, "n": "205"}, table)
    with pytest.raises(ValueError, match="notional 205 differs from price x qty = 200"):  # of an inverse contract too
        parse_record({**CELLS, "s": "BTC-USD", "n": "205"}, table)


def test_symbols_constants_and_quotes():
    assert parse_record({**CELLS, "s": "kBONK"}, TABLE).symbol == "KBONK"
    assert parse_record({**CELLS, "s": "btc"}, TableMap(COLUMNS, exchange="x", quote="USD")).symbol == "BTCUSD"
    assert parse_record({**CELLS, "s": "BTCUSDT"}, TableMap(COLUMNS, exchange="x", quote="USD")).symbol == "BTCUSDT"
    assert parse_record(CELLS, TableMap(COLUMNS, exchange="x", symbol="sol_usdt")).symbol == "SOLUSDT"
    kind = TableMap({**COLUMNS, "price_kind": ":bankruptcy", "exchange": ":Bybit"})
    assert parse_record(CELLS, kind)[6] == "bankruptcy"
    assert parse_record(CELLS, kind).exchange == "bybit"


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"px": "abc"}, "not a number"),
        ({"px": "nan"}, "not a finite number"),
        ({"q": "inf"}, "not a finite number"),
        ({"px": "-1"}, "price must be above zero"),
        ({"q": "0"}, "qty must be above zero"),
        ({"px": "1_000"}, "not a number"),
        ({"px": ""}, "not a number"),
        ({"p": "up"}, "position is neither long nor short: 'up'"),
        ({"s": "../x"}, "not a contract name"),
        ({"s": "<script>"}, "not a contract name"),
        ({"s": ""}, "symbol is empty"),
        ({"s": "BTC/USDT"}, "spot"),
        ({"t": ""}, "not a time"),
    ],
)
def test_bad_rows_say_why(change, reason):
    with pytest.raises(ValueError) as caught:
        parse_record({**CELLS, **change}, TABLE)
    assert reason in str(caught.value)


def test_exchange_names_of_a_column_are_checked():
    table = TableMap({**COLUMNS, "exchange": "e"})
    assert parse_record({**CELLS, "e": "Binance"}, table).exchange == "binance"
    with pytest.raises(ValueError, match="exchange must consist of"):
        parse_record({**CELLS, "e": "../up"}, table)


def test_what_the_user_does_not_name_is_known_by_its_name_where_a_row_needs_it():
    """A second quantity or an unnamed price kind is not used without being requested."""
    header = ["Time", "pair", "venue", "liq_side", "price", "size", "price_kind", "contracts"]
    needed = ["ts", "position|side", "price", "qty|notional|contracts", "exchange", "symbol|instrument"]
    filled = fill_columns({"side": "liq_side"}, header, KNOWN_NAMES, needed)
    assert filled == {
        "side": "liq_side",
        "ts": "Time",
        "price": "price",
        "qty": "size",
        "exchange": "venue",
        "symbol": "pair",
    }
    named = {**filled, "contracts": "contracts", "contract_size": ":0.01"}
    del named["qty"]
    assert fill_columns(named, header, KNOWN_NAMES, needed) == named


@pytest.mark.parametrize(
    ("word", "value", "known"),
    [
        ("price_kind", "bankruptsy", "bankruptcy"),
        ("completeness", "all", "full, sampled"),
        ("side", "long", "sell, buy"),
        ("position", "sell", "long, short"),
    ],
)
def test_a_constant_that_would_refuse_every_row_is_refused_itself(word, value, known):
    columns = {"ts": "t", "symbol": "s", "price": "p", "qty": "q", "position": ":long", word: f":{value}"}
    with pytest.raises(UsageError, match=f"{word}=:{value}: invalid value .*{known}"):
        check_columns(TableMap(columns, exchange="x"), ["t", "s", "p", "q"])


def test_parse_columns():
    assert parse_columns("ts=time_utc, price=p x", WORDS) == {"ts": "time_utc", "price": "p x"}
    with pytest.raises(UsageError, match="unknown word 'prise'; did you mean price"):
        parse_columns("prise=p", WORDS)
    with pytest.raises(UsageError, match="is not WORD=COLUMN"):
        parse_columns("ts", WORDS)


@pytest.mark.parametrize(
    ("without", "reason"),
    [
        ("symbol", "--symbol"),
        ("position", "position=COLUMN"),
        ("qty", "qty=q (coins)"),
        ("ts", "recognised as ts"),
    ],
)
def test_what_is_missing_is_named(without, reason):
    columns = {word: column for word, column in COLUMNS.items() if word != without}
    with pytest.raises(UsageError) as caught:
        check_columns(TableMap(columns, exchange="x"), list(CELLS))
    assert reason in str(caught.value)
    assert "the file has: t, s, p, px, q" in str(caught.value)


def test_missing_exchange_and_absent_columns_are_named():
    with pytest.raises(UsageError, match="--exchange NAME"):
        check_columns(TableMap(COLUMNS), list(CELLS))
    with pytest.raises(UsageError, match="price=nope: no such column"):
        check_columns(TableMap({**COLUMNS, "price": "nope"}, exchange="x"), list(CELLS))
