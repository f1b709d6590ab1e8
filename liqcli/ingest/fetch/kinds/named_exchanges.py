"""Targets of kinds of data that every exchange publishes for itself: one per exchange and symbol."""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Any

from liqcli.core.errors import UsageError
from liqcli.core.model import Window
from liqcli.ingest.fetch.summary import FetchRow
from liqcli.ingest.fetch.tasks import Kind, Scope, Target


def list_exchange_targets(
    scope: Scope, window: Window, what: str, published: Collection[str], make_kind: Callable[[str], Kind[Any, Any]]
) -> list[Target]:
    """
    List a target per exchange that publishes the data, and symbol.

    Parameters
    ----------
    what : str
        The data as an error names them, such as ``margin tiers``.
    published : collection of str
        Exchanges that publish the data; a source is named like its exchange.
    make_kind : callable
        Takes an exchange and returns its kind, which all symbols share.

    Raises
    ------
    UsageError
        None of the named exchanges publishes the data.
    """
    chosen = [name for name in scope.exchanges or published if name in published]
    if not chosen:
        raise UsageError(f"--exchange: {what} are fetched from {', '.join(published)}")
    return [
        Target(kind, (name,), window, FetchRow(kind.name, symbol, window, name, (name,)))
        for name in chosen
        for kind in [make_kind(name)]
        for symbol in scope.symbols
    ]
