"""The rows that an import stored: kept without a copy where possible, and read from files of version 0.2.0."""

from __future__ import annotations

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from typer.testing import CliRunner

from liqcli.cli import app
from liqcli.lake.store import Lake

HEAD = "ts,symbol,position,price,qty"


def write(path: Path, *rows: tuple[int, int]) -> Path:
    """Write rows of a second and a price each; the quantity is 1."""
    lines = [f"2024-03-01T00:00:{second:02d}Z,BTCUSDT,long,{price},1" for second, price in rows]
    path.write_text("\n".join([HEAD, *lines]))
    return path


def run(path: Path, lake: Path, *more: str) -> str:
    done = CliRunner().invoke(app, ["import", str(path), "--exchange", "x", "--lake", str(lake), *more])
    assert done.exit_code == 0, done.output
    return done.stdout


def prices(path: Path) -> list[float]:
    with path.open("rb") as file:
        return pq.read_table(file)["price"].to_pylist()


def stored(lake: Path) -> Path:
    (partition,) = Lake(lake).partitions()
    return partition.path(lake)


def kept(lake: Path) -> list[Path]:
    return sorted((lake / "imports").rglob("*.parquet"))


def test_rows_of_a_new_file_take_no_space_and_outlast_its_change(tmp_path, lake):
    run(write(tmp_path / "a.csv", (0, 10), (0, 10), (9, 20)), lake)
    (first,) = kept(lake)
    assert first.samefile(stored(lake))
    run(write(tmp_path / "b.csv", (0, 10), (5, 30)), lake)
    assert prices(stored(lake)) == [10, 10, 30, 20]
    assert prices(first) == [10, 10, 20]
    (second,) = set(kept(lake)) - {first}
    assert prices(second) == [10, 30]


def test_without_hard_links_rows_are_copied(tmp_path, lake, monkeypatch):
    def refuse(*_: object) -> None:
        raise OSError("not supported")

    monkeypatch.setattr(os, "link", refuse)
    run(write(tmp_path / "a.csv", (0, 10), (9, 20)), lake)
    (copy,) = kept(lake)
    assert not copy.samefile(stored(lake))
    assert copy.read_bytes() == stored(lake).read_bytes()


def test_a_repeated_import_changes_no_file(tmp_path, lake):
    path = write(tmp_path / "a.csv", (0, 10), (0, 10), (9, 20))
    run(path, lake)
    run(write(tmp_path / "b.csv", (5, 30)), lake)
    before = {path: path.read_bytes() for path in lake.rglob("*.parquet")}
    run(path, lake)
    assert {path: path.read_bytes() for path in lake.rglob("*.parquet")} == before
    assert len(before) == 3


def test_rows_of_a_month_that_the_file_no_longer_has_are_dropped(tmp_path, lake):
    """Read in another zone, the event belongs to another month."""
    path = tmp_path / "a.csv"
    path.write_text(f"{HEAD}\n2024-03-01T00:30:00,BTCUSDT,long,10,1\n")
    run(path, lake)
    assert [p.name for p in kept(lake)] == ["x_BTCUSDT_2024-03_import.parquet"]
    run(path, lake, "--tz", "Europe/Berlin", "--replace")
    assert [p.name for p in kept(lake)] == ["x_BTCUSDT_2024-02_import.parquet"]


@pytest.mark.parametrize("old", ["a", "b"])
def test_rows_kept_by_version_0_2_0_are_removed_alike(tmp_path, lake, old):
    """A has the row of 10 USD twice, B once: without A one stays."""
    files = {
        "a": write(tmp_path / "a.csv", (0, 10), (0, 10), (9, 20)),
        "b": write(tmp_path / "b.csv", (0, 10), (5, 30)),
    }
    run(files[old], lake)
    downgrade(lake)
    for name, path in files.items():
        if name != old:
            run(path, lake)
    assert "removed 2 rows" in run(files["a"], lake, "--tz", "Europe/Berlin", "--replace")
    assert prices(stored(lake)) == [10, 10, 30, 20]  # as before: the times state their zone
    assert not list((lake / "imports").glob("*.parquet"))


def downgrade(lake: Path) -> None:
    """Keep the rows of the only import as version 0.2.0 did: grouped, in one file."""
    (path,) = kept(lake)
    with path.open("rb") as file:
        table = pq.read_table(file)
    names = table.schema.names
    table = table.append_column("copies", pa.array([1] * len(table), pa.int64()))
    table = table.group_by(names, use_threads=False).aggregate([("copies", "sum")]).rename_columns([*names, "copies"])
    for name, text in (("symbol", "BTCUSDT"), ("exchange", "x")):
        table = table.add_column(0, name, pa.array([text] * len(table)))
    pq.write_table(table, path.parent.with_name(f"{path.parent.name}.parquet"))
    path.unlink()
    path.parent.rmdir()
