"""Small lakes made by hand: every number in them is one that the test states."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from liqcli.core.model import Liquidation, Window
from liqcli.core.times import parse_moment
from liqcli.lake.fetch_log import CoveredWindow
from liqcli.lake.staging import Staging
from liqcli.lake.store import Lake

if TYPE_CHECKING:
    from liqcli.report.figure import Figure

MINUTE = 60_000_000
HOUR = 60 * MINUTE
DAY = 24 * HOUR
T0 = 1_772_323_200_000_000  # 2026-03-01T00:00:00Z, a multiple of a day
ALL_COPIES = 1_000_000

# (exchange, symbol, source) -> (start, end, status) of each remembered window
Memories = Mapping[tuple[str, str, str], Sequence[tuple[int | str, int | str, str]]]


def at(moment: int | str) -> int:
    """µs UTC of an ISO text; a number is taken as it is."""
    return moment if isinstance(moment, int) else parse_moment(moment, "test")


def make_window(start: int | str, end: int | str) -> Window:
    return Window(at(start), at(end))


def make_liquidation(ts: int | str = T0, price: float = 100.0, qty: float = 1.0, **changes) -> Liquidation:
    """A long of 1 coin at 100 USD on Gate, where nothing else is said; ``notional`` follows from price and qty."""
    row = {
        "ts_us": at(ts),
        "exchange": "gate",
        "symbol": "SOLUSDT",
        "instrument": "SOL_USDT",
        "position": "long",
        "price": price,
        "price_kind": "fill",
        "qty": qty,
        "notional": price * qty,
        "contracts": None,
        "contract_size": None,
        "completeness": "full",
        "event_id": None,
        "source": "gate",
    }
    return Liquidation(**{**row, **changes})


def covered(start: int | str, end: int | str, status: str = "complete", events: int | None = 0) -> CoveredWindow:
    return CoveredWindow(make_window(start, end), status, events, T0 + 400 * DAY)


def fill_lake(
    root: Path, rows: Iterable[Liquidation], memories: Memories | None = None, most_copies: int = ALL_COPIES
) -> Lake:
    """Add rows as an import does (they need no order), and remember windows."""
    lake = Lake(root)
    with Staging(lake) as staging:
        for row in rows:
            staging.add(row)
        staging.commit(most_copies)
    with lake.locked():
        for (exchange, symbol, source), windows in (memories or {}).items():
            lake.add_to_fetch_log(exchange, symbol, source, [covered(*window) for window in windows])
    return lake


def read_rows(lake: Lake) -> list[Liquidation]:
    """Every stored liquidation, file by file, as the files have them."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    rows = []
    for partition in lake.partitions():
        with partition.path(lake.root).open("rb") as handle:
            table = pq.read_table(handle)
        table = table.set_column(0, "ts", table["ts"].cast(pa.int64()))
        for record in table.to_pylist():
            ts_us = record.pop("ts")
            rows.append(Liquidation(ts_us=ts_us, exchange=partition.exchange, symbol=partition.symbol, **record))
    return rows


def snapshot(root: Path) -> dict[str, bytes]:
    """Name -> bytes of every file below a folder, without the lock."""
    return {
        path.relative_to(root).as_posix(): path.read_bytes()
        for path in sorted(root.rglob("*"))
        if path.is_file() and path.name != ".lock"
    }


def make_figure(theme: str = "dark", alt: str = "a picture", file: str = "r.png") -> Figure:
    """Build the figure of a page without drawing: 3 x 2 pixels of one shade, which depends on the theme."""
    from liqcli.report.figure import Figure

    return Figure(np.full((2, 3, 3), 255 if theme == "light" else 0, np.uint8), alt, theme, file=file)
