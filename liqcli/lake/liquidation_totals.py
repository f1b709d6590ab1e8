"""
Totals of liquidations as exchanges publish them.

::

    <lake>/liquidation_totals/exchange=…/symbol=…/month=YYYY-MM/<exchange>.parquet
        ts, interval_s, long_usd, short_usd, total_usd, instrument, native_unit, total_native, source

``ts`` is the start of the interval (UTC). There is one row per ``ts`` and instrument (null: all contracts of the
symbol); fetched rows replace stored ones. Totals are never added to events: they only measure how complete these are.
"""

from __future__ import annotations

import io
from collections import defaultdict
from collections.abc import Iterable
from typing import TYPE_CHECKING

from liqcli.core.errors import DamagedError
from liqcli.core.liquidation_totals import LiquidationTotal
from liqcli.lake.partitions import Partition, month_of
from liqcli.lake.store import Lake

if TYPE_CHECKING:
    import pyarrow as pa

FOLDER = "liquidation_totals"
Key = tuple[int, str]  # time [µs UTC], instrument


def totals_schema() -> pa.Schema:
    """Return the columns of a file, in order."""
    import pyarrow as pa

    texts = ("instrument", "native_unit")
    columns = [(name, pa.string() if name in texts else pa.float64()) for name in LiquidationTotal._fields[2:]]
    return pa.schema([("ts", pa.timestamp("us")), ("interval_s", pa.int64()), *columns, ("source", pa.string())])


def write_totals(lake: Lake, exchange: str, symbol: str, totals: Iterable[LiquidationTotal]) -> None:
    """
    Store totals; a stored one of the same time and instrument is replaced.

    Raises
    ------
    LakeError
        Not writable; each file is either the old or the new one.
    DamagedError
        A file to merge with cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    by_month: dict[str, dict[Key, LiquidationTotal]] = defaultdict(dict)
    for total in totals:
        by_month[month_of(total.ts_us)][_key(total)] = total
    schema = totals_schema()
    with lake.locked():
        for month, fresh in sorted(by_month.items()):
            partition = Partition(FOLDER, exchange, symbol, month, exchange)
            rows = {**read_totals(lake, partition), **fresh}
            columns = [*zip(*(rows[key] for key in sorted(rows)), strict=True), [exchange] * len(rows)]
            arrays = [pa.array(column, field.type) for column, field in zip(columns, schema, strict=True)]
            buffer = io.BytesIO()
            pq.write_table(pa.table(arrays, schema=schema), buffer, compression="zstd")
            lake.write_file(partition.path(lake.root), buffer.getvalue())


def read_totals(lake: Lake, partition: Partition) -> dict[Key, LiquidationTotal]:
    """
    Read one file as totals by time and instrument; a missing file has none.

    Raises
    ------
    DamagedError
        The file cannot be read.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = partition.path(lake.root)
    if not path.exists():
        return {}
    try:
        with path.open("rb") as handle:
            table = pq.read_table(handle).select(totals_schema().names[:-1])
        times = table.column("ts").cast(pa.timestamp("us")).cast(pa.int64()).to_pylist()
        columns = [table.column(name).to_pylist() for name in table.column_names[1:]]
    except (pa.ArrowException, OSError, KeyError) as error:
        raise DamagedError(f"{path}: damaged or not Parquet ({error}); run liqcli verify for details") from error
    return {_key(total): total for total in map(LiquidationTotal, times, *columns)}


def _key(total: LiquidationTotal) -> Key:
    return total.ts_us, total.instrument or ""
