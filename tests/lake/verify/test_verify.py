"""Every kind of damage, planted into a small lake: found and reported with file and remedy."""

from __future__ import annotations

import json
import math
import shutil
import time

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from factories import DAY, HOUR, MINUTE, T0, covered, fill_lake, make_liquidation

from liqcli.core.market_data import Candle, OpenInterest
from liqcli.lake.market_tables import candle_schema, open_interest_schema, write_candles, write_open_interest
from liqcli.lake.store import Lake, rows_to_table
from liqcli.lake.verify import verdict_record, verify_lake
from liqcli.lake.verify.row_check import SHORTEST_RUN
from liqcli.sources.registry import KNOWN_SOURCES

GATE = "liquidations/exchange=gate/symbol=SOLUSDT/month=2026-03/gate.parquet"
CANDLES = "candles/exchange=gate/symbol=SOLUSDT/interval=1m/month=2026-03/gate.parquet"
INTEREST = "open_interest/exchange=gate/symbol=SOLUSDT/month=2026-03/gate.parquet"
MEMORY = "windows/exchange=gate/symbol=SOLUSDT/gate.json"


def liquidations(count=20):
    """Rows a minute apart, no two alike."""
    return [make_liquidation(T0 + n * MINUTE, 100.0 + n, 2.0) for n in range(count)]


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    """A lake without damage: twenty liquidations, a candle a minute, two snapshots, a fetch log that has all events."""
    made = fill_lake(tmp_path_factory.mktemp("whole") / "lake", liquidations())
    with made.locked():
        made.add_to_fetch_log("gate", "SOLUSDT", "gate", [covered(T0, T0 + HOUR, "complete", 20)])
    write_candles(made, "gate", "SOLUSDT", "1m", "gate", [candle(n) for n in range(10)])
    snapshots = [OpenInterest(T0 + n * 5 * MINUTE, 10.0 + n, None) for n in range(2)]
    write_open_interest(made, "gate", "SOLUSDT", "gate", snapshots)
    made.write_contracts("gate", {"SOL_USDT": 1.0})
    return made.root


@pytest.fixture
def store(whole, lake):
    """A copy of the whole lake, to be damaged."""
    return Lake(shutil.copytree(whole, lake))


def candle(minute, **changes):
    return Candle(T0 + minute * MINUTE, 10.0, 12.0, 9.0, 11.0, 5.0)._replace(**changes)


def plant(store, rows):
    """Put rows into Gate's file as they are, in the order given."""
    pq.write_table(rows_to_table(rows), store.root / GATE)


def plant_table(path, schema, rows, source="gate"):
    columns = [*zip(*rows, strict=True), [source] * len(rows)]
    pq.write_table(pa.table([pa.array(c, f.type) for c, f in zip(columns, schema, strict=True)], schema=schema), path)


def found(store, damage=True):
    """(file, what) of all issues, after a check that the other kind is not there."""
    verdict = verify_lake(store, KNOWN_SOURCES)
    other = verdict.suspicions if damage else verdict.damage
    assert other == []
    assert all(issue.do for issue in verdict.issues)
    return [(f.path.relative_to(store.root).as_posix(), f.what) for f in verdict.issues]


def test_a_whole_lake(store):
    verdict = verify_lake(store, KNOWN_SOURCES)
    assert verdict.issues == []
    assert (verdict.files, verdict.rows) == (5, 32)  # three Parquet files, a memory, contract sizes
    assert verdict.size == sum(path.stat().st_size for path in store.root.rglob("*.parquet"))


def test_an_empty_lake(lake):
    verdict = verify_lake(Lake(lake), KNOWN_SOURCES)
    assert (verdict.files, verdict.issues) == (0, [])


def test_the_sample_is_whole(sample):
    assert verify_lake(Lake(sample), KNOWN_SOURCES).issues == []


# ------------------------------------------------------------------------------------------------ files


def test_truncated_file_has_no_footer(store):
    path = store.root / GATE
    path.write_bytes(path.read_bytes()[:-20])
    ((file, what),) = found(store)
    assert file == GATE
    assert what.startswith("damaged or not Parquet (")


@pytest.mark.parametrize("content", [b"", b"PAR1", b"<html>not found</html>"])
def test_no_parquet_at_all(store, content):
    (store.root / CANDLES).write_bytes(content)
    assert [file for file, _what in found(store)] == [CANDLES]


def test_damage_inside_a_page(store):
    """The footer is whole; only reading the page shows it."""
    plant(store, [make_liquidation(T0 + n, 100 + n / 7, 1) for n in range(3000)])
    path = store.root / GATE
    content = bytearray(path.read_bytes())
    start = pq.read_metadata(path).row_group(0).column(3).data_page_offset
    content[start : start + 60] = b"\xff" * 60
    path.write_bytes(content)
    assert pq.read_schema(path).names[0] == "ts"
    ((file, what),) = found(store)
    assert (file, what.startswith("damaged or not Parquet (")) == (GATE, True)


def test_wrong_schema(store):
    table = rows_to_table(liquidations(3))
    dollars = table.column("notional").cast(pa.float32())
    plain = table.set_column(table.schema.get_field_index("notional"), "notional", dollars)
    pq.write_table(plain.drop_columns("qty"), store.root / GATE)
    assert found(store) == [(GATE, "wrong schema: no column qty; notional is float, not double")]


def test_a_further_column_is_no_harm(store):
    table = rows_to_table(liquidations())
    pq.write_table(table.append_column("note", pa.array(["x"] * 20)), store.root / GATE)
    assert found(store) == []


def test_what_to_do_is_a_command(store):
    """The logged time, an hour here, is fetched again; rows of another month are removed with their file."""
    command = "liqcli fetch --again --source gate --exchange gate --symbol SOLUSDT --since 2026-03-01T00:00:00Z "
    plant(store, [*liquidations(), make_liquidation(T0 + 40 * DAY)])
    assert {f.do for f in verify_lake(store, KNOWN_SOURCES).damage} == {
        f"move it away, then: {command}--until 2026-03-01T01:00:00Z"
    }
    (store.root / GATE).write_bytes(b"x")
    (issue,) = verify_lake(store, KNOWN_SOURCES).issues
    assert issue.do == f"{command}--until 2026-03-01T01:00:00Z"
    (store.root / MEMORY).unlink()
    (issue,) = verify_lake(store, KNOWN_SOURCES).issues
    assert issue.do == f"{command}--until 2026-04-01T00:00:00Z"


@pytest.mark.parametrize(
    ("source", "remedy"),
    [("import", "move it away and import its files again"), ("bybit", "a recording cannot be repeated")],
)
def test_remedy_for_data_that_was_not_fetched(store, source, remedy):
    path = (store.root / GATE).with_name(f"{source}.parquet")
    path.write_bytes(b"x")
    (issue,) = verify_lake(store, KNOWN_SOURCES).issues
    assert remedy in issue.do


def test_files_that_no_command_reads(store):
    (store.root / "liquidations/loose.parquet").write_bytes(b"x")
    (store.root / GATE).with_name(".gate.parquet.77.tmp").write_bytes(b"x")
    assert found(store, damage=False) == [
        (GATE.replace("/gate.", "/.gate.") + ".77.tmp", "left behind by a writer that was killed"),
        ("liquidations/loose.parquet", "is where no command reads it"),
    ]


@pytest.mark.parametrize(
    "place",
    [
        "liquidations/exchange=gate/symbol=SOLUSDT/month=2026-13/gate.parquet",
        "liquidations/exchange=gate/symbol=SOL'USDT/month=2026-03/gate.parquet",
        "candles/exchange=gate/symbol=SOLUSDT/interval=7m/month=2026-03/gate.parquet",
    ],
)
def test_invalid_path(store, place):
    (store.root / place).parent.mkdir(parents=True)
    (store.root / place).write_bytes((store.root / GATE).read_bytes())
    ((file, what),) = found(store)
    assert (file, what.startswith("not a path of the lake")) == (place, True)


# ------------------------------------------------------------------------------------------------ rows


def test_rows_out_of_order(store):
    rows = liquidations()
    rows[3], rows[4] = rows[4], rows[3]
    plant(store, rows)
    assert found(store) == [
        (GATE, "ts is before that of the row above: not in time order (1 of 20 rows, the first is row 5)")
    ]


def test_rows_of_another_month(store):
    rows = [*liquidations(), make_liquidation(T0 + 31 * DAY), make_liquidation(T0 + 32 * DAY)]
    plant(store, rows)
    assert found(store) == [(GATE, "ts lies in another month than the file (2 of 22 rows, the first is row 21)")]


def test_rows_of_another_source(store):
    rows = liquidations()
    plant(store, [*rows[:-1], rows[-1]._replace(source="okx")])
    assert found(store) == [(GATE, "source is not the file's name (1 of 20 rows, the first is row 20)")]


@pytest.mark.parametrize(
    ("changes", "what"),
    [
        ({"price": 0.0}, "price is not a positive finite number"),
        ({"price": math.nan}, "price is not a positive finite number"),
        ({"price": math.inf}, "price is not a positive finite number"),
        ({"price": -119.0}, "price is not a positive finite number"),
        ({"price": None}, "price is not a positive finite number"),
        ({"qty": 0.0}, "qty is not a positive finite number"),
        ({"qty": math.nan}, "qty is not a positive finite number"),
        ({"notional": -1.0}, "notional is not a number from 1e-06 to 1e+10 USD"),
        ({"notional": math.inf}, "notional is not a number from 1e-06 to 1e+10 USD"),
        ({"notional": None}, "notional is not a number from 1e-06 to 1e+10 USD"),
        ({"position": "buy"}, "position is neither long nor short"),
        ({"position": None}, "position is neither long nor short"),
        ({"price_kind": "mark"}, "price_kind is not fill, order, bankruptcy or trigger"),
        ({"completeness": ""}, "completeness is neither full nor sampled"),
        ({"instrument": None}, "instrument is missing"),
        ({"notional": 2.38}, "notional is far from price x qty"),  # a factor of 100: contracts taken for coins
        ({"notional": 23_800.0}, "notional is far from price x qty"),
    ],
)
def test_invalid_value(store, changes, what):
    rows = liquidations()  # the last row: 119 USD x 2 = 238 USD
    plant(store, [*rows[:-1], rows[-1]._replace(**changes)])
    assert found(store) == [(GATE, f"{what} (1 of 20 rows, the first is row 20)")]


@pytest.mark.parametrize("year", [1999, 2300])
def test_time_outside(store, year):
    """The month is not blamed a second time; the order is, where the time runs backwards."""
    rows = liquidations()
    plant(store, [*rows, rows[-1]._replace(ts_us=(year - 1970) * 365 * DAY)])
    whats = [what.split(":")[0].split(" (")[0] for _file, what in found(store)]
    assert whats == ["ts is before that of the row above"] * (year == 1999) + ["ts is missing or outside 2015..now"]


def test_inverse_contracts_keep_price_x_qty(lake):
    """8 contracts of 100 USD at 40,000: 0.02 BTC."""
    row = make_liquidation(
        T0, 40_000, 0.02, notional=800.0, symbol="BTCUSD", instrument="BTC_USD", contracts=8.0, contract_size=100.0
    )
    store = fill_lake(lake, [row])
    assert found(store) == []


def test_quote_other_than_dollar_is_not_checked(lake):
    row = make_liquidation(T0, 0.05, 2.0, notional=6_000.0, symbol="ETHBTC", instrument="ETH-BTC-SWAP")
    assert found(fill_lake(lake, [row])) == []


def test_qty_that_contracts_contradict_is_a_suspicion(store):
    """2 contracts of 1 SOL at 119: the 238 USD are right, the 200 coins are not."""
    rows = liquidations()
    plant(store, [*rows[:-1], rows[-1]._replace(qty=200.0, contracts=2.0, contract_size=1.0)])
    assert found(store, damage=False) == [
        (
            GATE,
            "qty is far from notional / price, though contracts x contract_size is not "
            "(1 of 20 rows, the first is row 20)",
        )
    ]


def test_instruments_of_another_symbol(store):
    rows = liquidations()
    plant(store, [*rows[:-1], rows[-1]._replace(instrument="ETH_USDT")])
    assert found(store, damage=False) == [(GATE, "has instruments of another symbol: ETH_USDT")]


# ------------------------------------------------------------------------------------------------ doubling


def test_identical_rows_are_not_damage(lake):
    """Seven consecutive rows with one duplicate each, and one event five times."""
    rows = liquidations()
    store = fill_lake(lake, [*rows, *rows[:7], *[rows[10]] * 4])
    assert found(store) == []


def test_a_doubled_block(store):
    """Eight neighbours, written a second time at the end of the file: not in order, and under suspicion."""
    rows = liquidations()
    plant(store, [*rows, *rows[4 : 4 + SHORTEST_RUN]])
    (store.root / MEMORY).unlink()
    verdict = verify_lake(store, KNOWN_SOURCES)
    assert [f.what.split(" (")[0] for f in verdict.damage] == ["ts is before that of the row above: not in time order"]
    assert [f.what for f in verdict.suspicions] == [
        "each of 8 consecutive rows occurs more than once, 2026-03-01 00:04 to 2026-03-01 00:11 UTC: "
        "8 rows may be duplicates"
    ]


def test_every_row_doubled(lake):
    store = fill_lake(lake, [row for row in liquidations() for _copy in range(2)])
    ((file, what),) = found(store, damage=False)
    assert file == GATE
    assert what.startswith("every row occurs more than once,")
    assert what.endswith(": 20 rows may be duplicates")


# ------------------------------------------------------------------------------------------------ market data


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (candle(9, low=0.0), "a price is not a positive finite number"),
        (candle(9, close=math.nan), "a price is not a positive finite number"),
        (candle(9, open=None), "a price is not a positive finite number"),
        (candle(9, open=12.5), "open or close lies outside low..high"),
        (candle(9, low=13.0), "open or close lies outside low..high"),
        (candle(9, volume=-1.0), "volume is negative or not finite"),
        (candle(9, volume=math.inf), "volume is negative or not finite"),
        (candle(8), "ts occurs twice"),
    ],
)
def test_candles(store, bad, what):
    plant_table(store.root / CANDLES, candle_schema(), [*[candle(n) for n in range(9)], bad])
    assert found(store) == [(CANDLES, f"{what} (1 of 10 rows, the first is row 10)")]


def test_candle_off_the_grid_is_a_suspicion(store):
    plant_table(store.root / CANDLES, candle_schema(), [candle(0), candle(1, ts_us=T0 + MINUTE + 1_000_000)])
    ((file, what),) = found(store, damage=False)
    assert (file, what.split(" (")[0]) == (CANDLES, "the open time is not a multiple of the interval")


@pytest.mark.parametrize(
    ("bad", "what"),
    [
        (OpenInterest(T0 + HOUR, None, None), "neither coins nor USD are stated"),
        (OpenInterest(T0 + HOUR, -1.0, None), "open interest is negative or not finite"),
        (OpenInterest(T0 + HOUR, None, math.nan), "open interest is negative or not finite"),
        (OpenInterest(T0, 5.0, None), "ts occurs twice"),
    ],
)
def test_open_interest(store, bad, what):
    plant_table(store.root / INTEREST, open_interest_schema(), [OpenInterest(T0, 5.0, None), bad])
    assert found(store) == [(INTEREST, f"{what} (1 of 2 rows, the first is row 2)")]


# ------------------------------------------------------------------------------------------------ memory


def test_log_counts_more_than_is_stored(store):
    plant(store, liquidations(17))
    assert found(store) == [
        (GATE, "20 events received 2026-03-01 00:00 to 2026-03-01 01:00 UTC, 17 stored: 3 are missing")
    ]


def test_log_of_a_missing_file(store):
    (store.root / GATE).unlink()
    assert found(store) == [
        (GATE, "20 events received 2026-03-01 00:00 to 2026-03-01 01:00 UTC, 0 stored: 20 are missing")
    ]


def test_log_of_a_damaged_file_adds_no_finding(store):
    (store.root / GATE).write_bytes(b"x")
    assert [what.split(" (")[0] for _file, what in found(store)] == ["damaged or not Parquet"]


def test_log_counts_fewer_than_are_stored(store):
    plant(store, [*liquidations(), make_liquidation(T0 + 59 * MINUTE)])
    assert found(store, damage=False) == [
        (GATE, "20 events received 2026-03-01 00:00 to 2026-03-01 01:00 UTC, 21 stored")
    ]


def test_memory_over_two_months(lake):
    """31 March 23:00 to 1 April 01:00, an event on each side of midnight."""
    midnight = T0 + 31 * DAY
    store = fill_lake(lake, [make_liquidation(midnight - 1), make_liquidation(midnight)])
    with store.locked():
        store.add_to_fetch_log("gate", "SOLUSDT", "gate", [covered(midnight - HOUR, midnight + HOUR, "complete", 2)])
    assert found(store) == []


@pytest.mark.parametrize(
    ("text", "what"),
    [
        ("{", "not a fetch log of liqcli"),
        ('{"windows": [{"start": "2026-03-01T00:00:00Z"}]}', "not a fetch log of liqcli"),
        (("2026-03-01T02:00:00Z", "2026-03-01T01:00:00Z", "complete", 0), "ends before it starts"),
        (("2026-03-01T00:00:00Z", "2026-03-01T01:00:00Z", "done", 20), "has the unknown status 'done'"),
        (("2026-03-01T00:00:00Z", "2026-03-01T01:00:00Z", "complete", -1), "has -1 events"),
        (("2026-03-01T00:00:00Z", "2226-03-01T01:00:00Z", "complete", None), "is marked complete before its end"),
    ],
)
def test_invalid_log(store, text, what):
    if isinstance(text, tuple):
        keys = ("start", "end", "status", "events")
        window = {**dict(zip(keys, text, strict=True)), "fetched_at": "2026-03-02T00:00:00Z"}
        text = json.dumps({"version": 1, "windows": [window]})
    (store.root / MEMORY).write_text(text, encoding="utf-8")
    ((file, issue),) = found(store)
    assert file == MEMORY
    assert what in issue


@pytest.mark.parametrize("text", ["{", "[1]", '{"SOL_USDT": 0}', '{"SOL_USDT": "NaN"}'])
def test_contract_sizes(store, text):
    (store.root / "contracts/gate.json").write_text(text, encoding="utf-8")
    assert [file for file, _what in found(store)] == ["contracts/gate.json"]


def test_list_of_imports(store):
    (store.root / "imports.json").write_text('{"files": 3}', encoding="utf-8")
    assert [file for file, _what in found(store)] == ["imports.json"]


# ------------------------------------------------------------------------------------------------ as a whole


def test_several_at_once_and_the_record(store):
    (store.root / CANDLES).write_bytes(b"x")
    plant(store, [liquidations()[0]._replace(price=0.0), *liquidations()[1:]])
    record = verdict_record(store, verify_lake(store, KNOWN_SOURCES))
    assert record["lake"] == str(store.root)
    assert (record["files"], record["rows"], record["suspicions"]) == (5, 22, [])
    assert [(item["file"], item["rows"], item["first_row"]) for item in record["damaged"]] == [
        (str(store.root / CANDLES), None, None),
        (str(store.root / GATE), 1, 1),
    ]
    assert all(item["what"] and item["do"] for item in record["damaged"])
    json.dumps(record)


@pytest.mark.soak
def test_a_hundred_files_take_less_than_three_seconds(lake):
    for k in range(100):
        name = f"C{k}USDT"
        rows = [make_liquidation(T0 + n * MINUTE, 100.0 + n, symbol=name, instrument=name) for n in range(200)]
        path = lake / GATE.replace("SOLUSDT", name)
        path.parent.mkdir(parents=True)
        pq.write_table(rows_to_table(rows), path)
    started = time.perf_counter()
    verdict = verify_lake(Lake(lake), KNOWN_SOURCES)
    assert (verdict.files, verdict.rows, verdict.issues) == (100, 20_000, [])
    assert time.perf_counter() - started < 3


def test_what_to_do_about_candles(store):
    """Candles are fetched again where a file is gone; imported ones are not."""
    (store.root / CANDLES).write_bytes(b"x")
    own = (store.root / CANDLES).with_name("sample.parquet")
    own.write_bytes(b"x")
    dos = {issue.path.name: issue.do for issue in verify_lake(store, KNOWN_SOURCES).issues}
    assert dos == {
        "gate.parquet": "liqcli fetch --again --kind candles --interval 1m --exchange gate "
        "--symbol SOLUSDT --since 2026-03-01T00:00:00Z --until 2026-04-01T00:00:00Z",
        "sample.parquet": "move it away and import its files again",
    }


def suspected(store):
    found = verify_lake(store, KNOWN_SOURCES).suspicions
    return {issue.path.relative_to(store.root).as_posix(): issue.what for issue in found}


def test_two_sources_that_contradict_each_other_are_named(store):
    """Source other has 10 candles of which 5 close elsewhere; equal ones of a third source are no contradiction."""
    changed = [candle(n, close=11.5 if n % 2 else 11.0) for n in range(10)]
    write_candles(store, "gate", "SOLUSDT", "1m", "other", changed)
    write_candles(store, "gate", "SOLUSDT", "1m", "third", [candle(n) for n in range(10)])
    write_candles(store, "gate-spot", "SOLUSDT", "1m", "gate", changed)
    write_open_interest(store, "gate", "SOLUSDT", "other", [OpenInterest(T0, 10.5, None)])
    found = suspected(store)
    assert list(found) == [CANDLES.replace("gate.parquet", "other.parquet"), INTEREST.replace("gate.p", "other.p")]
    what = found[CANDLES.replace("gate.parquet", "other.parquet")]
    assert what.startswith("5 of 10 times have other values than source gate (the first: ")
    assert "close 11 and 11.5, that of gate first" in what


def test_rows_of_another_contract_show_by_a_jump(store):
    """Candles at 11 and twice one at 14 (27% more): up and down again, four jumps; 60 coins are over 5 x 11."""
    prices = {3: 14.0, 7: 14.0}
    rows = [candle(n, open=p, high=p + 1, low=p - 1, close=p) for n in range(10) for p in [prices.get(n, 11.0)]]
    write_candles(store, "gate", "SOLUSDT", "1m", "gate", rows)
    write_open_interest(store, "gate", "SOLUSDT", "gate", [OpenInterest(T0 + 10 * MINUTE, 60.0, None)])
    found = suspected(store)
    assert found[CANDLES].startswith("a candle opens more than 20% from the previous close: another contract?")
    assert "(4 of 10 rows, the first is row 4)" in found[CANDLES]
    assert "(1 of 3 rows, the first is row 3)" in found[INTEREST]
