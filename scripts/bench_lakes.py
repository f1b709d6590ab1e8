"""
Build the lakes of the benchmarks from a seed: the same arguments give the same rows.

``even``: one symbol on eight exchanges, events spread evenly over 36 months, a file per exchange and month.
``wide``: 300 symbols on two exchanges over three months, the first symbol with as many events as all others together.

Prices follow three slow waves with noise from a hash; sizes are Pareto-like. All of it is synthetic.
"""

from __future__ import annotations

import argparse
import json
from datetime import UTC, datetime
from pathlib import Path

EXCHANGES = ("aster", "binance", "bitfinex", "bitget", "bybit", "gate", "htx", "okx")
START = datetime(2023, 1, 1, tzinfo=UTC)
MONTHS = 36
ROWS = """
COPY (
    WITH numbered AS (
        SELECT
            i,
            hash(i * 1000003 + $seed) AS a,
            hash(i * 7919 + 13 * $seed) AS b,
            $start_us + CAST((i + 0.5) * $length_us / $rows AS BIGINT) AS us
        FROM range($rows) AS numbers (i)
    ),
    priced AS (
        SELECT
            *,
            round($base * exp(
                0.35 * sin(us / 9.1e12) + 0.08 * sin(us / 6.3e11) + 0.02 * sin(us / 7.7e10)
                + 0.004 * ((a % 20001) / 10000.0 - 1)
            ), 1) AS price,
            round(0.0001 * pow(1 + (b % 9973) / 100.0, 1.6), 4) AS qty
        FROM numbered
    )
    SELECT
        make_timestamp(us) AS ts, $symbol AS instrument,
        CASE WHEN (a >> 17) % 5 < 3 THEN 'long' ELSE 'short' END AS position,
        price, 'fill' AS price_kind, qty, price * qty AS notional,
        CAST(NULL AS DOUBLE) AS contracts, CAST(NULL AS DOUBLE) AS contract_size,
        'full' AS completeness, CAST(NULL AS VARCHAR) AS event_id, 'bench' AS source
    FROM priced ORDER BY i
) TO '{target}' (FORMAT parquet, COMPRESSION zstd, ROW_GROUP_SIZE 122880)
"""


def build_even(root: Path, events: int, months: int = MONTHS, symbol: str = "BTCUSDT") -> None:
    """Write a lake of ``events`` rows of one symbol, spread evenly over exchanges and months."""
    files = [(exchange, number) for exchange in EXCHANGES for number in range(months)]
    for place, (exchange, number) in enumerate(files):
        rows = events * (place + 1) // len(files) - events * place // len(files)
        _write(root, exchange, symbol, number, rows, seed=place + 1, base=60_000.0)


def build_wide(root: Path, events: int, symbols: int = 300) -> None:
    """Write a lake of ``symbols`` symbols, BTCUSDT with half of the events."""
    for place in range(symbols):
        symbol = "BTCUSDT" if place == 0 else f"COIN{place}USDT"
        share = events // 2 if place == 0 else events // 2 // (symbols - 1)
        for number in range(MONTHS - 3, MONTHS):
            for exchange in EXCHANGES[:2]:
                _write(root, exchange, symbol, number, share // 6, seed=1000 + place, base=60_000.0 / (1 + place))


def _write(root: Path, exchange: str, symbol: str, number: int, rows: int, seed: int, base: float) -> None:
    import duckdb

    start, end = _month(number), _month(number + 1)
    folder = root / f"liquidations/exchange={exchange}/symbol={symbol}/month={start:%Y-%m}"
    folder.mkdir(parents=True, exist_ok=True)
    target = str(folder / "bench.parquet").replace("'", "''")
    start_us, end_us = (int(moment.timestamp()) * 1_000_000 for moment in (start, end))
    params = {"seed": seed, "rows": rows, "start_us": start_us, "length_us": end_us - start_us, "base": base}
    duckdb.execute(ROWS.replace("{target}", target), {**params, "symbol": symbol})


def _month(number: int) -> datetime:
    return datetime(START.year + number // 12, number % 12 + 1, 1, tzinfo=UTC)


def main() -> None:
    """Build one lake from the command line."""
    parser = argparse.ArgumentParser(description="Build a synthetic lake for benchmarks.")
    parser.add_argument("kind", choices=("even", "wide"))
    parser.add_argument("events", type=int)
    parser.add_argument("folder", type=Path)
    options = parser.parse_args()
    (build_even if options.kind == "even" else build_wide)(options.folder, options.events)
    print(json.dumps({"kind": options.kind, "events": options.events, "folder": str(options.folder)}))


if __name__ == "__main__":
    main()
