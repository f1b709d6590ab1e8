"""What was imported: ``<lake>/imports.json``, by the hash of each file's bytes.

It stops one mistake: the same file imported again with other options (another time zone, exchange, symbol) would put
the same events into the lake a second time, as different rows.
"""

from __future__ import annotations

import json
import zlib
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field, replace
from typing import Any

from liqcli.core.errors import DamagedError, UsageError
from liqcli.core.model import Liquidation
from liqcli.lake.store import Lake

_MODULUS = 2**61


@dataclass(slots=True)
class StoredSummary:
    """
    What a file said of one exchange, symbol and source; equal for equal rows.

    ``digest`` adds up hashes of all that tells a stored row from another (0 in ledgers of older versions): the sums
    alone would be the same when every side of a file is turned round, or when its prices are of another kind.
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

    def add(self, row: Liquidation) -> None:
        """Count one row."""
        ts_us = row.ts_us
        if not self.events:
            self.first_us = self.last_us = ts_us
        elif ts_us < self.first_us:
            self.first_us = ts_us
        elif ts_us > self.last_us:
            self.last_us = ts_us
        self.events += 1
        self.longs += row.position == "long"
        self.notional_e6 += round(row.notional * 1e6)
        self.digest = (self.digest + _hash_row(row)) % _MODULUS

    def drop(self, position: str, notional: float, copies: int) -> None:
        """Count rows no longer; first and last stay those of the file."""
        self.events -= copies
        self.longs -= copies * (position == "long")
        self.notional_e6 -= copies * round(notional * 1e6)


@dataclass(frozen=True, slots=True)
class ImportLogEntry:
    """One imported file: its name then, format, decisive options, how many rows were refused, and what it wrote."""

    name: str
    format: str
    options: Mapping[str, Any]
    rejected: int
    wrote: Sequence[StoredSummary] = field(default_factory=tuple)


def read_import_log(lake: Lake) -> dict[str, ImportLogEntry]:
    """
    Read the imports so far: sha256 -> import.

    Raises
    ------
    DamagedError
        The file is there but cannot be understood.
    """
    path = lake.root / "imports.json"
    try:
        files = json.loads(path.read_text(encoding="utf-8"))["files"]
        return {
            sha: ImportLogEntry(**{**entry, "wrote": tuple(StoredSummary(**w) for w in entry["wrote"])})
            for sha, entry in files.items()
        }
    except FileNotFoundError:
        return {}
    except (OSError, ValueError, KeyError, TypeError, AttributeError) as error:
        raise DamagedError(f"{path}: not a ledger of liqcli ({error}); move it away and import again") from error


def write_import(lake: Lake, sha256: str, done: ImportLogEntry) -> None:
    """Note a finished import; the caller holds the lake's lock."""
    files = {**read_import_log(lake), sha256: done}
    entries = ",\n".join(f"{json.dumps(sha)}: {json.dumps(asdict(entry))}" for sha, entry in sorted(files.items()))
    lake.write_file(lake.root / "imports.json", f'{{"version": 1, "files": {{\n{entries}\n}}}}\n'.encode())


def check_same_rows(path: str, before: ImportLogEntry, now: ImportLogEntry) -> None:
    """
    Refuse a file whose bytes are in the lake already as other rows.

    Raises
    ------
    UsageError
        Says which option differs, and how to replace the old rows.
    """
    old, new = _plain(before.options), _plain(now.options)
    thinned = old.get("drop_near_repeats") != new.get("drop_near_repeats")
    if (before.format, old) == (now.format, new) or (not thinned and _are_same(before.wrote, now.wrote)):
        return
    if before.format == now.format == "tardis" and before.rejected > now.rejected and _only_adds(before, now):
        return  # rows that were refused for want of a contract size now come in beside the others
    shown = _describe_change(old, new)
    raise UsageError(
        f"{path}: these very bytes were imported before as {before.name}, with other options ({shown or 'format'}); "
        "its events would be counted twice. Pass the same options, or --replace to put the new rows in place of the old"
    )


def _hash_row(row: Liquidation) -> int:
    """Hash what the lake compares rows by; texts as checksums, for ``hash`` of text differs between runs."""
    texts = (row.price_kind, row.completeness, row.instrument, row.event_id or "")
    numbers = (row.price, row.qty, row.notional, row.contracts or 0.0, row.contract_size or 0.0)
    return hash((row.ts_us, row.position == "long", *numbers, zlib.crc32("\n".join(texts).encode())))


def _describe_change(old: Mapping[str, Any], new: Mapping[str, Any]) -> str:
    """Say which options differ, as they are typed."""
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
    """Write a value as the option that it came from."""
    if key == "buy_means":
        return f"buy-is-{value}" if value else "no word on what buy means"
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
    old, new = before.options.get("contract_sizes", {}), now.options.get("contract_sizes", {})
    return {**new, **old} == dict(new)
