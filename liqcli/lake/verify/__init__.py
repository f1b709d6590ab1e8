"""Is the lake whole: every file read to its last page, every row judged, and each fault named with what to do.

Damage is what cannot be true; a suspicion is what can be but seldom is (a block of rows twice: twins are real events).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

from liqcli.core.known_sources import KnownSources
from liqcli.lake.partitions import KINDS, Partition
from liqcli.lake.store import Lake
from liqcli.lake.verify.fetch_log_check import check_fetch_logs, check_notes, count_events
from liqcli.lake.verify.file_check import iter_foreign_files, read_whole
from liqcli.lake.verify.issues import Issue, Repairs
from liqcli.lake.verify.market_check import find_contradictions
from liqcli.lake.verify.row_check import check_rows
from liqcli.query.engine import Engine

if TYPE_CHECKING:
    import pyarrow as pa

ROWS_AT_ONCE = 500_000


@dataclass(slots=True)
class Verdict:
    """What was read (``files``, ``rows``, ``size`` [bytes]) and what was found, damage first, by file."""

    files: int = 0
    rows: int = 0
    size: int = 0
    findings: list[Issue] = field(default_factory=list)

    @property
    def damage(self) -> list[Issue]:
        """What cannot be true."""
        return [finding for finding in self.findings if finding.damage]

    @property
    def suspicions(self) -> list[Issue]:
        """What may be true, and is worth a look."""
        return [finding for finding in self.findings if not finding.damage]


def verify_lake(lake: Lake, known: KnownSources) -> Verdict:
    """
    Read every file of a lake and judge it.

    Parameters
    ----------
    known : KnownSources
        Sources that suggested repairs can use.

    Returns
    -------
    Verdict
        Without damage when every file is readable, in its place, in order, and says nothing that cannot be true.
    """
    verdict = Verdict()
    repairs = Repairs(lake, known)
    verdict.findings += iter_foreign_files(lake)
    memories = check_fetch_logs(repairs, verdict.findings)
    verdict.files += memories.files + check_notes(lake, verdict.findings)
    with Engine() as engine:
        for kind in KINDS:
            for batch in _iter_batches(repairs, kind, verdict):
                verdict.findings += check_rows(engine, repairs, kind, batch)
                if kind == "liquidations":
                    count_events(memories, batch)
    verdict.findings += find_contradictions(lake)
    verdict.findings += memories.compare(repairs, {f.path for f in verdict.findings if f.unreadable})
    verdict.findings.sort(key=lambda finding: (not finding.damage, finding.path, finding.what))
    return verdict


def verdict_record(lake: Lake, verdict: Verdict) -> dict[str, Any]:
    """Write the verdict as ``liqcli verify --format json`` prints it."""
    return {
        "lake": str(lake.root),
        "files": verdict.files,
        "rows": verdict.rows,
        "bytes": verdict.size,
        "damaged": [finding.record() for finding in verdict.damage],
        "suspicions": [finding.record() for finding in verdict.suspicions],
    }


def _iter_batches(repairs: Repairs, kind: str, verdict: Verdict) -> Iterator[Sequence[tuple[Partition, pa.Table]]]:
    """Read files one after the other; a few small ones are judged together, one large one alone."""
    batch: list[tuple[Partition, pa.Table]] = []
    waiting = 0
    for partition, read in read_whole(repairs, kind):
        verdict.files += 1
        if isinstance(read, Issue):
            verdict.findings.append(read)
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
