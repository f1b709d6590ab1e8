"""Methods of the lake that look at several symbols at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from liqcli.api.arguments import Names, is_latest, read_query, read_view, split_names
from liqcli.core.errors import UsageError

if TYPE_CHECKING:
    from liqcli.api.compare import Comparison
    from liqcli.api.overview import Overview
    from liqcli.lake.store import Lake as Store

FEWEST, MOST = 2, 8  # symbols of a comparison


class _HasStore(Protocol):
    _store: Store

    @property
    def exchanges(self) -> Sequence[str]:
        """Exchanges with stored liquidations."""


class SeveralSymbols:
    """Base of :class:`liqcli.Lake`: the whole market, and symbols side by side."""

    def overview(
        self: _HasStore,
        *,
        lookback: str | None = None,
        since: str | None = None,
        until: str | None = None,
        exchanges: Names = (),
        position: str = "both",
        min_usd: float = 0.0,
        palette: str = "liq",
        theme: str = "auto",
        size: tuple[int, int] | None = None,
    ) -> Overview:
        """
        Rank every symbol of the lake by USD. The parameters are the options of ``liqcli overview``.

        Parameters
        ----------
        lookback, since, until, exchanges, position, min_usd
            As for :meth:`heatmap`.

        Returns
        -------
        Overview

        Raises
        ------
        UsageError
            An unknown name or an invalid value.
        EmptyWindowError
            No liquidation in the window; the message shows what the lake holds.
        DamagedError
            None of the files can be read.
        """
        from liqcli.api.overview import Overview
        from liqcli.report.overview_results import compute_overview

        view = read_view("notional", palette, "log", theme, size)
        window = (lookback, since, until)
        query = read_query(self.exchanges, "", window, exchanges, position, min_usd, "reported")
        return Overview(compute_overview(self._store, query, view))

    def compare(
        self: _HasStore,
        symbols: Names,
        *,
        lookback: str | None = None,
        since: str | None = None,
        until: str | None = None,
        exchanges: Names = (),
        position: str = "both",
        bucket: str | None = None,
        min_usd: float = 0.0,
        palette: str = "liq",
        scale: str = "log",
        theme: str = "auto",
        size: tuple[int, int] | None = None,
    ) -> Comparison:
        """
        Show the same window of several symbols. The parameters are the options of ``liqcli compare``.

        Parameters
        ----------
        symbols : str or sequence of str
            Two to eight, in any spelling. ``latest`` is the last event of any of them.
        lookback, since, until, exchanges, position, bucket, min_usd
            As for :meth:`heatmap`.

        Returns
        -------
        Comparison

        Raises
        ------
        UsageError
            An unknown name or an invalid value, or fewer than two or more than eight symbols.
        EmptyWindowError
            None of the symbols has a liquidation in the window.
        DamagedError
            None of the files of a symbol can be read.
        """
        from liqcli.analysis.price_bins import parse_bucket
        from liqcli.api.compare import Comparison
        from liqcli.api.fetch import find_latest
        from liqcli.core.symbols import normalise_symbol
        from liqcli.core.times import resolve_window
        from liqcli.report.compare_results import compare_windows

        names = tuple(dict.fromkeys(map(normalise_symbol, split_names(symbols))))
        if not FEWEST <= len(names) <= MOST:
            raise UsageError(f"compare takes {FEWEST} to {MOST} symbols, not {len(names)}: -s BTC,ETH,SOL")
        view = read_view("notional", palette, scale, theme, size)
        query = read_query(self.exchanges, names[0], (lookback, since, until), exchanges, position, min_usd, "reported")
        latest = find_latest(self._store, names) if is_latest(until) else None
        window = resolve_window(since, until, query.lookback, latest)
        step = parse_bucket(bucket) if bucket else None
        return Comparison(compare_windows(self._store, names, query, window, step, view))
