"""Look up which contracts sources of liquidations list for some symbols, and keep their sizes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from liqcli.core.errors import DamagedError, SourceError
from liqcli.ingest.fetch.request_runner import Clients, is_lost, run_requests
from liqcli.ingest.fetch.scheduler import Scheduler
from liqcli.ingest.fetch.worker_pool import Outcome
from liqcli.sources.contracts import Listing
from liqcli.sources.registry import load_source

if TYPE_CHECKING:
    from liqcli.ingest.fetch.kinds.liquidations import Liquidations


@dataclass(frozen=True, slots=True, kw_only=True)
class ListingResult(Outcome):
    """Contracts that a source lists for the wanted symbols, or the error."""

    kind: Liquidations
    listing: Listing | None
    requests: int


def list_contracts(
    scheduler: Scheduler, wanted: Mapping[Liquidations, Sequence[str]]
) -> dict[Liquidations, ListingResult]:
    """Request the listed contracts of all sources at once."""
    for kind, words in wanted.items():
        if words:
            scheduler.progress.plan(kind.source.title, 0)
            scheduler.put(kind.source, partial(_request_contracts, kind, words, scheduler.clients))
    found = {result.kind: result for result in scheduler.pool.results() if isinstance(result, ListingResult)}
    return {kind: found[kind] for kind in wanted if kind in found}


def _request_contracts(
    kind: Liquidations, words: Sequence[str], clients: Clients, tripped: str | None
) -> ListingResult:
    """Request the contracts of symbols, and their sizes from the exchange if the source does not state them."""
    source, exchange = kind.source, kind.exchange
    client = clients.of(source)
    before = client.requests
    listing: Listing | None = None
    try:
        if tripped:
            raise SourceError(tripped)
        listing = run_requests(source.ask_markets(exchange, words), client, source.decode)
        size_source = source.sizes_from.get(exchange)
        if size_source and listing.markets:
            other = load_source(size_source)
            sizes = run_requests(other.ask_markets(exchange, list(listing.markets)), clients.of(other), other.decode)
            listing = _add_sizes(listing, sizes)
        return ListingResult(kind=kind, listing=listing, requests=client.requests - before)
    except SourceError as error:
        lost = listing is None and is_lost(error)  # otherwise the source of the sizes is unreachable
        requests = client.requests - before
        return ListingResult(kind=kind, listing=None, requests=requests, error=str(error), lost=lost)


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


def write_contracts(scheduler: Scheduler, kind: Liquidations) -> None:
    """Store contract sizes; a damaged file of them is only reported, because no fetch depends on it."""
    sizes = {market.instrument: market.contract_size for market in kind.contracts.values() if market.contract_size}
    try:
        scheduler.lake.write_contracts(kind.exchange, sizes)
    except DamagedError as error:
        scheduler.progress.say(str(error))
