"""Methods of the lake about its contents: SQL, status and verification."""

from __future__ import annotations

import warnings
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Protocol

from liqcli.api.arguments import Names, split_names

if TYPE_CHECKING:
    import pyarrow as pa

    from liqcli.lake.status import StatusRow
    from liqcli.lake.store import Lake as Store
    from liqcli.lake.verify import Verdict
    from liqcli.lake.verify.dated_contracts import MovedContract


class _HasStore(Protocol):
    _store: Store


@dataclass(frozen=True, slots=True)
class LakeStatus:
    """Contents of a lake: one row per exchange, symbol, source and kind, and the files that cannot be read."""

    rows: tuple[StatusRow, ...]
    damaged: tuple[Path, ...]

    @property
    def overlaps(self) -> list[str]:
        """List the sources that reports leave out, for how long, and the sources used instead."""
        from liqcli.lake.status import list_overlaps

        return list_overlaps(self.rows)

    @property
    def unconfirmed(self) -> list[str]:
        """List how much time of recorded streams is unconfirmed."""
        from liqcli.lake.status import list_unconfirmed

        return list_unconfirmed(self.rows)

    def to_dict(self) -> list[dict[str, Any]]:
        """Return plain data as ``liqcli status --format json`` prints it."""
        from liqcli.lake.status import status_record

        return [status_record(row) for row in self.rows]


class ContentsMethods:
    """Base of :class:`liqcli.Lake`: what the lake holds, and whether it is sound."""

    def sql(
        self: _HasStore,
        statement: str,
        params: Mapping[str, Any] | Sequence[Any] | None = None,
        *,
        on_damaged: Callable[[Path], None] | None = None,
    ) -> pa.Table:
        """
        Run one SELECT of DuckDB SQL over the lake.

        Parameters
        ----------
        statement : str
            May read the views ``liquidations`` (each exchange and instant from one source only), ``candles`` and
            ``open_interest``.
        params : mapping or sequence, optional
            Values for ``$name`` or ``?``.
        on_damaged : callable, optional
            Receives each file that cannot be read and was left out. Default: a Python warning.

        Returns
        -------
        pyarrow.Table

        Raises
        ------
        UsageError
            Not exactly one SELECT, or DuckDB rejects it.
        """
        from liqcli.lake.views import query_lake

        table, damaged = query_lake(self._store, statement, params)
        for path in damaged:
            (on_damaged or _warn_damaged)(path)
        return table

    def take_in_recordings(self: _HasStore) -> list[str]:
        """
        Take in what a killed ``liqcli record`` left on the disk; the commands do so before they read the lake.

        Returns
        -------
        list of str
            What was taken in, and what could not be; empty if nothing was left.
        """
        from liqcli.core.times import now_us
        from liqcli.lake.segment_intake import take_in_leftovers

        return take_in_leftovers(self._store, now_us())

    def status(self: _HasStore, symbols: Names = (), exchanges: Names = ()) -> LakeStatus:
        """
        List what the lake holds: ``rows``, one per exchange, symbol, source and kind, and ``damaged`` files.

        Parameters
        ----------
        symbols, exchanges : str or sequence of str
            Only rows of these; none means all. Symbols in any spelling; a bare base means every contract on it.

        Raises
        ------
        UsageError
            An unknown name.
        """
        from liqcli.core.symbols import check_exchange, match_symbols
        from liqcli.lake.status import build_status

        rows, damaged = build_status(self._store)
        if symbols := split_names(symbols):
            stored = {row.symbol for row in rows}
            wanted = {found for name in symbols for found in match_symbols(name, stored)}
            rows = [row for row in rows if row.symbol in wanted]
        if exchanges := split_names(exchanges):
            places = {check_exchange(name, (row.exchange for row in rows)) for name in exchanges}
            rows = [row for row in rows if row.exchange in places]
        return LakeStatus(tuple(rows), tuple(damaged))

    def verify(self: _HasStore, against_totals: bool = False) -> Verdict:
        """
        Read every file and check it; ``damage`` and ``suspicions`` list what was found.

        Parameters
        ----------
        against_totals : bool
            Also compare the events of each hour with the totals that the exchange publishes (``totals``).
        """
        from liqcli.lake.verify import verify_lake
        from liqcli.sources.registry import KNOWN_SOURCES

        return verify_lake(self._store, KNOWN_SOURCES, against_totals)

    def move_dated(self: _HasStore) -> Iterator[MovedContract]:
        """Move dated contracts that are stored under the symbol of a perpetual to their own; yields what was moved."""
        from liqcli.lake.verify.dated_contracts import move_dated

        return move_dated(self._store)


def _warn_damaged(path: Path) -> None:
    warnings.warn(f"{path}: damaged, left out", RuntimeWarning, stacklevel=3)
