"""The lake as a Python object: fetch, heat maps, SQL, status and verification."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from liqcli.api.arguments import (
    Names,
    choose_kinds,
    is_latest,
    read_cluster_options,
    read_grid_options,
    read_query,
    read_view,
    split_names,
)
from liqcli.api.score import ScoreMethods
from liqcli.api.several import SeveralSymbols
from liqcli.api.status import ContentsMethods
from liqcli.core.choices import AGAINST, check_choice
from liqcli.core.errors import UsageError

if TYPE_CHECKING:
    from liqcli.api.fetch import FetchResult, OnSummary, ShowProgress
    from liqcli.api.heatmap import Heatmap
    from liqcli.api.levels import Levels
    from liqcli.lake.store import Lake as Store


class Lake(ContentsMethods, ScoreMethods, SeveralSymbols):
    """
    A folder of liquidations, candles and open interest in Parquet files.

    Parameters
    ----------
    path : str or Path, optional
        Default: ``LIQCLI_LAKE``, then ``lake`` in liqcli.toml, then the user's data directory. The folder is created
        when something is stored.
    engine : str, optional
        What sums the liquidations of heat maps and comparisons: ``duckdb``, or ``sc://host:port`` for Sail or Spark.
        Default: ``LIQCLI_ENGINE``, then ``[engine]`` in liqcli.toml, then DuckDB. Results are equal.

    Examples
    --------
    >>> import liqcli
    >>> lake = liqcli.Lake("lake")                     # doctest: +SKIP
    >>> lake.heatmap("SOLUSDT", lookback="24h").save("report.html")  # doctest: +SKIP
    """

    def __init__(self, path: str | Path | None = None, engine: str | None = None) -> None:
        from liqcli.core.environment import engine_settings, lake_root
        from liqcli.lake.store import Lake as Store

        root = lake_root(Path(path) if path is not None else None)
        self._store: Store = Store(root, engine_settings(engine))

    def __repr__(self) -> str:
        return f"Lake({str(self.path)!r})"

    @property
    def path(self) -> Path:
        """Folder of the lake."""
        return self._store.root

    @property
    def symbols(self) -> list[str]:
        """Symbols with stored liquidations, sorted."""
        return self._store.symbols()

    @property
    def exchanges(self) -> list[str]:
        """Exchanges with stored liquidations, sorted."""
        return self._store.exchanges()

    def heatmap(
        self,
        symbol: str,
        *,
        lookback: str | None = None,
        since: str | None = None,
        until: str | None = None,
        exchanges: Names = (),
        position: str = "both",
        bucket: str | None = None,
        bin: float | str | None = None,
        bins: int | None = None,
        price_range: tuple[float, float] | str | None = None,
        min_usd: float = 0.0,
        price: str = "reported",
        min_share: float | None = None,
        max_clusters: int | None = None,
        half_life: str | None = None,
        by: str = "notional",
        palette: str = "liq",
        scale: str = "log",
        theme: str = "auto",
        size: tuple[int, int] | None = None,
        levels: bool = False,
        against: str | None = None,
        sections: Names | None = None,
        fetch: bool | Callable[[FetchResult], None] = False,
        progress: ShowProgress | None = None,
    ) -> Heatmap:
        """
        Analyse one window of one symbol. The parameters are the options of ``liqcli heatmap``.

        Parameters
        ----------
        symbol : str
            In any spelling; a bare base (``SOL``) means every contract on it.
        lookback, since, until : str, optional
            ``24h``; ISO 8601, ``now`` or ``latest``. Default: the last 24 hours.
        exchanges : str or sequence of str
            Only these; none means all.
        position : {"both", "long", "short"}
            Liquidated positions to count.
        bucket : str, optional
            Step of the time axis, such as ``5m``.
        bin : float or str, optional
            Step of the price axis [quote]. A string is read exactly.
        price_range : (float, float) or str, optional
            Lowest price (inclusive) and highest price (exclusive), or ``"LOW:HIGH"``. [quote]
        min_usd : float
            Minimum value of an event. [USD]
        levels : bool
            Add a section of estimated levels to pages and JSON; see :meth:`levels`.
        against : {"previous"}, optional
            Add a section on what changed since the window of the same length before.
        sections : str or sequence of str, optional
            Sections of a page. Default: all.
        fetch : bool or callable
            Fetch missing data first, also of the window before if ``against``; a callable receives the
            :class:`FetchResult`.
        progress : callable, optional
            Returns a context manager that shows the progress of a fetch.

        Returns
        -------
        Heatmap

        Raises
        ------
        UsageError
            An unknown name or an invalid value.
        EmptyWindowError
            No liquidation in the window; the message shows what the lake holds.
        SourceError
            No source answered, and the lake has no liquidation in the window.
        DamagedError
            None of the files can be read.
        """
        from liqcli.api.fetch import fetch_for_query, show_lines
        from liqcli.api.heatmap import Heatmap
        from liqcli.core.errors import EmptyWindowError, ExitCode, SourceError
        from liqcli.report.results import compute_results

        if against is not None:
            check_choice(against, AGAINST, "--against")
        view = read_view(by, palette, scale, theme, size, sections)
        options = read_grid_options(bucket, bin, bins, price_range)
        clusters = read_cluster_options(min_share, max_clusters, half_life)
        window = (lookback, since, until)
        query = read_query(self.exchanges, symbol, window, exchanges, position, min_usd, price)
        fetched = ExitCode.DONE
        if fetch:
            result = fetch_for_query(self._store, query, progress or show_lines(), previous=against is not None)
            fetched = result.exit_code
            if callable(fetch):
                fetch(result)
        try:
            results = compute_results(self._store, query, options, view, clusters, levels)
        except EmptyWindowError as error:
            if fetched == ExitCode.SOURCE:
                raise SourceError(f"nothing could be fetched, and there are {error.fact}") from error
            raise
        if against:
            from liqcli.report.against import add_previous

            results = add_previous(self._store, results)
        return Heatmap(results)

    def levels(
        self,
        symbol: str,
        *,
        lookback: str | None = None,
        since: str | None = None,
        until: str | None = None,
        exchanges: Names = (),
        bucket: str | None = None,
        bin: float | str | None = None,
        bins: int | None = None,
        price_range: tuple[float, float] | str | None = None,
        palette: str = "liq",
        theme: str = "auto",
        size: tuple[int, int] | None = None,
    ) -> Levels:
        """
        Estimate where open positions would be liquidated, from open interest and candles; see ``docs/levels.md``.

        The parameters are those of :meth:`heatmap`; ``until="latest"`` is the last snapshot of open interest.

        Raises
        ------
        UsageError
            An unknown name or an invalid value.
        EmptyWindowError
            No candles or no open interest in the window; the message names the command that gets them.
        """
        from liqcli.api.levels import open_levels

        window, axes, view = (lookback, since, until), (bucket, bin, bins, price_range), (palette, theme, size)
        return open_levels(self._store, self.exchanges, symbol, window, exchanges, axes, view)

    def fetch(
        self,
        symbols: Names = (),
        *,
        lookback: str | None = None,
        since: str | None = None,
        until: str | None = None,
        exchanges: Names = (),
        sources: Names = (),
        kinds: Names | None = None,
        interval: str = "1m",
        again: bool = False,
        wallets: str | Path | None = None,
        on_message: Callable[[str], None] = lambda _line: None,
        on_liquidations: OnSummary = lambda _summary: None,
        progress: ShowProgress | None = None,
    ) -> FetchResult:
        """
        Fetch liquidations, candles and open interest that the lake does not hold yet.

        Parameters
        ----------
        symbols : str or sequence of str
            In any spelling; ``"all"`` for every symbol, from sources that return all at once. Default: BTC, ETH, SOL.
        lookback, since, until : str, optional
            As for :meth:`heatmap`.
        exchanges, sources : str or sequence of str
            Names; none means all that need no key. Sources are sources of liquidations.
        kinds : str or sequence of str, optional
            Of ``liquidations``, ``candles``, ``open-interest``, ``margin-tiers``, ``liquidation-totals`` and
            ``positions``. Default: the first three; only liquidations if sources are given or for all symbols.
        interval : str
            Length of a candle, ``1m`` to ``1d``.
        again : bool
            Re-fetch complete windows and replace damaged files.
        wallets : str or Path, optional
            File of addresses, one per line, whose ``positions`` on Hyperliquid are fetched.
        on_message : callable
            Receives progress messages.
        on_liquidations : callable
            Receives the summary of liquidations before candles and open interest are fetched.
        progress : callable, optional
            Returns a context manager that shows progress instead of ``on_message``.

        Returns
        -------
        FetchResult
            ``rows`` and ``market``, ``messages()`` and ``exit_code``.

        Raises
        ------
        UsageError
            An unknown name or an invalid value; nothing was fetched.
        LakeError
            The lake cannot be written.
        """
        from liqcli.api.fetch import FetchRequest, fetch, find_latest, show_lines
        from liqcli.core.market_data import INTERVAL_US
        from liqcli.core.symbols import is_every
        from liqcli.core.times import check_lookback, resolve_window
        from liqcli.ingest.fetch.kinds.positions import read_wallets

        names = split_names(symbols)
        chosen = choose_kinds(kinds, sources, whole=is_every(names))
        check_choice(interval, tuple(INTERVAL_US), "--interval")
        if isinstance(symbols, str) and not names:
            raise UsageError("--symbol: no symbol given")
        latest = find_latest(self._store, names) if is_latest(until) else None
        request = FetchRequest(
            resolve_window(since, until, check_lookback(lookback, since), latest),
            names,
            split_names(exchanges),
            split_names(sources),
            chosen,
            interval,
            again,
            named=kinds is not None,
            wallets=read_wallets(Path(wallets)) if wallets is not None else (),
        )
        return fetch(self._store, request, progress or show_lines(on_message), on_liquidations)
