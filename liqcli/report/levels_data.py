"""Load what an estimate of levels needs from the lake, and run it: candles, open interest, realized liquidations."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from liqcli.analysis.levels.estimate import LevelAxes, LevelEstimate, Realized, estimate_levels
from liqcli.analysis.levels.lots import SIDES
from liqcli.analysis.levels.steps import Steps, build_steps
from liqcli.analysis.levels.tier_tables import TierTable, default_tiers
from liqcli.analysis.levels.tiers import read_tiers
from liqcli.core.errors import EmptyWindowError
from liqcli.core.formatting import format_iso, format_time
from liqcli.core.instruments import find_kind
from liqcli.core.margin_tiers import find_tier_fault
from liqcli.core.market_data import Candles
from liqcli.core.model import US_PER_S, PriceSeries, Window
from liqcli.core.symbols import expiry_of, match_symbols, normalise_symbol, split_symbol
from liqcli.core.times import resolve_window
from liqcli.lake.inventory import read_market_inventory
from liqcli.lake.margin_tiers import find_margin_tiers
from liqcli.lake.market_series import read_market
from liqcli.lake.selection import Query, build_selection
from liqcli.lake.store import Lake
from liqcli.query.duckdb_engine import DuckDBEngine
from liqcli.query.scans import scan_level_events
from liqcli.report.levels_measured import MeasuredData, describe_positions, load_measured

DAY_US = 86_400 * US_PER_S
LEAST_HISTORY_US = 30 * DAY_US  # before the window, where stored: what opened then can still stand
MOST_STEPS = 20_000
STEPS_US = tuple(seconds * US_PER_S for seconds in (300, 900, 3600, 14_400))
QUOTES = ("USDT", "USDC", "USD", "")  # of the contract to estimate from, where a base alone is given


@dataclass(frozen=True, slots=True)
class LevelsQuery:
    """The request of a user, as typed where it is not resolved yet."""

    symbol: str
    lookback: str = "24h"
    since: str | None = None
    until: str | None = None
    exchanges: tuple[str, ...] = ()
    axes: LevelAxes = field(default_factory=LevelAxes)


@dataclass(frozen=True, eq=False)
class LevelsData:
    """
    Estimated levels, and what they were made from.

    ``exchange`` and ``contract`` are those of the open interest; ``prices`` the candles as stored, for the picture;
    ``notes`` sentences about substitutes and missing inputs; ``damaged`` files that were left out; ``measured``
    positions, if stored, apart from the estimate.
    """

    label: str
    query: LevelsQuery
    exchange: str
    contract: str
    estimate: LevelEstimate
    prices: PriceSeries
    notes: tuple[str, ...]
    damaged: tuple[Path, ...]
    measured: MeasuredData | None = None

    @property
    def window(self) -> Window:
        """Half-open ``[start, end)``. [UTC]"""
        return self.estimate.window


@dataclass(frozen=True, eq=False)
class LevelInputs:
    """
    Candles and open interest of a window and the time before it.

    ``steps`` are both, aligned; ``candles`` as stored. ``exchange`` and ``contract`` are those of the open interest.
    """

    label: str
    window: Window
    exchange: str
    contract: str
    steps: Steps
    candles: Candles
    notes: tuple[str, ...]
    damaged: tuple[Path, ...]


def load_levels(lake: Lake, query: LevelsQuery) -> LevelsData:
    """
    Read the inputs of a window and estimate its levels.

    Raises
    ------
    UsageError
        Unknown symbol, unreadable time, or axes that do not fit.
    EmptyWindowError
        No candles or no open interest; the message says which, and how to get them.
    """
    inputs = read_inputs(lake, query)
    steps, window = inputs.steps, inputs.window
    realized, missed = read_realized(lake, query, steps, window.start_us)
    tiers, unreadable = find_tiers(lake, inputs.exchange, inputs.contract, window)
    estimate = estimate_levels(steps, realized, window, tiers, inputs.exchange, query.axes)
    measured, unread = load_measured(lake, split_symbol(inputs.contract)[0], query.exchanges, estimate)
    return LevelsData(
        label=inputs.label,
        query=query,
        exchange=inputs.exchange,
        contract=inputs.contract,
        estimate=estimate,
        prices=inputs.candles.since(window.start_us - inputs.candles.prices.step_us + 1).prices,
        notes=inputs.notes,
        damaged=tuple(dict.fromkeys((*inputs.damaged, *missed, *unreadable, *unread))),
        measured=measured,
    )


def read_inputs(lake: Lake, query: LevelsQuery, history_us: int | None = None) -> LevelInputs:
    """
    Read candles and open interest of a window.

    Parameters
    ----------
    history_us : int or None
        How far to read before the window; None: as long as the window, at least 30 days. [µs]

    Raises
    ------
    UsageError, EmptyWindowError
        See :func:`load_levels`.
    """
    held = {p.symbol for kind in ("liquidations", "candles", "open_interest") for p in lake.partitions(kind)}
    symbols = sorted(match_symbols(query.symbol, held), key=_rank)
    label = symbols[0] if len(symbols) == 1 else normalise_symbol(query.symbol)
    wanted = symbols[0] if symbols else label
    with DuckDBEngine() as engine:
        window = resolve_window(query.since, query.until, query.lookback, _find_latest(engine, lake, symbols, query))
        before_us = max(LEAST_HISTORY_US, window.length_us) if history_us is None else history_us
        wide = Window(window.start_us - before_us, window.end_us)
        exchanges = query.exchanges or sorted({p.exchange for p in lake.find("liquidations", symbols, wide)})
        market, damaged = read_market(engine, lake, symbols, exchanges, wide)
    if market.open_interest is None or market.candles is None:
        series = (("candles", market.candles), ("open interest", market.open_interest))
        absent = [name for name, known in series if known is None]
        missing, kinds = " and ".join(absent), ",".join(absent).replace(" ", "-")
        raise _explain(lake, label, wanted, missing, kinds, window)
    exchange, contract = market.open_interest.basis.split()[:2]
    candles = _join(market.candles, wide)
    try:
        steps = build_steps(candles.prices, market.open_interest, find_kind(exchange, contract))
    except EmptyWindowError as error:
        raise _explain(lake, label, wanted, str(error).removeprefix("no "), "candles,open-interest", window) from error
    if steps.count_until(window.end_us) - steps.count_until(window.start_us) < 1:
        raise _explain(lake, label, wanted, "open interest with candles", "candles,open-interest", window)
    elsewhere = f"no open interest on {', '.join(query.exchanges)}; that of {exchange} {contract} is used instead"
    substitute = elsewhere if query.exchanges and exchange not in query.exchanges else None
    notes = (*filter(None, (market.substitution, substitute)), *_describe_gaps(steps, window))
    return LevelInputs(label, window, exchange, contract, steps, market.candles, notes, tuple(damaged))


def _rank(symbol: str) -> tuple[bool, int, str]:
    """Sort perpetuals before dated contracts, and by quote."""
    quote = split_symbol(symbol)[1]
    return bool(expiry_of(symbol)), QUOTES.index(quote) if quote in QUOTES else len(QUOTES), symbol


def _find_latest(engine: DuckDBEngine, lake: Lake, symbols: Sequence[str], query: LevelsQuery) -> int | None:
    """Find the last stored snapshot of open interest, for ``--until latest``."""
    if (query.until or "").strip().lower() != "latest":
        return None
    files, _ = read_market_inventory(engine, lake, lake.find("open_interest", symbols))
    if not files:
        raise EmptyWindowError(f"no open interest of {normalise_symbol(query.symbol)} in the lake {lake.root}")
    return max(file.last_us for file in files)


def _join(candles: Candles, wide: Window) -> Candles:
    """Join candles to 5 minutes, or longer ones for a long window."""
    step_us = candles.prices.step_us
    fits = (step for step in STEPS_US if step % step_us == 0 and wide.length_us / step <= MOST_STEPS)
    return candles.resample(next(fits, step_us))


def read_realized(lake: Lake, query: LevelsQuery, steps: Steps, end_us: int) -> tuple[Realized, tuple[Path, ...]]:
    """Sum the realized liquidations before an instant per step, for the calibration."""
    usd, orders = np.zeros((len(SIDES), len(steps))), np.zeros((len(SIDES), len(steps)), dtype=np.int64)
    training = Query(
        query.symbol,
        since=format_iso(int(steps.ts_us[0])),
        until=format_iso(end_us),
        exchanges=query.exchanges,
    )
    if int(steps.ts_us[0]) >= end_us or not lake.symbols():
        return Realized(usd, orders), ()
    with DuckDBEngine() as engine:
        try:
            selection = build_selection(engine, lake, training)
        except EmptyWindowError:
            return Realized(usd, orders), ()
        rows = scan_level_events(engine, steps.step_us)
    step = np.searchsorted(steps.ts_us, rows.start_us)
    inside = (step < len(steps)) & (steps.ts_us[np.minimum(step, len(steps) - 1)] == rows.start_us)
    side = (rows.position == SIDES[1]).astype(np.int64)
    np.add.at(usd, (side[inside], step[inside]), rows.notional_e6[inside] / 1e6)
    np.add.at(orders, (side[inside], step[inside]), rows.orders[inside])
    return Realized(usd, orders), selection.damaged


def find_tiers(lake: Lake, exchange: str, contract: str, window: Window) -> tuple[TierTable, list[Path]]:
    """Find the margin tiers in the lake, else the default table."""
    found, damaged = find_margin_tiers(lake, exchange, contract, window.end_us)
    if found is None or find_tier_fault(found.tiers):
        return default_tiers(exchange, contract), damaged
    day = format_iso(found.ts_us)[:10]
    return TierTable(read_tiers(found.tiers), f"{exchange} {contract} snapshot", day), damaged


def _describe_gaps(steps: Steps, window: Window) -> list[str]:
    """Describe where candles or snapshots are missing."""
    notes = []
    first_us = int(steps.ts_us[0])
    if first_us > window.start_us:
        notes.append(f"candles with open interest start at {format_time(first_us)} UTC; nothing is known before")
    last_us = int(steps.closes_us[-1])
    if last_us + steps.step_us < window.end_us:
        notes.append(f"candles with open interest end at {format_time(last_us)} UTC; levels are as of then")
    holes = np.flatnonzero(np.diff(steps.ts_us) > steps.step_us)
    if len(holes):
        notes.append(
            f"{len(holes)} gap{'s'[: len(holes) != 1]} in the candles; what opened there has no estimated level"
        )
    unknown = np.flatnonzero(np.isnan(steps.entry_low))
    if len(unknown):
        share = float(steps.opened[unknown].sum() / max(steps.opened.sum(), 1e-300))
        notes.append(
            f"{100 * share:.1f} % of the opened contracts have unknown entries (snapshots more than an hour apart)"
        )
    return notes


def _explain(lake: Lake, label: str, wanted: str, missing: str, kinds: str, window: Window) -> EmptyWindowError:
    """State what is missing of ``label``, how to get that of ``wanted``, and which measured positions are stored."""
    span = f"{format_time(window.start_us)} to {format_time(window.end_us)} UTC"
    since = format_iso(window.start_us - LEAST_HISTORY_US)
    held = describe_positions(lake, split_symbol(label)[0], window)
    also = f"; {held} in the lake are shown beside an estimate, and not without one" if held else ""
    return EmptyWindowError(
        f"no {missing} of {label} in {span}: levels are estimated from candles and open interest{also}; to get them: "
        f"liqcli fetch --kind {kinds} --symbol {wanted} --since {since} --until {format_iso(window.end_us)}",
        fact=f"no {missing} of {label} in {span}, so levels cannot be estimated{also}",
    )
