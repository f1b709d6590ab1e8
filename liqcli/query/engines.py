"""Open the engine of the settings. DuckDB and Spark's client are imported only where they are used."""

from __future__ import annotations

from pathlib import Path

from liqcli.core.settings import EngineSettings
from liqcli.query.query_engine import QueryEngine


def open_engine(settings: EngineSettings | None, root: Path) -> QueryEngine:
    """
    Open the engine of the settings for the lake in a folder; None is DuckDB.

    Raises
    ------
    UsageError
        The packages for Spark Connect are not installed, or the address is not one.
    SourceError
        The server does not answer.
    """
    if settings is None:
        from liqcli.query.engine import Engine

        return Engine()
    from liqcli.query.spark_engine import SparkEngine

    return SparkEngine(settings, root)
