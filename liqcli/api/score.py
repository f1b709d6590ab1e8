"""Scores of levels and clusters as a Python object, and the methods of the lake that compute them."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from liqcli.api.arguments import Names, split_names
from liqcli.core.choices import FIGURE_THEMES, check_choice

if TYPE_CHECKING:
    from matplotlib.figure import Figure

    from liqcli.lake.store import Lake as Store
    from liqcli.report.levels_data import LevelsQuery

DEFAULT_LOOKBACK = "30d"


class ScoreResult:
    """
    An out-of-sample score, returned by :meth:`liqcli.Lake.score_levels` and :meth:`liqcli.Lake.score_clusters`.

    Attributes
    ----------
    report : dict
        Every number as plain data, as ``--format json`` prints it.
    damaged : tuple of Path
        Files that were left out.
    """

    def __init__(self, report: dict[str, Any], damaged: tuple[Path, ...]) -> None:
        self.report = report
        self.damaged = damaged

    @property
    def verdict(self) -> str:
        """``skill``, ``no evidence`` or ``too little data``."""
        return str(self.report["verdict"])

    @property
    def sentence(self) -> str:
        """The result in one sentence."""
        return str(self.report["sentence"])

    def figure(self, theme: str = "dark") -> Figure:
        """Draw the differences to the baselines as a forest plot."""
        from liqcli.report.score_figure import draw_score_figure

        return draw_score_figure(self.report, check_choice(theme, FIGURE_THEMES, "--theme"))

    def render(self, output_format: str = "json") -> str:
        """Return the text of ``--format json``."""
        from liqcli.report.html_markdown import render_json

        check_choice(output_format, ("json",), "--format")
        return render_json(self.report)

    def save(self, *paths: str | Path, theme: str = "dark") -> list[Path]:
        """
        Write files: ``.json``, or ``.png`` for the forest plot.

        Raises
        ------
        UsageError
            Another suffix, or a folder that does not exist.
        """
        from liqcli.charts.png import render_png
        from liqcli.core.files import replace_file
        from liqcli.report.output_files import check_outputs

        names = [Path(path) for path in paths]
        check_outputs(names, (".json", ".png"))
        for path in names:
            picture = path.suffix.lower() == ".png"
            content = render_png(self.figure(theme)) if picture else self.render().encode()
            replace_file(path, content)
        return names

    def __repr__(self) -> str:
        return f"<ScoreResult {self.report['symbol']} {self.report['meta']['kind']}: {self.sentence}>"


class _HasStore(Protocol):
    _store: Store

    @property
    def exchanges(self) -> Sequence[str]:
        """Exchanges with stored liquidations."""


class ScoreMethods:
    """Base of :class:`liqcli.Lake`: scores against what happened afterwards."""

    def score_levels(
        self: _HasStore,
        symbol: str,
        *,
        lookback: str | None = None,
        since: str | None = None,
        until: str | None = None,
        exchanges: Names = (),
    ) -> ScoreResult:
        """
        Score the estimated levels of each day on what the day liquidated; see ``docs/score.md``.

        Parameters
        ----------
        symbol, since, until, exchanges
            As for :meth:`levels`.
        lookback : str, optional
            Default: ``30d``.

        Raises
        ------
        UsageError
            An unknown name or an invalid value.
        EmptyWindowError
            No liquidations, candles or open interest in the window; the message names what is missing.
        """
        from liqcli.report.level_score import compute_level_score
        from liqcli.report.score_document import build_level_document

        found = compute_level_score(self._store, _read(symbol, (lookback, since, until), exchanges, self.exchanges))
        return ScoreResult(build_level_document(found), found.damaged)

    def score_clusters(
        self: _HasStore,
        symbol: str,
        *,
        lookback: str | None = None,
        since: str | None = None,
        until: str | None = None,
        exchanges: Names = (),
        clusters: str = "24h",
    ) -> ScoreResult:
        """
        Score the clusters of every six hours on what price did at them; see ``docs/score.md``.

        Parameters
        ----------
        clusters : str
            Lookback of the clusters.
        symbol, lookback, since, until, exchanges
            As for :meth:`score_levels`.

        Raises
        ------
        UsageError
            An unknown name or an invalid value.
        EmptyWindowError
            No liquidations or candles in the window; the message names what is missing.
        """
        from liqcli.core.durations import parse_length
        from liqcli.report.cluster_score import compute_cluster_score
        from liqcli.report.score_document import build_cluster_document

        query = _read(symbol, (lookback, since, until), exchanges, self.exchanges)
        found = compute_cluster_score(self._store, query, parse_length(clusters, "--clusters"))
        return ScoreResult(build_cluster_document(found), found.damaged)


def _read(
    symbol: str, window: tuple[str | None, str | None, str | None], exchanges: Names, stored: Sequence[str]
) -> LevelsQuery:
    from liqcli.core.symbols import check_exchange
    from liqcli.core.times import check_lookback
    from liqcli.report.levels_data import LevelsQuery

    lookback, since, until = window
    if lookback is None and since is None:
        lookback = DEFAULT_LOOKBACK
    chosen = tuple(check_exchange(name, stored) for name in split_names(exchanges))
    return LevelsQuery(symbol, check_lookback(lookback, since), since, until, chosen)
