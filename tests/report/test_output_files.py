"""Each ``-o`` in its own form, whole or not at all."""

from __future__ import annotations

import csv
import io
import json
from dataclasses import replace
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from factories import T0, fill_lake, make_liquidation, snapshot
from PIL import Image

from liqcli.analysis.heatmap import GridOptions
from liqcli.cli.options import read_size
from liqcli.core.errors import EmptyWindowError, ExitCode, LiqcliError, UsageError
from liqcli.lake.selection import Query
from liqcli.report.output_files import check_outputs, choose_output, write_outputs
from liqcli.report.results import ViewOptions, compute_results

pytestmark = pytest.mark.usefixtures("empty_pictures")

PNG = b"\x89PNG\r\n\x1a\n"


@pytest.fixture
def findings(lake):
    rows = [make_liquidation(T0 + k, price=100.0 + k, position="long" if k % 2 else "short") for k in range(4)]
    query = Query("SOL", since="2026-03-01T00:00Z", until="2026-03-01T01:00Z")
    return compute_results(fill_lake(lake, rows), query, GridOptions(), ViewOptions(theme="dark"))


@pytest.mark.parametrize(
    ("names", "words"),
    [
        (["a.html", "a.pdf"], r"-o: cannot write 'a\.pdf'; write a\.html and print it to PDF in a browser$"),
        (["a.jpeg"], r"did you mean a\.png\?$"),
        (["a b.TXT"], r"did you mean a b\.md\?$"),
        (["a.xyz"], r"; possible endings: \.html, \.md, \.png, \.json, \.csv, \.parquet$"),
        (["no/such/a.html"], r"-o: the folder no/such does not exist; to create it: mkdir -p no/such$"),
        (["a.htm"], r"did you mean a\.html"),
        (["report"], r"-o: cannot write 'report'"),
        ([".html"], r"-o: cannot write '\.html'"),
        (["-"], r"-o: -: only files are written here, by their ending: \.html"),
    ],
)
def test_names_are_checked_before_any_work(names, words):
    with pytest.raises(UsageError, match=words):
        check_outputs([Path(name) for name in names])


def test_a_folder_is_no_file(tmp_path):
    (tmp_path / "x.png").mkdir()
    with pytest.raises(UsageError, match=r"x\.png is a folder; name a file in it, such as .*x\.png/report\.html"):
        check_outputs([tmp_path / "x.png"])
    with pytest.raises(UsageError, match="is a folder"):
        check_outputs([tmp_path])
    check_outputs([tmp_path / "x.HTML"])


@pytest.mark.parametrize(
    ("given", "name"),
    [
        ({"lookback": "24h"}, "SOL-24h.html"),
        ({"lookback": "24H", "until": "now"}, "SOL-24h.html"),
        ({"lookback": "48h", "until": "latest"}, "SOL-48h.html"),
        ({"lookback": "1h", "until": "2026-03-01T01:00Z"}, "SOL-2026-03-01-0000-1h.html"),
        ({"since": "2026-03-01", "until": "2026-03-01T01:00Z"}, "SOL-2026-03-01-0000-1h.html"),
    ],
)
def test_default_name_has_symbol_and_window(findings, given, name):
    query = Query("SOL", **given)
    assert choose_output(replace(findings.selection, query=query)) == Path(name)


@pytest.mark.slow
def test_every_form_of_one_grid(findings, tmp_path):
    out = tmp_path / "new" / "deep"
    names = ["a.html", "b.md", "c.png", "d.json", "e.csv", "f.parquet"]
    written = write_outputs(findings, [out / name for name in names])
    assert [path.name for path in written] == [
        "a.html", "b.png", "b-cumulative.png", "b.md", "c.png", "d.json", "e.csv", "f.parquet",
    ]  # fmt: skip
    files = snapshot(out)
    assert sorted(files) == sorted(path.name for path in written)
    assert files["c.png"].startswith(PNG)
    assert files["b.png"] == files["c.png"]
    for name in ("b.png", "b-cumulative.png"):
        assert f"({name})" in files["b.md"].decode()
    assert files["a.html"].startswith(b"<!doctype html>")
    report = json.loads(files["d.json"])
    assert report["meta"]["notional"] == 100 + 101 + 102 + 103
    rows = list(csv.DictReader(io.StringIO(files["e.csv"].decode())))
    assert [(r["position"], r["notional"]) for r in rows] == [
        ("short", "100.0"), ("long", "101.0"), ("short", "102.0"), ("long", "103.0"),
    ]  # fmt: skip
    table = pq.read_table(io.BytesIO(files["f.parquet"]))
    assert table.column_names == list(rows[0])
    assert table["notional"].to_pylist() == [100, 101, 102, 103]
    before = dict(files)
    write_outputs(findings, [out / name for name in names])
    assert snapshot(out) == before


def test_the_time_of_making_is_an_option(findings, tmp_path):
    names = [tmp_path / f"r.{ending}" for ending in ("html", "md", "json", "csv", "png")]
    made = "2026-03-02T01:02:03Z"
    findings = findings.with_view(replace(findings.view, sections=("data",)))
    write_outputs(findings, names)
    plain = snapshot(tmp_path)
    write_outputs(findings, names, made)
    stamped = snapshot(tmp_path)
    assert {name for name in plain if plain[name] != stamped[name]} == {"r.html", "r.md"}
    assert b"2026-03-02 01:02:03 UTC" in stamped["r.html"]
    assert b"2026-03-02 01:02:03 UTC" in stamped["r.md"]


@pytest.mark.drawn
def test_a_picture_of_ones_choice(findings, tmp_path):
    paths = {name: tmp_path / f"{name}.png" for name in ("heatmap", "cascades", "cumulative")}
    for name, path in paths.items():
        write_outputs(findings, [path], picture=name)
    drawn = {path.read_bytes() for path in paths.values()}
    assert len(drawn) == 3
    assert all(png.startswith(PNG) and len(png) < 400_000 for png in drawn)


def test_a_size_is_that_of_a_picture_alone(findings, tmp_path):
    sized = findings.with_view(replace(findings.view, size=(2000, 1200)))
    write_outputs(sized, [tmp_path / "a.png", tmp_path / "b.md"])
    names = ("a.png", "b.png", "b-cumulative.png")
    sizes = {name: Image.open(io.BytesIO((tmp_path / name).read_bytes())).size for name in names}
    assert sizes == {"a.png": (2000, 1200), "b.png": (1600, 1000), "b-cumulative.png": (1600, 640)}
    with pytest.raises(UsageError, match="between 800 x 500 and 6000 x 6000 is possible"):
        write_outputs(findings.with_view(replace(findings.view, size=(80, 60))), [tmp_path / "c.png"])


@pytest.mark.parametrize("text", ["big", "1600", "1600x", "x", "1600x-1", "1.5x2", "1600x1000x2"])
def test_a_size_is_two_numbers(text):
    with pytest.raises(UsageError, match=r"--size: .* is not WIDTHxHEIGHT"):
        read_size(text)
    assert read_size("1600X1000") == (1600, 1000)
    assert read_size(None) is None


def test_open_interest_that_is_not_stored_is_not_drawn_but_says_how_to_get_it(findings, tmp_path):
    told = "-o: open interest of SOLUSDT is not known in this window; to get it: liqcli fetch --kind open-interest"
    with pytest.raises(EmptyWindowError, match=told):
        write_outputs(findings, [tmp_path / "x.png"], picture="open_interest")
    assert not (tmp_path / "x.png").exists()


def test_capital_endings(findings, tmp_path):
    assert [p.name for p in write_outputs(findings, [tmp_path / "A.CSV", tmp_path / "B.Json"])] == ["A.CSV", "B.Json"]
    json.loads((tmp_path / "B.Json").read_text(encoding="utf-8"))


def test_numbers_alone_need_no_picture(findings, tmp_path, monkeypatch):
    def fail(*_args):
        raise AssertionError("drawn")

    monkeypatch.setattr("liqcli.report.figures.draw_figure", fail)
    write_outputs(findings, [tmp_path / "a.json", tmp_path / "a.csv", tmp_path / "a.parquet"])


def test_pictures_and_tables_need_no_document(findings, tmp_path, monkeypatch):
    def fail(*_args):
        raise AssertionError("built")

    monkeypatch.setattr("liqcli.report.document.build_document", fail)
    write_outputs(findings, [tmp_path / "a.png", tmp_path / "a.csv", tmp_path / "a.parquet"])
    with pytest.raises(AssertionError, match="built"):
        write_outputs(findings, [tmp_path / "a.json"])


def test_what_cannot_be_written_is_named_and_the_old_file_stays(findings, tmp_path):
    (tmp_path / "file").write_text("mine")
    with pytest.raises(LiqcliError, match=r"^-o: cannot write .*file/r\.json \((Not a directory|File exists)\)$"):
        write_outputs(findings, [tmp_path / "file" / "r.json"])
    assert (tmp_path / "file").read_text() == "mine"
    assert LiqcliError.exit_code == ExitCode.USAGE


def test_a_disk_that_fills_leaves_the_old_report(findings, tmp_path, monkeypatch):
    path = tmp_path / "r.json"
    path.write_text("old")

    def full(*_args):
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr(Path, "replace", full)
        with pytest.raises(LiqcliError, match=r"cannot write .*r\.json \(No space left on device\)"):
            write_outputs(findings, [path])
    assert snapshot(tmp_path / "").keys() >= {"r.json"}
    assert path.read_text() == "old"
    assert not list(tmp_path.glob(".*.tmp"))
