"""Events received twice: counted by import and verify, dropped only on request, and never counted twice."""

from __future__ import annotations

from pathlib import Path

import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner, Result

from liqcli.cli import app
from liqcli.lake.store import Lake

HEAD = "ts,symbol,position,price,qty"
# Events of 10, 20, 30 USD; the first two received again after 0.3 s and 1.9 s; 2.1 s after the third comes another one.
TIMES = {"00.000000": 10, "00.300000": 10, "05.000000": 20, "06.900000": 20, "10.000000": 30, "12.100000": 30}
SAID = "2 rows repeat another except for the time (within 2 s)"


def write(path: Path, times: dict[str, int], reverse: bool = False) -> Path:
    rows = [f"2024-03-01T00:00:{second}Z,BTCUSDT,long,{price},1" for second, price in times.items()]
    path.write_text("\n".join([HEAD, *(reversed(rows) if reverse else rows)]))
    return path


def run(*args: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    assert result.exit_code == code, result.output
    return result


def prices(lake: Path) -> list[float]:
    rows = []
    for part in Lake(lake).partitions():
        rows += pq.ParquetFile(part.path(lake)).read().to_pylist()
    return [row["price"] for row in rows]


def test_they_are_counted_and_kept(tmp_path, lake):
    path = write(tmp_path / "a.csv", TIMES)
    done = run("import", path, "--exchange", "x", "--lake", lake)
    assert "6 rows · 6 stored" in done.stdout
    assert SAID in done.stderr
    assert prices(lake) == [10, 10, 20, 20, 30, 30]
    found = run("verify", "--lake", lake)
    assert "2 of 6 rows equal another in all but the time (within 2 s), the first is row 2" in found.stdout
    assert "0 new" not in found.stdout


@pytest.mark.parametrize("reverse", [False, True])
def test_near_repeats_are_dropped_on_request(tmp_path, lake, reverse):
    """10 + 20 + 30 + 30 = 90 USD stay, in whatever order the rows stand; a second time changes nothing."""
    path = write(tmp_path / "a.csv", TIMES, reverse)
    words = ("import", path, "--exchange", "x", "--lake", lake, "--drop-near-repeats")
    done = run(*words)
    assert "6 rows · 4 stored · 2 near repeats dropped · x BTCUSDT · 90.00 USD" in done.stdout
    assert f"{SAID}: dropped" in done.stderr
    assert prices(lake) == [10, 20, 30, 30]
    assert "6 rows · 0 new · 4 already stored · 2 near repeats dropped" in run(*words).stdout
    assert prices(lake) == [10, 20, 30, 30]
    assert "repeat another" not in run("verify", "--lake", lake).stdout


def test_rows_already_stored_are_dropped_by_replacing_alone(tmp_path, lake):
    path = write(tmp_path / "a.csv", TIMES)
    words = ("import", path, "--exchange", "x", "--lake", lake)
    run(*words)
    refused = run(*words, "--drop-near-repeats", code=2).stderr
    assert "its near repeats are already stored. Use the same options, or add --replace, which first removes" in refused
    assert prices(lake) == [10, 10, 20, 20, 30, 30]
    done = run(*words, "--drop-near-repeats", "--replace")
    assert "6 rows · 4 stored · 2 near repeats dropped · removed 6 rows" in done.stdout
    assert prices(lake) == [10, 20, 30, 30]
    assert "counted twice" in run(*words, code=2).stderr


def test_a_second_recorder_is_compared_with_the_lake(tmp_path, lake):
    """The other file has the same three events, a little earlier or later, and one of its own."""
    run("import", write(tmp_path / "a.csv", {"00": 10, "05": 20, "10": 30}), "--exchange", "x", "--lake", lake)
    other = write(tmp_path / "b.csv", {"00.2": 10, "04.5": 20, "10": 30, "20": 40})
    done = run("import", other, "--exchange", "x", "--lake", lake, "--drop-near-repeats")
    assert SAID in done.stderr
    assert "4 rows · 1 new · 1 already stored · 2 near repeats dropped" in done.stdout
    assert prices(lake) == [10, 20, 30, 40]


def test_many_rows_are_spilled_and_give_the_same(tmp_path, lake, monkeypatch):
    monkeypatch.setattr("liqcli.lake.staging.Staging.ROWS_IN_MEMORY", 2)
    path = write(tmp_path / "a.csv", TIMES)
    done = run("import", path, "--exchange", "x", "--lake", lake, "--drop-near-repeats")
    assert "6 rows · 4 stored · 2 near repeats dropped · x BTCUSDT · 90.00 USD" in done.stdout
    assert prices(lake) == [10, 20, 30, 30]


def test_the_span_is_that_of_the_rows_that_were_kept(tmp_path, lake):
    """00:00:00 and 00:00:05 stay; the row at 00:00:06 repeats the one at 00:00:05 and is dropped."""
    path = write(tmp_path / "a.csv", {"00": 10, "05": 20, "06": 20})
    done = run("import", path, "--exchange", "x", "--lake", lake, "--drop-near-repeats")
    assert "3 rows · 2 stored · 1 near repeat dropped" in done.stdout
    assert "00:00Z to " in done.stdout
    assert done.stdout.strip().endswith(":05Z")


def test_a_file_of_repeats_alone_has_no_span(tmp_path, lake):
    run("import", write(tmp_path / "a.csv", {"00": 10}), "--exchange", "x", "--lake", lake)
    other = write(tmp_path / "b.csv", {"01": 10})
    done = run("import", other, "--exchange", "x", "--lake", lake, "--drop-near-repeats")
    assert "1 row · 0 stored · 1 near repeat dropped" in done.stdout
    assert " to " not in done.stdout
