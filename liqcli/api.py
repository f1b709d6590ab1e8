"""The Python API: one class for the lake, one for a heat map of a window. The command line is built on it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liqcli.core.errors import UsageError

if TYPE_CHECKING:
    import pyarrow as pa
    from matplotlib.figure import Figure

    from liqcli.analysis.cascades import Cascade
    from liqcli.analysis.clusters import Cluster, ClusterOptions
    from liqcli.analysis.context import Context
    from liqcli.core.coverage import ExchangeCoverage
    from liqcli.core.model import HeatmapGrid, Window
    from liqcli.ingest.fetch import FetchSummary
    from liqcli.lake.selection import Query
    from liqcli.lake.status import StatusRow
    from liqcli.lake.store import Lake as Store
    from liqcli.report.results import WindowResults


class Lake:
    """
    A lake of liquidations, candles and open interest in Parquet files.

    Parameters
    ----------
    path : str or Path, optional
        Folder of the lake. Default: ``LIQCLI_LAKE``, then ``lake`` in liqcli.toml, then the user's data directory. It
        is created when something is stored.

    Examples
    --------
    >>> import liqcli
    >>> lake = liqcli.Lake("lake")                     # doctest: +SKIP
    >>> lake.heatmap("SOLUSDT", lookback="24h").save("report.html")  # doctest: +SKIP
    """

    def __init__(self, path: str | Path | None = None) -> None:
        from liqcli.core.environment import lake_root
        from liqcli.lake.store import Lake as Store

        self._store: Store = Store(lake_root(Path(path) if path is not None else None))

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
        exchanges: str | Sequence[str] = (),
        position: str = "both",
        bucket: str | None = None,
        bin: float | str | None = None,
        bins: int | None = None,
        price_range: tuple[float, float] | None = None,
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
        price_range : (float, float), optional
            Lowest price, inside, and highest, outside. [quote]
        min_usd : float
            Smallest event that counts. [USD]

        Returns
        -------
        Heatmap

        Raises
        ------
        UsageError
            An unknown name or an impossible value.
        EmptyWindowError
            No liquidation in the window; the message says what the lake holds.
        DamagedError
            None of the files can be read.
        """
        from liqcli.analysis.heatmap import GridOptions
        from liqcli.analysis.price_bins import parse_bin, parse_bucket
        from liqcli.report.results import ViewOptions, compute_results

        if bin is not None and bins is not None:
            raise UsageError("bin and bins cannot be combined: a width, or about how many")
        query = self._query(symbol, (lookback, since, until), exchanges, position, min_usd, price)
        options = GridOptions(
            parse_bucket(bucket) if bucket else None,
            parse_bin(bin if isinstance(bin, str) else repr(bin)) if bin is not None else None,
            bins,
            *(price_range or (None, None)),
        )
        view = ViewOptions(by, palette, scale, theme, size)
        clusters = _cluster_options(min_share, max_clusters, half_life)
        return Heatmap(compute_results(self._store, query, options, view, clusters))

    def fetch(
        self,
        symbols: str | Sequence[str] = (),
        *,
        lookback: str | None = None,
        since: str | None = None,
        until: str | None = None,
        exchanges: str | Sequence[str] = (),
        sources: str | Sequence[str] = (),
        again: bool = False,
        on_message: Callable[[str], None] = lambda _line: None,
    ) -> FetchSummary:
        """
        Fetch the liquidations that the lake does not hold yet.

        Parameters
        ----------
        symbols : str or sequence of str
            In any spelling. Default: BTC, ETH and SOL.
        lookback, since, until : str, optional
            As for :meth:`heatmap`.
        exchanges, sources : str or sequence of str
            Names; none means all that need no key.
        again : bool
            Re-fetch what is already complete and replace damaged files.
        on_message : callable
            Receives progress messages.

        Returns
        -------
        FetchSummary
            A row per source, exchange and symbol, and ``exit_code``.
        """
        from liqcli.core.times import resolve_window
        from liqcli.ingest.fetch import fetch

        window = resolve_window(since, until, _lookback(lookback, since), None)
        return fetch(self._store, window, _names(symbols), _names(sources), _names(exchanges), on_message, again=again)

    def sql(self, statement: str, params: Mapping[str, Any] | Sequence[Any] | None = None) -> pa.Table:
        """
        Run one SELECT of DuckDB SQL over the lake.

        Parameters
        ----------
        statement : str
            May read the views ``liquidations`` (each exchange and instant from one source only), ``candles`` and
            ``open_interest``.
        params : mapping or sequence, optional
            Values for ``$name`` or ``?``.

        Returns
        -------
        pyarrow.Table

        Raises
        ------
        UsageError
            Not exactly one SELECT, or DuckDB rejects it.
        """
        from liqcli.lake.views import query_lake

        return query_lake(self._store, statement, params)[0]

    def status(self) -> list[StatusRow]:
        """List what the lake holds: a row per exchange, symbol, source and kind."""
        from liqcli.lake.status import build_status

        return build_status(self._store)[0]

    def _query(
        self,
        symbol: str,
        window: tuple[str | None, str | None, str | None],
        exchanges: str | Sequence[str],
        position: str,
        min_usd: float,
        price: str,
    ) -> Query:
        from liqcli.core.symbols import check_exchange
        from liqcli.lake.selection import Query, check_position

        lookback, since, until = window
        names = tuple(check_exchange(name, self.exchanges) for name in _names(exchanges))
        length = _lookback(lookback, since)
        return Query(symbol, length, since, until, names, check_position(position), min_usd, price)


class Heatmap:
    """
    What was liquidated in one window: the grid, clusters, cascades, context, pictures and reports.

    In Jupyter it shows its picture. Get one from :meth:`Lake.heatmap`.
    """

    def __init__(self, findings: WindowResults) -> None:
        self._findings = findings

    @property
    def symbol(self) -> str:
        """Canonical symbol, or the base where several symbols were added up."""
        return self._findings.selection.label

    @property
    def window(self) -> Window:
        """Half-open ``[start, end)``. [UTC]"""
        return self._findings.selection.window

    @property
    def grid(self) -> HeatmapGrid:
        """``notional`` of shape (n_bins, n_buckets) [USD], ``price_edges`` [quote], ``bucket_starts_us`` [µs UTC]."""
        return self._findings.grid

    @property
    def clusters(self) -> tuple[Cluster, ...]:
        """Price bands that stand out, best rank first."""
        return self._findings.clusters

    @property
    def cascades(self) -> tuple[Cascade, ...]:
        """Bursts of liquidations, largest first."""
        return self._findings.cascades

    @property
    def context(self) -> Context:
        """RSI, trend, volume and open interest around the window; parts are None where candles are missing."""
        return self._findings.context

    @property
    def coverage(self) -> tuple[ExchangeCoverage, ...]:
        """Which share of the window each exchange and symbol covers, and the gaps."""
        return self._findings.selection.coverage

    @property
    def report(self) -> dict[str, Any]:
        """Every number of the report as plain data, as ``-o report.json`` writes it."""
        from liqcli.report.document import build_document

        return build_document(self._findings)

    def to_arrow(self) -> pa.Table:
        """Return the non-empty cells in long form: one row per bucket, bin and position, as ``-o grid.parquet``."""
        from liqcli.report.csv_parquet import build_table

        return build_table(self.grid)

    def to_pandas(self) -> Any:  # noqa: ANN401 - pandas is optional, and so are its types
        """Return :meth:`to_arrow` as a DataFrame; needs pandas."""
        return self.to_arrow().to_pandas()

    def save(self, *paths: str | Path, picture: str = "heatmap") -> list[Path]:
        """
        Write files; the suffix chooses the form: .html .md .png .json .csv .parquet.

        Parameters
        ----------
        picture : {"heatmap", "cascades", "cumulative", "open_interest"}
            What a ``.png`` shows.

        Returns
        -------
        list of Path
            All files written. A Markdown report puts its pictures beside it.
        """
        from liqcli.report.output_files import check_outputs, write_outputs

        names = [Path(path) for path in paths]
        check_outputs(names)
        return write_outputs(self._findings, names, picture=picture.replace("-", "_"))

    def figure(self, picture: str = "heatmap") -> Figure:
        """
        Draw a picture as a matplotlib Figure.

        Raises
        ------
        EmptyWindowError
            Open interest is not known in this window.
        """
        from liqcli.report.figures import WindowFigures
        from liqcli.report.output_files import explain_unknown

        name = picture.replace("-", "_")
        figure = WindowFigures(self._findings).alone(name)
        if figure is None or figure.drawing is None:
            raise explain_unknown(self._findings, name)
        return figure.drawing

    def _repr_png_(self) -> bytes:
        from liqcli.report.figures import WindowFigures

        figure = WindowFigures(self._findings).alone()
        return figure.png if figure else b""

    def __repr__(self) -> str:
        from liqcli.core.formatting import format_counted, format_time, format_usd

        sums, window = self._findings.summary.sums, self.window
        return (
            f"<Heatmap {self.symbol} {format_time(window.start_us)} to {format_time(window.end_us)} UTC: "
            f"{format_counted(sums.events, 'liquidation')}, {format_usd(sums.notional)} USD, "
            f"{format_counted(len(self.clusters), 'cluster')}, {format_counted(len(self.cascades), 'cascade')}>"
        )


def _names(given: str | Sequence[str]) -> tuple[str, ...]:
    """Accept ``"a,b"`` and ``["a", "b"]`` alike."""
    parts = given.split(",") if isinstance(given, str) else given
    return tuple(name for part in parts if (name := part.strip()))


def _lookback(lookback: str | None, since: str | None) -> str:
    from liqcli.core.times import check_lookback

    return check_lookback(lookback, since)


def _cluster_options(min_share: float | None, max_clusters: int | None, half_life: str | None) -> ClusterOptions:
    from liqcli.analysis.clusters import ClusterOptions, check_options
    from liqcli.core.times import parse_length

    usual = ClusterOptions()
    return check_options(
        usual.min_share if min_share is None else min_share,
        usual.max_clusters if max_clusters is None else max_clusters,
        parse_length(half_life, "half_life") if half_life else None,
    )
