"""Choosing: which source is asked for which exchange, and what a symbol that nobody lists is answered with."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from liqcli.errors import UsageError
from liqcli.sources import SOURCES, load_source
from liqcli.sources.common import Source
from liqcli.symbols import EXCHANGES, nearest

Pair = tuple[Source, str]


def choose_pairs(source_names: Sequence[str], exchanges: Sequence[str]) -> list[Pair]:
    """
    Say which source is asked for which exchange; without names, every source that needs no key.

    A source of many exchanges is asked for its first one (Tardis: binance) when no exchange is named.

    Raises
    ------
    UsageError
        An unknown name, or an exchange that none of the sources gives.
    """
    every = [load_source(name) for name in SOURCES]
    sources = [load_source(name) for name in dict.fromkeys(source_names)] or [s for s in every if s.keyless]
    pairs: list[Pair] = []
    for exchange in dict.fromkeys(name.strip().lower() for name in exchanges):
        serving = [source for source in sources if exchange in source.exchanges]
        if not serving:
            raise UsageError(_explain_exchange(exchange, every, sources))
        pairs += [(source, exchange) for source in serving]
    if not exchanges:
        pairs = [(source, source.exchanges[0]) for source in sources]
    return sorted(pairs, key=lambda pair: [source.name for source in sources].index(pair[0].name))


def check_listed(unlisted: Mapping[str, Sequence[Sequence[str]]], asked: int, failed: int) -> None:
    """
    Refuse a symbol that no source lists.

    Parameters
    ----------
    unlisted : mapping
        Symbol -> for each source that does not list it, the names that source told.
    asked, failed : int
        How many sources were asked, and how many could not say.

    Raises
    ------
    UsageError
        Every source was able to answer, and none knows the symbol.
    """
    for symbol, names in unlisted.items():
        if len(names) == asked and not failed:
            known = {name for told in names for name in told}
            raise UsageError(
                f"unknown symbol {symbol!r}: no asked source lists it{nearest(symbol, known) if known else ''}"
            )


def _explain_exchange(exchange: str, every: Iterable[Source], chosen: Iterable[Source]) -> str:
    others = [source.name for source in every if exchange in source.exchanges]
    if others:
        return f"exchange {exchange!r} is not given by {_join(s.name for s in chosen)}; add --source {others[0]}"
    served = sorted({name for source in every for name in source.exchanges})
    if exchange in EXCHANGES:
        return f"exchange {exchange!r} publishes no history that fetch can get; it can for: {', '.join(served)}"
    return f"unknown exchange {exchange!r}{nearest(exchange, served)}"


def _join(names: Iterable[str]) -> str:
    return ", ".join(names)
