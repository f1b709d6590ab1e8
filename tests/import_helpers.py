"""Helpers of the import tests: write a file, import it, read back the lake."""

from __future__ import annotations

import json

import pyarrow.parquet as pq

from liqcli.ingest.files.importer import import_files
from liqcli.ingest.files.options import ImportOptions

GENERIC = """time,symbol,position,price,qty
2024-03-01T00:00:00Z,BTCUSDT,long,60000,0.5
2024-03-01T00:30:00Z,BTCUSDT,short,61000,0.1
2024-03-01T00:30:00Z,BTCUSDT,short,61000,0.1
2024-03-31T23:59:59.999999Z,ETHUSDT,long,3000,2
2024-04-01T00:00:00Z,ETHUSDT,long,3000,2
"""


def put(tmp_path, name, content):
    path = tmp_path / name
    path.write_bytes(content if isinstance(content, bytes) else content.encode())
    return path


def rows_of(store, kind="liquidations"):
    found = []
    for part in store.partitions(kind):
        for row in pq.ParquetFile(part.path(store.root)).read().to_pylist():
            found.append({**row, "exchange": part.exchange, "symbol": part.symbol, "month": part.month})
    return found


def bytes_of(root):
    return {str(p.relative_to(root)): p.read_bytes() for p in sorted(root.rglob("*")) if p.is_file()}


def import_one(store, path, **options):
    (file,) = import_files(store, [path], ImportOptions(**options)).files
    if file.error:
        raise file.error
    return file


def rejected_of(file):
    return [json.loads(line) for line in file.rejected_path.read_text().splitlines()]
