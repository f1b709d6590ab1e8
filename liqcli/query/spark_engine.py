"""
Run the SQL files on a cluster by Spark Connect: Sail, Spark 4, and services that speak its protocol.

The workers read the files of the lake, at the same path as this machine or at a URL. Sums come back through Arrow.
"""

from __future__ import annotations

import atexit
import re
import sys
import warnings
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

from liqcli.core.errors import DamagedError, SourceError, UsageError
from liqcli.core.formatting import format_counted
from liqcli.query.query_engine import Params, QueryEngine

if TYPE_CHECKING:
    import numpy as np
    import pyarrow as pa
    from numpy.typing import NDArray
    from pyspark.sql import DataFrame, SparkSession

    from liqcli.core.settings import EngineSettings
    from liqcli.query.duckdb_engine import DuckDBEngine

INSTALL = "pip install 'liqcli[spark]'"
CONNECT_TIMEOUT_S = 10.0
RETRIES = 4  # of a lost connection, within 5 s; Spark's 15 take over ten minutes
PATTERN = frozenset("*?[]{}\\")  # characters that make a path a pattern of paths
_UNREADABLE = re.compile(r"FAILED_READ_FILE(?!\.FILE_NOT_EXIST)|parquet", re.IGNORECASE)


class SparkEngine(QueryEngine):
    """
    A session on a cluster.

    Parameters
    ----------
    settings : EngineSettings
        Address of the server, and where its workers find the lake.
    root : Path
        Folder of the lake on this machine.

    Raises
    ------
    UsageError
        The packages are not installed, the address is not one, or the path of the lake is a pattern.
    SourceError
        The server does not answer.
    """

    is_remote = True

    def __init__(self, settings: EngineSettings, root: Path) -> None:
        super().__init__()
        self._root = root
        self._lake = settings.lake or str(root.absolute())
        if PATTERN & set(self._lake):
            raise UsageError(
                f"engine {settings.shown}: the lake's path {self._lake} must not hold any of * ? [ ] {{ }} \\"
            )
        self._address = settings.shown
        self._waiting: dict[str, Sequence[Path]] = {}  # views of files that no query has read yet
        self._local: DuckDBEngine | None = None
        self._spark: SparkSession = _connect(settings)
        atexit.register(self.close)
        with self._explained():
            self._spark.conf.set("spark.sql.session.timeZone", "UTC")
            self._spark.conf.set("spark.sql.timestampType", "TIMESTAMP_NTZ")

    @property
    def local(self) -> DuckDBEngine:
        """DuckDB in this process."""
        if self._local is None:
            from liqcli.query.duckdb_engine import DuckDBEngine

            self._local = DuckDBEngine()
        return self._local

    def close(self) -> None:
        """End the session, which stops its running queries; closing twice has no effect."""
        atexit.unregister(self.close)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # the server may be gone
            self._spark.stop()
        if self._local is not None:
            self._local.close()

    def register(self, name: str, table: pa.Table) -> None:
        """Send an Arrow table to the server under a name."""
        with self._explained():
            self._spark.createDataFrame(table).createOrReplaceTempView(name)

    def create(self, name: str, query: str, params: Params | None = None) -> None:
        """Do the same as :meth:`create_view`: rows stay in the files."""
        self.create_view(name, query, params)

    def create_view(self, name: str, query: str, params: Params | None = None) -> None:
        """Create a view of ``sql/<query>.sql``."""
        with self._explained():
            self._plan(query, params).createOrReplaceTempView(name)

    def load(self, name: str, view: str) -> None:
        """Do the same as :meth:`alias`: rows stay in the files."""
        self.alias(name, view)

    def alias(self, name: str, table: str) -> None:
        """Let a name stand for a table or view."""
        with self._explained():
            self._open({table})
            self._spark.table(table).createOrReplaceTempView(name)

    def run(self, query: str, params: Params | None = None) -> dict[str, NDArray[np.generic]]:
        """Run ``sql/<query>.sql`` on the server and return its columns; raises SourceError too if that fails."""
        with self._explained():
            table = self._plan(query, params).toArrow()
        self.check_watched()
        return {name: _to_numpy(column) for name, column in zip(table.column_names, table.columns, strict=True)}

    def _plan(self, query: str, params: Params | None) -> DataFrame:
        from liqcli.query.spark_sql import translate_query

        translated = translate_query(query)
        self._open(translated.tables)
        return self._spark.sql(translated.text, args=dict(params or {}))

    def _create_file_view(self, name: str, paths: Sequence[Path]) -> None:
        self._waiting[name] = paths

    def _open(self, names: set[str] | frozenset[str]) -> None:
        """Create the views of files among these names: the server resolves each file, so only where one is read."""
        for name in self._waiting.keys() & names:
            paths = self._waiting.pop(name)
            frames = [self._read(path) for path in paths]
            while len(frames) > 1:  # a balanced tree, as a server walks it recursively
                pairs = zip(frames[::2], frames[1::2], strict=False)
                odd = frames[len(frames) & ~1 :]
                frames = [one.unionByName(other, allowMissingColumns=True) for one, other in pairs] + odd
            frames[0].createOrReplaceTempView(name)
            self._check_files(frames[0], paths)

    def _check_files(self, view: DataFrame, paths: Sequence[Path]) -> None:
        """Check that the workers have the same files: Sail reads one that is missing as an empty one."""
        counted = view.groupBy("filename").count().toArrow()
        rows = dict(zip(*(column.to_pylist() for column in counted.columns), strict=True))
        for path in paths:
            if (there := rows.get(str(path), 0)) != (here := self._opened[path].rows):
                raise SourceError(
                    f"engine {self._address}: {self._place(path)} has {format_counted(there, 'row')} on the workers, "
                    f"but {path} has {here:,} here; the cluster needs the same lake"
                )

    def _place(self, path: Path) -> str:
        return f"{self._lake}/{path.relative_to(self._root).as_posix()}"

    def _read(self, path: Path) -> DataFrame:
        """Plan to read one file, with its name: not every server can tell it."""
        from pyspark.sql.connect.functions import lit
        from pyspark.sql.pandas.types import from_arrow_schema

        frame = self._spark.read.schema(from_arrow_schema(self._opened[path].schema)).parquet(self._place(path))
        return frame.withColumn("filename", lit(str(path)))

    @contextmanager
    def _explained(self) -> Iterator[None]:
        """Convert errors of the server to one line."""
        from grpc import RpcError
        from pyspark.errors import PySparkException

        try:
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # that retries were in vain: the error says it
                yield
        except (PySparkException, RpcError) as error:
            text = next(iter(str(error).strip().splitlines()), type(error).__name__)
            if _UNREADABLE.search(text):
                raise DamagedError(f"engine {self._address}: a file of the lake cannot be read: {text}") from error
            raise SourceError(f"engine {self._address}: {text}") from error


def _connect(settings: EngineSettings) -> Any:  # noqa: ANN401 - typed as the session of classic Spark elsewhere
    try:
        with _importable():
            import grpc
            import sqlglot  # noqa: F401 - fail now rather than at the first query
            from pyspark.errors import PySparkException
            from pyspark.sql.connect.client.core import DefaultChannelBuilder
            from pyspark.sql.connect.client.retries import DefaultPolicy
            from pyspark.sql.connect.session import SparkSession
    except ImportError as error:
        raise UsageError(
            f"--engine {settings.shown}: the package {error.name} is not installed; run: {INSTALL}"
        ) from None
    try:
        builder = DefaultChannelBuilder(settings.address)
        if settings.token:
            builder.set("token", settings.token)
        channel = builder.toChannel()
    except PySparkException as error:
        raise UsageError(f"--engine {settings.shown}: {error}") from None
    try:
        grpc.channel_ready_future(channel).result(CONNECT_TIMEOUT_S)
    except grpc.FutureTimeoutError:
        raise SourceError(f"engine {settings.shown}: no Spark Connect server answers") from None
    finally:
        channel.close()
    session: Any = SparkSession.builder.channelBuilder(builder).create()
    session.client.set_retry_policies([DefaultPolicy(max_retries=RETRIES)])
    return session


@contextmanager
def _importable() -> Iterator[None]:
    """Let pyspark be imported by ``python -c``, which it takes for its doctests, and with any version of pandas."""
    main = sys.modules["__main__"]
    bare = not hasattr(main, "__file__")
    if bare:
        main.__file__ = ""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # about pandas, which liqcli does not use
            yield
    finally:
        if bare:
            del main.__file__


def _to_numpy(column: pa.ChunkedArray) -> NDArray[Any]:
    """Convert to the types that DuckDB returns; what is null is never used."""
    import pyarrow as pa
    import pyarrow.compute as pc

    if pa.types.is_integer(column.type):
        column = column.cast(pa.int64())
    if pa.types.is_primitive(column.type) and column.null_count:
        column = pc.fill_null(column, pa.scalar(0).cast(column.type))
    values: NDArray[Any] = column.combine_chunks().to_numpy(zero_copy_only=False)
    return values
