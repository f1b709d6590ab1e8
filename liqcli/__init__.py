"""liqcli: real crypto-futures liquidations as heat maps, reports and plain Parquet."""

from __future__ import annotations

__version__ = "0.1.0"
