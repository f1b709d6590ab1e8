"""Export the grid as CSV and Parquet: one row per non-empty cell and position."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

from liqcli.core.formatting import format_iso
from liqcli.core.model import HeatmapGrid

if TYPE_CHECKING:
    import pyarrow as pa

COLUMNS = ("bucket_start", "price_low", "price_high", "position", "notional", "qty", "events")


def iter_cells(grid: HeatmapGrid) -> Iterator[tuple[str, float, float, str, float, float, int]]:
    """Yield the non-empty cells ordered by bucket, price and position, with ``COLUMNS``. [USD], [base coin]"""
    import numpy as np

    columns, rows = np.nonzero(grid.events.T)
    starts = [format_iso(t) for t in grid.bucket_starts_us.tolist()]
    edges = grid.price_edges.tolist()
    sides = (
        ("long", grid.long_notional, grid.long_qty, grid.long_events),
        ("short", grid.short_notional, grid.short_qty, grid.short_events),
    )
    for column, row in zip(columns.tolist(), rows.tolist(), strict=True):
        for position, notional, qty, events in sides:
            if events[row, column]:
                yield (
                    starts[column],
                    edges[row],
                    edges[row + 1],
                    position,
                    float(notional[row, column]),
                    float(qty[row, column]),
                    int(events[row, column]),
                )


def render_csv(grid: HeatmapGrid) -> str:
    """Write the cells as CSV with a header; numbers are not rounded."""
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    writer.writerow(COLUMNS)
    writer.writerows(iter_cells(grid))
    return out.getvalue()


def build_table(grid: HeatmapGrid) -> pa.Table:
    """Return the cells as an Arrow table; ``bucket_start`` is a UTC timestamp there."""
    import pyarrow as pa
    import pyarrow.compute as pc

    columns: list[list[Any]] = [list(c) for c in zip(*iter_cells(grid), strict=True)]
    text, number = pa.string(), pa.float64()
    types = [text, number, number, text, number, number, pa.int64()]
    table = pa.table({n: pa.array(c, t) for n, c, t in zip(COLUMNS, columns, types, strict=True)})
    stamps = pc.cast(
        pc.strptime(table["bucket_start"], format="%Y-%m-%dT%H:%M:%SZ", unit="us"), pa.timestamp("us", "UTC")
    )
    return table.set_column(0, "bucket_start", stamps)


def render_parquet(grid: HeatmapGrid) -> bytes:
    """Write the cells as Parquet, with the columns of :func:`build_table`."""
    import pyarrow.parquet as pq

    out = io.BytesIO()
    pq.write_table(build_table(grid), out, compression="zstd")
    return out.getvalue()
