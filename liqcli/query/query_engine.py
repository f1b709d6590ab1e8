"""
What every engine offers the queries of a window: files as views, SQL files run on them, columns returned.

:class:`liqcli.query.duckdb_engine.DuckDBEngine` runs them with DuckDB in this process, and
:class:`liqcli.query.spark_engine.SparkEngine` on a cluster. All results are equal.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Collection, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, NamedTuple, Self

from liqcli.core.errors import DamagedError, LakeError

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    import pyarrow.parquet as pq
    from numpy.typing import NDArray

Params = Mapping[str, int | float | str]


class OpenedFile(NamedTuple):
    """The columns of a file and the number of its rows."""

    schema: pa.Schema
    rows: int


class QueryEngine(ABC):
    """Named tables and views; results never depend on the engine, the number of threads, or the order of rows."""

    is_remote = False  # True if rows stay where they are: this process neither loads nor sums them

    def __init__(self) -> None:
        self._opened: dict[Path, OpenedFile] = {}  # the readable files of open_files
        self._watched: dict[Path, tuple[int, ...] | None] = {}

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    @property
    @abstractmethod
    def local(self) -> QueryEngine:
        """The engine in this process, for what is small: candles, open interest, one file that a window cuts."""

    @abstractmethod
    def close(self) -> None:
        """Drop the tables and views."""

    def open_files(
        self,
        name: str,
        paths: Sequence[Path],
        columns: Collection[str],
        thorough: bool = False,
        watch: bool = False,
    ) -> list[Path]:
        """
        Open Parquet files as one view with a ``filename`` column.

        A file without ``columns`` counts as damaged; ``thorough`` reads every page, not only the footer. With
        ``watch``, :meth:`run` fails when one of these files is replaced, so that all results are of the same files.

        Returns
        -------
        list of Path
            Damaged files that were left out.

        Raises
        ------
        DamagedError
            None of the files can be read.
        """
        if watch:
            self._watched = {path: _identify(path) for path in paths}
        found = {path: _read_opened(path, columns, thorough) for path in paths}
        readable = {path: file for path, file in found.items() if file is not None}
        damaged = [path for path, file in found.items() if file is None]
        if not readable:
            raise describe_unreadable(damaged)
        self._opened |= readable
        self._create_file_view(name, [path for path in paths if path in readable])
        return damaged

    def open_subset(self, name: str, paths: Sequence[Path]) -> None:
        """Open some of the readable files of :meth:`open_files` as another view."""
        self._create_file_view(name, paths)

    def check_watched(self) -> None:
        """Check that no watched file was replaced; raises LakeError."""
        for path, identity in self._watched.items():
            if _identify(path) != identity:
                raise LakeError(f"{path}: replaced by another process while it was read; run the command again")

    @abstractmethod
    def _create_file_view(self, name: str, paths: Sequence[Path]) -> None: ...

    @abstractmethod
    def register(self, name: str, table: pa.Table) -> None:
        """Register an Arrow table under a name."""

    @abstractmethod
    def create(self, name: str, query: str, params: Params | None = None) -> None:
        """
        Run ``sql/<query>.sql`` and let ``name`` stand for its rows.

        Raises
        ------
        DamagedError
            A file turns out damaged while its rows are read.
        """

    @abstractmethod
    def create_view(self, name: str, query: str, params: Params | None = None) -> None:
        """Create a view of ``sql/<query>.sql`` with these parameters; every use of it runs the query."""

    @abstractmethod
    def load(self, name: str, view: str) -> None:
        """
        Let ``name`` stand for the rows of a view, whatever it stood for before; DuckDB copies them into a table.

        Raises
        ------
        DamagedError
            A file turns out damaged while its rows are read.
        """

    @abstractmethod
    def alias(self, name: str, table: str) -> None:
        """Let a name stand for a table or view, whatever it stood for before."""

    @abstractmethod
    def run(self, query: str, params: Params | None = None) -> dict[str, NDArray[np.generic]]:
        """
        Run ``sql/<query>.sql`` and return its columns, each of shape ``(n_rows,)``.

        Raises
        ------
        DamagedError
            A file turns out damaged while its rows are read.
        LakeError
            A watched file was replaced.
        """


def read_footer(path: Path, columns: Collection[str]) -> pq.FileMetaData | None:
    """Read the footer of a file; None if it is not Parquet with these columns."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pa.OSFile(str(path)) as file:
            footer = pq.read_metadata(file)
        return footer if set(columns) <= set(footer.schema.names) else None
    except (OSError, pa.ArrowException):
        return None


def describe_unreadable(paths: Sequence[Path]) -> DamagedError:
    """Build the error for files of which none can be read."""
    names = ", ".join(str(path) for path in paths) or "no file"
    return DamagedError(f"nothing readable: {names}; run liqcli verify for details")


def _read_opened(path: Path, columns: Collection[str], thorough: bool) -> OpenedFile | None:
    """Read a file's footer; None if it is not Parquet with these. Damage in a page only shows with ``thorough``."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    footer = read_footer(path, columns)
    try:
        if footer is not None and thorough:
            pq.read_table(path)
    except (OSError, pa.ArrowException):
        return None
    return None if footer is None else OpenedFile(footer.schema.to_arrow_schema(), footer.num_rows)


def _identify(path: Path) -> tuple[int, ...] | None:
    try:
        found = path.stat()
    except OSError:
        return None
    return found.st_ino, found.st_size, found.st_mtime_ns
