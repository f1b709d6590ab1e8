"""Messages about the result of a fetch: one per source and cause, with the symbols concerned, and suggestions."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from liqcli.core.formatting import format_count
from liqcli.core.intervals import Intervals
from liqcli.core.symbols import EVERY
from liqcli.core.times import now_us
from liqcli.ingest.fetch.source_selection import find_elsewhere
from liqcli.ingest.fetch.summary import FetchRow, FetchSummary
from liqcli.net.client import UNREACHED

SYMBOLS_NAMED = 12  # in one message
_COUNTED = re.compile(r"(?P<some>\d+) of (?P<of>\d+) (?P<what>.*?)(?P<first>, first .*)?$")


def list_problems(summary: FetchSummary) -> list[str]:
    """List available data that are missing, and why."""
    return _join(summary.rows, problems_of)


def list_notes(summary: FetchSummary) -> list[str]:
    """List data that sources do not have, and sources that have them; sources with errors are left out."""
    answered = [row for row in summary.rows if row.error is None]
    if not summary.whole:  # other sources need symbols
        return [*_join(answered, lambda row: row.notes), *_list_elsewhere(answered)]
    notes = [*_join(answered, lambda row: row.notes), *summary.notes]
    named = [row for row in summary.rows if row.symbol != EVERY]  # otherwise a file that was read before
    if hidden := len(named) - sum(row.symbol != EVERY for row in summary.shown):
        notes.append(f"{format_count(hidden)} of {format_count(len(named))} symbols have no new events")
    elif not summary.shown:
        notes.append("no new events")
    return notes


def list_market_problems(rows: Sequence[FetchRow]) -> Iterator[tuple[str, bool]]:
    """Yield each problem of kinds other than liquidations once, with a flag: true if data are missing because of it."""
    about: dict[str, list[FetchRow]] = {}
    for row in rows:
        for trouble in dict.fromkeys(map(_plain, row.problems)) or _find_forgotten(row):
            about.setdefault(trouble, []).append(row)
    for trouble, found in about.items():
        kinds = dict.fromkeys(row.kind for row in found)
        symbols = dict.fromkeys(row.symbol for row in found)
        every = len(found) == len(rows) > 1 or UNREACHED in trouble
        which = "" if every else f"{', '.join(kinds)} {', '.join(symbols)}: "
        yield f"{which}{trouble}", any(row.result != "ok" for row in found)


def _find_forgotten(row: FetchRow) -> list[str]:
    """Explain why data are missing that were not requested: sources keep less."""
    if row.result == "ok":
        return []
    if row.notes:
        return row.notes
    return [f"{row.exchange} keeps only the most recent part" if row.usable else "no exchange keeps data this old"]


def is_unreached(rows: Sequence[FetchRow]) -> bool:
    """Return True if there are rows, none has data, and each failed because its host cannot be reached."""
    return bool(rows) and all(not row.usable and any(UNREACHED in text for text in row.problems) for row in rows)


def suggest_next_step(lines: Collection[str]) -> Iterator[str]:
    """Suggest what to do about unreachable sources: one line for all of them."""
    if lines and all(UNREACHED in line for line in lines):
        yield (
            "no source could be reached: is this machine online? Set HTTPS_PROXY for a proxy, LIQCLI_URL_<SOURCE> for "
            "a mirror. Nothing was changed; re-run to retry"
        )
    elif any(UNREACHED in line for line in lines):
        yield "re-run to retry unreachable sources; set LIQCLI_URL_<SOURCE> for a mirror"


def problems_of(row: FetchRow) -> list[str]:
    """List the problems of one source, exchange and symbol."""
    problems = [_plain(row.error).removeprefix(f"{row.source}: ")] if row.error else []
    problems += _add_up(row.troubles)
    if row.cut:
        problems.append(
            f"{format_count(row.cut)} moments have more events than the source returns; those returned are stored"
        )
    if row.rejected:
        problems.append(f"{format_count(row.rejected)} rows rejected; they are kept under rejected/ in the lake")
    return problems


def _add_up(texts: Iterable[str]) -> Iterator[str]:
    """Merge equal texts of several windows; counts as in "3 of 6 hours have no file, first …" are added up."""
    groups: dict[str, list[re.Match[str] | None]] = {}
    for text in texts:
        counted = _COUNTED.match(text)
        groups.setdefault(counted["what"] if counted else text, []).append(counted)
    for what, found in groups.items():
        if first := found[0]:
            some, of = (sum(int(match[name]) for match in found if match) for name in ("some", "of"))
            yield f"{format_count(some)} of {format_count(of)} {what}{first['first'] or ''}"
        else:
            yield what


def _plain(text: str) -> str:
    """Remove the path of a request that reached no server."""
    return re.sub(rf"^([\w-]+): \S+ {UNREACHED}", rf"\1: {UNREACHED}", text)


def _join(rows: Sequence[FetchRow], texts_of: Callable[[FetchRow], Iterable[str]]) -> list[str]:
    """Merge equal texts of several symbols; symbols are named unless a text applies to all of a source."""
    symbols: dict[tuple[str, str], list[str]] = {}
    about: dict[tuple[str, str, str], list[str]] = {}
    for row in rows:
        symbols.setdefault((row.source, row.exchange), []).append(row.symbol)
        for text in dict.fromkeys(texts_of(row)):
            about.setdefault((row.source, row.exchange, text), []).append(row.symbol)
    lines: dict[str, None] = {}
    for (source, exchange, text), named in about.items():
        name = source if source == exchange or UNREACHED in text else f"{source} {exchange}"
        every = UNREACHED in text or (named == symbols[source, exchange] and len(named) > 1)
        some = f"{', '.join(named[:SYMBOLS_NAMED])}{' …' * (len(named) > SYMBOLS_NAMED)}"
        lines[f"{name}: {text}" if every else f"{name} {some}: {text}"] = None
    return list(lines)


def _list_elsewhere(rows: Sequence[FetchRow]) -> Iterator[str]:
    """Yield other sources of data that a source does not have."""
    wanted: dict[tuple[str, str], list[FetchRow]] = {}
    for row in rows:
        wanted.setdefault((row.source, row.exchange), []).append(row)
    now = now_us()
    for (source, exchange), found in wanted.items():
        holes = Intervals(hole for row in found for hole in row.holes)
        name = source if source == exchange else f"{source} {exchange}"
        for advice in find_elsewhere(source, exchange, holes, [row.symbol for row in found], now):
            yield f"{name}: {advice}"
