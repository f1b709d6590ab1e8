"""The path of a Parquet file in the lake: kind, exchange, symbol, month and source."""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from pathlib import Path

from liqcli.core.errors import UsageError
from liqcli.core.model import Window, from_us

US_PER_DAY = 86_400 * 1_000_000
KINDS = ("liquidations", "candles", "open_interest", "liquidation_totals")
_MONTH = re.compile(r"\d{4}-(0[1-9]|1[0-2])")


@dataclass(frozen=True, slots=True, order=True)
class Partition:
    """The parts of one file's path."""

    kind: str
    exchange: str
    symbol: str
    month: str
    source: str
    interval: str = ""

    def path(self, root: Path) -> Path:
        """Return the path below the root of the lake; every part is checked, so that none leads out of the lake."""
        for part in (self.exchange, self.symbol, self.source):
            if not is_name(part):
                raise UsageError(f"{part!r} is not a valid name in the lake (letters, digits and dashes only)")
        folder = root / self.kind / f"exchange={self.exchange}" / f"symbol={self.symbol}"
        if self.interval:
            folder /= f"interval={self.interval}"
        return folder / f"month={self.month}" / f"{self.source}.parquet"

    @property
    def is_placed(self) -> bool:
        """True if liqcli could have written the file: names and month are valid."""
        return all(map(is_name, (self.exchange, self.symbol, self.source))) and bool(_MONTH.fullmatch(self.month))


def iter_parts(folder: Path, start: str, end: str = "") -> Iterator[tuple[str, Path]]:
    """Yield the paths in a folder whose names start and end like this, each after the rest of its name."""
    with contextlib.suppress(OSError):
        for path in folder.iterdir():
            if path.name.startswith(start) and path.name.endswith(end):
                yield path.name.removeprefix(start).removesuffix(end), path


def is_name(text: str) -> bool:
    """Return True if a text is a valid name in the lake: letters, digits and dashes."""
    return text.replace("-", "").isalnum()


def month_of(ts_us: int) -> str:
    """Return the UTC month of an instant, as in ``month=YYYY-MM``."""
    return _month_of_day(ts_us // US_PER_DAY)


@cache
def _month_of_day(day: int) -> str:
    """Return the month of a day since the epoch; cached, as staging needs it for every row."""
    moment = from_us(day * US_PER_DAY)
    return f"{moment.year:04d}-{moment.month:02d}"


def months_of(window: Window) -> list[str]:
    """List every UTC month that a window overlaps."""
    months, year, month = [], window.start.year, window.start.month
    last = month_of(window.end_us - 1)
    while True:
        months.append(f"{year:04d}-{month:02d}")
        if months[-1] >= last:
            return months
        year, month = (year + 1, 1) if month == 12 else (year, month + 1)


def month_bounds(month: str) -> tuple[int, int]:
    """Return first and past-the-end instant of a UTC month. [µs]"""
    year, number = int(month[:4]), int(month[5:])
    start = datetime(year, number, 1, tzinfo=UTC)
    end = datetime(year + number // 12, number % 12 + 1, 1, tzinfo=UTC)
    return int(start.timestamp()) * 1_000_000, int(end.timestamp()) * 1_000_000
