"""Methods of the lake that look at several symbols at once."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, Protocol

from liqcli.api.arguments import Names, read_query, read_view

if TYPE_CHECKING:
    from liqcli.api.overview import Overview
    from liqcli.lake.store import Lake as Store


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
