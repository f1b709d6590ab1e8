"""
The log of imported files: ``<lake>/imports.json``, by the hash of each file's bytes and, for a database, the table.

It prevents one mistake: importing the same file again with other options (another time zone, exchange or symbol) would
store the same events a second time, as different rows.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any, NamedTuple

from liqcli.core.errors import DamagedError, UsageError
from liqcli.lake.row_blocks import PartTotals
from liqcli.lake.store import Lake

_MODULUS = 2**61
_DROP = "drop_near_repeats"


class ImportKey(NamedTuple):
    """The identity of an import: the SHA-256 of the file and, for a database, the table; otherwise empty."""

    sha256: str
    table: str = ""

    def __str__(self) -> str:
        return f"{self.sha256}:{self.table}" if self.table else self.sha256


@dataclass(slots=True)
class StoredSummary:
    """
    What a file contributed to one exchange, symbol and source; equal for equal rows.

    ``digest`` is the sum of hashes of everything that distinguishes stored rows (0 in logs of older versions): the sums
    alone would not change if all sides of a file were swapped, or its prices were of another kind.
    """

    exchange: str
    symbol: str
    source: str
    events: int = 0
    longs: int = 0
    notional_e6: int = 0
    first_us: int = 0
    last_us: int = 0
    digest: int = 0

    def add(self, part: PartTotals) -> None:
        """Add the rows of a block."""
        self.first_us = min(self.first_us, part.first_us) if self.events else part.first_us
        self.last_us = max(self.last_us, part.last_us) if self.events else part.last_us
        self.events += part.events
        self.longs += part.longs
        self.notional_e6 += part.notional_e6
        self.digest = (self.digest + part.digest) % _MODULUS

    def drop(self, position: str, notional: float, copies: int) -> None:
        """Subtract rows; first and last time remain those of the file."""
        self.events -= copies
        self.longs -= copies * (position == "long")
        self.notional_e6 -= copies * round(notional * 1e6)


@dataclass(frozen=True, slots=True)
class ImportLogEntry:
    """One imported file: its name then, format, decisive options, number of rejected rows, and contributions."""

    name: str
    format: str
    options: Mapping[str, Any]
    rejected: int
    wrote: Sequence[StoredSummary] = field(default_factory=tuple)


def read_import_log(lake: Lake) -> dict[str, ImportLogEntry]:
    """
    Read all imports so far: :class:`ImportKey` as text -> entry.

    Raises
    ------
    DamagedError
        The file exists but is not an import log.
    """
    path = lake.root / "imports.json"
    try:
        log = json.loads(path.read_text(encoding="utf-8"))
        old: dict[str, int] = {"digest": 0} if log["version"] == 1 else {}  # version 1 hashed rows in another way
        return {
            sha: ImportLogEntry(**{**entry, "wrote": tuple(StoredSummary(**{**w, **old}) for w in entry["wrote"])})
            for sha, entry in log["files"].items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedError(f"{path}: not an import log of liqcli ({error}); move it away and import again") from error


def find_import(log: Mapping[str, ImportLogEntry], key: ImportKey) -> ImportLogEntry | None:
    """Find an earlier import; older versions logged a database without its table, which is among its options."""
    if (found := log.get(str(key))) or not key.table:
        return found
    old = log.get(key.sha256)
    return old if old and old.options.get("table", key.table) == key.table else None


def write_import(lake: Lake, key: ImportKey, done: ImportLogEntry) -> None:
    """Record a finished import; the caller holds the lake's lock."""
    files = read_import_log(lake)
    if find_import(files, key) is files.get(key.sha256):
        files.pop(key.sha256, None)
    files[str(key)] = done
    entries = ",\n".join(f"{json.dumps(sha)}: {json.dumps(asdict(entry))}" for sha, entry in sorted(files.items()))
    lake.write_file(lake.root / "imports.json", f'{{"version": 2, "files": {{\n{entries}\n}}}}\n'.encode())


def check_same_rows(path: str, before: ImportLogEntry, now: ImportLogEntry) -> None:
    """
    Reject a file whose bytes are already stored as other rows.

    Raises
    ------
    UsageError
        The message names the option that differs, and how to replace the old rows.
    """
    old, new = _plain(before.options), _plain(now.options)
    thinned = old.get(_DROP) != new.get(_DROP)
    if (before.format, old) == (now.format, new) or (not thinned and _are_same(before.wrote, now.wrote)):
        return
    if before.format == now.format and before.rejected > now.rejected and _only_adds(before, now):
        return  # rows rejected for an unknown contract size are now added to the others
    shown = _describe_change(old, new)
    only_drops = new.get(_DROP) and {**old, _DROP: True} == new
    fault = "its near repeats are already stored" if only_drops else "its events would be counted twice"
    raise UsageError(
        f"{path}: this file was already imported as {before.name}, with other options ({shown or 'format'}); {fault}. "
        "Use the same options, or add --replace, which first removes the rows that the earlier import stored; rows of "
        "other files stay"
    )


def _describe_change(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Describe the options that differ, as they are typed."""
    said = []
    for key in sorted({*old, *new}):
        then, now = old.get(key), new.get(key)
        if then == now:
            continue
        if isinstance(then or now, dict):
            before, after = dict(then or {}), dict(now or {})
            differing = [word for word in {**before, **after} if before.get(word) != after.get(word)]
            then, now = ({word: pairs[word] for word in differing if word in pairs} for pairs in (before, after))
        said.append(f"then {_as_option(key, then)}, now {_as_option(key, now)}")
    return "; ".join(said)


def _as_option(key: str, value: object) -> str:
    """Format a value as the option it came from."""
    if key == "buy_means":
        return f"buy-is-{value}" if value else "meaning of buy not set"
    option = {"contract_sizes": "--contract-size"}.get(key, f"--{key.replace('_', '-')}")
    if value in (None, False, "", {}):
        return f"without {option}"
    if isinstance(value, dict):
        joint = " --contract-size " if key == "contract_sizes" else ","
        return f"with {option} {joint.join(f'{word}={text}' for word, text in value.items())}"
    return f"with {option}" if value is True else f"with {option} {value}"


def _are_same(before: Sequence[StoredSummary], now: Sequence[StoredSummary]) -> bool:
    if not all(wrote.digest for wrote in before):
        now = [replace(wrote, digest=0) for wrote in now]
    return list(before) == list(now)


def _plain(options: Mapping[str, Any]) -> dict[str, Any]:
    return dict(json.loads(json.dumps(options)))


def _only_adds(before: ImportLogEntry, now: ImportLogEntry) -> bool:
    """Return whether the options differ only by further contract sizes."""
    old, new = dict(before.options), dict(now.options)
    sizes, more = old.pop("contract_sizes", {}), new.pop("contract_sizes", {})
    return {**more, **sizes} == dict(more) and (old == new or now.format == "tardis")
