"""Recognise the embedded synthetic sample in any file, so that it is never stored as real data."""

from __future__ import annotations

from functools import cache
from itertools import islice
from pathlib import Path

from liqcli.core.errors import DamagedError
from liqcli.core.files import data_folder
from liqcli.core.model import SAMPLE_SOURCE
from liqcli.ingest.files.readers import is_parquet, iter_lines

HEAD_LINES = 4  # header and three rows, with prices and times that no other file has


def is_sample_file(path: Path) -> bool:
    """Return whether a file starts like the sample, packed or not, or is Parquet from a lake that holds the sample."""
    if is_parquet(path):
        return _has_source(path)
    try:
        return _head(path) == _own_head()
    except DamagedError:  # not text, or an installation without the sample
        return False


def _has_source(path: Path) -> bool:
    """Return whether any row of a Parquet file has the sample as its source."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        with pq.ParquetFile(path) as file:
            if "source" not in file.schema_arrow.names:
                return False
            batches = file.iter_batches(columns=["source"])
            return any(SAMPLE_SOURCE in batch.column(0).unique().to_pylist() for batch in batches)
    except (pa.ArrowException, OSError):
        return False  # reading the rows reports the damage


@cache
def _own_head() -> list[str]:
    return _head(data_folder("sample_data") / "liquidations.csv.gz")


def _head(path: Path) -> list[str]:
    return [line.text for line in islice(iter_lines(path), HEAD_LINES)]
