"""The computing, one file a query; ``read_query`` is the only way in."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def read_query(name: str) -> str:
    """Read the text of ``<name>.sql`` of this package (also from inside a wheel)."""
    return (resources.files(__name__) / f"{name}.sql").read_text(encoding="utf-8")
