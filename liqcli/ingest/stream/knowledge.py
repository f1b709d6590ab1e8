"""
What recordings learn about a stream, kept in ``<lake>/feeds/<source>.json``: its usual gaps, and the clock's offset.

A file that cannot be read is the same as none: everything is learnt again.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from liqcli.core.formatting import format_iso
from liqcli.core.model import US_PER_S
from liqcli.ingest.stream.buffer import StreamBuffer
from liqcli.ingest.stream.silence import GapStatistics
from liqcli.lake.store import Lake

MOST_CHANNELS = 50  # kept per source; the least recent are dropped


def read_knowledge(lake: Lake, buffers: Sequence[StreamBuffer]) -> None:
    """Give the buffers what earlier recordings of the same symbols learnt."""
    for buffer in buffers:
        kept = _read(_path(lake, buffer)).get(_name(buffer), {})
        try:
            buffer.coverage.gaps = GapStatistics.from_dict(kept["gaps"])
        except (KeyError, TypeError, ValueError, AttributeError):
            buffer.coverage.gaps = GapStatistics()


def write_knowledge(lake: Lake, buffers: Sequence[StreamBuffer], now_us: int) -> None:
    """
    Keep what the buffers have learnt.

    Raises
    ------
    LakeError
        The lake cannot be written.
    """
    by_path: dict[Path, list[StreamBuffer]] = {}
    for buffer in buffers:
        if buffer.coverage.gaps.total or buffer.clock.offset_us is not None:
            by_path.setdefault(_path(lake, buffer), []).append(buffer)
    for path, own in by_path.items():
        with lake.locked():
            known = _read(path)
            for buffer in own:
                known[_name(buffer)] = _describe(buffer, now_us)
            latest = sorted(known.items(), key=lambda item: str(item[1].get("updated")))[-MOST_CHANNELS:]
            lake.write_file(path, json.dumps(dict(sorted(latest)), indent=1).encode())


def _describe(buffer: StreamBuffer, now_us: int) -> dict[str, Any]:
    gaps, offset_us = buffer.coverage.gaps, buffer.clock.offset_us
    return {
        "symbols": sorted(buffer.channel.symbols),
        "updated": format_iso(now_us),
        "longest_usual_gap_s": gaps.longest_usual_s,
        "suspect_after_s": buffer.coverage.patience_us / US_PER_S,
        "clock_offset_s": None if offset_us is None else round(offset_us / US_PER_S, 3),
        "gaps": gaps.to_dict(),
    }


def _read(path: Path) -> dict[str, dict[str, Any]]:
    try:
        known = json.loads(path.read_text(encoding="utf-8"))
        return {name: entry for name, entry in known.items() if isinstance(entry, dict)}
    except (OSError, ValueError, AttributeError):
        return {}


def _path(lake: Lake, buffer: StreamBuffer) -> Path:
    return lake.root / "feeds" / f"{buffer.source.name}.json"


def _name(buffer: StreamBuffer) -> str:
    """Return the name of a channel: the usual gap depends on the symbols."""
    text = "|".join([buffer.channel.path, *sorted(buffer.channel.symbols)])
    return hashlib.sha256(text.encode()).hexdigest()[:16]
