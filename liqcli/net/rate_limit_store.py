"""What processes share about the requests to one source: a small SQLite database in the user's state folder.

SQLite makes each change atomic, also when a process is killed in the middle of it, and needs no lock file.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

LOCK_TIMEOUT_S = 5.0
HOLD = "hold"  # the row whose left_s says until when nobody may ask

_PASSING = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_FULL")


class Slot(NamedTuple):
    """A request of some process: when it left, and when its answer came (None: under way). [s since the epoch]"""

    path: str
    weight: float
    left_s: float
    done_s: float | None


class SharedPlaces:
    """
    An open transaction on the database; nobody else can read or write before :meth:`close`.

    ``places`` and ``held_s`` are what it held.

    Raises
    ------
    OSError, sqlite3.Error
        It cannot be used now. One that is damaged is removed and made anew.
    """

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._open(file)
        except (sqlite3.DatabaseError, ValueError, TypeError) as error:
            if getattr(error, "sqlite_errorname", "").startswith(_PASSING):
                raise
            file.unlink(missing_ok=True)  # garbage: whoever has places in it writes them again
            file.with_name(f"{file.name}-journal").unlink(missing_ok=True)
            self._open(file)

    def _open(self, file: Path) -> None:
        if not file.exists():
            os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
            for suffix in (".json", ".lock"):  # what versions before SQLite left
                file.with_suffix(suffix).unlink(missing_ok=True)
        self._connection = sqlite3.connect(file, LOCK_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            self._connection.execute("PRAGMA synchronous = OFF")  # a power cut may damage it: then it is made anew
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS places (name TEXT PRIMARY KEY, path TEXT NOT NULL, weight REAL NOT NULL, "
                "left_s REAL NOT NULL, done_s REAL)"
            )
            rows = self._connection.execute("SELECT name, path, weight, left_s, done_s FROM places")
            self.places = {str(name): _read_place(row) for name, *row in rows}
        except BaseException:
            self._connection.close()
            raise
        hold = self.places.pop(HOLD, None)
        self.held_s = hold.left_s if hold else 0.0

    def close(self, places: Mapping[str, Slot], held_s: float) -> None:
        """Write what has changed and end the transaction; on a full disk the database stays as it was."""
        changed = [(name, *place) for name, place in places.items() if self.places.get(name) != place]
        if held_s != self.held_s:
            changed.append((HOLD, "", 0.0, held_s, None))
        with contextlib.closing(self._connection), contextlib.suppress(sqlite3.Error):
            self._connection.executemany("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?)", changed)
            gone = [(name,) for name in self.places.keys() - places.keys()]
            self._connection.executemany("DELETE FROM places WHERE name = ?", gone)
            self._connection.execute("COMMIT")


def _read_place(row: list[object]) -> Slot:
    path, weight, left_s, done_s = row
    numbers = [weight, left_s, *([] if done_s is None else [done_s])]
    if not isinstance(path, str) or not all(isinstance(number, float) for number in numbers):
        raise ValueError(f"no place: {row!r}")
    return Slot(path, weight, left_s, done_s)  # type: ignore[arg-type]  # checked above
