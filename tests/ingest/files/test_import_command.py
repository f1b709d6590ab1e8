"""The import command: its lines, progress, JSON arrays, exit codes, and the synthetic sample."""

from __future__ import annotations

import gzip
import json
import zipfile

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from import_helpers import GENERIC, import_one, put, rejected_of, rows_of
from typer.testing import CliRunner

from liqcli.cli import app
from liqcli.core.errors import DamagedError
from liqcli.core.files import data_folder
from liqcli.ingest.files.importer import import_files
from liqcli.ingest.files.options import ImportOptions
from liqcli.ingest.progress import Progress
from liqcli.lake.store import Lake


@pytest.fixture
def store(tmp_path):
    return Lake(tmp_path / "lake")


def run(*args):
    return CliRunner().invoke(app, ["import", *map(str, args)])


def test_the_command_prints_one_line_a_file(tmp_path, lake):
    path = put(tmp_path, "a.csv", GENERIC)
    result = run(path, "--exchange", "x", "--lake", lake)
    assert result.exit_code == 0
    assert result.stdout == (
        f"{path}: generic: 5 rows · 5 stored · x BTCUSDT, ETHUSDT · 54,200.00 USD · 3 longs, 2 shorts · "
        "2024-03-01T00:00:00Z to 2024-04-01T00:00:00Z\n"
    )
    assert "columns used" in result.stderr
    assert "5 rows · 0 new · 5 already stored" in run(path, "--exchange", "x", "--lake", lake).stdout
    assert run(path, "--exchange", "x", "--lake", lake, "--quiet").output == ""


def test_a_few_columns_can_be_named_and_the_rest_is_recognised(tmp_path, lake):
    path = put(tmp_path, "a.csv", "time,symbol,side,price,qty\n2024-03-01T00:00:00Z,BTCUSDT,sell,60000,0.5\n")
    result = run(path, "--exchange", "bybt", "--columns", "side=side", "--lake", lake)
    assert result.exit_code == 0
    assert "1 row · 1 stored · bybt BTCUSDT · 30,000.00 USD" in result.stdout
    assert f"{path}: columns used: side=side,ts=time,price=price,qty=qty,symbol=symbol\n" in result.stderr
    assert f"{path}: 'bybt' is stored as an exchange of its own; did you mean bybit?\n" in result.stderr
    known = run(path, "--exchange", "okx", "--columns", "side=side", "--lake", lake, "--replace")
    assert "of its own" not in known.stderr


def test_each_file_is_named_with_what_is_wrong_and_the_first_row_with_why(tmp_path, lake):
    bad = put(tmp_path, "bad.csv", "time,symbol\n1,BTCUSDT\n")
    dirty = put(tmp_path, "dirty.csv", GENERIC.replace("61000", '"61,000.5"'))
    result = run(bad, dirty, "--exchange", "x", "--lake", lake)
    assert result.exit_code == 6
    assert f"liqcli: {bad}: liquidated position not specified" in result.stderr
    assert "2 rows rejected, with line and reason in" in result.stderr
    assert "\n  2  not a number: '61,000.5' (first in line 3)\n" in result.stderr


def test_a_json_array_gives_the_same_lake_as_json_lines(tmp_path):
    """Pretty or on one line, packed or not; an entry that is no object is refused by its number."""
    header, *lines = GENERIC.splitlines()
    entries = [dict(zip(header.split(","), line.split(","), strict=True)) for line in lines]
    rows = []
    for number, content in enumerate(
        (
            "\n".join(map(json.dumps, entries)).encode(),
            json.dumps(entries).encode(),
            gzip.compress(b"\xef\xbb\xbf" + json.dumps(entries, indent=2).encode()),
        )
    ):
        store = Lake(tmp_path / f"lake{number}")
        import_one(store, put(tmp_path, "a.json", content), exchange="x")
        rows.append(rows_of(store))
    assert len(rows[0]) == 5
    assert rows[1] == rows[0]
    assert rows[2] == rows[0]
    mixed = import_one(store, put(tmp_path, "b.json", json.dumps([entries[0], 7])), exchange="x")
    assert (mixed.rows, mixed.rejected) == (2, 1)
    assert rejected_of(mixed)[0] == {"file": "b.json", "line": 2, "reason": "not a JSON object", "raw": "7"}


def test_json_arrays_that_are_none(store, tmp_path, monkeypatch):
    with pytest.raises(DamagedError, match=r"invalid JSON array \(Expecting"):
        import_one(store, put(tmp_path, "cut.json", '[{"time": 1},'), exchange="x")
    assert import_one(store, put(tmp_path, "none.json", " [ ]\n"), exchange="x").rows == 0
    monkeypatch.setattr("liqcli.ingest.files.readers.LARGEST_ARRAY", 20)
    with pytest.raises(DamagedError, match=r"convert it to JSON lines: jq -c '\.\[\]' big\.json$"):
        import_one(store, put(tmp_path, "big.json", json.dumps([{"time": 1_700_000_000, "price": 1}])), exchange="x")


class Watcher(Progress):
    def __init__(self):
        super().__init__()
        self.told = []

    def read(self, name, share, rows):
        self.told.append((rows, share))

    def store(self, name, rows):
        self.told.append((name, rows))


@pytest.mark.parametrize("packing", ["csv", "zip", "parquet"])
@pytest.mark.parametrize("kind", ["liquidations", "open-interest"])
def test_progress_of_a_file_is_reported(store, tmp_path, monkeypatch, packing, kind):
    monkeypatch.setattr("liqcli.ingest.progress.ROWS_PER_UPDATE", 1_000)
    monkeypatch.setattr("liqcli.ingest.files.text_blocks.BLOCK_BYTES", 6_000)  # 130 rows
    monkeypatch.setattr("liqcli.ingest.files.parquet_rows.ROWS_AT_ONCE", 130)
    path, row = tmp_path / f"a.{packing}", "2024-03-01T00:00:00Z,BTCUSDT,long,60000,0.5,1\n"
    text = "ts,symbol,position,price,qty,open_interest_base\n" + row * 4_000
    if packing == "csv":
        put(tmp_path, path.name, text)
    elif packing == "zip":
        with zipfile.ZipFile(path, "w", zipfile.ZIP_STORED) as archive:
            archive.writestr("a.csv", text)
    else:
        names, cells = (line.split(",") for line in text.split("\n")[:2])
        pq.write_table(pa.table({name: [cell] * 4_000 for name, cell in zip(names, cells, strict=True)}), path)
    watcher = Watcher()
    reported = []
    summary = import_files(store, [path], ImportOptions(exchange="x", kind=kind), watcher, reported.append)
    assert watcher.told.pop() == (path.name, 4000)
    counts = [rows for rows, _share in watcher.told]
    assert counts[:4] == pytest.approx([0, 1000, 2000, 3000], abs=3 * 130)
    assert [share for _rows, share in watcher.told] == pytest.approx([rows / 4000 for rows in counts], abs=0.08)
    assert reported == summary.files


def test_lines_of_progress_come_every_five_seconds(monkeypatch):
    now = [0.0]
    monkeypatch.setattr("liqcli.ingest.progress.time.monotonic", lambda: now[0])
    lines = []
    told = Progress(lines.append)
    for second, share, rows in ((0, 0.0, 0), (4.9, 0.3, 300_000), (5.1, 0.32, 320_000), (9, 0.6, 600_000)):
        now[0] = second
        told.read("big.csv", share, rows)
    now[0] = 11.0
    told.store("big.csv", 1_000_000)
    assert lines == ["big.csv: 32% read, 320,000 rows", "big.csv: storing 1,000,000 rows"]


def test_exit_codes_and_messages(tmp_path, lake):
    good = put(tmp_path, "good.csv", GENERIC)
    dirty = put(tmp_path, "dirty.csv", GENERIC + "x,y\n")
    damaged = put(tmp_path, "cut.csv.gz", gzip.compress((GENERIC * 500).encode())[:-20])
    for args, code, words in (
        ([tmp_path / "nope.csv"], 2, "nope.csv: no such file"),
        ([tmp_path], 2, "not a file"),
        ([good, "--format", "generik"], 2, "did you mean generic"),
        ([good, "--kind", "candle"], 2, "did you mean candles"),
        ([good], 2, "--exchange NAME"),
        ([good, "--exchange", "../x"], 2, "exchange must consist of"),
        ([good, "--exchange", "x", "--tz", "Mars"], 2, "unknown time zone 'Mars'"),
        ([good, "--exchange", "x", "--quote", "../x"], 2, "is not a currency"),
        ([good, "--exchange", "x", "--contract-size", "BTC"], 2, "is not INSTRUMENT=SIZE"),
        ([damaged, "--exchange", "x"], 5, "truncated"),
        ([dirty, "--exchange", "x"], 6, "1 row rejected, with line and reason in"),
        ([good, damaged, "--exchange", "x"], 6, "truncated"),
    ):
        result = run(*args, "--lake", lake)
        assert (result.exit_code, words in result.stderr) == (code, True), (args, result.stderr)
        assert "Traceback" not in result.stderr


@pytest.mark.parametrize("kind", ["packed", pytest.param("unpacked", marks=pytest.mark.soak), "parquet"])
def test_the_synthetic_sample_never_passes_for_real(tmp_path, store, kind):
    """The sample's own file under another name, unpacked, or out of another lake: each keeps its source and says so."""
    own = data_folder("sample_data") / "liquidations.csv.gz"
    path = tmp_path / {"packed": "mine.csv.gz", "unpacked": "mine.csv", "parquet": "mine.parquet"}[kind]
    if kind == "parquet":
        row = {"ts": "2026-01-05T00:00:00Z", "symbol": "BTCUSDT", "position": "long", "price": 1.5, "qty": 2.0}
        pq.write_table(pa.Table.from_pylist([{**row, "source": "gate"}, {**row, "source": "sample"}]), path)
    else:
        path.write_bytes(gzip.decompress(own.read_bytes()) if kind == "unpacked" else own.read_bytes())
    options = ImportOptions(exchange="gate" if kind == "parquet" else None, source="mine")
    (file,) = import_files(store, [path], options).files
    assert {partition.source for partition in store.partitions()} == {"sample"}
    assert any("liqcli's synthetic sample" in note for note in file.notes)
