"""Options of an import, as the user set them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field

from liqcli.core.errors import UsageError
from liqcli.core.symbols import nearest

FORMATS = ("auto", "tardis", "binance-vision", "binance-stream", "bybit-stream", "okx-stream", "generic")


@dataclass(frozen=True, slots=True)
class ImportOptions:
    """Options of an import, as the user set them; None means not set."""

    format: str = "auto"
    exchange: str | None = None
    symbol: str | None = None
    tz: str | None = None
    columns: str | None = None
    kind: str = "auto"
    market: str | None = None
    quote: str | None = None
    source: str | None = None
    contract_sizes: Mapping[str, float] = field(default_factory=dict)
    replace: bool = False
    no_header: bool = False
    table: str | None = None
    drop_near_repeats: bool = False


def check_format(name: str) -> str:
    """
    Check a ``--format`` value.

    Raises
    ------
    UsageError
        Unknown; the nearest names are given.
    """
    if name not in FORMATS:
        raise UsageError(f"--format: unknown format {name!r}{nearest(name, FORMATS)}")
    return name
