"""Files of plain rows with awkward numbers, and the same rows as the table ``liquidations`` of an engine."""

from __future__ import annotations

import math
from dataclasses import fields

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from liqcli.core.model import Window
from liqcli.query.duckdb_engine import DuckDBEngine

DAY = 86_400_000_000
T0 = 1_772_323_200_000_000
WINDOW = Window(T0, T0 + 3 * DAY)
EXCHANGES = ("gate", "okx")


def make_rows(seed: int, count: int = 900, **changes) -> dict[str, object]:
    """Rows with prices on and between ticks, sums that end in half a millionth, and quantities of any length."""
    rng = np.random.default_rng(seed)
    price = np.round(rng.normal(100, 3, count), 1)
    price[::11] = rng.normal(100, 3, len(price[::11]))
    price[::5] = np.nextafter(price[::5], 0)  # just below a tick, in the bin below
    qty = np.round(rng.random(count) * 10.0 ** rng.integers(0, 5, count), 3) + 0.001
    qty[::7] = (rng.integers(1, 10**9, len(qty[::7])) * 2 + 1) / 2e8  # half of the eighth place
    qty[::13] = 1000 / price[::13]
    notional = price * qty
    notional[::17] = (rng.integers(1, 10**6, len(notional[::17])) * 2 + 1) / 2e6
    rows = {
        "ts": np.sort(T0 + rng.integers(0, 3 * DAY, count)),
        "position": rng.choice(["long", "short"], count),
        "price": price,
        "qty": qty,
        "notional": notional,
        "source": "gate",
        "price_kind": "fill",
        "completeness": "full",
    }
    return rows | changes


def write(path, rows) -> None:
    count = len(rows["price"])
    columns = {name: [value] * count if isinstance(value, str) else value for name, value in rows.items()}
    columns["ts"] = pa.array(columns["ts"]).cast(pa.timestamp("us"))
    pq.write_table(pa.table(columns), path, row_group_size=250)


def scan(engine: DuckDBEngine, tables, position: str, min_usd: float) -> None:
    """Open the rows as ``liquidations``, as select_whole_files.sql selects them."""
    parts = []
    for (exchange, rows), (start, end) in tables:
        ts, notional = np.asarray(rows["ts"]), np.asarray(rows["notional"])
        mine = (ts >= start) & (ts < end) & (notional >= min_usd)
        mine &= (rows["position"] == position) | (position == "both")
        x = notional[mine] * 1e6
        columns = {name: np.asarray(rows[name])[mine] for name in ("position", "price", "qty")}
        words = {name: [rows[name]] * int(mine.sum()) for name in ("source", "price_kind", "completeness")}
        names = {"exchange": [exchange] * int(mine.sum()), "symbol": ["SOLUSDT"] * int(mine.sum())}
        e6 = np.array([math.floor(v) + (v - math.floor(v) >= 0.5) for v in x.tolist()], np.int64)
        parts.append(pa.table({"ts_us": ts[mine], "notional_e6": e6, **columns, **words, **names}))
    engine.register("liquidations", pa.concat_tables(parts))


def assert_same(one, other) -> None:
    for field in fields(other):
        assert getattr(one, field.name).tolist() == getattr(other, field.name).tolist(), field.name
