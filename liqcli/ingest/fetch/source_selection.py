"""Select the sources for each exchange, check symbols, and find other sources of missing data."""

from __future__ import annotations

import shlex
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence

from liqcli.core.errors import UsageError
from liqcli.core.formatting import format_iso, format_time
from liqcli.core.intervals import Interval, Intervals
from liqcli.core.model import Window
from liqcli.core.symbols import EVERY, EXCHANGES, expiry_of, nearest, split_symbol
from liqcli.core.times import now_us
from liqcli.ingest.fetch.planner import available_range, plan_windows
from liqcli.sources.base import HOUR_US, Source
from liqcli.sources.registry import SOURCES, load_source

Pair = tuple[Source, str]
_PREFERRED = ("binance-vision", "cryptohftdata", "tardis")  # after the exchange's own
NEGLIGIBLE_US = HOUR_US
_DEPTH_UNPROVEN = ("bitfinex", "dydx", "poloniex")  # how far back they answer is unknown, so they are not suggested


def select_pairs(
    source_names: Sequence[str],
    exchanges: Sequence[str],
    window: Window | None = None,
    words: Sequence[str] = (),
    say: Callable[[str], None] = lambda _line: None,
) -> list[Pair]:
    """
    Select the (source, exchange) pairs to fetch from; without names, every default source with such symbols.

    If exchanges are named without a source, the best sources for the window and the symbols are selected and printed.
    If no exchange is named, a source of many exchanges is used for its main ones. ``ALL`` selects among the sources
    that answer for every symbol at once.

    Raises
    ------
    UsageError
        Unknown name, an exchange that none of the sources has, or a named source that cannot answer for every symbol.
    """
    every = [load_source(name) for name in SOURCES]
    named = [load_source(name) for name in dict.fromkeys(source_names)]
    if EVERY in words:
        _check_whole(words, named, exchanges, every)
        every = [source for source in every if source.serves_all]
    if not exchanges:
        default = (source for source in every if source.keyless and source.by_default)
        chosen = named or [source for source in default if any(_takes(source, word) for word in words or ("",))]
        if EVERY in words and not named:
            say(f"all symbols: using {_join(source.name for source in chosen)}; other sources need symbols")
        return [(source, exchange) for source in chosen for exchange in source.mostly or source.exchanges[:1]]
    pairs: list[Pair] = []
    for exchange in dict.fromkeys(name.strip().lower() for name in exchanges):
        serving = [source for source in named or every if exchange in source.exchanges]
        if not serving:
            raise UsageError(_explain_exchange(exchange, every, named or every))
        if not named and window is not None:
            serving = find_best(serving, exchange, window, words)
            say(f"{exchange}: using {_join(source.name for source in serving)}")
        pairs += [(source, exchange) for source in serving]
    order = [source.name for source in named or every]
    return sorted(pairs, key=lambda pair: order.index(pair[0].name))


def _check_whole(
    words: Sequence[str], named: Sequence[Source], exchanges: Sequence[str], every: Sequence[Source]
) -> None:
    if len(words) > 1:
        raise UsageError("--symbol all cannot be combined with other symbols")
    able = {source.name: source.exchanges for source in every if source.serves_all}
    unable = [source.name for source in named if source.name not in able]
    if not unable and not named:  # an exchange that no source has is explained later
        known = {exchange for source in every for exchange in source.exchanges}
        asked = [name.strip().lower() for name in exchanges]
        unable = [name for name in asked if name in known and not any(name in served for served in able.values())]
    if unable:
        raise UsageError(
            f"{_join(unable)} needs symbols (--symbol BTC,ETH): it answers for one contract at a time; "
            f"--symbol all works with {_join(able)}"
        )


def check_perpetual(words: Iterable[str]) -> None:
    """
    Reject dated contracts, which cannot be fetched.

    Raises
    ------
    UsageError
        Names the contract and other ways to get it.
    """
    for word in words:
        if expiry_of(word):
            raise UsageError(
                f"{word} is a dated contract, and fetch supports only perpetuals; import a file with it "
                f"(liqcli import FILE), or record it (liqcli record --symbol {word})"
            )


def find_best(serving: Sequence[Source], exchange: str, window: Window, words: Sequence[str]) -> list[Source]:
    """
    Choose the fewest sources that cover a window of an exchange: its own first, then those for all days, then others.

    Another one is added only for symbols and times (more than an hour) that better ones do not have. If none has any,
    the last one is returned, whose plan explains why.
    """
    ranked = sorted(serving, key=lambda source: (_rank_of(source, exchange), len(source.exchanges)))
    now = now_us()
    given = {source.name: [w.interval for w in plan_windows(source, [window], now).windows] for source in ranked}
    chosen: list[str] = []
    for word in words or ("",):
        left = Intervals([window.interval])
        for source in ranked:
            if not _takes(source, word) or left.length <= NEGLIGIBLE_US:
                continue
            rest = left - given[source.name]
            if rest.length < left.length:
                chosen.append(source.name)
            left = rest
    return [source for source in ranked if source.name in chosen] or ranked[-1:]


def find_elsewhere(name: str, exchange: str, holes: Intervals, symbols: Sequence[str], now: int) -> Iterator[str]:
    """
    Find data that a source does not have: in other sources of the exchange, otherwise for other exchanges.

    Parameters
    ----------
    name, exchange : str
        The source and the exchange.
    holes : Intervals
        Missing data. Unpublished data and stretches below an hour are ignored.
    symbols : sequence of str
        Requested symbols.
    now : int
        Current time. [µs UTC]
    """
    source = load_source(name)
    published = holes & [(0, available_range(source, now)[1])]
    lost = published - _given(source, published, now)
    if lost.length <= NEGLIGIBLE_US:
        return
    others = [other for other in map(load_source, SOURCES) if any(_takes(other, symbol) for symbol in symbols)]
    given = {other.name: _given(other, lost, now) for other in others if other.name not in (name, *_DEPTH_UNPROVEN)}
    able = [other for other in others if other.name in given and given[other.name].length > NEGLIGIBLE_US]
    own = sorted((other for other in able if exchange in other.exchanges), key=lambda s: _rank_of(s, exchange))
    for other in own:
        parts = given[other.name]
        days = [format_time(start)[:10] for start, _end in parts]
        some = f" ({_join(days[:3])}{' …' * (len(days) > 3)})" if parts.length < lost.length else ""
        command = _command(other.name, exchange, symbols, (parts[0][0], parts[-1][1]))
        yield f"{other.name} has {exchange} for that time{some}: {command}"
    if able and not own:
        served = list(dict.fromkeys(each for other in able for each in other.exchanges))
        command = _command(None, served[0], symbols, (lost[0][0], lost[-1][1]))
        names = f"{_join(served[:5])}{' …' * (len(served) > 5)}"
        yield f"no other source has {exchange} for that time; other exchanges are available ({names}): {command}"


def _given(source: Source, parts: Intervals, now: int) -> Intervals:
    """Return the parts that would be requested from a source."""
    windows = plan_windows(source, [Window(*part) for part in parts], now).windows
    return parts & (w.interval for w in windows)


def _command(source: str | None, exchange: str, symbols: Sequence[str], span: Interval) -> str:
    words = ["liqcli", "fetch", *(["--source", source] if source else []), "--exchange", exchange]
    words += ["--symbol", ",".join(symbols), "--since", format_iso(span[0]), "--until", format_iso(span[1])]
    return shlex.join(words)


def _rank_of(source: Source, exchange: str) -> int:
    return 0 if source.name == exchange else _PREFERRED.index(source.name) + 1 if source.name in _PREFERRED else 9


def _takes(source: Source, word: str) -> bool:
    quote = split_symbol(word)[1]
    return not source.quotes or not quote or quote in source.quotes


def check_listed(unlisted: Mapping[str, Sequence[Sequence[str]]], asked: int, failed: int) -> None:
    """
    Reject a symbol that no source lists.

    Parameters
    ----------
    unlisted : mapping
        Symbol -> listed names, for each source that does not list it.
    asked, failed : int
        Number of sources, and of those that failed.

    Raises
    ------
    UsageError
        Every source answered, and none lists the symbol.
    """
    for symbol, names in unlisted.items():
        if len(names) == asked and not failed:
            known = {name for listed in names for name in listed}
            raise UsageError(f"unknown symbol {symbol!r}: no source lists it{nearest(symbol, known) if known else ''}")


def _explain_exchange(exchange: str, every: Iterable[Source], chosen: Iterable[Source]) -> str:
    others = [source.name for source in every if exchange in source.exchanges]
    if others:
        return f"{_join(s.name for s in chosen)} does not have exchange {exchange!r}; add --source {others[0]}"
    served = sorted({name for source in every for name in source.exchanges})
    if exchange in EXCHANGES:
        return f"no source has history of exchange {exchange!r} (available: {', '.join(served)})"
    return f"unknown exchange {exchange!r}{nearest(exchange, served)}"


def _join(names: Iterable[str]) -> str:
    return ", ".join(names)
