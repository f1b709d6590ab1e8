"""Import end to end on small hand-made files: formats, dirt, damage, repeats, replacing, candles, exit codes."""

from __future__ import annotations

import gzip
import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from import_helpers import GENERIC, bytes_of, import_one, put, rejected_of, rows_of

from liqcli.core.errors import DamagedError, ExitCode, MixedSeriesError, UsageError
from liqcli.ingest.files.importer import import_files
from liqcli.ingest.files.options import ImportOptions
from liqcli.lake.store import Lake
from liqcli.sources.binance.archive import COLUMNS

TARDIS_HEADER = "exchange,symbol,timestamp,local_timestamp,id,side,price,amount"
FRAME = (
    '{"stream":"x","data":{"e":"forceOrder","E":1,"o":{"s":"BTCUSDT","S":"SELL","o":"LIMIT","f":"IOC","q":"0.2",'
    '"p":"82338.30","ap":"82651.90","X":"FILLED","l":"0.1","z":"0.2","T":%d}}}'
)


@pytest.fixture
def store(tmp_path):
    return Lake(tmp_path / "lake")


# ---------------------------------------------------------------- formats and packings


def test_generic_rows_land_in_their_months_and_twins_stay(store, tmp_path):
    file = import_one(store, put(tmp_path, "a.csv", GENERIC), exchange="pacifica")
    assert (file.format, file.rows, file.new, file.known, file.doubled, file.rejected) == ("generic", 5, 5, 0, 0, 0)
    assert file.notional == 30_000 + 6_100 + 6_100 + 6_000 + 6_000
    found = rows_of(store)
    assert [(r["symbol"], r["month"], r["position"]) for r in found] == [
        ("BTCUSDT", "2024-03", "long"),
        ("BTCUSDT", "2024-03", "short"),
        ("BTCUSDT", "2024-03", "short"),
        ("ETHUSDT", "2024-03", "long"),
        ("ETHUSDT", "2024-04", "long"),
    ]
    assert {r["source"] for r in found} == {"import"}
    assert "columns used: ts=time,symbol=symbol,position=position,price=price,qty=qty" in file.notes


def packed_gzip(text):
    return gzip.compress(text.encode(), mtime=0)


@pytest.mark.parametrize(
    "content",
    [
        GENERIC.encode(),
        ("\ufeff" + GENERIC).encode(),
        GENERIC.replace("\n", "\r\n").encode(),
        GENERIC.replace("\n", "\n\n").encode(),
        GENERIC.replace(",", ";").encode(),
        GENERIC.replace(",", "\t").encode(),
        GENERIC.replace("BTCUSDT", '"BTCUSDT"').encode(),
        packed_gzip(GENERIC),
        GENERIC.replace(",", "\t").encode("utf-16"),
        gzip.compress(b"\xfe\xff" + GENERIC.encode("utf-16-be")),
    ],
    ids=["plain", "bom", "crlf", "blank-lines", "semicolon", "tab", "quoted", "gzip", "utf-16", "utf-16-gzip"],
)
def test_spellings_of_a_csv_give_the_same_lake(store, tmp_path, content):
    import_one(store, put(tmp_path, "a.csv", GENERIC), exchange="x")
    want = rows_of(store)
    other = Lake(tmp_path / "other")
    import_one(other, put(tmp_path, "b.dat", content), exchange="x")
    assert rows_of(other) == want


def test_json_lines_zip_and_parquet_give_the_same_lake(store, tmp_path):
    import_one(store, put(tmp_path, "a.csv", GENERIC), exchange="x")
    want = rows_of(store)
    header, *lines = [line.split(",") for line in GENERIC.split()]
    records = [dict(zip(header, line, strict=True)) for line in lines]
    jsonl = put(tmp_path, "a.jsonl", "\n".join(json.dumps(r) for r in records))
    zipped = tmp_path / "a.zip"
    with zipfile.ZipFile(zipped, "w") as archive:
        archive.writestr("readme.md", "not a table")
        archive.writestr("a.csv", GENERIC)
    table = pa.table(
        {
            "time": pa.array([r["time"].rstrip("Z") for r in records]).cast(pa.timestamp("ns")),
            "symbol": [r["symbol"] for r in records],
            "position": [r["position"] for r in records],
            "price": [float(r["price"]) for r in records],
            "qty": [float(r["qty"]) for r in records],
        }
    )
    parquet = tmp_path / "a.parquet"
    pq.write_table(table, parquet)
    for number, path in enumerate((jsonl, zipped, parquet)):
        other = Lake(tmp_path / f"other{number}")
        import_one(other, path, exchange="x")
        assert rows_of(other) == want


def test_tardis_csv_gz_with_contract_sizes(store, tmp_path):
    text = "\n".join(
        [
            TARDIS_HEADER,
            "okex-swap,BTC-USDT-SWAP,1700000000000000,1700000000100000,,sell,82655.7,8.55",
            "deribit,BTC-PERPETUAL,1700000000000001,1700000000100000,42,buy,4469.5,1120",
            "bitfinex-derivatives,BTCF0:USTF0,1700000000000002,1700000000100000,,sell,9135.9,0.1",
        ]
    )
    path = put(tmp_path, "t.csv.gz", packed_gzip(text))
    first = import_one(store, path)
    assert (first.format, first.new, first.rejected) == ("tardis", 1, 2)
    assert [(r["line"], r["reason"]) for r in rejected_of(first)] == [
        (2, "contract size of BTC-USDT-SWAP is unknown; pass --contract-size BTC-USDT-SWAP=SIZE"),
        (4, "bitfinex rows of Tardis carry the position's entry price, not a liquidation price"),
    ]
    second = import_one(store, path, contract_sizes={"BTC-USDT-SWAP": 0.01})  # what the message told the user to do
    assert (second.new, second.known, second.rejected) == (1, 1, 1)
    assert {(r["exchange"], r["symbol"], r["position"]) for r in rows_of(store)} == {
        ("deribit", "BTCUSD", "short"),
        ("okx", "BTCUSDT", "long"),
    }


VISION = f"""{",".join(COLUMNS)}
1687656471926,BUY,LIMIT,IOC,7,30741.3,30631.6,FILLED,6,7
1687656471926,BUY,LIMIT,IOC,7,30741.3,30631.6,FILLED,6,7
1687656473356,BUY,LIMIT,IOC,43,30756.6,30631.6,FILLED,1,43
1687656473356,BUY,LIMIT,IOC,43,30756.6,30631.6,FILLED,1,43
"""


def test_the_doubled_binance_archive(store, tmp_path):
    path = tmp_path / "BTCUSD_PERP-liquidationSnapshot-2023-06-25.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("BTCUSD_PERP-liquidationSnapshot-2023-06-25.csv", VISION)
    for known in (0, 2):
        file = import_one(store, path)
        assert (file.format, file.rows, file.doubled, file.known) == ("binance-vision", 4, 2, known)
        assert file.notional == 5000
    assert sum(r["contracts"] for r in rows_of(store)) == 50
    assert {(r["symbol"], r["position"], r["source"]) for r in rows_of(store)} == {
        ("BTCUSD", "short", "binance-vision")
    }
    unnamed = put(tmp_path, "rows.csv", VISION)
    with pytest.raises(UsageError, match="--symbol BTCUSD_PERP"):
        import_one(store, unnamed)
    assert import_one(store, unnamed, symbol="BTCUSD_PERP").known == 2


def test_a_table_with_the_archives_columns_and_a_symbol_counts_contracts(store, tmp_path):
    """BTC: 33 contracts of 100 USD = 3,300; ETH: 5 of 10 USD = 50; neither is multiplied by the price."""
    head = ["time", "symbol", *COLUMNS[1:]]
    lines = [
        "1779323130583,BTCUSD_PERP,BUY,LIMIT,IOC,40,73345,72740.6,PARTIALLY_FILLED,22,33",
        "1779323130584,ETHUSD_PERP,SELL,LIMIT,IOC,5,2000,2010,FILLED,5,5",
    ]
    path = put(tmp_path, "mine.csv", "\n".join([",".join(head), *lines]))
    file = import_one(store, path)
    assert (file.format, file.new, file.notional) == ("binance-vision", 2, 3350)
    assert {(r["symbol"], r["position"], r["contracts"], r["notional"]) for r in rows_of(store)} == {
        ("BTCUSD", "short", 33, 3300),
        ("ETHUSD", "long", 5, 50),
    }
    with pytest.raises(MixedSeriesError, match="column symbol holds 'ETHUSD_PERP', but --symbol is BTCUSD"):
        import_one(store, path, symbol="BTCUSD_PERP", replace=True)
    mixed = put(tmp_path, "mixed.csv", path.read_text() + "\n" + lines[1].replace("ETHUSD_PERP", "ETHUSDT"))
    file = import_one(store, mixed)
    assert (file.known, file.rejected) == (2, 1)
    assert "not a COIN-M contract: 'ETHUSDT'; import such rows with --format generic" in rejected_of(file)[0]["reason"]
    other = put(tmp_path, "usdm.csv", path.read_text().replace("USD_PERP", "USDT"))
    usdm = import_one(store, other, exchange="binance", columns="side=side,qty=accumulated_fill_quantity")
    assert usdm.format == "generic"
    assert usdm.notional == pytest.approx(33 * 72740.6 + 5 * 2010, abs=0.01)


def test_a_recorders_repeats_are_dropped_within_and_across_files(store, tmp_path):
    lines = [FRAME % ts for ts in (1700000000000, 1700000001000, 1700000000000)]
    first = import_one(store, put(tmp_path, "a.jsonl", "\n".join([*lines, '{"result":null,"id":1}'])))
    assert (first.format, first.rows, first.new, first.doubled, first.rejected) == ("binance-stream", 3, 2, 1, 0)
    named = "BTCUSDT,SELL,LIMIT,IOC,0.2,82338.30,82651.90,FILLED,0.1,0.2,x,2023-11-14 22:13:20.000+00:00"
    header = "Symbol,Side,Order Type,Time in Force,Quantity,Price,Average Price,Order Status,Last Filled Quantity,Filled Quantity,Event Time (IST),Trade Time (IST)"  # noqa: E501
    second = import_one(store, put(tmp_path, "b.csv", f"{header}\n{named}\n"))
    assert (second.format, second.new, second.known) == ("binance-stream", 0, 1)
    assert len(rows_of(store)) == 2


# ---------------------------------------------------------------- idempotence, coverage, replacing


def test_importing_twice_changes_no_byte(store, tmp_path):
    path = put(tmp_path, "a.csv", GENERIC + "2024-03-02T00:00:00Z,BTCUSDT,up,1,1\n")
    import_one(store, path, exchange="x")
    before = bytes_of(store.root)
    again = import_one(store, path, exchange="x")
    assert (again.new, again.known) == (0, 5)
    assert bytes_of(store.root) == before


def test_silent_periods_of_a_file_are_gaps_for_every_symbol(store, tmp_path):
    minutes = [*range(30), *range(300, 330)]
    lines = [f"2024-03-01T{m // 60:02d}:{m % 60:02d}:00Z,{'AB'[m % 2]}USDT,long,10,1" for m in minutes]
    import_one(store, put(tmp_path, "a.csv", "time,symbol,position,price,qty\n" + "\n".join(lines)), exchange="x")
    for symbol in ("AUSDT", "BUSDT"):
        windows = store.read_fetch_log("x", symbol, "import").windows
        assert [
            (w.window.start.strftime("%H:%M"), w.window.end.strftime("%H:%M:%S.%f"), w.status) for w in windows
        ] == [
            ("00:00", "00:29:00.000001", "inferred"),
            ("05:00", "05:29:00.000001", "inferred"),
        ]


def test_other_options_for_the_same_bytes_are_refused_unless_replacing(store, tmp_path):
    text = (
        "time,symbol,position,price,qty\n2024-03-01 12:00:00,BTC,long,60000,1\n2024-03-01 13:00:00,BTC,short,60000,1\n"
    )
    path = put(tmp_path, "a.csv", text)
    import_one(store, path, exchange="x", tz="UTC")
    before = bytes_of(store.root)
    for other in ({"tz": "Europe/Berlin"}, {"quote": "USD"}, {"source": "mine"}, {"exchange": "y"}):
        with pytest.raises(UsageError, match="counted twice"):
            import_one(store, path, **{"exchange": "x", **other})
        assert bytes_of(store.root) == before
    same = import_one(store, path, exchange="x", columns="ts=time,symbol=symbol,position=position,price=price,qty=qty")
    assert same.known == 2

    import_one(store, path, exchange="y", quote="USD", tz="Europe/Berlin", replace=True)
    assert [(r["exchange"], r["symbol"], r["ts"].hour) for r in rows_of(store)] == [
        ("y", "BTCUSD", 11),
        ("y", "BTCUSD", 12),
    ]
    assert store.read_fetch_log("x", "BTC", "import").windows == ()
    assert import_one(store, path, exchange="y", quote="USD", tz="Europe/Berlin").known == 2


def test_a_second_file_of_overlapping_events_adds_only_the_new(store, tmp_path):
    import_one(store, put(tmp_path, "a.csv", GENERIC), exchange="x")
    more = GENERIC + "2024-04-02T00:00:00Z,ETHUSDT,short,3100,1\n"
    file = import_one(store, put(tmp_path, "b.csv", more), exchange="x")
    assert (file.new, file.known) == (1, 5)


# ---------------------------------------------------------------- dirt

BAD = {
    "2024-03-01T00:00:00Z,BTCUSDT,long,abc,1": "not a number",
    "2024-03-01T00:00:00Z,BTCUSDT,long,nan,1": "not a finite number",
    "2024-03-01T00:00:00Z,BTCUSDT,long,1,inf": "not a finite number",
    "2024-03-01T00:00:00Z,BTCUSDT,long,-5,1": "above zero",
    "2024-03-01T00:00:00Z,BTCUSDT,long,5,0": "above zero",
    "2024-03-01T00:00:00Z,BTCUSDT,long,1_000,1": "not a number",
    "2014-12-31T23:59:59Z,BTCUSDT,long,1,1": "time outside 2015..now",
    "2199-01-01T00:00:00Z,BTCUSDT,long,1,1": "time outside 2015..now",
    "2024-03-01T00:00:00Z,BTCUSDT,long,1": "4 cells, but the header has 5",
    "2024-03-01T00:00:00Z,BTCUSDT,long,1,1,1": "6 cells, but the header has 5",
    "2024-03-01T00:00:00Z,BTCUSDT,up,1,1": "neither long nor short",
    "2024-03-01T00:00:00Z,../x,long,1,1": "not a contract name",
    "2024-03-01T00:00:00Z,<script>,long,1,1": "not a contract name",
    "yesterday,BTCUSDT,long,1,1": "not a time",
    "2024-03-01T00:00:00Z,BTCUSDT,long,1e9,1e9": "check the unit",
    '2024-03-01T00:00:00Z,"BTCUSDT,long,1,1': "2 cells, but the header has 5",
}


def test_rows_that_cannot_be_true_are_refused_and_the_rest_is_stored(store, tmp_path):
    path = put(tmp_path, "dirty.csv", GENERIC + "\n".join(BAD) + "\n2024-03-03T00:00:00Z,BTCUSDT,long,60000,1\n")
    summary = import_files(store, [path], ImportOptions(exchange="x"))
    (file,) = summary.files
    assert summary.exit_code == ExitCode.PARTIAL
    assert (file.rows, file.new, file.rejected) == (6 + len(BAD), 6, len(BAD))
    kept = rejected_of(file)
    assert [(r["line"], r["raw"], r["file"]) for r in kept] == [(n, raw, "dirty.csv") for n, raw in enumerate(BAD, 7)]
    for row, reason in zip(kept, BAD.values(), strict=True):
        assert reason in row["reason"]
    assert not (tmp_path / "x").exists()


def test_raw_text_is_cut_and_a_cleaned_list_goes(store, tmp_path):
    path = put(tmp_path, "a.csv", GENERIC + "x" * 2000 + "\n")
    file = import_one(store, path, exchange="x")
    assert len(rejected_of(file)[0]["raw"]) == 500


def test_json_lines_that_are_none(store, tmp_path):
    deep = "[" * 100_000
    good = FRAME % 1700000000000
    file = import_one(store, put(tmp_path, "a.jsonl", "\n".join([good, '{"cut', deep, good.replace("SELL", "?")])))
    assert (file.new, file.rejected) == (1, 3)
    assert [r["line"] for r in rejected_of(file)] == [2, 3, 4]


# ---------------------------------------------------------------- damage


def broken_zip():
    import io

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w", zipfile.ZIP_STORED) as archive:
        archive.writestr("a.csv", GENERIC)
    return buffer.getvalue().replace(b"60000", b"60001")  # the checksum no longer fits


def zip_of(*names):
    import io

    buffer = io.BytesIO()
    with zipfile.ZipFile(buffer, "w") as archive:
        for name in names:
            archive.writestr(name, GENERIC)
    return buffer.getvalue()


LONG = GENERIC + "2024-03-01T00:00:00Z,BTCUSDT,long,60000,0.5\n" * 5000


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (packed_gzip(LONG)[:-20], "truncated"),
        (packed_gzip(LONG)[:-8] + bytes(8), "damaged archive"),
        (broken_zip(), "damaged archive"),
        (b"PK\x03\x04nothing", "damaged archive"),
        (zip_of("a.csv", "b.csv"), "contains 2 files"),
        (zip_of("a.exe"), "no .csv"),
        (LONG.encode() + b"\xff\xfe\n", "not UTF-8"),
        (GENERIC.encode("utf-16-le"), "UTF-16 text without a byte order mark; save it as UTF-8"),
        (b"PAR1 but nothing else PAR1", "not Parquet"),
        (b"\x28\xb5\x2f\xfd....", "packed with zstd"),
        (b"time,symbol,position,price,qty\n" + b"x" * 1_100_000, "longer than"),
    ],
    ids=["cut-gz", "bad-gz", "bad-crc", "no-zip", "two", "none", "latin", "utf16", "parquet", "zstd", "long-line"],
)
def test_a_damaged_file_leaves_nothing_and_the_others_go_on(store, tmp_path, content, reason):
    bad, good = put(tmp_path, "bad.csv", content), put(tmp_path, "good.csv", GENERIC)
    alone = import_files(store, [bad], ImportOptions(exchange="x"))
    assert alone.exit_code == ExitCode.DAMAGED
    assert isinstance(alone.files[0].error, DamagedError)
    assert reason in str(alone.files[0].error)
    assert str(bad) in str(alone.files[0].error)
    assert rows_of(store) == []
    both = import_files(store, [bad, good], ImportOptions(exchange="x"))
    assert both.exit_code == ExitCode.PARTIAL
    assert [file.new for file in both.files] == [0, 5]
    assert not list((store.root / ".staging").glob("*-*"))


def test_an_empty_file_is_no_fault(store, tmp_path):
    for content in (b"", packed_gzip(""), b"\n\n"):
        summary = import_files(store, [put(tmp_path, "empty.csv", content)], ImportOptions())
        assert (summary.exit_code, summary.files[0].format) == (ExitCode.DONE, "empty")


def test_a_file_of_another_format_than_named(store, tmp_path):
    path = put(tmp_path, "a.csv", GENERIC)
    for name, reason in (
        ("tardis", "missing columns: exchange"),
        ("binance-vision", "missing columns: side"),
        ("binance-stream", "neither"),
    ):
        with pytest.raises(DamagedError, match=reason):
            import_one(store, path, format=name)


def test_a_lake_file_that_is_damaged_is_named_and_left(store, tmp_path):
    path = put(tmp_path, "a.csv", GENERIC)
    import_one(store, path, exchange="x")
    spoilt = store.partitions()[0].path(store.root)
    spoilt.write_bytes(b"PAR1 spoilt")
    with pytest.raises(DamagedError, match=r"import\.parquet"):
        import_one(store, path, exchange="x")
    assert spoilt.read_bytes() == b"PAR1 spoilt"


# ---------------------------------------------------------------- spilling


def test_rows_spilled_to_disk_end_up_the_same(store, tmp_path, monkeypatch):
    import_one(store, put(tmp_path, "a.csv", LONG), exchange="x")
    want = bytes_of(store.root / "liquidations")
    monkeypatch.setattr("liqcli.lake.staging.Staging.ROWS_IN_MEMORY", 700)
    other = Lake(tmp_path / "other")
    import_one(other, put(tmp_path, "a.csv", LONG), exchange="x")
    assert bytes_of(other.root / "liquidations") == want
    assert len(rows_of(store)) == 5005


# ---------------------------------------------------------------- candles and open interest

CANDLES = """open_time_utc,open,high,low,close,volume_base
2024-03-31T23:00:00Z,10,12,9,11,5
2024-04-01T00:00:00Z,11,13,10,12,6
2024-04-01T02:00:00Z,12,13,11,12,
"""


def test_candles_are_stored_by_interval_and_replaced_on_request(store, tmp_path):
    file = import_one(store, put(tmp_path, "c.csv", CANDLES), kind="candles", exchange="binance", symbol="BTC-USDT")
    assert (file.format, file.new, file.rejected) == ("candles", 3, 0)
    assert sorted(str(p.path(Path())) for p in store.partitions("candles")) == [
        "candles/exchange=binance/symbol=BTCUSDT/interval=1h/month=2024-03/import.parquet",
        "candles/exchange=binance/symbol=BTCUSDT/interval=1h/month=2024-04/import.parquet",
    ]
    april = rows_of(store, "candles")[1:]
    assert [(r["close"], r["volume"], r["source"]) for r in april] == [(12, 6, "import"), (12, None, "import")]
    before = bytes_of(store.root)
    import_one(store, tmp_path / "c.csv", kind="candles", exchange="binance", symbol="BTCUSDT")
    assert bytes_of(store.root) == before
    corrected = CANDLES.replace("11,13,10,12,6", "11,13,10,12.5,6")
    told = {"kind": "candles", "exchange": "binance", "symbol": "BTCUSDT"}
    with pytest.raises(MixedSeriesError, match=r"1 of 3 times .* close 12 and 12.5\); nothing was stored.*--replace"):
        import_one(store, put(tmp_path, "d.csv", corrected), **told)
    assert bytes_of(store.root) == before
    file = import_one(store, tmp_path / "d.csv", **told, replace=True)
    assert (file.new, file.known) == (0, 3)
    assert [r["close"] for r in rows_of(store, "candles")] == [11, 12.5, 12]


def test_impossible_candles_are_refused(store, tmp_path):
    bad = [
        "2024-04-01T03:00:00Z,12,11,10,11,1",
        "2024-04-01T04:00:00Z,12,13,0,11,1",
        "2024-04-01T05:30:00Z,12,13,11,12,1",
        "2024-04-01T06:00:00Z,12,13,11,x,1",
        "2024-04-01T07:00:00Z,12,13,11,12,-1",
        "2010-04-01T07:00:00Z,12,13,11,12,1",
    ]
    good = [f"2024-04-01T{hour:02d}:00:00Z,12,13,11,12,1" for hour in (5, 6, 8, 9, 10)]
    text = CANDLES + "\n".join([*good, *bad])
    file = import_one(store, put(tmp_path, "c.csv", text), kind="candles", exchange="b", symbol="BTCUSDT")
    assert (file.new, file.rejected) == (8, 6)
    late = CANDLES.replace("02:00:00Z", "02:00:02Z")
    file = import_one(store, put(tmp_path, "e.csv", late), kind="candles", exchange="c", symbol="BTCUSDT")
    assert (file.new, file.rejected) == (2, 1)
    assert "not a multiple" in rejected_of(file)[0]["reason"]


@pytest.mark.parametrize(
    ("text", "options", "reason"),
    [
        (CANDLES.replace("open_time_utc", "when"), {}, "no column recognised as ts"),
        (CANDLES, {"exchange": None}, "--exchange NAME"),
        ("".join(CANDLES.splitlines(True)[:2]), {}, "candle length of"),
        (CANDLES, {"columns": "ts=nope,open=open,high=high,low=low,close=close"}, "ts=nope: no such column"),
        (CANDLES, {"kind": "open-interest"}, "recognised as open_interest"),
    ],
)
def test_candle_files_that_lack_something(store, tmp_path, text, options, reason):
    given = {"kind": "candles", "exchange": "binance", "symbol": "BTCUSDT", **options}
    with pytest.raises(UsageError) as caught:
        import_one(store, put(tmp_path, "c.csv", text), **given)
    assert reason in str(caught.value)


def test_open_interest(store, tmp_path):
    text = (
        "time_utc,open_interest_base,open_interest_usd\n2024-04-01T00:05:02Z,100,7000000\n2024-04-01T00:10:00Z,-1,1\n"
    )
    file = import_one(store, put(tmp_path, "o.csv", text), kind="open-interest", exchange="binance", symbol="BTCUSDT")
    assert (file.new, file.rejected) == (1, 1)
    (row,) = rows_of(store, "open_interest")
    assert (row["open_interest"], row["open_interest_usd"], row["ts"].second) == (100, 7_000_000, 2)
    (part,) = store.partitions("open_interest")
    assert str(part.path(Path())) == "open_interest/exchange=binance/symbol=BTCUSDT/month=2024-04/import.parquet"
