"""``verify`` reads the footers of the rows that imports stored."""

from __future__ import annotations

from pathlib import Path

from typer.testing import CliRunner

from liqcli.cli import app


def test_damaged_rows_of_an_import_are_reported(tmp_path: Path, lake: Path) -> None:
    path = tmp_path / "a.csv"
    path.write_text("ts,exchange,symbol,position,price,qty\n2024-03-01T00:00:00Z,x,BTCUSDT,long,10,1\n")
    words = ["import", str(path), "--lake", str(lake)]
    assert CliRunner().invoke(app, words).exit_code == 0
    assert CliRunner().invoke(app, ["verify", "--lake", str(lake)]).exit_code == 0
    (kept,) = (lake / "imports").rglob("*.parquet")
    content = kept.read_bytes()
    kept.unlink()  # a second name of the lake's file, which stays whole
    kept.write_bytes(content[:-4])
    done = CliRunner().invoke(app, ["verify", "--lake", str(lake)])
    assert done.exit_code == 5
    assert "importing the file again with the same options writes it again" in done.stdout
    kept.unlink()
    assert CliRunner().invoke(app, words).exit_code == 0
    assert CliRunner().invoke(app, ["verify", "--lake", str(lake)]).exit_code == 0
