"""What came of a fetch, in sentences: one a source and cause, with the symbols it is about, and what can be done."""

from __future__ import annotations

import re
from collections.abc import Callable, Collection, Iterable, Iterator, Sequence

from liqcli.core.formatting import format_count
from liqcli.core.times import now_us
from liqcli.ingest.fetch.request_runner import NOT_ASKED
from liqcli.ingest.fetch.source_selection import find_elsewhere
from liqcli.ingest.fetch.tasks import FetchRow, FetchSummary, MarketRow
from liqcli.net.client import UNREACHED

_COUNTED = re.compile(r"(?P<some>\d+) of (?P<of>\d+) (?P<what>.*?)(?P<first>, first .*)?$")


def list_problems(summary: FetchSummary) -> list[str]:
    """Say what could have come and did not, and why."""
    return _join(summary.rows, problems_of)


def list_notes(summary: FetchSummary) -> list[str]:
    """Say what the sources cannot give, and who has it instead; not of those that could not be asked."""
    answered = [row for row in summary.rows if row.error is None]
    return [*_join(answered, lambda row: row.notes), *_list_elsewhere(answered)]


def list_market_problems(rows: Sequence[MarketRow]) -> Iterator[tuple[str, bool]]:
    """Say what places of candles and open interest did not give, once each; the flag says that something is missing."""
    about: dict[str, list[MarketRow]] = {}
    for row in rows:
        for trouble in dict.fromkeys(map(_plain, row.troubles)) or _find_forgotten(row):
            about.setdefault(trouble, []).append(row)
    for trouble, found in about.items():
        kinds = dict.fromkeys(row.kind for row in found)
        symbols = dict.fromkeys(row.symbol for row in found)
        every = len(found) == len(rows) > 1 or UNREACHED in trouble
        which = "" if every else f"{', '.join(kinds)} {', '.join(symbols)}: "
        yield f"{which}{trouble}", any(row.result != "ok" for row in found)


def _find_forgotten(row: MarketRow) -> list[str]:
    """Say of what nobody was asked for why it is missing: all who could be asked keep less."""
    if row.result == "ok":
        return []
    return [f"{row.exchange} keeps only the youngest part of it" if row.usable else "nobody keeps it as long"]


def suggest_next_step(lines: Collection[str]) -> Iterator[str]:
    """Say what to do about sources that could not be reached: one line, whichever and how many they are."""
    if lines and all(UNREACHED in line for line in lines):
        yield (
            "nothing could be reached: is this machine online? HTTPS_PROXY names a proxy, LIQCLI_URL_<SOURCE> a "
            "mirror; the lake is as it was, and the same command tries again"
        )
    elif any(UNREACHED in line for line in lines):
        yield "what could not be reached is asked for again by the same command; LIQCLI_URL_<SOURCE> names a mirror"


def problems_of(row: FetchRow) -> list[str]:
    """Say of one source, exchange and symbol what could have come and did not."""
    said = [_plain(row.error.removeprefix(NOT_ASKED)).removeprefix(f"{row.source}: ")] if row.error else []
    said += _add_up(row.gaps)
    if row.cut:
        said.append(f"{format_count(row.cut)} moments hold more events than the source gives; what came is stored")
    if row.rejected:
        said.append(f"{format_count(row.rejected)} rows refused; they are kept in the lake, under rejected/")
    return said


def _add_up(texts: Iterable[str]) -> Iterator[str]:
    """Join what windows say one after the other, as in "3 of 6 hours have no file, first …": counts add up."""
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
    """Leave out the path where nobody was there to be asked for it."""
    return re.sub(rf"^([\w-]+): \S+ {UNREACHED}", rf"\1: {UNREACHED}", text)


def _join(rows: Sequence[FetchRow], texts_of: Callable[[FetchRow], Iterable[str]]) -> list[str]:
    """Join what is the same for several symbols; symbols are named where it is not about all of a source's."""
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
        lines[f"{name}: {text}" if every else f"{name} {', '.join(named)}: {text}"] = None
    return list(lines)


def _list_elsewhere(rows: Sequence[FetchRow]) -> Iterator[str]:
    """For what a source cannot be asked for: who has it."""
    wanted: dict[tuple[str, str], list[FetchRow]] = {}
    for row in rows:
        wanted.setdefault((row.source, row.exchange), []).append(row)
    now = now_us()
    for (source, exchange), found in wanted.items():
        holes = [hole for row in found for hole in row.holes]
        name = source if source == exchange else f"{source} {exchange}"
        for advice in find_elsewhere(source, exchange, holes, [row.symbol for row in found], now):
            yield f"{name}: {advice}"
