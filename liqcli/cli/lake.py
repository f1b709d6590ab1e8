"""Open the lake for a command."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from liqcli.cli.output import say

if TYPE_CHECKING:
    from liqcli.api import Lake


def open_lake(path: Path | None, engine: str | None = None) -> Lake:
    """Open the lake; first take in what a recording that was killed has left, and say so."""
    from liqcli.api import Lake

    lake = Lake(path, engine)
    for line in lake.take_in_recordings():
        say(line)
    return lake
