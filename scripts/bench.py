"""
Time liqcli as its user meets it: whole processes, against bare references. Prints numbers, judges nothing.

1. A 24 h report of the sample, against a bare Python that imports duckdb and matplotlib.figure and saves an empty
   picture of the same size: what any program with these two libraries must spend.
2. The grid of some million synthetic events, against one plain scan that adds up the same file.
3. Clusters and cascades of the same events together, against the grid itself, all three once the events are loaded.
4. A fetch of 480 windows at 50 ms latency, against that latency alone (bench_fetch.py).
5. ``status`` on a year of one symbol over eight sources, and on a lake of 200 symbols (bench_status.py).
6. ``daily`` for five symbols by three lookbacks, against the bare drawing of the same pictures (bench_daily.py).
7. An import of 5 million rows of Tardis CSV.gz, against DuckDB's own COPY of them (bench_import.py).
8. Large and wide lakes: grids, reports, a day out of years, imports (bench_scale.py). ``--json`` keeps these numbers.

Runs alternate A B A B after one warm-up each, so that a slow minute of the machine falls on both.
"""

from __future__ import annotations

import argparse
import json
import os
import shutil
import statistics
import subprocess
import sys
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path

from bench_daily import bench_daily
from bench_fetch import bench_fetch
from bench_import import bench_import
from bench_scale import bench_scale
from bench_status import bench_status

ROOT = Path(__file__).resolve().parent.parent
OUT = ROOT / "bench-out"
BARE_PICTURE = """
import sys
import duckdb
from matplotlib.backends.backend_agg import FigureCanvasAgg
from matplotlib.figure import Figure
figure = Figure(figsize=(16, 10), dpi=100)
FigureCanvasAgg(figure)
figure.savefig(sys.argv[1])
"""
BARE_SCAN = """
import sys
import duckdb
query = "SELECT count(*), sum(notional), min(price), max(price), sum(qty) FROM read_parquet($1)"
print(duckdb.execute(query, [sys.argv[1]]).fetchall())
"""
IN_PROCESS = """
import sys, time
from pathlib import Path
from liqcli.analysis.heatmap import GridOptions
from liqcli.lake.selection import Query, build_selection
from liqcli.query.duckdb_engine import DuckDBEngine
from liqcli.lake.store import Lake
from liqcli.report.window_scans import scan_cascades, scan_clusters, scan_grid
with DuckDBEngine() as engine:
    chosen = build_selection(engine, Lake(Path(sys.argv[1])), Query("BTCUSDT", since="2025-01-01", until="2025-01-08"))
    marks = [time.perf_counter()]
    grid = scan_grid(engine, chosen.window, GridOptions(), totals=chosen.totals)
    marks.append(time.perf_counter())
    scan_clusters(engine, grid, 95000.0)
    scan_cascades(engine, chosen.window, [], None)
    marks.append(time.perf_counter())
print(marks[1] - marks[0], marks[2] - marks[1])
"""
# A random walk would need a window function over all rows; two waves and noise from a hash fill a grid just as well.
SYNTHETIC = """
COPY (
    SELECT
        make_timestamp(1735689600000000 + i * (604800000000 // $rows)) AS ts,
        'BTCUSDT' AS instrument,
        CASE WHEN hash(i) % 3 = 0 THEN 'short' ELSE 'long' END AS position,
        round(95000 + 4000 * sin(i * 12.0 / $rows) + (hash(i + 7) % 100000) / 100.0, 1) AS price,
        'fill' AS price_kind,
        (1 + hash(i + 13) % 2000) / 1000.0 AS qty,
        round(95000 + 4000 * sin(i * 12.0 / $rows) + (hash(i + 7) % 100000) / 100.0, 1)
            * ((1 + hash(i + 13) % 2000) / 1000.0) AS notional,
        CAST(NULL AS DOUBLE) AS contracts,
        CAST(NULL AS DOUBLE) AS contract_size,
        'full' AS completeness,
        CAST(NULL AS VARCHAR) AS event_id,
        'bench' AS source
    FROM range($rows) AS numbers (i)
    ORDER BY i
) TO '{target}' (FORMAT parquet, COMPRESSION zstd)
"""


def main() -> None:
    """Run what is asked for."""
    parser = argparse.ArgumentParser(description="Time liqcli against bare references; whole processes, alternating.")
    parser.add_argument("--runs", type=int, default=5, help="timed runs of each side (default 5)")
    parser.add_argument(
        "--million", type=float, default=5.0, help="million synthetic rows of grid and import (default 5)"
    )
    parser.add_argument(
        "--only", choices=("report", "grid", "fetch", "status", "daily", "import", "scale"), help="one section alone"
    )
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the numbers of large lakes")
    parser.add_argument("--keep", action="store_true", help="use the large lakes of the last run again")
    parser.add_argument(
        "--case", default="", metavar="TEXT", help="of the large lakes, only cases with this in their name"
    )
    options = parser.parse_args()
    if not options.keep:
        shutil.rmtree(OUT, ignore_errors=True)
    OUT.mkdir(exist_ok=True)
    print(f"Python {sys.version.split()[0]}, {os.cpu_count()} CPUs, {options.runs} runs of each side; seconds")
    sections = {
        "report": partial(bench_report, options.runs),
        "grid": partial(bench_grid, options.runs, round(options.million * 1_000_000)),
        "fetch": partial(bench_fetch, OUT, options.runs, environment(), sys.executable),
        "status": partial(bench_status, OUT, options.runs, run, sys.executable),
        "daily": partial(bench_daily, OUT, options.runs, environment(), sys.executable),
        "import": partial(bench_import, OUT, options.runs, environment(), sys.executable, round(options.million * 1e6)),
    }
    for name, bench in sections.items():
        if options.only in (None, name):
            bench()
    if options.only in (None, "scale"):
        events = round(options.million * 1e6)
        records = bench_scale(OUT, options.runs, environment(), sys.executable, events, options.keep, options.case)
        if options.json:
            about = {
                "python": sys.version.split()[0],
                "cpus": os.cpu_count(),
                "events": events,
                "load": os.getloadavg(),
            }
            options.json.write_text(json.dumps({**about, "cases": records}, indent=1) + "\n", encoding="utf-8")


def bench_report(runs: int) -> None:
    """Time a 24 h report of the sample."""
    run([sys.executable, "-m", "liqcli", "demo", "-o", OUT / "demo"])
    lake = OUT / "demo/lake"
    window = ("--symbol", "BTCUSDT", "--until", "latest", "--lookback", "24h")
    report = [sys.executable, "-m", "liqcli", "heatmap", "--lake", lake, *window, "-o", OUT / "report.html"]
    bare = [sys.executable, "-c", BARE_PICTURE, OUT / "empty.png"]
    compare("24 h report of the sample", report, "bare duckdb + matplotlib + empty picture", bare, runs)


def bench_grid(runs: int, rows: int) -> None:
    """Time the grid of many events, as CSV (no picture)."""
    import duckdb

    lake = OUT / "grid-lake"
    target = lake / "liquidations/exchange=binance/symbol=BTCUSDT/month=2025-01/bench.parquet"
    target.parent.mkdir(parents=True)
    duckdb.execute(SYNTHETIC.replace("{target}", str(target).replace("'", "''")), {"rows": rows})
    window = ("--symbol", "BTCUSDT", "--since", "2025-01-01", "--until", "2025-01-08")
    grid = [sys.executable, "-m", "liqcli", "heatmap", "--lake", lake, *window, "-o", OUT / "grid.csv"]
    scan = [sys.executable, "-c", BARE_SCAN, target]
    megabytes = target.stat().st_size / 1e6
    compare(f"grid of {rows:,} events ({megabytes:.0f} MB)", grid, "one scan that adds up the file", scan, runs)
    bench_analysis(runs, rows, lake)


def bench_analysis(runs: int, rows: int, lake: Path) -> None:
    """Time clusters and cascades against the grid, inside one process each run."""
    command = [sys.executable, "-c", IN_PROCESS, str(lake)]
    ratios = []
    for _ in range(runs):
        said = subprocess.run(command, env=environment(), capture_output=True, text=True, check=True).stdout
        grid_s, analysis_s = map(float, said.split())
        ratios.append(analysis_s / grid_s)
        print(f"  {rows:,} events: grid {grid_s:.2f}, clusters and cascades {analysis_s:.2f}, ratio {ratios[-1]:.2f}")
    print(f"  {'median ratio':<44} {statistics.median(ratios):.2f}")


def compare(name: str, command: Sequence[object], reference_name: str, reference: Sequence[object], runs: int) -> None:
    """Run both sides in turn and print spread and ratios."""
    pairs = [(run(command), run(reference)) for _ in range(runs + 1)][1:]
    for label, times in ((name, [a for a, _ in pairs]), (reference_name, [b for _, b in pairs])):
        spread = f"min {min(times):.2f}   median {statistics.median(times):.2f}   max {max(times):.2f}"
        print(f"  {label:<44} {spread}")
    ratios = [a / b for a, b in pairs]
    print(f"  {'ratio, pair by pair':<44} {'  '.join(f'{r:.2f}' for r in ratios)}")
    print(f"  {'median ratio':<44} {statistics.median(ratios):.2f}")


def environment() -> dict[str, str]:
    """The environment of a run: this checkout's code, compiled as a user's is, and no LIQCLI_* of the user."""
    left_out = ("LIQCLI_", "PYTHONDONTWRITEBYTECODE")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(left_out)}
    return kept | {"PYTHONPATH": str(ROOT)}


def run(command: Sequence[object]) -> float:
    """Run a whole process and give its wall time; a failure ends the bench with what it said. [s]"""
    start = time.perf_counter()
    done = subprocess.run(
        [str(word) for word in command], env=environment(), capture_output=True, text=True, check=False
    )
    taken = time.perf_counter() - start
    if done.returncode:
        raise SystemExit(f"{' '.join(map(str, command))}: exit {done.returncode}\n{done.stderr}")
    return taken


if __name__ == "__main__":
    main()
