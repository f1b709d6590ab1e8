"""The SQL files, one query each, read with ``read_query``."""

from __future__ import annotations

from functools import cache
from importlib import resources


@cache
def read_query(name: str) -> str:
    """Read the text of ``<name>.sql`` in this package."""
    return (resources.files(__name__) / f"{name}.sql").read_text(encoding="utf-8")
