"""Run SQL files with DuckDB and return their columns; the only module that imports duckdb for queries."""

from __future__ import annotations

import glob
import itertools
from collections.abc import Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any

from liqcli.core.environment import engine_threads
from liqcli.core.errors import DamagedError, UsageError
from liqcli.query.database import Connection, Settings
from liqcli.query.query_engine import Params, QueryEngine
from liqcli.query.sql import read_query

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray


class DuckDBEngine(QueryEngine):
    """DuckDB, in this process."""

    def __init__(self, threads: int | None = None) -> None:
        super().__init__()
        settings: Settings = {"preserve_insertion_order": "false"}
        if chosen := threads or engine_threads():
            settings["threads"] = chosen
        self._connection = Connection(settings)
        self._con = self._connection.duckdb
        self._numbers = itertools.count()

    @property
    def local(self) -> DuckDBEngine:
        """The engine itself."""
        return self

    def close(self) -> None:
        """Drop the tables and views."""
        self._connection.close()

    def register(self, name: str, table: pa.Table) -> None:
        """Register an Arrow table under a name."""
        self._con.register(name, table)

    def _create_file_view(self, name: str, paths: Sequence[Path]) -> None:
        # If schemas differ, all footers are read again to find columns and types that fit all of them.
        first, *others = (self._opened[path].schema for path in paths)
        differ = any(not schema.equals(first) for schema in others)
        sound = [glob.escape(str(path)) for path in paths]  # "*" in a path is literal
        self._con.read_parquet(sound, filename=True, hive_partitioning=False, union_by_name=differ).create_view(name)

    def create(self, name: str, query: str, params: Params | None = None) -> None:
        """Store the rows of ``sql/<query>.sql`` as table ``name``."""
        with _explained():
            self._con.sql(read_query(query), params=dict(params or {})).create(name)

    def create_view(self, name: str, query: str, params: Params | None = None) -> None:
        """Create a view of ``sql/<query>.sql``."""
        self._con.sql(read_query(query), params=dict(params or {})).create_view(name)

    def load(self, name: str, view: str) -> None:
        """Copy the rows of a view into a table that ``name`` stands for."""
        table = f"{name}_{next(self._numbers)}"
        with _explained():
            self._con.table(view).create(table)
        self.alias(name, table)

    def run_statement(self, statement: str, params: Mapping[str, Any] | Sequence[Any] | None = None) -> pa.Table:
        """
        Run one SELECT typed by a user. Columns of the same name are numbered: ``ts``, ``ts_1``.

        Raises
        ------
        UsageError
            Not exactly one SELECT, or rejected by DuckDB; the message is DuckDB's.
        """
        import duckdb

        try:
            found = self._con.extract_statements(statement)
            if len(found) != 1 or found[0].type not in (duckdb.StatementType.SELECT, duckdb.StatementType.EXPLAIN):
                raise UsageError("sql: exactly one SELECT is allowed; the lake is read-only")
            table = self._con.sql(statement, params=params).to_arrow_table()
        except duckdb.Error as error:
            raise UsageError(f"sql: {error}") from error
        return table.rename_columns(_number_repeats(table.column_names))

    def alias(self, name: str, table: str) -> None:
        """Let a name stand for a table or view."""
        self._con.table(table).create_view(name)

    def run(self, query: str, params: Params | None = None) -> dict[str, NDArray[np.generic]]:
        """Run ``sql/<query>.sql`` and return its columns."""
        import numpy as np

        with _explained():
            result = self._con.execute(read_query(query), dict(params or {})).fetchnumpy()
        self.check_watched()
        return {name: np.ma.getdata(column) for name, column in result.items()}


def _number_repeats(names: Sequence[str]) -> list[str]:
    given: list[str] = []
    for name in names:
        numbered = (f"{name}_{k}" for k in itertools.count(1))
        given.append(name if name not in given else next(n for n in numbered if n not in given and n not in names))
    return given


class _explained:
    """Convert errors about damaged files to a one-line DamagedError."""

    def __enter__(self) -> None:
        return None

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        import duckdb

        # A damaged page raises many kinds of error, even plain duckdb.Error; these kinds are bugs or limits of liqcli.
        ours = duckdb.BinderException, duckdb.CatalogException, duckdb.ParserException, duckdb.OutOfMemoryException
        if isinstance(error, duckdb.Error) and not isinstance(error, ours):
            raise DamagedError(f"a file of the lake cannot be read: {str(error).splitlines()[0]}") from error
