"""Look up which contracts sources of liquidations list for some symbols, and keep their sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial

from liqcli.core.errors import DamagedError, SourceError
from liqcli.core.symbols import EVERY
from liqcli.ingest.fetch.request_runner import Clients, is_lost, run_requests
from liqcli.ingest.fetch.scheduler import Scheduler
from liqcli.ingest.fetch.source_selection import Pair
from liqcli.ingest.fetch.worker_pool import Outcome
from liqcli.sources.contracts import ListedContract, Listing
from liqcli.sources.registry import load_source


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingResult(Outcome):
    """Contracts that a source lists for the wanted symbols, or the error."""

    pair: Pair
    listing: Listing | None
    requests: int


def list_contracts(
    scheduler: Scheduler, wanted: Sequence[tuple[Pair, Sequence[str]]]
) -> dict[tuple[str, str], ListingResult]:
    """Request the contracts of some symbols from all sources at once; results by name of source and exchange."""
    for pair, words in wanted:
        source = pair[0]
        scheduler.progress.plan(source.title, 0)
        scheduler.put(source, partial(_request_contracts, pair, words, scheduler.clients))
    results = (result for result in scheduler.pool.results() if isinstance(result, ListingResult))
    return {(result.pair[0].name, result.pair[1]): result for result in results}


def _request_contracts(pair: Pair, words: Sequence[str], clients: Clients, tripped: str | None) -> ListingResult:
    """Request the contracts of symbols, and their sizes from the exchange if the source does not state them."""
    source, exchange = pair
    client = clients.of(source)
    before = client.requests
    listing: Listing | None = None
    try:
        if tripped:
            raise SourceError(tripped)
        size_source = source.sizes_from.get(exchange)
        if size_source and source.whole_files and EVERY in words:  # the symbols are in the files
            other = load_source(size_source)
            sizes = run_requests(other.ask_markets(exchange, words), clients.of(other), other.decode)
            return ListingResult(pair=pair, listing=sizes, requests=client.requests - before)
        listing = run_requests(source.ask_markets(exchange, words), client, source.decode)
        if size_source and listing.markets:
            other = load_source(size_source)
            sizes = run_requests(other.ask_markets(exchange, list(listing.markets)), clients.of(other), other.decode)
            listing = _add_sizes(listing, sizes)
        return ListingResult(pair=pair, listing=listing, requests=client.requests - before)
    except SourceError as error:
        lost = listing is None and is_lost(error)  # otherwise the source of the sizes is unreachable
        requests = client.requests - before
        return ListingResult(pair=pair, listing=None, requests=requests, error=str(error), lost=lost)


def _add_sizes(listing: Listing, own: Listing) -> Listing:
    return replace(
        listing,
        markets={
            symbol: replace(market, contract_size=own.markets[symbol].contract_size)
            if symbol in own.markets and own.markets[symbol].instrument == market.instrument
            else market
            for symbol, market in listing.markets.items()
        },
    )


def write_contracts(scheduler: Scheduler, exchange: str, contracts: Mapping[str, ListedContract]) -> None:
    """Store contract sizes; a damaged file of them is only reported, because no fetch depends on it."""
    sizes = {market.instrument: market.contract_size for market in contracts.values() if market.contract_size}
    try:
        scheduler.lake.write_contracts(exchange, sizes)
    except DamagedError as error:
        scheduler.progress.say(str(error))
