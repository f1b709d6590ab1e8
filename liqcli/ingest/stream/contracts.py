"""Plan what to record of an exchange: request its contracts where the stream needs them, and choose the symbols."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path

from liqcli.core.errors import SourceError, UsageError
from liqcli.core.symbols import EVERY, add_quote, split_symbol
from liqcli.ingest.fetch.request_runner import run_requests
from liqcli.ingest.stream.buffer import StreamBuffer
from liqcli.lake.store import Lake
from liqcli.net.client import Client
from liqcli.sources.contracts import ListedContract
from liqcli.sources.stream_base import Channel, ContractList, LiveSource

UPDATE_S = 3600.0  # interval of requests for contracts
MOST_GONE = 0.1  # share of the symbols that may be delisted between two requests

Warn = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Plan:
    """
    What to record of an exchange.

    ``words`` are the requested symbols; ``unlisted`` maps those that it does not list to a message; ``contracts`` are
    those that ``source`` knows, if it needs them: what is added to them, it knows too.
    """

    source: LiveSource
    words: Sequence[str]
    channels: tuple[Channel, ...]
    unlisted: Mapping[str, str] = field(default_factory=dict)
    contracts: dict[str, ListedContract] | None = None


@dataclass(slots=True)
class ContractUpdate:
    """
    Requests the contracts again: to read events of those listed meanwhile, or, for all symbols, to subscribe them.

    ``subscribe`` takes a plan of a stream of single symbols, and the contracts that are listed now; it is called in the
    thread of :meth:`run`.
    """

    lake: Lake
    plans: Sequence[Plan]
    warn: Warn
    stop: threading.Event = field(default_factory=threading.Event)
    was_run: bool = False
    subscribe: Callable[[Plan, Mapping[str, ListedContract]], object] = lambda _plan, _listed: None

    @property
    def needed(self) -> list[Plan]:
        """Plans whose stream brings events of contracts that are listed later, or can."""
        followed = [plan for plan in self.plans if plan.source.market_wide or EVERY in plan.words]
        return [plan for plan in followed if plan.contracts is not None]

    def run(self) -> None:
        """Request the contracts, except the first time, when they are new."""
        is_due, self.was_run = self.was_run, True
        for plan in self.needed if is_due else ():
            if plan.contracts is not None and plan.source.contract_list is not None:
                found = _load_contracts(self.lake, plan.source, plan.source.contract_list, plan.words, self.warn)
                if plan.source.market_wide:
                    plan.contracts.update(found)
                else:
                    self.subscribe(plan, found)


def follow_listings(
    plan: Plan, buffers: Sequence[StreamBuffer], found: Mapping[str, ListedContract], now_us: int
) -> list[Channel]:
    """
    Let the connections of a plan deliver what is listed now; return the channels for which none has room.

    Contracts that are no longer listed are not subscribed again: an exchange may refuse a whole message for one of
    them. Open connections go on to deliver them. If more than a tenth is missing, the answer is rather incomplete, and
    all stay.
    """
    source = plan.source
    if plan.contracts is not None:
        plan.contracts.update(found)
    listed = list(dict.fromkeys(contract.symbol for contract in found.values()))
    own = [buffer for buffer in buffers if buffer.source is source]
    known = {symbol for buffer in own for symbol in buffer.channel.symbols}
    gone = known.difference(listed)
    if len(gone) > MOST_GONE * len(known):
        gone = set()
    for buffer in own:
        kept = [symbol for symbol in buffer.channel.symbols if symbol not in gone]
        if len(kept) < len(buffer.channel.symbols) and (channel := _fit(source, buffer.channel, kept)):
            buffer.follow(channel, (), now_us)
    rest = []
    new = [symbol for symbol in listed if symbol not in known]
    for channel in source.channels(new) if new else ():
        for buffer in own:
            if joined := _fit(source, buffer.channel, [*buffer.channel.symbols, *channel.symbols]):
                buffer.follow(joined, channel.hello, now_us)
                break
        else:
            rest.append(replace(channel, every=True))
    return rest


def _fit(source: LiveSource, channel: Channel, symbols: Sequence[str]) -> Channel | None:
    """Return the channel with other symbols if one connection of the same path delivers them."""
    found = list(source.channels(symbols))
    return replace(found[0], every=channel.every) if len(found) == 1 and found[0].path == channel.path else None


def plan_recording(lake: Lake, source: LiveSource, words: Sequence[str], warn: Warn) -> Plan:
    """
    Plan the connections for some symbols.

    Parameters
    ----------
    words : sequence of str
        Canonical symbols; a base alone (``SOL``) means its contract in each quote of the source; ``EVERY`` alone means
        all.

    Raises
    ------
    SourceError
        The contracts are needed, cannot be requested and were never kept.
    UsageError
        All symbols of an exchange whose contracts are unknown.
    """
    every = EVERY in words
    if every and not source.market_wide and source.contract_list is None:
        raise UsageError(f"--symbol all: {source.exchange} needs named symbols, such as --symbol BTCUSDT")
    if source.contract_list is None or not (source.needs_list or (every and not source.market_wide)):
        return Plan(source, words, _connect(source, [EVERY] if every else list(dict.fromkeys(_expand(source, words)))))
    contracts = _load_contracts(lake, source, source.contract_list, words, warn)
    bound = source.bind(contracts) if source.bind else source
    listed = dict.fromkeys(contract.symbol for contract in contracts.values())
    if every:
        channels = _connect(bound, [EVERY] if bound.market_wide else list(listed))
        return Plan(bound, words, tuple(replace(channel, every=True) for channel in channels), contracts=contracts)
    wanted = dict.fromkeys(_expand(bound, words))
    named = [word for word in words if split_symbol(word)[1]]
    unlisted = {s: f"{source.exchange} lists no contract {s}" for s in wanted if s not in listed and s in named}
    channels = _connect(bound, [symbol for symbol in wanted if symbol in listed])
    return Plan(bound, words, channels, unlisted, contracts)


def _connect(source: LiveSource, symbols: Sequence[str]) -> tuple[Channel, ...]:
    """List the connections for some symbols."""
    return tuple(replace(channel, every=EVERY in symbols) for channel in (source.channels(symbols) if symbols else ()))


def _expand(source: LiveSource, words: Sequence[str]) -> list[str]:
    """Expand requested symbols: a base alone means its contract in each quote of the source."""
    found: list[str] = []
    for word in words:
        quote = split_symbol(word)[1]
        if not quote:
            found += [add_quote(word, each) for each in source.quotes]
        elif quote in source.quotes:
            found.append(word)
    return found


def _load_contracts(
    lake: Lake, source: LiveSource, wanted: ContractList, words: Sequence[str], warn: Warn
) -> dict[str, ListedContract]:
    """Request the contracts and keep them in the lake; use those kept before if they cannot be requested."""
    path = lake.root / "contracts" / "recorded" / f"{source.name}.json"
    kept = _read_contracts(path, source.exchange)
    client = Client(wanted.name, wanted.url, wanted.limits)
    try:
        contracts = run_requests(wanted.ask(words), client, wanted.decode)
    except SourceError as error:
        if not kept:
            raise
        warn(f"{source.exchange}: contracts cannot be requested ({error}); using those kept in {path}")
        return kept
    finally:
        client.close()
    rows = {key: [c.symbol, c.instrument, c.contract_size, c.inverse] for key, c in {**kept, **contracts}.items()}
    with lake.locked():
        lake.write_file(path, json.dumps(rows, sort_keys=True, ensure_ascii=False, indent=0).encode())
    return contracts


def _read_contracts(path: Path, exchange: str) -> dict[str, ListedContract]:
    """Read kept contracts; a file that cannot be read is the same as none, since it is written again."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
        return {key: ListedContract(exchange, *row) for key, row in rows.items()}
    except (OSError, ValueError, TypeError, AttributeError):
        return {}
