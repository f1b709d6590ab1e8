"""
Time the import of a synthetic Tardis CSV.gz, as a whole process, against DuckDB's own COPY to Parquet.

The reference reads the same file with DuckDB's CSV reader, types stated, computes the lake's columns, sorts by them and
writes zstd Parquet: what any program built on DuckDB must spend. It checks nothing, keeps no log and writes one file.

``python scripts/bench_import.py ROWS FILE.csv.gz`` writes such a file alone. All rows are synthetic: the same number
gives the same rows.
"""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

# Ten symbols of Binance over a month, in the order of receipt; event times differ from it by up to a second.
SYNTHETIC = """
COPY (
    WITH numbered AS (
        SELECT
            i,
            hash(i * 1000003 + 7) AS a,
            hash(i * 7919 + 91) AS b,
            hash(i * 31 + 5) AS c,
            1735689600000000 + CAST((i + 0.5) * (30 * 86400000000::BIGINT) / $rows AS BIGINT) AS us
        FROM range($rows) AS numbers (i)
    ),
    named AS (SELECT *, 1 + CAST(least(c % 10, (c >> 8) % 10) AS BIGINT) AS k FROM numbered)
    SELECT
        'binance-futures' AS exchange,
        ['BTC', 'ETH', 'SOL', 'XRP', 'DOGE', 'BNB', 'ADA', 'AVAX', 'LINK', 'LTC'][k] || 'USDT' AS symbol,
        us - CAST(b % 900000 AS BIGINT) AS timestamp,
        us + 2000 + CAST(a % 40000 AS BIGINT) AS local_timestamp,
        NULL AS id,
        CASE WHEN (a >> 17) % 5 < 3 THEN 'sell' ELSE 'buy' END AS side,
        round(
            [60000.0, 3000, 150, 2.2, 0.3, 600, 0.9, 40, 20, 100][k]
                * (1 + 0.05 * sin(us / 9e10) + 0.002 * ((a % 20001) / 10000.0 - 1)),
            CASE WHEN k IN (4, 5, 7) THEN 4 ELSE 2 END
        ) AS price,
        round([0.001, 0.01, 1, 10, 100, 0.1, 10, 1, 1, 0.1][k] * pow(1 + (b % 9973) / 100.0, 1.6), 3) AS amount
    FROM named ORDER BY i
) TO '{target}' (FORMAT csv, HEADER, COMPRESSION gzip)
"""
REFERENCE = """
import sys
import duckdb
source, target = sys.argv[1:]
types = {
    "exchange": "VARCHAR", "symbol": "VARCHAR", "timestamp": "BIGINT", "local_timestamp": "BIGINT", "id": "VARCHAR",
    "side": "VARCHAR", "price": "DOUBLE", "amount": "DOUBLE",
}
lines = duckdb.read_csv(source, columns=types, header=True)
duckdb.sql('''
    SELECT
        make_timestamp(timestamp) AS ts, symbol AS instrument,
        CASE side WHEN 'sell' THEN 'long' ELSE 'short' END AS position,
        price, 'order' AS price_kind, amount AS qty, price * amount AS notional,
        CAST(NULL AS DOUBLE) AS contracts, CAST(NULL AS DOUBLE) AS contract_size,
        'sampled' AS completeness, id AS event_id, 'tardis' AS source
    FROM lines ORDER BY instrument, ts, position, price, qty, event_id
''').write_parquet(target, compression="zstd")
"""


class Spent(NamedTuple):
    """What a process needed: seconds by the clock, seconds of CPU, and the largest memory. [MB]"""

    wall_s: float
    cpu_s: float
    memory_mb: float


def write_tardis(path: Path, rows: int) -> None:
    """Write a synthetic file of liquidations in the layout of Tardis."""
    import duckdb

    duckdb.execute(SYNTHETIC.replace("{target}", str(path).replace("'", "''")), {"rows": rows})


def bench_import(folder: Path, runs: int, environment: Mapping[str, str], python: str, rows: int = 5_000_000) -> None:
    """Time imports of ``rows`` rows in turn with the reference; compare the memory with that for a fifth of them."""
    files = {count: folder / f"tardis-{count}.csv.gz" for count in (rows // 5, rows)}
    for count, path in files.items():
        run([python, Path(__file__), count, path], environment)  # a process keeps the largest memory of its parent
    target = folder / "reference.parquet"
    pairs = []
    for _ in range(runs + 1):
        with tempfile.TemporaryDirectory(dir=folder) as lake:
            mine = run([python, "-m", "liqcli", "import", files[rows], "--lake", lake, "--quiet"], environment)
        pairs.append((mine, run([python, "-c", REFERENCE, files[rows], target], environment)))
    pairs = pairs[1:]
    for name, spent in (("import", [a for a, _ in pairs]), ("DuckDB COPY", [b for _, b in pairs])):
        walls, cpus, memory = zip(*spent, strict=True)
        print(
            f"  {f'{name} of {rows:,} rows of Tardis CSV.gz':<48} wall {statistics.median(walls):.2f} s "
            f"({min(walls):.2f} to {max(walls):.2f})   CPU {statistics.median(cpus):.2f} s   {max(memory):.0f} MB"
        )
    for word in ("wall_s", "cpu_s"):
        ratios = [getattr(a, word) / getattr(b, word) for a, b in pairs]
        shown = "  ".join(f"{ratio:.2f}" for ratio in ratios)
        print(f"  {f'ratio of {word}, pair by pair':<48} {shown}   median {statistics.median(ratios):.2f}")
    with tempfile.TemporaryDirectory(dir=folder) as lake:
        fifth = run([python, "-m", "liqcli", "import", files[rows // 5], "--lake", lake, "--quiet"], environment)
    most = max(a.memory_mb for a, _ in pairs)
    print(f"  {f'memory of {rows // 5:,} rows':<48} {fifth.memory_mb:.0f} MB, {most - fifth.memory_mb:+.0f} MB for all")


def run(command: Sequence[object], environment: Mapping[str, str]) -> Spent:
    """Run a process and measure it; a failure ends the bench with its words."""
    with tempfile.TemporaryFile("w+") as said:
        start = time.perf_counter()
        process = subprocess.Popen([str(word) for word in command], env=environment, stdout=said, stderr=said)
        _, status, usage = os.wait4(process.pid, 0)
        wall_s = time.perf_counter() - start
        process.returncode = os.waitstatus_to_exitcode(status)
        if process.returncode:
            said.seek(0)
            raise SystemExit(f"{' '.join(map(str, command))}: exit {process.returncode}\n{said.read()}")
    return Spent(wall_s, usage.ru_utime + usage.ru_stime, usage.ru_maxrss / 1024)


if __name__ == "__main__":
    write_tardis(Path(sys.argv[2]), int(sys.argv[1]))
