"""Check the snapshots of positions and margin tiers: readable, in their place, with possible values."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from liqcli.core.errors import DamagedError, UsageError
from liqcli.core.formatting import format_counted
from liqcli.core.margin_tiers import find_tier_fault
from liqcli.core.model import from_us
from liqcli.core.positions import find_position_fault
from liqcli.core.symbols import check_symbol
from liqcli.lake.snapshots import POSITIONS, SNAPSHOT_KINDS, SnapshotFile, SnapshotKind, list_snapshots, read_snapshot
from liqcli.lake.store import Lake
from liqcli.lake.verify.issues import Issue

REMEDIES = {
    "positions": "move it away, and import its file again if there is one; a fetched snapshot cannot be repeated",
    "margin_tiers": "move it away; the nearest other snapshot is used, or the one of liqcli fetch --kind margin-tiers",
}


def check_snapshots(lake: Lake, issues: list[Issue]) -> Iterator[tuple[int, int]]:
    """Check every snapshot and add what is wrong to ``issues``; yields the rows and the size of each. [bytes]"""
    for kind in SNAPSHOT_KINDS:
        remedy = REMEDIES[kind.folder]
        for file in list_snapshots(lake, kind):
            try:
                size = file.path.stat().st_size
                rows = read_snapshot(kind, file.path)
            except FileNotFoundError:  # removed by somebody in the meantime
                continue
            except DamagedError as error:
                what = str(error).removeprefix(f"{file.path}: ").removesuffix(f"; {kind.remedy}")
                issues.append(Issue(file.path, what, remedy, unreadable=True))
                yield 0, size
                continue
            issues += (Issue(file.path, what, remedy, found=found) for what, found in _find_faults(kind, file, rows))
            yield len(rows), size


def _find_faults(
    kind: SnapshotKind[Any], file: SnapshotFile, rows: Sequence[tuple[int, Any]]
) -> Iterator[tuple[str, int]]:
    """Find what must be wrong, each with the number of rows concerned."""
    elsewhere = sum(from_us(at).date() != file.day for at, _ in rows)
    if elsewhere:
        yield f"{format_counted(elsewhere, 'row')} of another day than its folder", elsewhere
    if kind is POSITIONS and len({at for at, _ in rows}) > 1:
        yield "holds several instants, a snapshot of positions holds one", len(rows)
    by_symbol: dict[str, list[Any]] = {}
    for _, row in rows:
        by_symbol.setdefault(row.symbol, []).append(row)
    for symbol, own in by_symbol.items():
        try:
            check_symbol(symbol)
        except UsageError as error:
            yield str(error), len(own)
        if kind is POSITIONS:
            faults = [fault for row in own if (fault := find_position_fault(row))]
        else:
            faults = [fault for fault in [find_tier_fault(own)] if fault]
        if faults:
            yield f"{symbol}: {faults[0]}", len(faults)
