"""Import files into the lake: each file as a whole or not at all; importing a file again changes nothing."""

from __future__ import annotations

import contextlib
import logging
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path

from liqcli.core.errors import DamagedError, LakeError, LiqcliError, UsageError
from liqcli.core.intervals import Interval
from liqcli.core.model import Rejected, Window
from liqcli.core.symbols import nearest
from liqcli.core.times import now_us
from liqcli.ingest.files.formats import open_reader
from liqcli.ingest.files.json_records import open_records
from liqcli.ingest.files.market_columns import detect_kind
from liqcli.ingest.files.market_data import import_market_file
from liqcli.ingest.files.options import ImportOptions, check_format
from liqcli.ingest.files.positions import import_positions_file
from liqcli.ingest.files.readers import ReadProgress, sha256_of
from liqcli.ingest.files.rejections import RejectionCounter
from liqcli.ingest.files.row_collector import RowCollector
from liqcli.ingest.files.row_reader import RowReader
from liqcli.ingest.files.summary import KINDS, FileSummary, ImportSummary, note_bare_symbols, sum_up_events
from liqcli.ingest.progress import Progress
from liqcli.lake.fetch_log import COVERED, CoveredWindow, Status
from liqcli.lake.heartbeat import Heartbeat
from liqcli.lake.import_log import (
    ImportKey,
    ImportLogEntry,
    StoredSummary,
    check_same_rows,
    find_import,
    read_import_log,
    write_import,
)
from liqcli.lake.import_removal import RemovalPlan, plan_removal
from liqcli.lake.import_rows import ImportRows
from liqcli.lake.partitions import Partition
from liqcli.lake.staging import Staging
from liqcli.lake.store import Lake

_LOG = logging.getLogger(__name__)


def import_files(
    lake: Lake,
    paths: Sequence[Path],
    options: ImportOptions,
    progress: Progress | None = None,
    report: Callable[[FileSummary], None] = lambda _file: None,
) -> ImportSummary:
    """
    Import files one after the other; a file that cannot be read does not stop the others.

    Parameters
    ----------
    progress : Progress, optional
        Receives how far each file has been read.
    report : callable
        Receives the summary of each file once it is done.

    Raises
    ------
    UsageError
        A path is not a file, or an option is invalid; nothing was imported.
    LakeError
        The lake cannot be written; earlier files are stored.
    """
    check_format(options.format)
    if options.kind not in KINDS:
        raise UsageError(f"--kind: unknown kind {options.kind!r}{nearest(options.kind, KINDS)}")
    for path in paths:
        if not path.is_file():
            fault = "no such file" if not path.exists() else "not a file"
            raise UsageError(f"{path}: {fault}; nothing was imported")
    progress = progress or Progress()
    summary = ImportSummary()
    with lake.keep_engine():
        for path in paths:
            file = FileSummary(path)
            summary.files.append(file)
            try:
                kind = find_kind(path, options)
                if kind == "liquidations":
                    _import_events(lake, file, options, progress)
                else:
                    _import_market(lake, file, replace(options, kind=kind), progress)
            except LakeError:
                raise
            except LiqcliError as error:
                _LOG.debug("%s", path, exc_info=error)
                file.error = error
            report(file)
    return summary


def find_kind(path: Path, options: ImportOptions) -> str:
    """
    Return the kind of data in a file: as set by the user, otherwise from its columns.

    Raises
    ------
    UsageError
        The columns fit several kinds, or an option does not fit the kind.
    """
    kind = options.kind
    if kind == "auto":
        try:
            header = _read_header(path, options) if options.format in ("auto", "generic") else []
        except DamagedError:  # not a table, or damaged, which the reader reports
            header = []
        kind = detect_kind(header, options.columns)
    if kind != "candles" and options.market is not None:
        raise UsageError(f"--market applies to candles only; this file contains {kind}")
    if kind != "liquidations" and options.contract_sizes:
        raise UsageError("--contract-size applies to liquidations only; pass --columns contract_size=COLUMN or :SIZE")
    return kind


def _read_header(path: Path, options: ImportOptions) -> list[str]:
    with contextlib.closing(ReadProgress()) as meter:
        return open_records(path, meter, has_header=not options.no_header, table=options.table).header


def _import_events(lake: Lake, file: FileSummary, options: ImportOptions, progress: Progress) -> None:
    started_us = now_us()
    sha256 = sha256_of(file.path)
    with contextlib.closing(ReadProgress()) as meter:
        reader = open_reader(file.path, options, started_us, meter)
        if options.drop_near_repeats:
            reader.options["drop_near_repeats"] = True
        with Staging(lake) as staging:
            collector = RowCollector(staging, reader.most_copies)
            collector.add_all(progress.watch(file.path.name, meter, reader.items))
            done = ImportLogEntry(
                file.path.name, reader.format, reader.options, collector.rejected_count, tuple(collector.wrote)
            )
            with lake.locked():
                if done.wrote:
                    key = ImportKey(sha256, reader.table)
                    _store(lake, staging, reader, collector, key, done, options, file, started_us)
                file.rejected_path = _keep_rejected(
                    lake, "-".join(filter(None, (file.path.name, reader.table, sha256[:8]))), collector.rejected
                )
    sum_up_events(file, reader, collector, options)


def _store(
    lake: Lake,
    staging: Staging,
    reader: RowReader,
    collector: RowCollector,
    key: ImportKey,
    done: ImportLogEntry,
    options: ImportOptions,
    file: FileSummary,
    started_us: int,
) -> None:
    """Merge a staged file; set the numbers of added and removed rows in its summary."""
    log = read_import_log(lake)
    before = find_import(log, key)
    if options.replace:
        _replace(lake, plan_removal(lake, log, key, str(file.path)), file)
    elif before:
        check_same_rows(str(file.path), before, done)
    collector.check_near_repeats(options.drop_near_repeats)
    touched = staging.partitions()
    before_count = sum(_count_rows(lake, partition) for partition in touched)
    fresh = _fresh_coverage(lake, done.wrote, collector.heartbeats, started_us)
    staging.commit(reader.most_copies)
    for (exchange, symbol, source), covered in fresh.items():
        lake.add_to_fetch_log(exchange, symbol, source, covered)
    ImportRows(lake, str(key)).write(staging, not options.replace, reader.most_copies)
    write_import(lake, key, done)
    file.new = sum(_count_rows(lake, partition) for partition in touched) - before_count


def _replace(lake: Lake, plan: RemovalPlan | None, file: FileSummary) -> None:
    """Remove what an earlier import of the same file stored."""
    if plan is None:
        file.notes.append("--replace: this file was not imported before; no rows were removed")
        return
    parts = plan.partitions()
    before_count = sum(_count_rows(lake, partition) for partition in parts)
    plan.run()
    file.removed = before_count - sum(_count_rows(lake, partition) for partition in parts)


def _fresh_coverage(
    lake: Lake, wrote: Iterable[StoredSummary], heartbeats: Mapping[str, Heartbeat], started_us: int
) -> dict[tuple[str, str, str], list[CoveredWindow]]:
    """
    Compute the windows that a file adds to the fetch log of each symbol.

    All symbols of an exchange in a file share its recorder, so each is covered wherever any of them has events. Logged
    windows stay unchanged, so that a second import changes nothing.
    """
    inferred = {exchange: heartbeat.infer_coverage() for exchange, heartbeat in heartbeats.items()}
    fresh = {}
    for item in wrote:
        key = (item.exchange, item.symbol, item.source)
        log = lake.read_fetch_log(*key)
        covered, unknown = inferred[item.exchange]
        pieces: list[tuple[Status, Interval]] = [
            *(("inferred", piece) for piece in covered - log.covered()),
            *(("unknown", piece) for piece in unknown - log.covered((*COVERED, "unknown"))),
        ]
        fresh[key] = [CoveredWindow(Window(*piece), status, None, started_us) for status, piece in pieces]
    return fresh


def _count_rows(lake: Lake, partition: Partition) -> int:
    import pyarrow as pa
    import pyarrow.parquet as pq

    path = partition.path(lake.root)
    if not path.exists():
        return 0
    try:
        return int(pq.read_metadata(path).num_rows)
    except (pa.ArrowException, OSError) as error:
        raise DamagedError(f"{path}: damaged or not Parquet ({error}); move it away and import again") from error


def _keep_rejected(lake: Lake, name: str, rejected: Sequence[Rejected]) -> Path | None:
    """Write the list of rejected rows, or remove an older list of the same file if there are none."""
    if rejected:
        return lake.write_rejected(name, rejected)
    if (lake.root / "rejected").exists():
        lake.write_rejected(name, rejected).unlink()
    return None


def _import_market(lake: Lake, file: FileSummary, options: ImportOptions, progress: Progress) -> None:
    read = import_positions_file if options.kind == "positions" else import_market_file
    with contextlib.closing(ReadProgress()) as meter:
        outcome = read(lake, file.path, options, now_us(), progress, meter)
    file.format = options.kind
    file.rows, file.new, file.known, file.doubled = outcome.rows, outcome.new, outcome.known, outcome.doubled
    file.rejected = len(outcome.rejected)
    file.exchanges, file.symbols = outcome.exchanges, outcome.symbols
    file.first_us, file.last_us = outcome.first_us, outcome.last_us
    file.notes = [*outcome.notes, *note_bare_symbols(file)]
    file.rejected_path = _keep_rejected(lake, f"{file.path.name}-{options.kind}", outcome.rejected)
    file.reasons = RejectionCounter(outcome.rejected).reasons()
