"""Files full of faults: no cell ends an import, each refused row has a reason, and reasons are summed up by count."""

from __future__ import annotations

import json
import zipfile
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from liqcli.cli import app
from liqcli.core.errors import DamagedError
from liqcli.ingest.files.importer import import_files
from liqcli.ingest.files.options import ImportOptions
from liqcli.ingest.files.summary import FileSummary
from liqcli.lake.store import Lake

GOOD = {"ts": "2024-03-01T00:00:00Z", "symbol": "BTCUSDT", "position": "long", "price": "60000", "qty": "0.5"}
HEAD, ROW = ",".join(GOOD), ",".join(GOOD.values())


@pytest.fixture
def store(tmp_path: Path) -> Lake:
    return Lake(tmp_path / "lake")


def put(folder: Path, name: str, content: bytes | str) -> Path:
    path = folder / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def run(*args: object) -> Result:
    return CliRunner().invoke(app, ["import", *map(str, args)])


def import_one(store: Lake, path: Path, **options) -> FileSummary:
    (file,) = import_files(store, [path], ImportOptions(**{"exchange": "x", **options})).files
    if file.error:
        raise file.error
    return file


def rejected_of(file: FileSummary) -> list[dict]:
    return [json.loads(line) for line in file.rejected_path.read_text().splitlines()]


def test_reasons_are_counted_and_nothing_stored_is_5(tmp_path, lake):
    """Two rows with other prices but one reason, one without a side: none is stored: 5; with a good row beside: 6."""
    bad = [ROW.replace("60000", '"1,5"'), ROW.replace("long", "up"), ROW.replace("60000", "x2")]
    path = put(tmp_path, "a.csv", "\n".join([HEAD, *bad]))
    result = run(path, "--exchange", "x", "--lake", lake, "--quiet")
    assert (result.exit_code, result.stdout) == (5, "")
    kept = next((lake / "rejected").iterdir())
    first, *reasons = result.stderr.splitlines()
    assert first == f"liqcli: {path}: 3 rows rejected, with line and reason in {kept}"
    assert reasons[0] == "  2  not a number: '1,5' (first in line 2)"
    assert reasons[1].startswith("  1  position is neither long nor short: 'up'")
    assert reasons[1].endswith("(line 3)")
    better = put(tmp_path, "b.csv", "\n".join([HEAD, *bad, ROW]))
    assert run(better, "--exchange", "x", "--lake", lake, "--quiet").exit_code == 6
    assert run(path, better, "--exchange", "x", "--lake", lake).exit_code == 6


def test_only_the_most_frequent_reasons_are_printed(tmp_path, lake):
    """Seven reasons, the k-th of which stands k times: the five most frequent, and 2 + 1 rows for two others."""
    cells = ["up", "nix", "x", "-1", "BTC/USDT", "yesterday", "a,b"]
    places = ["position", "qty", "price", "price", "symbol", "ts", "qty"]
    lines = [
        ",".join({**GOOD, place: cell}.values())
        for count, (place, cell) in enumerate(zip(places, cells, strict=True), 1)
        for _ in range(count)
    ]
    lines[1] = lines[2] = ROW.replace("long", "long").replace("0.5", "1e999")  # not finite: another reason than 'x'
    result = run(put(tmp_path, "a.csv", "\n".join([HEAD, *lines])), "--exchange", "x", "--lake", lake)
    counts = [line.split()[0] for line in result.stderr.splitlines() if line.startswith("  ")]
    assert counts == ["7", "6", "5", "4", "3", "3"]
    assert result.stderr.splitlines()[-1] == "  3  for 2 other reasons"


CELLS = {
    "ts": ["9" * 40 + ".5", "1" * 5000, "\u0661\u0662", "\u00b2", "0001-01-01T00:00:00+10:00", "inf", "\0", "1e400"],
    "price": ["1e999", "\uff11\uff12", "1" * 400, "\0", "0x10", "1_0", "nan", "\ufeff1"],
    "symbol": ["\0", "\u202e", "x" * 70, "BTC/USDT", "\ufeff"],
}


@pytest.mark.parametrize("column", CELLS)
def test_no_cell_ends_an_import(store, tmp_path, column):
    """Each is a refusal of its row: as a CSV cell, as JSON text, and as a JSON number where it is one."""
    bad = [{**GOOD, column: cell} for cell in CELLS[column]]
    lines = [json.dumps(row) for row in [*bad, GOOD]]
    numbers = [
        line.replace(f'"{cell}"', cell)
        for line, cell in zip(lines, CELLS[column], strict=False)
        if cell.isascii() and cell[0].isdigit() and cell.strip("0123456789.e") == "" and column != "symbol"
    ]
    for name, content in (
        ("a.csv", "\n".join([HEAD, *(",".join(row.values()) for row in bad), ROW])),
        ("a.jsonl", "\n".join(numbers + lines)),
        ("a.json", "[" + ",\n".join(lines) + "]"),
    ):
        file = import_one(store, put(tmp_path, name, content))
        assert (file.new + file.known, file.rejected) == (1, len(bad) + len(numbers) * (name == "a.jsonl")), name
        for row in rejected_of(file):
            assert len(row["reason"]) < 250
            assert "<class" not in row["reason"]


def test_json_values_of_every_type_are_refusals(store, tmp_path):
    """A list, an object, half a surrogate pair, a truth: in place of each value of a good row."""
    bad = [{**GOOD, "event_id": "\ud800"}, {**GOOD, "event_id": "x" * 201}]
    bad += [{**GOOD, key: value} for key in GOOD for value in ([[1]], {"a": 1}, "\ud800", True)]
    for name, content in (
        ("a.jsonl", "\n".join(map(json.dumps, [*bad, GOOD]))),
        ("a.json", json.dumps([*bad, GOOD])),
    ):
        file = import_one(store, put(tmp_path, name, content))
        assert (file.new + file.known, file.rejected) == (1, len(bad))


def test_nested_json_is_damage_or_a_refusal(store, tmp_path):
    deep = "[" * 100_000
    with pytest.raises(DamagedError, match="invalid JSON array"):
        import_one(store, put(tmp_path, "deep.json", "[{},{" + deep))
    with pytest.raises(DamagedError, match="invalid JSON array"):
        import_one(store, put(tmp_path, "digits.json", '[{"ts": ' + "1" * 5000 + "}]"))
    nested = json.dumps({**GOOD, "more": 0}).replace("0}", "[" * 900 + "]" * 900 + "}")
    assert import_one(store, put(tmp_path, "nested.json", f"[{nested}]")).rows == 1


def test_parquet_cells_that_python_cannot_hold_are_refusals(store, tmp_path):
    """Year 33658, and bytes that are no UTF-8, beside a good row: 60,000 x 0.5 = 30,000 USD are stored."""
    day = 1_709_251_200  # 2024-03-01
    columns = {
        "ts": pa.array([day, 10**12, day], pa.timestamp("s")),
        "symbol": pa.array([b"BTCUSDT", b"BTCUSDT", b"\xff"], pa.binary()),
        "position": ["long"] * 3,
        "price": [60_000.0] * 3,
        "qty": [0.5] * 3,
    }
    path = tmp_path / "a.parquet"
    pq.write_table(pa.table(columns), path, coerce_timestamps="ms")
    file = import_one(store, path)
    assert (file.new, file.rejected, file.notional) == (1, 2, 30_000)
    assert [row["line"] for row in rejected_of(file)] == [2, 3]


@pytest.mark.parametrize(
    ("content", "words"),
    [
        (b"ARROW1\0\0", "Feather"),
        (b"\x89HDF\r\n\x1a\n\0", "HDF5"),
        (b"\x80\x04\x95\0", "pickle"),
        (b"\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1", "Excel"),
        (b"12345678DUCK\0", "DuckDB"),
        (b"\x93NUMPY\x01\0", "NumPy"),
        (b"a\0b\x01\x02\0\0", "not text"),
    ],
    ids=["feather", "hdf5", "pickle", "xls", "duckdb", "numpy", "unknown"],
)
def test_a_binary_file_is_named_with_what_to_do(store, tmp_path, content, words):
    with pytest.raises(DamagedError, match=rf"(?i){words}.*(save|export|COPY)"):
        import_one(store, put(tmp_path, "a.dat", content))


def test_a_workbook_is_no_zip_of_tables(store, tmp_path):
    path = tmp_path / "a.xlsx"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("[Content_Types].xml", "x")
        archive.writestr("xl/workbook.xml", "x")
    with pytest.raises(DamagedError, match="an Excel workbook cannot be imported; save the sheet as CSV"):
        import_one(store, path)
