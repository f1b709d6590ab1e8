"""Read tables of SQLite databases row by row; databases are opened read-only."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote

from liqcli.core.errors import DamagedError, UsageError
from liqcli.core.symbols import nearest
from liqcli.ingest.files.file_kinds import SQLITE_MAGIC
from liqcli.ingest.files.readers import ReadProgress, describe_damage

ROWS_AT_ONCE = 10_000


def is_sqlite(path: Path) -> bool:
    """Return whether a file is an SQLite database, by its first bytes."""
    with describe_damage(path), path.open("rb") as handle:
        return handle.read(len(SQLITE_MAGIC)) == SQLITE_MAGIC


def choose_table(path: Path, wanted: str | None) -> str:
    """
    Return the table that the user names, or the only one.

    Raises
    ------
    UsageError
        There are several tables or none of that name; the message lists them.
    DamagedError
        The database cannot be read.
    """
    with _open(path) as connection:
        found = connection.execute(
            "SELECT name FROM sqlite_master WHERE type IN ('table', 'view') AND name NOT LIKE 'sqlite\\_%' ESCAPE '\\' "
            "ORDER BY name"
        )
        tables = [str(name) for (name,) in found]
    if not tables:
        raise DamagedError(f"{path}: the database holds no table")
    if wanted is None and len(tables) == 1:
        return tables[0]
    listed = f"{', '.join(tables[:20])}{' …' if len(tables) > 20 else ''}"
    if wanted is None:
        raise UsageError(f"{path}: the database has {len(tables)} tables ({listed}): pass --table NAME")
    if wanted not in tables:
        raise UsageError(f"{path}: --table {wanted}: no such table{nearest(wanted, tables)}")
    return wanted


def table_columns(path: Path, table: str) -> list[str]:
    """
    List a table's columns.

    Raises
    ------
    DamagedError
        The database cannot be read.
    """
    with _open(path) as connection:
        return [str(name) for (name,) in connection.execute("SELECT name FROM pragma_table_info(?)", (table,))]


def iter_table(path: Path, table: str, meter: ReadProgress | None = None) -> Iterator[tuple[int, Mapping[str, Any]]]:
    """
    Yield a table's rows with their number, counted from 1. ``meter`` is updated as the table is read.

    Raises
    ------
    DamagedError
        The database cannot be read.
    """
    with _open(path) as connection:
        # A table name cannot be bound; this one comes from sqlite_master and is quoted.
        cursor = connection.execute('SELECT * FROM "' + table.replace('"', '""') + '"')  # noqa: S608
        names = [column[0] for column in cursor.description]
        number = 0
        if meter:
            meter.opened.append(connection)
            meter.size, meter.done = path.stat().st_size, lambda: 0
        while rows := cursor.fetchmany(ROWS_AT_ONCE):
            for row in rows:
                number += 1
                yield number, dict(zip(names, row, strict=True))


@contextlib.contextmanager
def _open(path: Path) -> Iterator[Any]:
    """Open a database read-only; its errors become :class:`DamagedError`."""
    import sqlite3

    try:
        with (
            describe_damage(path),
            contextlib.closing(sqlite3.connect(f"file:{quote(str(path.resolve()))}?mode=ro", uri=True)) as connection,
        ):
            connection.text_factory = lambda content: content.decode(errors="replace")
            yield connection
    except sqlite3.Error as error:
        raise DamagedError(
            f"{path}: cannot be read as an SQLite database ({error}); if another program uses it, its -wal file must "
            "be in the same folder"
        ) from error
