"""
The folders of a daily run: one process at a time, complete files at any time, old days removed.

Files are moved into place one by one, the page last, so a reader or a crash finds each file complete. ``.liqcli.json``
lists the files of liqcli in a folder and is written before them; nothing else is ever removed.
"""

from __future__ import annotations

import contextlib
import json
import re
import shutil
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from pathlib import Path
from typing import Any

from liqcli.core.errors import LakeError, OutputError
from liqcli.core.files import move_into_place, replace_file, sync_folder

MANIFEST = ".liqcli.json"
MAKING = ".liqcli-making"
LOCK = ".liqcli.lock"
NOTES = ".liqcli-sent.json"
SUMMARY = "summary.json"
PAGE = "index.html"
LATEST = "latest"
FORMAT = 1  # of summary.json; days of another format stay listed, with their pages unchanged
LOCK_TIMEOUT_S = 3600.0
_DAY = re.compile(r"^\d{4}-\d{2}-\d{2}$")


@contextlib.contextmanager
def locked(out: Path) -> Iterator[Path]:
    """
    Lock ``out`` and yield an empty working folder.

    Raises
    ------
    LakeError
        The folder cannot be created or written, or another run locks it for an hour.
    """
    import filelock

    try:
        out.mkdir(parents=True, exist_ok=True)
        lock = filelock.FileLock(out / LOCK, timeout=LOCK_TIMEOUT_S)
        with lock:
            making = out / MAKING
            shutil.rmtree(making, ignore_errors=True)  # left by a killed run
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


def publish(made: Path, target: Path, keep: bool = False) -> None:
    """Move the files of a finished folder into place, the page last; ``keep`` exempts them from retention."""
    names = sorted(path.name for path in made.iterdir())
    target.mkdir(parents=True, exist_ok=True)
    before = _read_manifest(target) or []
    _write_manifest(target, {*before, *names}, keep)
    for name in sorted(names, key=lambda name: (name == PAGE, name)):
        move_into_place(made / name, target / name)
    sync_folder(target)


def remove_leftovers(folder: Path, names: Iterable[str]) -> None:
    """Remove files of earlier runs of a day that the last run did not write. Call it after the index is updated."""
    wanted = set(names)
    for name in set(_read_manifest(folder) or []) - wanted:
        (folder / name).unlink(missing_ok=True)
    _write_manifest(folder, wanted)


def link_files(folder: Path, paths: Iterable[Path]) -> Path:
    """
    Link files into a new folder, or copy them; files are never changed in place.

    Returns
    -------
    Path
        The folder.
    """
    folder.mkdir()
    for path in paths:
        try:
            (folder / path.name).hardlink_to(path)
        except OSError:  # the file system has no hard links
            shutil.copyfile(path, folder / path.name)
    return folder


def list_days(out: Path) -> list[str]:
    """List the days that liqcli wrote, oldest first."""
    return sorted(p.name for p in out.iterdir() if is_day(p.name) and p.is_dir() and (p / MANIFEST).is_file())


def is_day(name: str) -> bool:
    """Return True for a calendar day written as ``2026-11-21``."""
    try:
        return bool(_DAY.match(name) and date.fromisoformat(name))
    except ValueError:
        return False


def read_summary(folder: Path, day: str) -> dict[str, Any] | None:
    """Read the summary of a day from its folder or ``latest``; None if it is missing, unfinished or foreign."""
    if not (folder / PAGE).is_file():
        return None
    try:
        summary = json.loads((folder / SUMMARY).read_text(encoding="utf-8"))
        whole = summary["day"] == day and summary["reports"] and all(map(_is_entry, summary["reports"]))
        return summary if whole and isinstance(summary["alerts"], list) and summary["exit_code"] >= 0 else None
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_entry(entry: dict[str, Any]) -> bool:
    """Return True if an entry has the keys that comparing and listing need."""
    good = ("notional", "long_notional", "short_notional", "last_price", "files")
    needed = ("name", "symbol", "lookback", *(good if entry["status"] == "ok" else ("message",)))
    return all(entry.get(key) is not None for key in needed)


def split_by_age(out: Path, days: Sequence[str], made: str, retention_days: int) -> tuple[list[str], list[str]]:
    """
    Split days into those to keep and those that retention removes.

    Keeps the current day and days of runs with ``--until``; ``retention_days`` 0 keeps all.
    """
    newest = max(days)
    kept: list[str] = []
    old: list[str] = []
    for day in days:
        age = (date.fromisoformat(newest) - date.fromisoformat(day)).days
        expired = retention_days and age >= retention_days and day != made and not is_kept(out / day)
        (old if expired else kept).append(day)
    return kept, old


def is_kept(folder: Path) -> bool:
    """Return True if a run with ``--until`` wrote the folder; retention keeps it."""
    return _load_manifest(folder).get("kept") is True


def read_latest(out: Path) -> dict[str, Any] | None:
    """Read the summary of ``latest``; None if it is missing or no report has data."""
    try:
        day = str(json.loads((out / LATEST / SUMMARY).read_text(encoding="utf-8"))["day"])
    except (OSError, ValueError, KeyError, TypeError):
        return None
    return summary if (summary := read_summary(out / LATEST, day)) and has_data(summary) else None


def has_data(summary: dict[str, Any]) -> bool:
    """Return True if any report of a day has data."""
    return any(entry["status"] == "ok" for entry in summary["reports"])


def remove_day(out: Path, day: str) -> None:
    """Remove the files that liqcli wrote for a day, and the folder if it is empty then."""
    folder = out / day
    for name in sorted(_read_manifest(folder) or [], key=lambda name: (name != PAGE, name)):
        (folder / name).unlink(missing_ok=True)
    (folder / MANIFEST).unlink(missing_ok=True)
    with contextlib.suppress(OSError):  # it has other files
        folder.rmdir()


def _write_manifest(folder: Path, names: Iterable[str], keep: bool = False) -> None:
    """Write the manifest of a folder. A folder exempt from retention stays exempt."""
    manifest: dict[str, Any] = {"made_by": "liqcli daily", "files": sorted(names)}
    if keep or is_kept(folder):
        manifest["kept"] = True
    replace_file(folder / MANIFEST, (json.dumps(manifest) + "\n").encode())


def _read_manifest(folder: Path) -> list[str] | None:
    """Return the plain file names of the manifest; names with a folder are ignored."""
    names = _load_manifest(folder).get("files")
    if not isinstance(names, list):
        return None
    return [name for name in names if isinstance(name, str) and Path(name).name == name and name not in ("", "..")]


def _load_manifest(folder: Path) -> dict[str, Any]:
    try:
        manifest = json.loads((folder / MANIFEST).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return manifest if isinstance(manifest, dict) else {}
