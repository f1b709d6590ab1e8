"""Open the query engine that the settings name; DuckDB and the Spark client are imported only when used."""

from __future__ import annotations

from pathlib import Path

from liqcli.core.settings import EngineSettings
from liqcli.query.query_engine import QueryEngine


def open_engine(settings: EngineSettings | None, root: Path) -> QueryEngine:
    """
    Open the query engine that the settings name, for the lake in a folder; None is DuckDB.

    Raises
    ------
    UsageError
        The packages for Spark Connect are not installed, or the address is not one.
    SourceError
        The server does not answer.
    """
    if settings is None:
        from liqcli.query.duckdb_engine import DuckDBEngine

        return DuckDBEngine()
    from liqcli.query.spark_engine import SparkEngine

    return SparkEngine(settings, root)
