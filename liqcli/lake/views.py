"""DuckDB views over a whole lake, for SQL that users write: ``liquidations``, ``candles`` and ``open_interest``."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liqcli.core.model import Window
from liqcli.lake.inventory import read_inventory
from liqcli.lake.partitions import Partition
from liqcli.lake.source_ranking import assign_sources, assigned_table, list_assigned_intervals
from liqcli.lake.store import Lake
from liqcli.query.duckdb_engine import DuckDBEngine

if TYPE_CHECKING:
    import pyarrow as pa

# View -> kind of rows in the lake and the columns that a file must have.
STORED_COLUMNS: Mapping[str, tuple[str, tuple[str, ...]]] = {
    "liquidations": (
        "liquidations",
        (
            "ts", "instrument", "position", "price", "price_kind", "qty", "notional", "contracts", "contract_size",
            "completeness", "event_id", "source",
        ),
    ),
    "candles": ("candles", ("ts", "open", "high", "low", "close", "volume", "taker_buy", "source")),
    "open_interest": ("open_interest", ("ts", "open_interest", "open_interest_usd", "source")),
}  # fmt: skip
TEXT_COLUMNS = ("instrument", "position", "price_kind", "completeness", "event_id", "source", "filename")
# View -> the relation its query reads, and the query.
QUERIES = {
    "liquidations": ("stored", "all_liquidations"),
    "candles": ("stored_candles", "all_candles"),
    "open_interest": ("stored_open_interest", "all_open_interest"),
}


def query_lake(
    lake: Lake, statement: str, params: Mapping[str, Any] | Sequence[Any] | None = None
) -> tuple[pa.Table, list[Path]]:
    """
    Run one SELECT over the lake.

    Parameters
    ----------
    statement : str
        DuckDB SQL over the views of :data:`STORED_COLUMNS`. Only the views it names are opened.
    params : mapping or sequence, optional
        Values for ``$name`` or ``?``.

    Returns
    -------
    table, damaged
        The rows, and the files that could not be read.

    Raises
    ------
    UsageError
        Not exactly one SELECT, or rejected by DuckDB.
    """
    with DuckDBEngine() as engine:
        damaged: list[Path] = []
        for name in STORED_COLUMNS:
            if name in statement.lower():
                damaged += open_view(engine, lake, name)
        return engine.run_statement(statement, params), damaged


def open_view(engine: DuckDBEngine, lake: Lake, name: str, partitions: Sequence[Partition] | None = None) -> list[Path]:
    """Create one view, of all files of its kind or of these; without such rows it is empty."""
    kind, columns = STORED_COLUMNS[name]
    partitions = lake.partitions(kind) if partitions is None else partitions
    stored, query = QUERIES[name]
    damaged: list[Path] = []
    if name == "liquidations":
        damaged = _register_claims(engine, lake, partitions)
    else:
        register_files(engine, lake, name, partitions)
    paths = [path for p in partitions if (path := p.path(lake.root)) not in damaged]
    if paths:
        damaged += engine.open_files(stored, paths, columns)
    else:
        engine.register(stored, _empty_table(columns))
    engine.create_view(name, query)
    return list(dict.fromkeys(damaged))


def _empty_table(columns: Sequence[str]) -> pa.Table:
    """Return a table without rows that has the columns of a stored file."""
    import pyarrow as pa

    types = {"ts": pa.timestamp("us"), **dict.fromkeys(TEXT_COLUMNS, pa.string())}
    return pa.table({name: pa.array([], types.get(name, pa.float64())) for name in (*columns, "filename")})


def _register_claims(engine: DuckDBEngine, lake: Lake, partitions: Sequence[Partition]) -> list[Path]:
    """Register which rows of which file count: each exchange, symbol and instant from one source."""
    files, damaged = read_inventory(engine, lake, partitions)
    assigned: list[tuple[Partition, tuple[int, int]]] = []
    if files:
        window = Window(min(h.first_us for h in files), max(h.last_us for h in files) + 1)
        shares = assign_sources(lake, sorted({h.partition.symbol for h in files}), (), files, window)
        assigned = list_assigned_intervals([h.partition for h in files], shares.shares)
        damaged += shares.damaged
    engine.register("assigned", assigned_table(lake.root, assigned))
    return damaged


def register_files(engine: DuckDBEngine, lake: Lake, name: str, partitions: Sequence[Partition]) -> None:
    """Register the exchange, symbol, interval and source of each file."""
    import pyarrow as pa

    columns = {
        "filename": [str(p.path(lake.root)) for p in partitions],
        "exchange": [p.exchange for p in partitions],
        "symbol": [p.symbol for p in partitions],
        "interval": [p.interval for p in partitions],
        "source": [p.source for p in partitions],
    }
    engine.register(f"{name}_files", pa.table({key: pa.array(values, pa.string()) for key, values in columns.items()}))
