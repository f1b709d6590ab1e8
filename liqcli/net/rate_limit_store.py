"""Store of rate-limit slots that processes share: a small SQLite database per source in the user's state folder.

SQLite makes changes atomic, even if a process is killed, and needs no lock file.
"""

from __future__ import annotations

import contextlib
import os
import sqlite3
from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple

LOCK_TIMEOUT_S = 5.0
HOLD = "hold"  # the row whose left_s is the end of a block

_PASSING = ("SQLITE_BUSY", "SQLITE_LOCKED", "SQLITE_READONLY", "SQLITE_CANTOPEN", "SQLITE_IOERR", "SQLITE_FULL")


class Slot(NamedTuple):
    """A request of any process: time sent and time answered, None while under way. [s since the epoch]"""

    path: str
    weight: float
    left_s: float
    done_s: float | None


class SharedSlots:
    """
    An open transaction on the database, which excludes other processes until :meth:`close`.

    ``slots`` and ``held_s`` are its content at the start.

    Raises
    ------
    OSError, sqlite3.Error
        The database cannot be used now. A damaged one is replaced.
    """

    def __init__(self, file: Path) -> None:
        file.parent.mkdir(parents=True, exist_ok=True)
        try:
            self._open(file)
        except (sqlite3.DatabaseError, ValueError, TypeError) as error:
            if getattr(error, "sqlite_errorname", "").startswith(_PASSING):
                raise
            file.unlink(missing_ok=True)  # garbage: processes write their slots again
            file.with_name(f"{file.name}-journal").unlink(missing_ok=True)
            self._open(file)

    def _open(self, file: Path) -> None:
        if not file.exists():
            os.close(os.open(file, os.O_CREAT | os.O_RDWR, 0o600))
            for suffix in (".json", ".lock"):  # files of versions before SQLite
                file.with_suffix(suffix).unlink(missing_ok=True)
        self._connection = sqlite3.connect(file, timeout=LOCK_TIMEOUT_S, isolation_level=None, check_same_thread=False)
        try:
            self._connection.execute("PRAGMA synchronous = OFF")  # a power cut may damage it; it is replaced then
            self._connection.execute("BEGIN IMMEDIATE")
            self._connection.execute(
                "CREATE TABLE IF NOT EXISTS places (name TEXT PRIMARY KEY, path TEXT NOT NULL, weight REAL NOT NULL, "
                "left_s REAL NOT NULL, done_s REAL)"
            )
            rows = self._connection.execute("SELECT name, path, weight, left_s, done_s FROM places")
            self.slots = {str(name): _read_slot(row) for name, *row in rows}
        except BaseException:
            self._connection.close()
            raise
        hold = self.slots.pop(HOLD, None)
        self.held_s = hold.left_s if hold else 0.0

    def close(self, slots: Mapping[str, Slot], held_s: float) -> None:
        """Write changes and end the transaction; on a full disk the database stays unchanged."""
        changed = [(name, *slot) for name, slot in slots.items() if self.slots.get(name) != slot]
        if held_s != self.held_s:
            changed.append((HOLD, "", 0.0, held_s, None))
        with contextlib.closing(self._connection), contextlib.suppress(sqlite3.Error):
            self._connection.executemany("INSERT OR REPLACE INTO places VALUES (?, ?, ?, ?, ?)", changed)
            gone = [(name,) for name in self.slots.keys() - slots.keys()]
            self._connection.executemany("DELETE FROM places WHERE name = ?", gone)
            self._connection.execute("COMMIT")


def _read_slot(row: list[object]) -> Slot:
    path, weight, left_s, done_s = row
    numbers = [weight, left_s, *([] if done_s is None else [done_s])]
    if not isinstance(path, str) or not all(isinstance(number, float) for number in numbers):
        raise ValueError(f"not a slot: {row!r}")
    return Slot(path, weight, left_s, done_s)  # type: ignore[arg-type]  # checked above
