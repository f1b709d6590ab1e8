"""
Verify the lake: read every file completely, check every row, and report each fault with a remedy.

Damage is data that must be wrong; a suspicion is data that is possible but unlikely, such as a block of duplicate rows.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from liqcli.core.known_sources import KnownSources
from liqcli.lake.partitions import KINDS, Partition
from liqcli.lake.store import Lake
from liqcli.lake.verify.against_totals import compare_totals, iter_differing
from liqcli.lake.verify.compared_totals import ComparedTotals
from liqcli.lake.verify.fetch_log_check import check_fetch_logs, check_notes, count_events
from liqcli.lake.verify.file_check import iter_foreign_files, read_whole
from liqcli.lake.verify.issues import Issue, Repairs
from liqcli.lake.verify.market_check import find_contradictions
from liqcli.lake.verify.row_check import check_rows
from liqcli.lake.verify.snapshot_check import check_snapshots
from liqcli.query.duckdb_engine import DuckDBEngine

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_AT_ONCE = 500_000


@dataclass(slots=True)
class Verdict:
    """
    The number of ``files`` and ``rows``, their ``size`` [bytes], and the issues, damage first, by file.

    ``totals`` compares the events with published totals, None if that was not requested.
    """

    files: int = 0
    rows: int = 0
    size: int = 0
    issues: list[Issue] = field(default_factory=list)
    totals: list[ComparedTotals] | None = None

    @property
    def damage(self) -> list[Issue]:
        """Findings that must be wrong."""
        return [issue for issue in self.issues if issue.damage]

    @property
    def suspicions(self) -> list[Issue]:
        """Findings that are possible and deserve a look."""
        return [issue for issue in self.issues if not issue.damage]


def verify_lake(lake: Lake, known: KnownSources, against_totals: bool = False) -> Verdict:
    """
    Read and check every file of a lake.

    Parameters
    ----------
    known : KnownSources
        Sources that suggested repairs can use.
    against_totals : bool
        Whether to compare the events with the totals that exchanges publish; differing hours are suspicions.

    Returns
    -------
    Verdict
        Without damage when every file is readable, in its place and in order, and all values are possible.
    """
    verdict = Verdict()
    repairs = Repairs(lake, known)
    verdict.issues += iter_foreign_files(lake)
    logs = check_fetch_logs(repairs, verdict.issues)
    verdict.files += logs.files + check_notes(lake, verdict.issues)
    with DuckDBEngine() as engine:
        for kind in KINDS:
            for batch in _iter_batches(repairs, kind, verdict):
                verdict.issues += check_rows(engine, repairs, kind, batch)
                if kind == "liquidations":
                    count_events(logs, batch)
    for rows, size in check_snapshots(lake, verdict.issues):
        verdict.files += 1
        verdict.rows += rows
        verdict.size += size
    verdict.issues += find_contradictions(lake)
    verdict.issues += logs.compare(repairs, {f.path for f in verdict.issues if f.unreadable})
    if against_totals:
        verdict.totals = compare_totals(lake)
        verdict.issues += iter_differing(repairs, verdict.totals)
    verdict.issues.sort(key=lambda issue: (not issue.damage, issue.path, issue.what))
    return verdict


def verdict_record(lake: Lake, verdict: Verdict) -> dict[str, Any]:
    """Convert the verdict to plain values for ``liqcli verify --format json``."""
    return {
        "lake": str(lake.root),
        "files": verdict.files,
        "rows": verdict.rows,
        "bytes": verdict.size,
        "damaged": [issue.record() for issue in verdict.damage],
        "suspicions": [issue.record() for issue in verdict.suspicions],
        **({} if verdict.totals is None else {"totals": [series.record() for series in verdict.totals]}),
    }


def _iter_batches(repairs: Repairs, kind: str, verdict: Verdict) -> Iterator[Sequence[tuple[Partition, pa.Table]]]:
    """Read files one by one; a few small ones form a batch, a large one its own."""
    batch: list[tuple[Partition, pa.Table]] = []
    waiting = 0
    for partition, read in read_whole(repairs, kind):
        verdict.files += 1
        if isinstance(read, Issue):
            verdict.issues.append(read)
            continue
        verdict.rows += read.num_rows
        verdict.size += partition.path(repairs.lake.root).stat().st_size
        if batch and waiting + read.num_rows > ROWS_AT_ONCE:
            yield batch
            batch, waiting = [], 0
        batch.append((partition, read))
        waiting += read.num_rows
    if batch:
        yield batch
