"""
Time liqcli on large and wide lakes, each case against a named reference: whole processes, alternating.

Lakes come from ``bench_lakes.py``: one symbol on eight exchanges over 36 months, and 300 symbols. Each case prints the
median of wall and CPU time, the largest memory, and the ratio to its reference with its spread.
"""

from __future__ import annotations

import importlib.util
import shutil
import statistics
import sys
import tempfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any, NamedTuple

from bench_import import REFERENCE as TARDIS_COPY
from bench_import import Spent, run, write_tardis
from bench_lakes import EXCHANGES, build_even, build_wide

SYMBOL, WHOLE, DAY = "BTCUSDT", ("2023-01-01", "2026-01-01"), ("2025-11-15", "2025-11-16")
BARE_PICTURE = """
import sys
import duckdb
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
figure = Figure(figsize=(16, 10), dpi=100)
FigureCanvasAgg(figure)
figure.savefig(sys.argv[1])
"""
SCAN = """
import sys
import duckdb
print(duckdb.execute('''
    SELECT count(*), max(ts), min(price), max(price), sum(qty), sum(notional), count(*) FILTER (position = 'long')
    FROM read_parquet($1, hive_partitioning = false)
''', [sys.argv[1] + "/liquidations/*/*/*/*.parquet"]).fetchall())
"""
# The grid alone, with known axes: no totals, no choice of a price axis, no check.
POLARS_GRID = """
import sys
import polars as pl
rows = pl.scan_parquet(sys.argv[1] + "/liquidations/*/*/*/*.parquet", hive_partitioning=False)
bucket = (pl.col("ts").dt.timestamp("us") // 604_800_000_000).alias("bucket")
row = (pl.col("price") / 1000).floor().cast(pl.Int64).alias("row")
usd = (pl.col("notional") * 1e6).round().cast(pl.Int64).sum().alias("usd_e6")
cells = rows.group_by(bucket, row, "position").agg(usd, pl.col("qty").sum(), pl.len())
cells.collect(engine="streaming").sort("bucket", "row", "position").write_csv(sys.argv[2])
"""
GENERIC_COPY = """
import sys
import duckdb
duckdb.sql(f'''
    SELECT
        timestamp AS ts, symbol AS instrument, position, price, 'fill' AS price_kind, qty, price * qty AS notional,
        CAST(NULL AS DOUBLE) AS contracts, CAST(NULL AS DOUBLE) AS contract_size,
        'sampled' AS completeness, CAST(NULL AS VARCHAR) AS event_id, 'import' AS source
    FROM read_csv('{sys.argv[1]}') ORDER BY instrument, ts, position, price, qty
''').write_parquet(sys.argv[2], compression="zstd")
"""
HELP = "import typer, rich.console"
FRESH = "{a new folder for each run}"
IMPORTED = 5  # one row is imported for so many events of the large lake


class Case(NamedTuple):
    """A command and its reference, by names for the table; ``goal`` is the largest ratio wanted."""

    name: str
    command: Sequence[object]
    reference_name: str
    reference: Sequence[object]
    goal: float


def bench_scale(
    folder: Path,
    runs: int,
    environment: Mapping[str, str],
    python: str,
    events: int,
    keep: bool = False,
    named: str = "",
) -> list[dict[str, Any]]:
    """Build the lakes, run the cases with ``named`` in their name, and return one record for each."""
    # In a process of its own: the memory of the measured ones starts at that of their parent.
    run([python, Path(__file__), folder, events, "keep" if keep else "new"], environment)
    records = []
    for case in (case for case in list_cases(folder, python, events) if named in case.name):
        record = measure(case, runs, environment)
        records.append(record)
        print_record(record)
    return records


def name_data(folder: Path, events: int) -> dict[str, Path]:
    """Name the lakes (large, only the day of the pictures, wide, only its first symbol) and the files to import."""
    names = {name: folder / f"{name}-{events}" for name in ("even", "day", "wide", "narrow")}
    return {**names, "tardis": folder / f"tardis-{events}.csv.gz", "table": folder / f"table-{events}.csv"}


def build_data(folder: Path, events: int, keep: bool) -> None:
    """Build the lakes and files that do not exist, or all of them."""
    import duckdb

    data = name_data(folder, events)
    if keep and all(path.exists() for path in data.values()):
        return
    for name in ("even", "day", "wide", "narrow"):
        shutil.rmtree(data[name], ignore_errors=True)
    build_even(data["even"], events)
    build_wide(data["wide"], events // 4)
    copy_files(data["even"], data["day"], copy_day)
    copy_files(data["wide"], data["narrow"], shutil.copyfile)
    write_tardis(data["tardis"], events // IMPORTED)
    duckdb.read_csv(str(data["tardis"])).project(
        "strftime(make_timestamp(timestamp), '%Y-%m-%dT%H:%M:%S.%fZ') AS timestamp, 'binance' AS exchange, symbol, "
        "CASE side WHEN 'sell' THEN 'long' ELSE 'short' END AS position, price, amount AS qty"
    ).write_csv(str(data["table"]))


def copy_files(source: Path, target: Path, copy: Callable[[Path, Path], object]) -> None:
    """Copy the files of the symbol in the month of the day."""
    for exchange in EXCHANGES:
        for path in source.glob(f"liquidations/exchange={exchange}/symbol={SYMBOL}/month={DAY[0][:7]}/*.parquet"):
            other = target / path.relative_to(source)
            other.parent.mkdir(parents=True, exist_ok=True)
            copy(path, other)


def copy_day(path: Path, target: Path) -> None:
    """Copy the rows of the day."""
    import duckdb

    rows = duckdb.read_parquet(str(path), hive_partitioning=False)
    rows.filter(f"ts >= TIMESTAMP '{DAY[0]}' AND ts < TIMESTAMP '{DAY[1]}'").write_parquet(
        str(target), compression="zstd"
    )


def list_cases(folder: Path, python: str, events: int) -> list[Case]:
    """List the cases, those with the same reference together."""
    data = name_data(folder, events)
    liqcli = [python, "-m", "liqcli"]

    def heatmap(lake: str, window: tuple[str, str], ending: str) -> list[object]:
        times = ("--since", window[0], "--until", window[1])
        where = ("--lake", data[lake], "--symbol", SYMBOL)
        return [*liqcli, "heatmap", *where, *times, "-o", folder / f"out.{ending}", "--quiet"]

    def load(name: str) -> list[object]:
        return [*liqcli, "import", data[name], "--lake", FRESH, "--quiet"]

    def copy(name: str, program: str) -> tuple[str, list[object]]:
        return "DuckDB COPY, sorted", [python, "-c", program, data[name], folder / "copy.parquet"]

    bare = "empty picture with duckdb and matplotlib", [python, "-c", BARE_PICTURE, folder / "empty.png"]
    scan = "DuckDB scan of the same columns", [python, "-c", SCAN, data["even"]]
    polars = "polars' streaming grid", [python, "-c", POLARS_GRID, data["even"], folder / "polars.csv"]
    one_day, one_symbol = heatmap("day", DAY, "png"), heatmap("narrow", DAY, "png")
    size, rows = f"{events / 1e6:g} M events", f"{events / IMPORTED / 1e6:g} M rows"
    cases = [
        Case(f"{size}, grid.csv", heatmap("even", WHOLE, "csv"), *scan, 1.8),
        Case(f"{size}, full .json", heatmap("even", WHOLE, "json"), *scan, 6),
        Case("24 h .png", one_day, *bare, 1.35),
        Case("24 h .html", heatmap("day", DAY, "html"), *bare, 1.6),
        Case(f"24 h .png of {size}", heatmap("even", DAY, "png"), "a lake with only that day", one_day, 1.15),
        Case("24 h .png of 300 symbols", heatmap("wide", DAY, "png"), "a lake with only that symbol", one_symbol, 1.1),
        Case("liqcli --help", [*liqcli, "--help"], HELP, [python, "-c", HELP], 1.3),
        Case(f"import of {rows} of Tardis", load("tardis"), *copy("tardis", TARDIS_COPY), 1.5),
        Case(f"import of {rows} of CSV", load("table"), *copy("table", GENERIC_COPY), 1.5),
    ]
    if importlib.util.find_spec("polars"):
        cases.insert(1, Case(f"{size}, grid.csv", heatmap("even", WHOLE, "csv"), *polars, 1.6))
    else:
        print("  polars is not installed: no comparison with its grid")
    return cases


def measure(case: Case, runs: int, environment: Mapping[str, str]) -> dict[str, Any]:
    """Run both sides in turn, once to warm up."""

    def spend(command: Sequence[object]) -> Spent:
        with tempfile.TemporaryDirectory() as fresh:
            return run([fresh if word is FRESH else word for word in command], environment)

    pairs = [(spend(case.command), spend(case.reference)) for _ in range(runs + 1)][1:]
    record: dict[str, Any] = {"case": case.name, "reference": case.reference_name, "goal": case.goal, "runs": runs}
    for side, spent in (("liqcli", [a for a, _ in pairs]), ("reference_", [b for _, b in pairs])):
        name = side if side.endswith("_") else ""
        record[f"{name}wall_s"] = round(statistics.median(s.wall_s for s in spent), 3)
        record[f"{name}cpu_s"] = round(statistics.median(s.cpu_s for s in spent), 3)
        record[f"{name}memory_mb"] = round(max(s.memory_mb for s in spent))
    for kind in ("wall", "cpu"):
        ratios = sorted(getattr(a, f"{kind}_s") / getattr(b, f"{kind}_s") for a, b in pairs)
        record[f"{kind}_ratio"] = round(statistics.median(ratios), 2)
        record[f"{kind}_ratios"] = [round(ratio, 2) for ratio in ratios]
    return record


def print_record(record: Mapping[str, Any]) -> None:
    """Print a case in two lines."""
    print(f"  {record['case']}  ÷  {record['reference']}")
    spread = {kind: f"{record[f'{kind}_ratios'][0]} to {record[f'{kind}_ratios'][-1]}" for kind in ("wall", "cpu")}
    print(
        f"    wall {record['wall_s']:.2f} ÷ {record['reference_wall_s']:.2f} s = {record['wall_ratio']} "
        f"({spread['wall']})   CPU {record['cpu_s']:.2f} ÷ {record['reference_cpu_s']:.2f} s = {record['cpu_ratio']} "
        f"({spread['cpu']})   {record['memory_mb']} MB   goal {record['goal']}"
    )
    sys.stdout.flush()


if __name__ == "__main__":
    build_data(Path(sys.argv[1]), int(sys.argv[2]), sys.argv[3] == "keep")
