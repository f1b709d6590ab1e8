"""The folders of a daily run: one process at a time, whole files at any moment, old days removed.

A day is published file by file with ``os.replace``, its page last: whoever looks (or kills) finds each file whole.
``.liqcli.json`` in a folder lists what liqcli put there, before the files come; nothing else is ever removed.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from liqcli.errors import LakeError, OutputError

MANIFEST = ".liqcli.json"
MAKING = ".liqcli-making"
LOCK = ".liqcli.lock"
NOTES = ".liqcli-sent.json"
SUMMARY = "summary.json"
PAGE = "index.html"
LATEST = "latest"
FORMAT = 1  # of summary.json; a day of another one stays listed, and its page as it is
LOCK_TIMEOUT_S = 3600.0
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")


@contextlib.contextmanager
def locked(out: Path) -> Iterator[Path]:
    """
    Hold ``out`` alone, and give an empty folder to work in.

    Raises
    ------
    LakeError
        The folder cannot be made or written, or another run keeps it for an hour.
    """
    import filelock

    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(out / LOCK, timeout=LOCK_TIMEOUT_S)
        with lock:
            making = out / MAKING
            shutil.rmtree(making, ignore_errors=True)  # a killed run's
            making.mkdir()
            try:
                yield making
            finally:
                shutil.rmtree(making, ignore_errors=True)
    except filelock.Timeout as error:
        raise LakeError(f"{out}: another liqcli daily keeps it locked; try again later") from error
    except OSError as error:
        raise _unwritable(out, error) from error
    except OutputError as error:
        raise _unwritable(out, error.__cause__) from error


def _unwritable(out: Path, error: BaseException | None) -> LakeError:
    reason = getattr(error, "strerror", None) or error
    return LakeError(f"{out}: cannot be written ({reason}); the pages that were there are whole")


def publish(made: Path, target: Path) -> None:
    """Move a finished folder's files into place, one by one, the page that names them last."""
    names = sorted(path.name for path in made.iterdir())
    target.mkdir(parents=True, exist_ok=True)
    before = _read_manifest(target) or []
    _write_manifest(target, {*before, *names})
    for name in sorted(names, key=lambda name: (name == PAGE, name)):
        _sync(made / name)
        (made / name).replace(target / name)


def remove_leftovers(folder: Path, names: Iterable[str]) -> None:
    """Remove what an earlier run put into a day's folder and the last one did not; after the index names it no more."""
    wanted = set(names)
    for name in set(_read_manifest(folder) or []) - wanted:
        (folder / name).unlink(missing_ok=True)
    _write_manifest(folder, wanted)


def link_files(folder: Path, paths: Iterable[Path]) -> Path:
    """
    Put files into a new folder too, as second names where the disk can do that: no file is ever changed in place.

    Returns
    -------
    Path
        The folder.
    """
    folder.mkdir()
    for path in paths:
        try:
            (folder / path.name).hardlink_to(path)
        except OSError:  # no such thing on this disk
            shutil.copyfile(path, folder / path.name)
    return folder


def list_days(out: Path) -> list[str]:
    """Name the folders of days that liqcli made, oldest first."""
    return sorted(p.name for p in out.iterdir() if is_day(p.name) and p.is_dir() and (p / MANIFEST).is_file())


def is_day(name: str) -> bool:
    """Whether a name is a day of the calendar, written ``2026-11-21``."""
    try:
        return bool(_DAY.match(name) and date.fromisoformat(name))
    except ValueError:
        return False


def read_summary(folder: Path, day: str) -> dict[str, Any] | None:
    """Read the summary of a day in its folder (or ``latest``); None where it is unfinished, or no summary of ours."""
    if not (folder / PAGE).is_file():
        return None
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        whole = summary["day"] == day and summary["reports"] and all(map(_is_entry, summary["reports"]))
        return summary if whole and isinstance(summary["alerts"], list) and summary["exit_code"] >= 0 else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_entry(entry: dict[str, Any]) -> bool:
    """Whether an entry has what comparing and listing it needs."""
    good = ("notional", "long_notional", "short_notional", "last_price", "files")
    needed = ("name", "symbol", "lookback", *(good if entry["status"] == "ok" else ("message",)))
    return all(entry.get(key) is not None for key in needed)


def split_by_age(days: Sequence[str], made: str, retention_days: int) -> tuple[list[str], list[str]]:
    """Part days into those to keep and those that retention removes; the day just made stays, and 0 keeps all."""
    newest = max(days)
    kept: list[str] = []
    old: list[str] = []
    for day in days:
        age = (date.fromisoformat(newest) - date.fromisoformat(day)).days
        (old if retention_days and age >= retention_days and day != made else kept).append(day)
    return kept, old


def remove_day(out: Path, day: str) -> None:
    """Remove the files that liqcli made of a day, and the folder if nothing else is in it."""
    folder = out / day
    for name in sorted(_read_manifest(folder) or [], key=lambda name: (name != PAGE, name)):
        (folder / name).unlink(missing_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # somebody keeps a file of their own there
        folder.rmdir()


def write_atomically(path: Path, content: bytes) -> None:
    """Write beside, sync, replace: a reader finds the old file or the new one."""
    temporary = path.with_name(f".{path.name}.tmp")
    temporary.write_bytes(content)
    _sync(temporary)
    temporary.replace(path)


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())


def _write_manifest(folder: Path, names: Iterable[str]) -> None:
    write_atomically(
        folder / MANIFEST, (json.dumps({"made_by": "liqcli daily", "files": sorted(names)}) + "\n").encode()
    )


def _read_manifest(folder: Path) -> list[str] | None:
    """Give the plain file names that the manifest lists; anything with a folder in it is not ours to touch."""
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
        names = manifest["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return [name for name in names if isinstance(name, str) and Path(name).name == name and name not in ("", "..")]
