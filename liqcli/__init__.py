"""liqcli: real crypto-futures liquidations as heat maps, reports and plain Parquet."""

from __future__ import annotations

from typing import TYPE_CHECKING

from liqcli.core.version import __version__

if TYPE_CHECKING:
    from liqcli.api import Comparison as Comparison
    from liqcli.api import Heatmap as Heatmap
    from liqcli.api import Lake as Lake
    from liqcli.api import Levels as Levels
    from liqcli.api import Overview as Overview

__all__ = ["Comparison", "Heatmap", "Lake", "Levels", "Overview", "__version__"]


def __getattr__(name: str) -> object:
    """Load the API when one of its names is first used, so that ``import liqcli`` stays light."""
    if name in ("Comparison", "Heatmap", "Lake", "Levels", "Overview"):
        from liqcli import api

        return getattr(api, name)
    raise AttributeError(f"module 'liqcli' has no attribute {name!r}")


def __dir__() -> list[str]:
    return sorted(__all__)
