"""
Maps of levels in files, written before the day they are judged by.

A file is Parquet with a row per price bin (``price_low``, ``price_high``, ``long_notional``, ``short_notional``); its
metadata state ``as_of_us`` and ``written_us`` [µs UTC] and the SHA-256 of the map.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from liqcli.analysis.score.days import LevelMap
from liqcli.analysis.score.forward import hash_map
from liqcli.core.errors import DamagedError

COLUMNS = ("price_low", "price_high", "long_notional", "short_notional")


@dataclass(frozen=True, slots=True, eq=False)
class WrittenMap:
    """A map, when it was written [µs UTC], and its SHA-256."""

    level_map: LevelMap
    written_us: int
    sha256: str


def render_map(level_map: LevelMap, written_us: int) -> bytes:
    """Render a map as Parquet."""
    import pyarrow as pa
    import pyarrow.parquet as pq

    edges = level_map.price_edges
    columns = (edges[:-1], edges[1:], level_map.long_notional, level_map.short_notional)
    table = pa.table(dict(zip(COLUMNS, columns, strict=True)))
    facts = {"as_of_us": level_map.as_of_us, "written_us": written_us, "sha256": hash_map(level_map)}
    out = io.BytesIO()
    pq.write_table(table.replace_schema_metadata({k: str(v) for k, v in facts.items()}), out, compression="zstd")
    return out.getvalue()


def read_map(path: Path) -> WrittenMap:
    """
    Read a map.

    Raises
    ------
    DamagedError
        The file cannot be read, or its map is not the one that its hash was computed of.
    """
    import pyarrow as pa
    import pyarrow.parquet as pq

    try:
        table = pq.ParquetFile(path).read()
        low, high, longs, shorts = (table.column(name).to_numpy() for name in COLUMNS)
        facts = {key.decode(): value.decode() for key, value in (table.schema.metadata or {}).items()}
        level_map = LevelMap(int(facts["as_of_us"]), np.append(low, high[-1:]), longs, shorts)
        written_us, sha256 = int(facts["written_us"]), facts["sha256"]
    except (pa.ArrowException, OSError, KeyError, ValueError) as error:
        raise DamagedError(f"{path}: damaged or no map of levels ({error})") from error
    if hash_map(level_map) != sha256:
        raise DamagedError(f"{path}: the map was changed after its SHA-256 {sha256[:12]} was computed")
    return WrittenMap(level_map, written_us, sha256)
