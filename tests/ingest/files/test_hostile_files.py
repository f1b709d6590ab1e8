"""Names that want to be code: whatever way they come in, they leave as words, in every form a report has."""

from __future__ import annotations

import csv
import io
import json
import shutil
from collections import Counter
from pathlib import Path
from urllib.parse import unquote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from factories import T0, snapshot
from page_readers import Forge, Page
from typer.testing import CliRunner, Result

from liqcli.cli import app
from liqcli.cli.tables import render_rows
from liqcli.core.formatting import format_iso

pytestmark = pytest.mark.usefixtures("empty_pictures")

HEADER = "ts,exchange,symbol,position,price,qty,instrument,event_id\n"
# Everything that a file's name may hold: a tag, SQL, a table's bar, code, a formula, mathtext, a turned direction.
EVIL = '=cmd()<img src=x onerror=alert(1)>"; DROP TABLE x;--|`c`$x_2$[l](u)**\u202e..'
DAY = ("--symbol", "SOLUSDT", "--since", "2026-03-01", "--until", "2026-03-02")
FORMULAS = ("=", "+", "-", "@", "\t", "\r")


def run(*args: object, code: int = 0) -> Result:
    """Run the program in this process; the exit code must be the one said."""
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    assert result.exit_code == code, (args, result.output, result.exception)
    return result


def rows(exchange="gate", symbol="SOLUSDT", instrument="SOL_USDT", event="1", count=12):
    """A burst of ``count`` orders that makes a cluster, as CSV; hostile names are quoted as CSV demands."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    for k in range(count):
        ts = format_iso(T0 + k * 2_000_000)
        writer.writerow([ts, exchange, symbol, "long", 100 + k % 3 / 10, 10, instrument, f"{event}{k}"])
    return out.getvalue()


def make_all(lake: Path, folder: Path, stem: str = "r", code: int = 0) -> dict[str, str]:
    """Every form of a report on the day of the burst; text by ending."""
    folder.mkdir(parents=True, exist_ok=True)
    endings = ("html", "md", "json", "csv")
    outputs = [flag for ending in endings for flag in ("-o", folder / f"{stem}.{ending}")]
    run("heatmap", "--lake", lake, *DAY, "--theme", "dark", *outputs, code=code)
    return {ending: (folder / f"{stem}.{ending}").read_text(encoding="utf-8") for ending in endings}


def check_harmless(made: dict[str, str], plain: dict[str, str]) -> None:
    """The page has the tags of a plain one, the Markdown its tokens, the tables their cells; nothing else."""
    evil, good = Page(made["html"]), Page(plain["html"])
    assert Counter(tag for tag, _ in evil.tags) == Counter(tag for tag, _ in good.tags)
    assert {key for _, a in evil.tags for key in a} == {key for _, a in good.tags for key in a}
    assert "\u202e" not in made["html"] + made["md"]
    apart = Counter(text=9999, text_special=9999)  # escaping cuts words into pieces
    assert Forge(made["md"]).kinds - apart == Forge(plain["md"]).kinds - apart
    assert [len(row) for row in Forge(made["md"]).rows] == [len(row) for row in Forge(plain["md"]).rows]
    check_cells(made["csv"])
    json.loads(made["json"])


def check_cells(text: str) -> None:
    """No cell of a CSV file is a formula; a negative number is a number."""
    table = list(csv.reader(io.StringIO(text)))
    assert {len(row) for row in table} == {len(table[0])}
    for cell in (cell for row in table for cell in row if cell.startswith(FORMULAS)):
        float(cell)


@pytest.fixture(scope="module")
def clean(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, dict[str, str]]:
    """A clean lake and its reports, to compare with."""
    folder = tmp_path_factory.mktemp("clean")
    (folder / "good.csv").write_text(HEADER + rows())
    run("import", folder / "good.csv", "--lake", folder / "lake")
    return folder / "lake", make_all(folder / "lake", folder / "made")


@pytest.fixture
def plain(clean: tuple[Path, dict[str, str]], lake: Path) -> dict[str, str]:
    """The clean reports; their lake is copied to where the test may spoil it."""
    shutil.copytree(clean[0], lake)
    return clean[1]


@pytest.mark.slow
def test_hostile_words_in_every_column_of_a_file(plain, lake: Path, tmp_path: Path) -> None:
    before = set(snapshot(lake / "liquidations"))
    file = tmp_path / f"{EVIL}.csv"
    refused = [rows(exchange=EVIL, count=1), rows(symbol=EVIL, count=1), rows(exchange="a\nb", count=1)]
    refused += [rows(exchange="../../up", count=1), rows(symbol="../../up", count=1), rows(symbol="=1+1", count=1)]
    file.write_text(HEADER + "".join(refused) + rows(event=EVIL, count=2) + rows(instrument=EVIL, count=1))
    run("import", file, "--lake", lake, code=6)
    # What was refused is kept inside the lake, under a name that is one; nothing was made anywhere else.
    (kept,) = (lake / "rejected").iterdir()
    assert kept.name.isascii()
    assert len(kept.read_text(encoding="utf-8").splitlines()) >= len(refused)
    assert set(snapshot(lake / "liquidations")) == before
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted(["lake", file.name])
    check_harmless(make_all(lake, tmp_path / "made"), plain)


def test_a_hostile_source_in_a_foreign_lake(plain, lake: Path, tmp_path: Path) -> None:
    (file,) = (lake / "liquidations").rglob("*.parquet")
    with file.open("rb") as handle:
        table = pq.read_table(handle)
    place = table.schema.get_field_index("source")
    pq.write_table(table.set_column(place, "source", pa.array([EVIL] * len(table), pa.string())), file)
    made = make_all(lake, tmp_path / "made")
    check_harmless(made, plain)
    shown = EVIL.replace("\u202e", "\ufffd")
    (said,) = [words for words in Forge(made["md"]).paragraphs if words.startswith("Sources: ")]
    assert said == f"Sources: {shown}"
    assert json.loads(made["json"])["meta"]["sources"] == [EVIL]  # data stay what they are


@pytest.mark.parametrize("place", ["exchange=gate", "symbol=SOLUSDT", "month=2026-03", "file.parquet"])
def test_a_lake_with_hostile_folders_is_not_read(plain, lake: Path, tmp_path: Path, place: str) -> None:
    (file,) = (lake / "liquidations").rglob("*.parquet")
    found = file.rename(file.with_name("file.parquet"))
    while found.name != place:
        found = found.parent
    key, equals, _ = place.partition("=")
    found.rename(found.with_name(f"{key}{equals}{EVIL}" if equals else f"{EVIL}.parquet"))
    result = CliRunner().invoke(app, ["heatmap", "--lake", str(lake), *DAY, "-o", str(tmp_path / "r.html")])
    assert result.exit_code in (2, 4, 5)
    assert not (tmp_path / "r.html").exists()


def test_a_lake_and_outputs_with_hostile_names(plain, lake: Path, tmp_path: Path) -> None:
    moved = tmp_path / EVIL
    lake.rename(moved)
    next((moved / "liquidations").rglob("*.parquet")).with_name("bad.parquet").write_bytes(b"no")
    made = make_all(moved, tmp_path / f"out {EVIL}", EVIL, code=6)
    for text in made.values():  # where a lake lies is nobody's business
        assert not [line for line in text.splitlines() if "onerror" in line and not line.startswith("![")]
    assert "liquidations/exchange=gate/symbol=SOLUSDT/month=2026-03/bad.parquet" in made["html"]
    names = [unquote(image.attrs["src"]) for image in Forge(made["md"]).images()]
    assert names == [f"{EVIL}.png", f"{EVIL}-cumulative.png"]
    for name in names:
        assert (tmp_path / f"out {EVIL}" / name).read_bytes().startswith(b"\x89PNG")
    check_cells(made["csv"])


@pytest.mark.parametrize("flag", ["--symbol", "--exchange", "--position", "--theme", "--bin", "--output"])
def test_a_hostile_word_on_the_command_line_is_only_repeated(plain, lake: Path, tmp_path: Path, flag: str) -> None:
    said = run("heatmap", "--lake", lake, *DAY, "-o", tmp_path / "x.html", flag, EVIL, code=2)
    assert "\n" not in said.stderr.strip()
    assert [path.name for path in tmp_path.iterdir()] == ["lake"]


def test_a_formula_in_a_table_is_marked_as_text() -> None:
    text = render_rows(("name", "value"), [(EVIL, -1.5), ("@SUM(A1)", None), ("-2", 0), ("plain", 3)])
    assert list(csv.reader(io.StringIO(text))) == [
        ["name", "value"], [f"'{EVIL}", "-1.5"], ["'@SUM(A1)", ""], ["'-2", "0"], ["plain", "3"],
    ]  # fmt: skip
