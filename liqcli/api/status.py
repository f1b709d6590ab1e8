"""Contents of a lake as a Python object."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from liqcli.lake.status import StatusRow


@dataclass(frozen=True, slots=True)
class LakeStatus:
    """Contents of a lake: one row per exchange, symbol, source and kind, and the files that cannot be read."""

    rows: tuple[StatusRow, ...]
    damaged: tuple[Path, ...]

    @property
    def overlaps(self) -> list[str]:
        """List the sources that reports leave out, for how long, and the sources used instead."""
        from liqcli.lake.status import list_overlaps

        return list_overlaps(self.rows)

    def to_dict(self) -> list[dict[str, Any]]:
        """Return plain data as ``liqcli status --format json`` prints it."""
        from liqcli.lake.status import status_record

        return [status_record(row) for row in self.rows]
