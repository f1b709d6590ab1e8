"""
Connections to DuckDB.

DuckDB needs 40 ms of CPU to create a database and 2 ms to add a catalog to one. A process therefore keeps one database
per configuration, and each connection works in a catalog of its own.
"""

from __future__ import annotations

import contextlib
import itertools
import os
import threading
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import duckdb

Settings = dict[str, str | bool | int | float | list[str]]


@dataclass(eq=False, slots=True)
class _Database:
    root: duckdb.DuckDBPyConnection
    spill: Path | None
    connections: int = 0


class _Databases:
    """The databases of this process, by their settings."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._kept: dict[str, _Database] = {}

    def connect(self, settings: Settings, spill: Path | None) -> tuple[_Database, duckdb.DuckDBPyConnection]:
        """Connect to the database with these settings; one that is in use keeps its spill folder."""
        key = repr(sorted(settings.items()))
        with self._lock:
            database = self._kept.get(key)
            if database is None or not _set_spill(database, spill):
                database = self._kept[key] = _create_database(settings, spill)
            database.connections += 1
            return database, database.root.cursor()

    def release(self, database: _Database) -> None:
        """Count a connection as closed; without one, a database that spilled is closed, which removes its files."""
        with self._lock:
            database.connections -= 1
            if database.connections == 0 and database.spill is not None and database.spill.exists():
                self._kept = {key: other for key, other in self._kept.items() if other is not database}
                database.root.close()


def _create_database(settings: Settings, spill: Path | None) -> _Database:
    import duckdb

    # Files are replaced while a database is open. Its cache of their bytes saves no time on a local disk.
    config: Settings = {**settings, "enable_external_file_cache": False}
    if spill is not None:
        config["temp_directory"] = str(spill)
    return _Database(duckdb.connect(":memory:", config=config), spill)


def _set_spill(database: _Database, spill: Path | None) -> bool:
    import duckdb

    if spill == database.spill:
        return True
    if database.connections or spill is None:
        return False
    try:
        database.root.execute("SET temp_directory = $spill", {"spill": str(spill)})
    except duckdb.Error:  # it spilled before, and somebody removed the folder
        return False
    database.spill = spill
    return True


_databases = _Databases()
_inherited: list[_Databases] = []  # never closed: their threads stayed in the parent process
_numbers = itertools.count()


def _forget_databases() -> None:
    global _databases
    _inherited.append(_databases)
    _databases = _Databases()


os.register_at_fork(after_in_child=_forget_databases)


class Connection:
    """
    A connection to an in-memory database, with a catalog of its own.

    Parameters
    ----------
    settings : dict
        DuckDB's settings; connections with equal ones share a database and its memory limit.
    spill : Path, optional
        The folder for what does not fit into memory.
    """

    def __init__(self, settings: Settings, spill: Path | None = None) -> None:
        self._databases = _databases
        self._database, self.duckdb = self._databases.connect(settings, spill)
        self._catalog = f"connection_{next(_numbers)}"
        self._closed = False
        self.duckdb.execute(f"ATTACH ':memory:' AS {self._catalog}")
        self.duckdb.execute(f"USE {self._catalog}")

    def close(self) -> None:
        """Drop the catalog with its tables and views; closing twice has no effect."""
        import duckdb

        if self._closed:
            return
        self._closed = True
        with contextlib.suppress(duckdb.Error):  # after an interrupt the catalog may stay; it only holds memory
            self.duckdb.execute("USE memory")
            self.duckdb.execute(f"DETACH {self._catalog}")
        self.duckdb.close()
        self._databases.release(self._database)
