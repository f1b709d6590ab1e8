"""Files of candles and open interest, and what the lake holds after their import."""

from __future__ import annotations

import json
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pyarrow.parquet as pq

from liqcli.ingest.files.importer import import_files
from liqcli.ingest.files.options import ImportOptions
from liqcli.ingest.files.summary import FileSummary
from liqcli.lake.store import Lake

START = datetime(2024, 4, 1, tzinfo=UTC)
VENUES = ("binance", "bitget", "bybit", "coinex", "gate", "htx", "okx")
COINS = ("ADA", "BTC", "DOGE", "ETH", "SOL")
BINANCE = {"exchange": "binance", "symbol": "BTCUSDT"}


def import_one(store: Lake, path: Path, **options: object) -> FileSummary:
    (file,) = import_files(store, [path], ImportOptions(**options)).files  # type: ignore[arg-type]
    if file.error:
        raise file.error
    return file


def held(store: Lake, kind: str = "candles") -> dict[tuple[str, str, str], list[dict[str, object]]]:
    found: dict[tuple[str, str, str], list[dict[str, object]]] = {}
    for part in store.partitions(kind):
        rows = pq.ParquetFile(part.path(store.root)).read().to_pylist()
        found.setdefault((part.exchange, part.symbol, part.interval), []).extend(rows)
    return found


def bytes_of(root: Path) -> dict[str, bytes]:
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*.parquet"))}


def rejected_of(file: FileSummary) -> list[dict[str, object]]:
    assert file.rejected_path is not None
    return [json.loads(line) for line in file.rejected_path.read_text().splitlines()]


def stamp(minutes: float) -> str:
    return (START + timedelta(minutes=minutes)).strftime("%Y-%m-%dT%H:%M:%SZ")


def candle(minutes: float, close: float, volume: float | str = 5) -> str:
    return f"{stamp(minutes)},{close},{close + 1},{close - 1},{close},{volume}"


def candles(count: int, close: float = 100, first: int = 0) -> str:
    lines = [candle(k, close + k % 7) for k in range(first, first + count)]
    return "\n".join(["open_time,open,high,low,close,volume", *lines, ""])


def many_venues() -> str:
    """Seven exchanges and five coins, four minutes each: 140 rows, every price its own."""
    lines = [
        f"{stamp(minute)},{venue},{coin},{p},{p + 1},{p - 1},{p},1"
        for minute in range(4)
        for v, venue in enumerate(VENUES)
        for c, coin in enumerate(COINS)
        for p in [100 * (c + 1) + v + minute]
    ]
    return "\n".join(["time,venue,coin,open,high,low,close,volume", *lines, ""])
