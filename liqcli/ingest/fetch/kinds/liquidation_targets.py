"""List the targets of a fetch of liquidations: which symbols, of which exchanges, from which sources."""

from __future__ import annotations

from collections.abc import Sequence

from liqcli.core.errors import DamagedError, UsageError
from liqcli.core.symbols import EVERY, split_symbol
from liqcli.core.times import cut_future, now_us
from liqcli.ingest.fetch.contracts import list_contracts, write_contracts
from liqcli.ingest.fetch.kinds.liquidations import DEFAULT_BASES, DEFAULT_SYMBOLS, Liquidations
from liqcli.ingest.fetch.kinds.whole_files import WholeFileLiquidations
from liqcli.ingest.fetch.planner import plan_windows
from liqcli.ingest.fetch.scheduler import Scheduler
from liqcli.ingest.fetch.source_selection import Pair, check_listed, select_pairs
from liqcli.ingest.fetch.summary import FetchRow
from liqcli.ingest.fetch.tasks import Scope, Target
from liqcli.lake.store import Lake


def list_targets(scope: Scope, scheduler: Scheduler) -> list[Target]:
    """
    List a target per source, exchange and symbol: the named ones, the default ones or those on their bases, or all.

    Raises
    ------
    UsageError
        An unknown name, or a symbol that no source lists.
    """
    words = scope.symbols or DEFAULT_SYMBOLS
    pairs = select_pairs(scope.sources, scope.exchanges, scope.window, words, scheduler.progress.say)
    whole = EVERY in words
    files = [WholeFileLiquidations(*pair) for pair in pairs if whole and pair[0].whole_files]
    kinds = [Liquidations(*pair, whole=whole) for pair in pairs if not (whole and pair[0].whole_files)]
    try:
        return (_list_words(scope, scheduler, kinds, words) if kinds else []) + _list_files(scope, scheduler, files)
    except UsageError:
        if scope.symbols:
            raise
        return _list_words(scope, scheduler, kinds, DEFAULT_BASES, must_be_listed=False)


def _list_words(
    scope: Scope, scheduler: Scheduler, kinds: Sequence[Liquidations], words: Sequence[str], must_be_listed: bool = True
) -> list[Target]:
    """List the targets of each symbol; contracts are looked up only if there is something to request."""
    wanted = {kind: [word for word in words if _is_open(kind, word, scope, scheduler.lake)] for kind in kinds}
    asked = [((kind.source, kind.exchange), words) for kind, words in wanted.items() if words]
    listings = list_contracts(scheduler, asked)
    keys = {kind: (kind.source.name, kind.exchange) for kind in kinds}
    found = {kind: listings[key] for kind, key in keys.items() if key in listings}
    listed = [(kind, result.listing) for kind, result in found.items() if result.listing]
    for kind, listing in listed:
        kind.contracts = listing.markets
        kind.unlisted = {word for word in wanted[kind] if not _match(kind, word)}
    if must_be_listed:
        names = {word: [listing.names for kind, listing in listed if word in kind.unlisted] for word in words}
        check_listed(names, len(kinds), len(found) - len(listed))
    for kind, result in found.items():
        kind.error = result.error
        if result.error:
            scheduler.progress.fail(kind.source.title, result.error)
        else:
            write_contracts(scheduler, kind.exchange, kind.contracts)
    targets: list[Target] = []
    past = cut_future(scope.window, now_us())
    for kind in kinds:
        requests = found[kind].requests if kind in found else 0
        own = []
        for word in words:
            is_open = word in wanted[kind]
            for symbol in (is_open and _match(kind, word)) or [word]:
                row = FetchRow(kind.name, symbol, past, kind.exchange, (kind.source.name,))
                if is_open:  # the first one counts the requests for contracts
                    row.requests, requests = requests, 0
                own.append(Target(kind, (kind.exchange,), scope.window, row))
        targets += sorted(own, key=lambda target: _rank(target.row.symbol, words))
    return targets


def _is_open(kind: Liquidations, word: str, scope: Scope, lake: Lake) -> bool:
    """Return whether anything would be requested for a word; a base alone has to be looked up."""
    if not split_symbol(word)[1]:
        return True
    try:
        missing = [scope.window] if scope.again else kind.find_missing(lake, kind.exchange, word, scope.window)
    except DamagedError:
        return False
    return bool(plan_windows(kind.source, missing, now_us()).windows)


def _match(kind: Liquidations, word: str) -> list[str]:
    return [symbol for symbol in kind.contracts if word in (EVERY, symbol, split_symbol(symbol)[0])]


def _rank(symbol: str, words: Sequence[str]) -> tuple[int, str]:
    base = split_symbol(symbol)[0]
    return (words.index(symbol) if symbol in words else words.index(base) if base in words else len(words)), symbol


def _list_files(scope: Scope, scheduler: Scheduler, kinds: Sequence[WholeFileLiquidations]) -> list[Target]:
    """List a target per file of all symbols; the contract sizes of exchanges that count contracts are looked up."""
    asked: list[tuple[Pair, Sequence[str]]] = [
        ((kind.source, kind.exchange), (EVERY,)) for kind in kinds if kind.source.sizes_from.get(kind.exchange)
    ]
    listings = list_contracts(scheduler, asked) if asked else {}
    past = cut_future(scope.window, now_us())
    targets = []
    for kind in kinds:
        found = listings.get((kind.source.name, kind.exchange))
        if found:
            kind.error = found.error
            contracts = found.listing.markets if found.listing else {}
            kind.sizes = {each.instrument: each.contract_size for each in contracts.values() if each.contract_size}
        for number, file in enumerate(kind.files.names_of(kind.exchange)):
            row = FetchRow(kind.name, file, past, kind.exchange, (kind.source.name,))
            row.requests = found.requests if found and not number else 0
            targets.append(Target(kind, (kind.exchange,), scope.window, row))
    return targets
