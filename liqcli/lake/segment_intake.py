"""Take segments into the lake: first the events, then the covered time. Taking one in twice changes nothing."""

from __future__ import annotations

import contextlib
import json
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liqcli.core.errors import DamagedError, LiqcliError
from liqcli.core.files import lake_errors
from liqcli.core.formatting import format_counted
from liqcli.core.intervals import Interval, Intervals
from liqcli.core.model import Liquidation, Window, find_fault
from liqcli.core.symbols import EVERY
from liqcli.lake.fetch_log import FetchLog, Status, add_recorded
from liqcli.lake.partitions import Partition, months_of
from liqcli.lake.segments import FOLDER, Feed, list_segments, open_recorder_lock, read_lines
from liqcli.lake.staging import Staging
from liqcli.lake.store import Lake

if TYPE_CHECKING:
    import pyarrow.parquet as pq

Claims = dict[Status, list[Interval]]  # [µs UTC]
ALL_COPIES = 2**31
MOST_REJECTED = 10_000  # kept per exchange; the oldest are dropped


@dataclass(slots=True)
class _FeedContent:
    """What a segment holds of one feed; ``claims`` by status and symbol, in the order of the file."""

    live: Counter[Liquidation] = field(default_factory=Counter)
    replays: dict[int, Counter[Liquidation]] = field(default_factory=lambda: defaultdict(Counter))
    claims: list[tuple[str, Status, Interval]] = field(default_factory=list)
    rejected: list[dict[str, Any]] = field(default_factory=list)


@dataclass(frozen=True, slots=True)
class Intake:
    """Result of taking in a segment: its events, and its damaged lines; ``torn``: the last line is incomplete."""

    events: int
    damaged: int
    torn: bool


def take_in(lake: Lake, path: Path, moment_us: int) -> Intake:
    """
    Take a segment into the month files and the fetch logs, and remove it.

    A segment with damaged lines, other than an incomplete last one, is kept in ``<lake>/damaged/``.

    Raises
    ------
    LakeError, DamagedError
        The lake cannot be written, or a file of it cannot be read; the segment is kept.
    """
    with lake.locked():
        if not path.exists():  # taken in by another process
            return Intake(0, 0, torn=False)
        feeds, damaged, torn = _read(path, moment_us)
        for twins in (False, True):
            rows = {feed: _count_copies(content) for feed, content in feeds.items() if feed.twins == twins}
            _store_rows(lake, rows.values(), ALL_COPIES if twins else 1)
        for feed, content in feeds.items():
            _store_claims(lake, feed, content, moment_us)
            _store_rejected(lake, feed, content.rejected)
        if damaged:
            lake.set_aside(path)
        else:
            with lake_errors(lake.root):
                path.unlink(missing_ok=True)
    return Intake(sum(sum(content.live.values()) for content in feeds.values()), damaged, torn)


def take_in_leftovers(lake: Lake, moment_us: int) -> list[str]:
    """
    Take in the segments of recorders that no longer run.

    Returns
    -------
    list of str
        What was taken in, and what could not be.
    """
    if not list_segments(lake):
        return []
    said: list[str] = []
    try:
        with lake.locked():
            for name, paths in list_segments(lake).items():
                said += _take_in_recorder(lake, name, paths, moment_us)
    except LiqcliError as error:
        said.append(f"events of a recording that ended early wait in {lake.root / FOLDER}: {error}")
    return said


def _take_in_recorder(lake: Lake, name: str, paths: Sequence[Path], moment_us: int) -> list[str]:
    """Take in what a recorder left, unless it still runs. The caller holds the lake's lock."""
    import filelock

    lock = open_recorder_lock(lake.root / FOLDER / f"{name}.lock")
    try:
        lock.acquire(blocking=False)
    except filelock.Timeout:
        return []
    try:
        taken = [take_in(lake, path, moment_us) for path in paths]
    finally:
        lock.release()
    with contextlib.suppress(OSError):
        Path(lock.lock_file).unlink(missing_ok=True)
    if not taken:
        return []
    damaged = sum(item.damaged for item in taken)
    events = format_counted(sum(item.events for item in taken), "event")
    said = [f"took in {events} of a recording that ended without storing them"]
    if any(item.torn for item in taken):
        said.append("its last line was incomplete and is lost: at most one second")
    if damaged:
        said.append(f"{format_counted(damaged, 'damaged line')} could not be read; kept in {lake.root / 'damaged'}")
    return said


def _read(path: Path, moment_us: int) -> tuple[dict[Feed, _FeedContent], int, bool]:
    """Read a segment; return its feeds, the number of damaged lines, and whether the last line is incomplete."""
    names: dict[int, Feed | tuple[str, ...]] = {}
    feeds: dict[Feed, _FeedContent] = defaultdict(_FeedContent)
    bad: list[int] = []
    number = 0
    for number, line in read_lines(path):
        try:
            if line is None:
                raise ValueError("not JSON")
            _add_line(line, names, feeds, moment_us)
        except (ValueError, TypeError, KeyError, IndexError, AttributeError):
            bad.append(number)
    torn = bool(bad) and bad[-1] == number and not _ends_line(path)
    return feeds, len(bad) - torn, torn


def _ends_line(path: Path) -> bool:
    with path.open("rb") as file:
        file.seek(-1, 2)
        return file.read(1) == b"\n"


def _add_line(
    line: list[Any], names: dict[int, Feed | tuple[str, ...]], feeds: dict[Feed, _FeedContent], moment_us: int
) -> None:
    kind, number, *rest = line
    if kind == "feed":
        names[number] = Feed(*rest)
    elif kind == "symbols":
        names[number] = tuple(rest[0])
    else:
        content = feeds[_feed(names[number])]
        if kind == "event":
            content.live[_event(rest[0], moment_us)] += 1
        elif kind == "replay":
            content.replays[rest[0]][_event(rest[1], moment_us)] += 1
        elif kind == "claim":
            symbols, start_us, end_us, status = rest
            content.claims += [(str(symbol), status, (int(start_us), int(end_us))) for symbol in names[symbols]]
        elif kind == "rejected":
            content.rejected.append({"line": rest[0], "reason": rest[1], "raw": rest[2]})
        else:
            raise ValueError(f"unknown line {kind!r}")


def _feed(thing: Feed | tuple[str, ...]) -> Feed:
    if not isinstance(thing, Feed):
        raise ValueError("not a feed")
    return thing


def _event(values: list[Any], moment_us: int) -> Liquidation:
    row = Liquidation(*values)
    if fault := find_fault(row, moment_us):
        raise ValueError(fault)
    return row


def _count_copies(content: _FeedContent) -> Counter[Liquidation]:
    """Count each event as often as it was received live, or in the fullest replay: a replay repeats what was live."""
    copies = Counter(content.live)
    for replay in content.replays.values():
        copies |= replay
    return copies


def _store_rows(lake: Lake, rows: Iterable[Counter[Liquidation]], most_copies: int) -> None:
    with Staging(lake) as staging:
        for counted in rows:
            for row in counted.elements():
                staging.add(row)
        if staging.partitions():
            staging.commit(most_copies)


def _store_claims(lake: Lake, feed: Feed, content: _FeedContent, moment_us: int) -> None:
    for symbol, claims in _sort_claims(lake, feed, content).items():
        try:
            log = lake.read_fetch_log(feed.exchange, symbol, feed.source)
        except DamagedError:  # set aside, so that what is recorded from now on is not lost with it
            lake.set_aside(lake.fetch_log_path(feed.exchange, symbol, feed.source))
            log = FetchLog()
        merged = {status: Intervals(found) for status, found in claims.items()}
        count = partial(_count_stored, lake, feed, symbol)
        updated = add_recorded(log, merged, moment_us, count)
        if updated != log:
            lake.write_fetch_log(feed.exchange, symbol, feed.source, updated)


def _count_stored(lake: Lake, feed: Feed, symbol: str, part: Interval) -> int | None:
    """Count the stored events of an interval; None if a file cannot be read, which verify reports."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    total = 0
    for month in months_of(Window(*part)):
        path = Partition("liquidations", feed.exchange, symbol, month, feed.source).path(lake.root)
        try:
            with path.open("rb") as handle, pq.ParquetFile(handle) as file:
                groups = [n for n in range(file.num_row_groups) if _may_reach(file.metadata.row_group(n), part[0])]
                times = file.read_row_groups(groups, columns=["ts"]).column("ts").cast(pa.int64()).to_numpy()
        except FileNotFoundError:
            continue
        except (pa.ArrowException, OSError, KeyError):
            return None
        total += int(((times >= part[0]) & (times < part[1])).sum())
    return total


def _may_reach(group: pq.RowGroupMetaData, start_us: int) -> bool:
    """Return whether a group of rows, sorted by time, may have one from an instant on: nearly always only the last."""
    found = group.column(0).statistics
    return found is None or not found.has_min_max or bool(found.max_raw >= start_us)


def _sort_claims(lake: Lake, feed: Feed, content: _FeedContent) -> dict[str, Claims]:
    """Sort claims by symbol and status; of a feed with all symbols, only for symbols that have had an event."""
    claims: dict[str, Claims] = defaultdict(lambda: defaultdict(list))
    for symbol, status, interval in content.claims:
        claims[symbol][status].append(interval)
    if not feed.every:
        return claims
    for_all = claims.pop(EVERY, {})
    rows = (row for counted in (content.live, *content.replays.values()) for row in counted)
    known = {s for e, s, source in lake.list_fetch_logs() if (e, source) == (feed.exchange, feed.source)}
    known |= {row.symbol for row in rows} | (set(claims) if for_all else set())
    for symbol in known:
        for status, found in for_all.items():
            claims[symbol][status] += found
    return {symbol: claims[symbol] for symbol in sorted(known)}


def _store_rejected(lake: Lake, feed: Feed, rejected: Sequence[dict[str, Any]]) -> None:
    """Add rejected events to those kept, in the form of :meth:`Lake.write_rejected`."""
    if not rejected:
        return
    name = f"record-{feed.exchange}"
    path = lake.root / "rejected" / f"{name}.jsonl"
    with lake_errors(lake.root):
        kept = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
        lines = [*kept, *(json.dumps({"file": name, **row}, ensure_ascii=False) for row in rejected)][-MOST_REJECTED:]
        lake.write_file(path, ("\n".join(lines) + "\n").encode(errors="backslashreplace"))
