"""Test server of CryptoHFTData as documented: one file per hour by time of receipt, 404 for hours without events."""

from __future__ import annotations

import io
import re
from collections import defaultdict
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any

from loopback.server import Asked, Loopback, Reply, json_reply
from loopback.truth import HOUR_MS, Event

SIDE_OF = {"long": "SELL", "short": "BUY"}
FIRST_DAY = "2025-06-28"
FOLDERS = (
    "binance_futures",
    "bybit",
    "okx_futures",
    "bitget_futures",
    "kraken_derivatives",
    "aster_futures",
    "bitmex",
)
COLUMNS = (
    "symbol",
    "side",
    "order_type",
    "time_in_force",
    "quantity",
    "price",
    "average_price",
    "order_status",
    "last_filled_quantity",
    "filled_quantity",
)


def hour_of(ts_ms: int) -> str:
    return f"{datetime.fromtimestamp(ts_ms / 1000, tz=UTC):%Y-%m-%d/%H}"


def make_parquet(rows: list[dict[str, Any]], framed: bool) -> bytes:
    import pyarrow as pa
    import pyarrow.parquet as pq

    columns: dict[str, Any] = {n: pa.array([r[n] for r in rows], pa.string()) for n in COLUMNS}
    for name in ("received_time", "event_time", "trade_time"):
        columns[name] = pa.array([r[name] for r in rows], pa.int64())
    sink = io.BytesIO()
    pq.write_table(pa.table(columns), sink, compression="none" if framed else "zstd")
    return pa.compress(sink.getvalue(), codec="zstd", asbytes=True) if framed else sink.getvalue()


class CryptoHftDataServer(Loopback):
    """
    ``truth``: (folder, instrument) -> events; ``amount`` of an event is what that venue's feed would say.

    ``late_ms`` is how long after the event its row arrives; ``holes`` are files that were never recorded.
    """

    PACE = (60, 60.0)
    BUSY = json_reply({"error": "rate limit exceeded"}, 429, {"Retry-After": "0"})
    BUSY_200 = NO_200 = json_reply({"error": "internal"})

    def __init__(
        self,
        truth: dict[tuple[str, str], list[Event]],
        unit: Decimal = Decimal(1),
        late_ms: int = 400,
        listed: bool = True,
        **options: Any,
    ) -> None:
        super().__init__(**options)
        self.listed = listed
        self.holes: set[str] = set()
        self.files: dict[str, list[dict[str, Any]]] = defaultdict(list)
        self.names = list(truth)
        for (folder, name), events in truth.items():
            for n, event in enumerate(sorted(events, key=lambda e: e.ts_ms)):
                late = late_ms if n % 7 else late_ms + HOUR_MS // 2 * (folder == "okx_futures")
                path = f"{folder}/{hour_of(event.ts_ms + late)}/{name}_liquidations.parquet"
                self.files[path].append(self._row(folder, name, event, unit, late))

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/v1/symbols" and self.listed:
            if asked.params.get("data_type") != "liquidations" or asked.params.get("exchange") not in FOLDERS:
                return json_reply({"error": "exchange or data_type"}, 400)
            return json_reply({"symbols": [n for folder, n in self.names if folder == asked.params["exchange"]]})
        if asked.path != "/v1/download":
            return json_reply({"error": "not found"}, 404)
        path = asked.params["file"]
        match = re.fullmatch(r"([a-z_]+)/(\d{4}-\d\d-\d\d)/(\d\d)/[A-Za-z0-9_-]+_liquidations\.parquet", path)
        if not match or match[1] not in FOLDERS or match[3] > "23":
            return json_reply({"error": "bad file name"}, 400)
        if path in self.holes or path not in self.files or match[2] < FIRST_DAY:
            return json_reply({"error": "File not found"}, 404)
        framed = int(path.split("/")[2]) % 2 == 0
        return Reply(200, make_parquet(self.files[path], framed), {"Content-Type": "application/octet-stream"})

    def _row(self, folder: str, name: str, event: Event, unit: Decimal, late: int) -> dict[str, Any]:
        amount = str(event.contracts * unit)
        order = folder in ("binance_futures", "aster_futures")
        return {
            "received_time": (event.ts_ms + late) * 1_000_000,
            "event_time": event.ts_ms + 3 if order else event.ts_ms,
            "trade_time": event.ts_ms if order else None,
            "symbol": name,
            "side": SIDE_OF[event.position],
            "order_type": "LIMIT" if order else None,
            "time_in_force": "IOC" if order else None,
            "quantity": str(event.contracts * unit + 5) if order else amount,
            "price": str(event.price + 9) if order else str(event.price),
            "average_price": str(event.price),
            "order_status": "FILLED" if order else None,
            "last_filled_quantity": "0.001" if order else None,
            "filled_quantity": amount,
        }
