"""``--replace`` removes what the same file stored before, and no row that another file holds."""

from __future__ import annotations

import shutil
import tempfile
from pathlib import Path

import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from typer.testing import CliRunner, Result

from liqcli.cli import app
from liqcli.core.errors import UsageError
from liqcli.core.model import US_PER_S, Window
from liqcli.ingest.files.importer import import_files
from liqcli.ingest.files.options import ImportOptions
from liqcli.ingest.files.summary import FileSummary
from liqcli.lake.fetch_log import CoveredWindow
from liqcli.lake.partitions import Partition
from liqcli.lake.store import Lake

START_US = 1_709_251_200 * US_PER_S  # 2024-03-01T00:00:00Z
BUY_IS = {"long": "position=side:buy-is-long", "short": "position=side:buy-is-short"}


def write(path: Path, rows: list[tuple[float, int]], side: str = "buy") -> Path:
    """Write rows of BTCUSDT, each a second of 2024-03-01T00:00 and a price in USD; the quantity is 1."""
    lines = [f"2024-03-01T00:00:{second:09.6f}Z,BTCUSDT,{side},{price},1" for second, price in rows]
    path.write_text("\n".join(["ts,symbol,side,price,qty", *lines]))
    return path


def do_import(lake: Path, path: Path, buy: str = "long", **more: object) -> FileSummary:
    options = ImportOptions(**{"exchange": "x", "columns": BUY_IS[buy], **more})
    (file,) = import_files(Lake(lake), [path], options).files
    if file.error:
        raise file.error
    return file


def run(*args: object, code: int = 0) -> Result:
    result = CliRunner().invoke(app, [str(arg) for arg in args])
    assert result.exit_code == code, result.output
    return result


def held(lake: Path) -> list[tuple[float, str, float]]:
    """Second, position and price of each row, sorted, over all exchanges."""
    rows = [row for part in Lake(lake).partitions() for row in pq.ParquetFile(part.path(lake)).read().to_pylist()]
    return sorted((row["ts"].second + row["ts"].microsecond / 1e6, row["position"], row["price"]) for row in rows)


def tables(lake: Path) -> dict[Partition, list[dict[str, object]]]:
    return {part: pq.ParquetFile(part.path(lake)).read().to_pylist() for part in Lake(lake).partitions()}


def test_rows_of_other_files_stay(tmp_path, lake):
    """A has 0, 10 and 20 s; B lies between with 5 and 15 s. A's sides are turned."""
    first = write(tmp_path / "a.csv", [(0, 10), (10, 20), (20, 30)])
    do_import(lake, first)
    do_import(lake, write(tmp_path / "b.csv", [(5, 1), (15, 2)]))
    file = do_import(lake, first, "short", replace=True)
    assert (file.removed, file.new, file.known) == (3, 3, 0)
    assert held(lake) == [(0, "short", 10), (5, "long", 1), (10, "short", 20), (15, "long", 2), (20, "short", 30)]


def test_a_row_that_two_files_hold_stays_as_often_as_in_the_other(tmp_path, lake):
    """A has the row of 10 USD three times, B twice: three are stored, one is A's alone."""
    first = write(tmp_path / "a.csv", [(0, 10)] * 3 + [(1, 20)])
    second = write(tmp_path / "b.csv", [(0, 10)] * 2 + [(2, 30)])
    do_import(lake, first)
    do_import(lake, second)
    assert held(lake) == [(0, "long", 10)] * 3 + [(1, "long", 20), (2, "long", 30)]
    file = do_import(lake, first, "short", replace=True)
    assert (file.removed, file.new) == (2, 4)
    shared = [(0, "long", 10)] * 2
    assert held(lake) == [*shared, *[(0, "short", 10)] * 3, (1, "short", 20), (2, "long", 30)]
    file = do_import(lake, second, "short", replace=True)
    assert (file.removed, file.new, file.known) == (3, 1, 2)
    assert held(lake) == [(0, "short", 10)] * 3 + [(1, "short", 20), (2, "short", 30)]


def test_the_advice_on_near_repeats_costs_no_other_file_a_row(tmp_path, lake):
    """A holds each of 3 events twice, 0.8 s apart; the two rows of B in between have the same source."""
    twice = [(second + lag, second + 10) for second in (0, 10, 20) for lag in (0, 0.8)]
    first = write(tmp_path / "a.csv", twice)
    words = ("import", first, "--exchange", "x", "--columns", BUY_IS["long"], "--lake", lake)
    assert "--drop-near-repeats --replace" in run(*words).stderr
    do_import(lake, write(tmp_path / "b.csv", [(5, 1), (15, 2)]))
    refused = run(*words, "--drop-near-repeats", code=2).stderr
    assert "then without --drop-near-repeats, now with --drop-near-repeats" in refused
    assert "add --replace, which first removes the rows that the earlier import stored; rows of other files" in refused
    done = run(*words, "--drop-near-repeats", "--replace")
    assert "6 rows · 3 stored · 3 near repeats dropped · removed 6 rows · x BTCUSDT · 60.00 USD" in done.stdout
    assert [price for _, _, price in held(lake)] == [10, 1, 20, 2, 30]


def test_equal_options_change_nothing(tmp_path, lake):
    path = write(tmp_path / "a.csv", [(0, 10), (0, 10), (1, 20)])
    do_import(lake, path)
    before = {path: path.read_bytes() for path in lake.rglob("*.parquet")}
    file = do_import(lake, path, replace=True)
    assert (file.removed, file.new) == (3, 3)
    assert {path: path.read_bytes() for path in lake.rglob("*.parquet")} == before


def test_a_file_that_was_not_imported_removes_nothing(tmp_path, lake):
    do_import(lake, write(tmp_path / "a.csv", [(0, 10), (9, 20)]))
    other = write(tmp_path / "b.csv", [(1, 10), (8, 20)])
    done = run("import", other, "--exchange", "x", "--columns", BUY_IS["long"], "--lake", lake, "--replace")
    assert "--replace: this file was not imported before; no rows were removed" in done.stderr
    assert "2 rows · 2 stored" in done.stdout
    assert "removed" not in done.stdout
    assert [second for second, _, _ in held(lake)] == [0, 1, 8, 9]


def test_rows_in_a_fetched_window_stay(tmp_path, lake):
    """A fetch of the first 5 s answered with the row of 10 USD; the file has that row and one at 7 s."""
    do_import(lake, write(tmp_path / "a.csv", [(0, 10), (7, 20)]))
    store = Lake(lake)
    answered = CoveredWindow(Window(START_US, START_US + 5 * US_PER_S), "complete", 1, START_US)
    store.add_to_fetch_log("x", "BTCUSDT", "import", [answered])
    do_import(lake, tmp_path / "a.csv", "short", replace=True)
    assert held(lake) == [(0, "long", 10), (0, "short", 10), (7, "short", 20)]
    assert answered in store.read_fetch_log("x", "BTCUSDT", "import").windows


def test_other_names_leave_no_fetch_log_behind(tmp_path, lake):
    path = write(tmp_path / "a.csv", [(0, 10), (1, 20)])
    do_import(lake, path)
    do_import(lake, path, exchange="y", replace=True)
    assert Lake(lake).list_fetch_logs() == [("y", "BTCUSDT", "import")]
    assert [(part.exchange, part.symbol) for part in Lake(lake).partitions()] == [("y", "BTCUSDT")]


@pytest.mark.parametrize("lost", ["a.csv", "b.csv"])
def test_an_import_of_an_older_version_is_repeated_first(tmp_path, lake, lost):
    """Without the rows of A, or of B that overlaps it, no one knows whose a row is: nothing changes."""
    files = {name: write(tmp_path / name, rows) for name, rows in (("a.csv", [(0, 10), (9, 20)]), ("b.csv", [(5, 1)]))}
    do_import(lake, files[lost])
    shutil.rmtree(lake / "imports")
    for name, path in files.items():
        if name != lost:
            do_import(lake, path)
    before = held(lake)
    with pytest.raises(UsageError, match=r"did not keep which rows it stored; nothing was changed. Import .* again"):
        do_import(lake, files["a.csv"], "short", replace=True)
    assert held(lake) == before
    do_import(lake, files[lost])
    assert do_import(lake, files["a.csv"], "short", replace=True).removed == 2
    assert held(lake) == [(0, "short", 10), (5, "long", 1), (9, "short", 20)]


def test_a_repeated_import_keeps_its_claim_to_rows_that_it_now_drops(tmp_path, lake):
    """A drops near repeats. B comes 0.5 s before A's row, so that A would drop it now; the row is A's all the same."""
    first = write(tmp_path / "a.csv", [(1, 10), (9, 20)])
    do_import(lake, first, drop_near_repeats=True)
    do_import(lake, write(tmp_path / "b.csv", [(0.5, 10)]))
    do_import(lake, first, drop_near_repeats=True)
    file = do_import(lake, first, "short", replace=True)
    assert file.removed == 2
    assert held(lake) == [(0.5, "long", 10), (1, "short", 10), (9, "short", 20)]


ROWS = st.lists(
    st.tuples(st.integers(0, 12).map(lambda half: half / 2), st.sampled_from([10, 20])), min_size=1, max_size=8
)
CHANGES = st.sampled_from(
    [
        {"buy": "short"},
        {"drop_near_repeats": True},
        {"buy": "short", "drop_near_repeats": True},
        {"tz": "Europe/Berlin", "exchange": "y"},
        {"quote": "USD"},
        {},
    ]
)


def check_replacement(first, second, change, spilled, later):
    """Import A and B, in either order, then A with other options: the lake equals one that B and the new A filled."""
    with tempfile.TemporaryDirectory() as folder, pytest.MonkeyPatch.context() as patch:
        if spilled:
            patch.setattr("liqcli.lake.staging.Staging.ROWS_IN_MEMORY", 3)
        root = Path(folder)
        one, other = write(root / "a.csv", first), write(root / "b.csv", [*second, (0, 99)])
        for path in (other, one) if later else (one, other):
            do_import(root / "lake", path)
        file = do_import(root / "lake", one, **change, replace=True)
        do_import(root / "want", other)
        do_import(root / "want", one, **change)
        assert tables(root / "lake") == tables(root / "want")
        assert file.removed <= len(first)


FILES = {"first": ROWS, "second": ROWS, "change": CHANGES, "spilled": st.booleans(), "later": st.booleans()}


@pytest.mark.slow
@settings(max_examples=4, deadline=None)
@given(**FILES)
def test_replacing_one_file_leaves_the_other_and_the_new_rows(**files):
    check_replacement(**files)


@pytest.mark.soak
@settings(max_examples=200, deadline=None)
@given(**FILES)
def test_replacing_one_of_two_hundred_pairs_of_files(**files):
    check_replacement(**files)
