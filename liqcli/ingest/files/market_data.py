"""Import candles and open interest from tables: read, compare with each other and the lake, store."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from liqcli.core.errors import ROW_ERRORS, MixedSeriesError, UsageError, describe_error
from liqcli.core.files import lake_errors
from liqcli.core.formatting import format_count, format_counted, format_time
from liqcli.core.market_data import INTERVAL_US, Candle, OpenInterest
from liqcli.core.model import Rejected
from liqcli.core.symbols import split_symbol
from liqcli.ingest.files.column_mapping import describe_used
from liqcli.ingest.files.json_records import SourceRow, open_records, peek_cells
from liqcli.ingest.files.market_columns import build_columns, market_of_name
from liqcli.ingest.files.market_rows import Key, MarketReader, build_reader, doubt_name
from liqcli.ingest.files.names import canonical_name
from liqcli.ingest.files.options import ImportOptions
from liqcli.ingest.files.readers import ReadProgress
from liqcli.ingest.files.row_reader import RAW_SHOWN
from liqcli.ingest.progress import Progress
from liqcli.lake.market_merge import Series, find_interval, is_mixture, join_held, list_steps
from liqcli.lake.market_tables import read_rows, write_rows
from liqcli.lake.partitions import Partition, month_of
from liqcli.lake.store import Lake

Row = Candle | OpenInterest
_OTHER = {"spot": "futures", "futures": "spot"}


@dataclass(slots=True)
class MarketImport:
    """
    Result of importing one file of candles or open interest.

    ``rows`` read = ``new`` + ``known`` (already in the lake) + ``doubled`` (repeated in the file) + ``rejected``.
    """

    rows: int = 0
    new: int = 0
    known: int = 0
    doubled: int = 0
    rejected: list[Rejected] = field(default_factory=list)
    exchanges: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    first_us: int | None = None
    last_us: int | None = None
    notes: list[str] = field(default_factory=list)


@dataclass(slots=True)
class _Batch:
    """Rows of a file by series, with the records they came from, which rejected rows refer to."""

    name: str
    series: dict[Key, Series] = field(default_factory=dict)
    records: dict[Key, list[tuple[int, SourceRow]]] = field(default_factory=dict)

    def add(self, key: Key, row: Row, record: SourceRow) -> None:
        if key not in self.series:
            self.series[key], self.records[key] = Series(), []
        self.series[key].add(row)
        self.records[key].append((row.ts_us, record._replace(cells=None)))

    def reject(self, key: Key, reasons: Mapping[int, str]) -> list[Rejected]:
        """Remove the rows of some times and return them as rejected, each with its reason."""
        if not reasons:
            return []
        for ts_us in reasons:
            self.series[key].rows.pop(ts_us, None)
        found = [(record, reasons[ts_us]) for ts_us, record in self.records[key] if ts_us in reasons]
        self.records[key] = [pair for pair in self.records[key] if pair[0] not in reasons]
        return [Rejected(self.name, record.number, reason, record.raw[:RAW_SHOWN]) for record, reason in found]


def import_market_file(
    lake: Lake, path: Path, options: ImportOptions, now_us: int, progress: Progress, meter: ReadProgress
) -> MarketImport:
    """
    Import one file of candles or open interest (``options.kind``).

    Rows of one time must agree, in the file and with the lake. A few contradictions reject their rows, many the file.

    Raises
    ------
    UsageError
        A needed column or name is missing, or the length of candles is unusual.
    MixedSeriesError
        The file mixes several series.
    DamagedError
        The file cannot be read; nothing was stored.
    """
    records = open_records(path, meter, has_header=not options.no_header, table=options.table)
    outcome = MarketImport(notes=list(records.notes))
    if not records.header:
        outcome.notes.append("holds no rows")
        return outcome
    sample, rows = peek_cells(records.rows)
    found = build_columns(options.kind, records.header, sample, options.columns, _given(options))
    if found.guessed or options.no_header:
        first = sample[0] if options.no_header and sample else None
        outcome.notes.append(describe_used(found.columns, first))
        if found.guessed and (ignored := [name for name in records.header if name not in found.columns.values()]):
            outcome.notes.append(f"columns ignored: {', '.join(ignored)}")
    outcome.notes += found.notes
    named = market_of_name(path.name) if options.kind == "candles" and not options.market else None
    reader = build_reader(options, found.columns, found.guessed, named)
    if named and "market" not in found.columns:
        outcome.notes.append(f"according to the file name these are {named} candles (if not: --market {_OTHER[named]})")
    if doubt := doubt_name(options.exchange):
        outcome.notes.append(doubt)
    reader.check_names(sample)
    rows = progress.watch(path.name, meter, rows)
    batch = _read_batch(path.name, rows, reader, now_us, outcome)
    if options.kind == "candles":
        _settle_intervals(batch, outcome)
    _settle_conflicts(batch, records.header, outcome)
    source = canonical_name(options.source, "source") if options.source else "import"
    with lake.locked():
        _store(lake, batch, source, options, outcome)
    outcome.notes += reader.notes()
    _sum_up(outcome, batch)
    return outcome


def _given(options: ImportOptions) -> list[str]:
    return [word for word in ("exchange", "symbol") if getattr(options, word)]


def _read_batch(
    name: str, records: Iterable[SourceRow], reader: MarketReader, now_us: int, outcome: MarketImport
) -> _Batch:
    batch = _Batch(name)
    for record in records:
        outcome.rows += 1
        reason = record.reason
        if record.cells is not None:
            try:
                key, row = reader.parse(record.cells, now_us)
            except ROW_ERRORS as error:
                reason = describe_error(error)
            else:
                batch.add(key, row, record)
                continue
        outcome.rejected.append(Rejected(name, record.number, reason, record.raw[:RAW_SHOWN]))
    return batch


def _settle_intervals(batch: _Batch, outcome: MarketImport) -> None:
    """Determine the candle length of each series, and reject candles that do not open on a multiple of it."""
    for key in list(batch.series):
        rows = batch.series[key].rows
        interval = key.interval or find_interval(rows)
        if interval is None and len(rows) == 1 and len(batch.series) > 1:
            outcome.rejected += batch.reject(key, dict.fromkeys(rows, "the length of a single candle is unknown"))
            del batch.series[key]
            continue
        if interval is None:
            raise UsageError(
                f"candle length of {key.exchange} {key.symbol} cannot be determined; steps between open times: "
                f"{list_steps(rows)}. Pass --columns interval=COLUMN if a column states it, or a constant as in "
                "--columns interval=:1m"
            )
        step_us = INTERVAL_US[interval]
        misaligned = {ts for ts in rows if ts % step_us}
        outcome.rejected += batch.reject(key, dict.fromkeys(misaligned, f"open time is not a multiple of {interval}"))
        full = key._replace(interval=interval)
        batch.series[full], batch.records[full] = batch.series.pop(key), batch.records.pop(key)
    lengths = sorted({key.interval for key in batch.series}, key=lambda name: INTERVAL_US[name])
    if lengths:
        outcome.notes.append(f"candles of {', '.join(lengths)}")


def _settle_conflicts(batch: _Batch, header: list[str], outcome: MarketImport) -> None:
    """Reject rows that contradict another row of the same time; many of them mean that the file mixes series."""
    for key, series in batch.series.items():
        if is_mixture(len(series.conflicts), len(series.rows)):
            ts_us, values = min(series.conflicts.items())
            raise MixedSeriesError(
                f"{format_count(len(series.conflicts))} of {format_counted(len(series.rows), 'time')} of "
                f"{_name(key)} appear more than once with different values (first: {format_time(ts_us, True)} UTC, "
                f"{values}), so the file mixes several series. Name the column that separates them: --columns "
                f"exchange=COLUMN, symbol=COLUMN, market=COLUMN or interval=COLUMN; the file has: {', '.join(header)}"
            )
        reasons = {ts: f"this time appears more than once, with {what}" for ts, what in series.conflicts.items()}
        outcome.rejected += batch.reject(key, reasons)
        if series.grown:
            outcome.notes.append(
                f"{_name(key)}: {format_counted(series.grown, 'row')} of unfinished candles; the last state of each is "
                "kept"
            )


def _store(lake: Lake, batch: _Batch, source: str, options: ImportOptions, outcome: MarketImport) -> None:
    """Merge each series into the lake; nothing is written if any series contradicts the lake."""
    plans: list[tuple[Partition, dict[int, Row], dict[int, Row]]] = []
    for key, series in sorted(batch.series.items()):
        partitions = list(_partitions(key, series.rows, source, options.kind))
        held = {p: read_rows(lake, p) for p in partitions}
        kept = {p: dict(old) for p, old in held.items()}
        before: dict[int, Row] = {ts: row for rows in held.values() for ts, row in rows.items()}
        if options.replace:
            rows = series.rows
            changed = sum(before[ts] != row for ts, row in rows.items() if ts in before)
            gone = _drop_between(kept, rows)
            if changed or gone:
                outcome.notes.append(
                    f"{_name(key)}: {format_counted(changed, 'row')} replaced, {format_count(gone)} removed"
                )
        else:
            rows, conflicts = join_held(before, series.rows)
            _refuse_mixture(key, source, conflicts, sum(ts in before for ts in series.rows))
            reasons = {
                ts: f"the lake has another value ({what}); pass --replace to overwrite it"
                for ts, what in conflicts.items()
            }
            outcome.rejected += batch.reject(key, reasons)
        outcome.new += sum(ts not in before for ts in rows)
        outcome.known += sum(ts in before for ts in rows)
        plans += [(p, held[p], {**kept[p], **_of_month(rows, p.month)}) for p in partitions]
        if options.replace:
            plans += _drop_bare(lake, batch, key, source, options.kind, outcome)
    for partition, old, new in plans:
        if new:
            if new != old:
                write_rows(lake, partition, new)
        else:
            with lake_errors(lake.root):
                partition.path(lake.root).unlink(missing_ok=True)


def _drop_bare(
    lake: Lake, batch: _Batch, key: Key, source: str, kind: str, outcome: MarketImport
) -> list[tuple[Partition, dict[int, Row], dict[int, Row]]]:
    """
    Plan the removal of rows that an earlier import of the file stored under a symbol without a quote.

    Only rows equal to the file's are removed; others came from elsewhere.
    """
    base, quote = split_symbol(key.symbol)
    bare = key._replace(symbol=f"{base}{key.symbol[len(base) + len(quote) :]}")
    rows = batch.series[key].rows
    if not quote or bare in batch.series:
        return []
    held = {p: read_rows(lake, p) for p in _partitions(bare, rows, source, kind)}
    left = {p: {ts: row for ts, row in old.items() if rows.get(ts) != row} for p, old in held.items()}
    gone = sum(len(held[p]) - len(left[p]) for p in held)
    if gone:
        outcome.notes.append(f"{_name(bare)}: {format_counted(gone, 'row')} moved to {key.symbol}")
    return [(p, held[p], left[p]) for p in held if left[p] != held[p]]


def _of_month(rows: Mapping[int, Row], month: str) -> dict[int, Row]:
    return {ts: row for ts, row in rows.items() if month_of(ts) == month}


def _refuse_mixture(key: Key, source: str, conflicts: Mapping[int, str], shared: int) -> None:
    if not is_mixture(len(conflicts), shared):
        return
    ts_us, values = min(conflicts.items())
    apart = " or --market spot (futures)" if key.interval else ""
    raise MixedSeriesError(
        f"{format_count(len(conflicts))} of {format_counted(shared, 'time')} of {_name(key)} that the lake already has "
        f"(source {source}) have other values there (first: {format_time(ts_us, True)} UTC, {values}); nothing was "
        f"stored. For another series pass --source NAME{apart}; for a correction pass --replace"
    )


def _partitions(key: Key, times_us: Iterable[int], source: str, kind: str) -> Iterator[Partition]:
    for month in sorted(set(map(month_of, times_us))):
        yield Partition(kind.replace("-", "_"), key.exchange, key.symbol, month, source, key.interval)


def _drop_between(held: Mapping[Partition, dict[int, Row]], rows: Mapping[int, Row]) -> int:
    """Drop stored rows between the first and the last new row; return how many no new row replaces."""
    gone = 0
    for old in held.values():
        for ts_us in [ts for ts in old if min(rows) <= ts <= max(rows)]:
            del old[ts_us]
            gone += ts_us not in rows
    return gone


def _name(key: Key) -> str:
    return " ".join(filter(None, key))


def _sum_up(outcome: MarketImport, batch: _Batch) -> None:
    outcome.rejected.sort(key=lambda row: row.line)
    outcome.doubled = outcome.rows - len(outcome.rejected) - outcome.new - outcome.known
    held = {key: series.rows for key, series in batch.series.items() if series.rows}
    outcome.exchanges = tuple(sorted({key.exchange for key in held}))
    outcome.symbols = tuple(sorted({key.symbol for key in held}))
    times = [ts for rows in held.values() for ts in rows]
    if times:
        outcome.first_us, outcome.last_us = min(times), max(times)
