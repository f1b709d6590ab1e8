"""
Importing files somebody already has: each file wholly or not at all, and the same file twice changes nothing.

What an import takes of a file's rows: counted, staged, a recorder's repeats dropped, the refused kept.
"""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from liqcli.core.errors import DamagedError, ExitCode, LakeError, LiqcliError, UsageError
from liqcli.core.formatting import format_counted
from liqcli.core.intervals import Interval, subtract_intervals
from liqcli.core.model import Liquidation, Rejected, Window
from liqcli.core.symbols import nearest, split_symbol
from liqcli.core.times import now_us
from liqcli.ingest.files.formats import Feed, ImportOptions, check_format, open_reader
from liqcli.ingest.files.json_records import open_records
from liqcli.ingest.files.market_columns import detect_kind
from liqcli.ingest.files.market_data import import_market_file
from liqcli.ingest.files.progress import ImportProgress
from liqcli.ingest.files.readers import ReadProgress, sha256_of
from liqcli.ingest.files.refusals import Reason, RejectionCounter
from liqcli.lake.fetch_log import COVERED, CoveredWindow, Heartbeat, Status
from liqcli.lake.import_log import ImportLogEntry, StoredSummary, check_same_rows, read_import_log, write_import
from liqcli.lake.partitions import Partition
from liqcli.lake.staging import Staging
from liqcli.lake.store import Lake

MOST_REJECTED_KEPT = 100_000  # with their text; further ones are only counted
NEAR_REPEAT_US = 2_000_000  # two such rows this near or nearer are likely one event, received twice
REPEATS_REMEMBERED = 100_000  # a recorder's repeat is told from a known event when it stands this near, or nearer


class RowCollector:
    """Takes a feed's rows in: counts them, stages them, drops a recorder's repeats, keeps what was refused."""

    def __init__(self, staging: Staging, most_copies: int) -> None:
        self.rejected: list[Rejected] = []
        self.refusals = RejectionCounter()
        self.repeats = self.near_repeats = 0
        self.kept_span: tuple[int | None, int | None] = (None, None)  # where near repeats were dropped
        self.heartbeats: dict[str, Heartbeat] = {}  # by exchange: one connection may drop while others go on
        self.price_kinds: Counter[str] = Counter()
        self._wrote: dict[tuple[str, str, str], StoredSummary] = {}
        self._staging = staging
        self._drop_repeats = most_copies == 1
        self._recent: set[Liquidation] = set()
        self._older: set[Liquidation] = set()

    def take(self, items: Iterable[Liquidation | Rejected]) -> None:
        """Take rows and refused rows as they come."""
        for item in items:
            if isinstance(item, Rejected):
                self.refusals.add(item)
                if len(self.rejected) < MOST_REJECTED_KEPT:
                    self.rejected.append(item)
            elif self._drop_repeats and self._is_repeat(item):
                self.repeats += 1
            else:
                self._accept(item)

    @property
    def rejected_count(self) -> int:
        """How many rows were refused."""
        return self.refusals.count

    @property
    def wrote(self) -> list[StoredSummary]:
        """What was taken of each exchange, symbol and source."""
        return [self._wrote[key] for key in sorted(self._wrote)]

    def check_near_repeats(self, drop: bool) -> None:
        """Count what repeats another row in all but the time, here or in the lake; unstage it if told to."""
        for partition, repeats in self._staging.find_near_repeats(NEAR_REPEAT_US, drop):
            wrote = self._wrote[partition.exchange, partition.symbol, partition.source]
            for row in repeats.select(["position", "notional", "copies"]).to_pylist():
                self.near_repeats += row["copies"]
                if drop:
                    wrote.drop(row["position"], row["notional"], row["copies"])
        if drop and self.near_repeats:
            self.kept_span = self._staging.find_span()

    def _accept(self, row: Liquidation) -> None:
        key = (row.exchange, row.symbol, row.source)
        wrote = self._wrote.get(key)
        if wrote is None:
            wrote = self._wrote[key] = StoredSummary(*key)
        wrote.add(row)
        self.heartbeats.setdefault(row.exchange, Heartbeat()).add(row.ts_us)
        self.price_kinds[row.price_kind] += 1
        self._staging.add(row)

    def _is_repeat(self, row: Liquidation) -> bool:
        if row in self._recent or row in self._older:
            return True
        self._recent.add(row)
        if len(self._recent) >= REPEATS_REMEMBERED:  # the lake's own merge drops what repeats from further apart
            self._older, self._recent = self._recent, set()
        return False


QUOTED_IN_USDC = {"hyperliquid"}  # exchanges that write bare coins and count in USDC
KINDS = ("auto", "liquidations", "candles", "open-interest")

_LOG = logging.getLogger(__name__)


@dataclass(slots=True)
class FileSummary:
    """
    What became of one file.

    ``rows`` read = ``new`` + ``known`` (in the lake before) + ``doubled`` (the recorder's or the archive's own
    repeats) + ``dropped`` (near repeats, where they are to be dropped) + ``rejected``; ``notional`` [USD] and the times
    are of the file's events, doubled ones once, dropped ones not.
    """

    path: Path
    format: str = ""
    rows: int = 0
    new: int = 0
    known: int = 0
    doubled: int = 0
    dropped: int = 0
    rejected: int = 0
    exchanges: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    notional: float = 0.0
    first_us: int | None = None
    last_us: int | None = None
    notes: list[str] = field(default_factory=list)
    remark: str = ""
    rejected_path: Path | None = None
    reasons: list[Reason] = field(default_factory=list)
    error: LiqcliError | None = None


@dataclass(slots=True)
class ImportSummary:
    """What became of all files."""

    files: list[FileSummary] = field(default_factory=list)

    @property
    def exit_code(self) -> ExitCode:
        """0; 6 when rows or files were refused; 5 (or 2) when nothing at all could be stored."""
        errors = [file.error for file in self.files if file.error]
        refused = any(file.rejected for file in self.files)
        if not errors and not refused:
            return ExitCode.DONE
        if any(file.new or file.known or file.doubled or file.dropped for file in self.files):
            return ExitCode.PARTIAL
        if refused or any(error.exit_code == ExitCode.DAMAGED for error in errors):
            return ExitCode.DAMAGED
        return errors[0].exit_code


def import_files(
    lake: Lake,
    paths: Sequence[Path],
    options: ImportOptions,
    progress: ImportProgress | None = None,
    report: Callable[[FileSummary], None] = lambda _file: None,
) -> ImportSummary:
    """
    Import files one after the other; one that cannot be used is reported and does not stop the others.

    ``progress`` is told how far each file is, ``report`` what became of it as soon as it is done.

    Raises
    ------
    UsageError
        A path is no file, or an option has no valid value; nothing was imported.
    LakeError
        The lake cannot be written; files before that one are stored.
    """
    check_format(options.format)
    if options.kind not in KINDS:
        raise UsageError(f"--kind: unknown kind {options.kind!r}{nearest(options.kind, KINDS)}")
    for path in paths:
        if not path.is_file():
            fault = "no such file" if not path.exists() else "not a file"
            raise UsageError(f"{path}: {fault}; nothing was imported")
    told = progress or ImportProgress()
    summary = ImportSummary()
    for path in paths:
        file = FileSummary(path)
        summary.files.append(file)
        try:
            kind = find_kind(path, options)
            if kind == "liquidations":
                _import_events(lake, file, options, told)
            else:
                _import_market(lake, file, replace(options, kind=kind), told)
        except LakeError:
            raise
        except LiqcliError as error:
            _LOG.debug("%s", path, exc_info=error)
            file.error = error
        report(file)
    return summary


def find_kind(path: Path, options: ImportOptions) -> str:
    """
    Tell what a file holds: what the user says, else what its columns say.

    Raises
    ------
    UsageError
        Its columns fit several kinds, or an option does not fit what it holds.
    """
    kind = options.kind
    if kind == "auto":
        try:
            header = _read_header(path, options) if options.format in ("auto", "generic") else []
        except DamagedError:  # no table; or damaged, which its reader will say
            header = []
        kind = detect_kind(header, options.columns)
    if kind != "candles" and options.market is not None:
        raise UsageError(f"--market is said of candles; this file holds {kind}")
    return kind


def _read_header(path: Path, options: ImportOptions) -> list[str]:
    return open_records(path, has_header=not options.no_header, table=options.table).header


def _import_events(lake: Lake, file: FileSummary, options: ImportOptions, told: ImportProgress) -> None:
    started_us = now_us()
    sha256 = sha256_of(file.path)
    meter = ReadProgress()
    feed = open_reader(file.path, options, started_us, meter)
    if options.drop_near_repeats:
        feed.options["drop_near_repeats"] = True
    with Staging(lake) as staging:
        intake = RowCollector(staging, feed.most_copies)
        intake.take(told.watch(file.path.name, meter, feed.items))
        done = ImportLogEntry(file.path.name, feed.format, feed.options, intake.rejected_count, tuple(intake.wrote))
        with lake.locked():
            if done.wrote:
                file.new = _store(lake, staging, feed, intake, sha256, done, options, str(file.path), started_us)
            file.rejected_path = _keep_rejected(lake, f"{file.path.name}-{sha256[:8]}", intake.rejected)
    _sum_up(file, feed, intake, options)


def _store(
    lake: Lake,
    staging: Staging,
    feed: Feed,
    intake: RowCollector,
    sha256: str,
    done: ImportLogEntry,
    options: ImportOptions,
    shown: str,
    started_us: int,
) -> int:
    """Merge a staged file; give how many rows the lake gained."""
    before = read_import_log(lake).get(sha256)
    if before and not options.replace:
        check_same_rows(shown, before, done)
    if options.replace:
        _remove(lake, [*(before.wrote if before else ()), *done.wrote], started_us)
    intake.check_near_repeats(options.drop_near_repeats)
    touched = staging.partitions()
    held = sum(_count_rows(lake, partition) for partition in touched)
    fresh = _fresh_coverage(lake, done.wrote, intake.heartbeats, started_us)
    staging.commit(feed.most_copies)
    for (exchange, symbol, source), covered in fresh.items():
        lake.remember(exchange, symbol, source, covered)
    write_import(lake, sha256, done)
    return sum(_count_rows(lake, partition) for partition in touched) - held


def _remove(lake: Lake, wrote: Iterable[StoredSummary], started_us: int) -> None:
    """Take away what a source said between a file's first and last event of each symbol."""
    for item in wrote:
        window = CoveredWindow(Window(item.first_us, item.last_us + 1), "inferred", None, started_us)
        lake.replace_window(item.exchange, item.symbol, item.source, [window], [])
        lake.forget(item.exchange, item.symbol, item.source)


def _fresh_coverage(
    lake: Lake, wrote: Iterable[StoredSummary], heartbeats: Mapping[str, Heartbeat], started_us: int
) -> dict[tuple[str, str, str], list[CoveredWindow]]:
    """
    Say what the file adds to what is remembered of each symbol.

    All symbols of an exchange in a file share its recorder, so each is covered wherever any of them has events. What is
    remembered already stays as it is, so that a second import changes nothing.
    """
    inferred = {exchange: heartbeat.infer_coverage() for exchange, heartbeat in heartbeats.items()}
    fresh = {}
    for item in wrote:
        key = (item.exchange, item.symbol, item.source)
        memory = lake.read_fetch_log(*key)
        covered, unknown = inferred[item.exchange]
        pieces: list[tuple[Status, Interval]] = [
            *(("inferred", piece) for piece in subtract_intervals(covered, memory.covered())),
            *(("unknown", piece) for piece in subtract_intervals(unknown, memory.covered((*COVERED, "unknown")))),
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
    """Write the list of refused rows; an older list of the same file goes when none is refused any more."""
    if rejected:
        return lake.write_rejected(name, rejected)
    if (lake.root / "rejected").exists():
        lake.write_rejected(name, rejected).unlink()
    return None


def _import_market(lake: Lake, file: FileSummary, options: ImportOptions, told: ImportProgress) -> None:
    outcome = import_market_file(lake, file.path, options, now_us(), told)
    file.format = options.kind
    file.rows, file.new, file.known, file.doubled = outcome.rows, outcome.new, outcome.known, outcome.doubled
    file.rejected = len(outcome.rejected)
    file.exchanges, file.symbols = outcome.exchanges, outcome.symbols
    file.first_us, file.last_us = outcome.first_us, outcome.last_us
    file.notes = [*outcome.notes, *_point_out_bare(file)]
    file.rejected_path = _keep_rejected(lake, f"{file.path.name}-{options.kind}", outcome.rejected)
    file.reasons = RejectionCounter(outcome.rejected).reasons()


def _name_order_prices(kinds: Mapping[str, int]) -> str:
    """Say that the average was blank in some rows of a format that has both prices."""
    if not kinds.get("order") or not kinds.get("fill"):
        return ""
    return f"{format_counted(kinds['order'], 'row')} without an average at the order's price (price_kind=order)"


def _point_out_bare(file: FileSummary) -> list[str]:
    """Say that symbols without a quote are not in reports of those that have one, and how to add it."""
    bare = [symbol for symbol in file.symbols if not split_symbol(symbol)[1]]
    if not bare:
        return []
    if file.format == "candles":
        return [f"no quote in {', '.join(bare[:3])}: their candles stand in where a symbol has none of its own"]
    quote = "USDC" if file.exchanges and set(file.exchanges) <= QUOTED_IN_USDC else "USDT"
    shown = f"{', '.join(bare[:3])}{' …' if len(bare) > 3 else ''}"
    typed = f"--symbol {bare[0]}{quote} or --quote {quote}" if len(file.symbols) == 1 else f"--quote {quote}"
    return [
        f"no quote in {format_counted(len(bare), 'symbol')} ({shown}): reports of {bare[0]}{quote} do not include "
        f"{'it' if len(bare) == 1 else 'them'}; pass {typed} (or the quote they have)"
        + (" with --replace" if file.format not in KINDS else "")  # of market data it leaves the bare rows
    ]


def _sum_up(file: FileSummary, feed: Feed, intake: RowCollector, options: ImportOptions) -> None:
    wrote = intake.wrote
    accepted = sum(item.events for item in wrote)
    file.format = feed.format
    file.doubled = feed.doubled + intake.repeats
    if intake.near_repeats:
        rows = format_counted(intake.near_repeats, "row")
        said = f"{rows} repeat{'s' * (intake.near_repeats == 1)} another in all but the time (within 2 s)"
        if options.drop_near_repeats:
            file.dropped = intake.near_repeats
            file.notes.append(f"{said}: dropped")
        else:
            file.notes.append(
                f"{said}: if the times are when they were received, --drop-near-repeats --replace drops them"
            )
    file.rejected = intake.rejected_count
    file.reasons = intake.refusals.reasons()
    file.rows = accepted + file.doubled + file.dropped + file.rejected
    file.known = accepted - file.new
    file.exchanges = tuple(sorted({item.exchange for item in wrote}))
    file.symbols = tuple(sorted({item.symbol for item in wrote}))
    file.notional = sum(item.notional_e6 for item in wrote) / 1e6
    if wrote:
        file.first_us = min(item.first_us for item in wrote)
        file.last_us = max(item.last_us for item in wrote)
    if file.dropped:
        file.first_us, file.last_us = intake.kept_span
    file.notes += feed.notes
    file.remark = feed.remark or _name_order_prices(intake.price_kinds)
    file.notes += _point_out_bare(file)
    if file.rejected > len(intake.rejected):
        file.notes.append(f"only the first {MOST_REJECTED_KEPT:,} rejected rows are kept with their text")
