"""What the lake lacks of a window of candles or open interest: what it holds says what is to be asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

from liqcli.errors import DamagedError
from liqcli.lake import Lake
from liqcli.market_sources.common import SNAPSHOT_US
from liqcli.model import US_PER_S, Window
from liqcli.partition import Partition, months_of

CANDLE_DELAY_US = 5 * US_PER_S  # so long after its end is a candle there
SNAPSHOT_DELAY_US = SNAPSHOT_US
SHORTEST_GAP = {"candles": 1, "open_interest": 2}  # a single snapshot that is missing is not worth a question


def align_window(kind: str, window: Window, step_us: int, now_us: int) -> Window:
    """Widen a window to whole steps, and end it where nothing can be there yet."""
    latest = (now_us - (CANDLE_DELAY_US if kind == "candles" else SNAPSHOT_DELAY_US)) // step_us * step_us
    start = window.start_us // step_us * step_us
    return Window(start, max(start, min(-(-window.end_us // step_us) * step_us, latest)))


def find_gaps(
    lake: Lake, kind: str, exchange: str, symbol: str, interval: str, window: Window, step_us: int
) -> list[Window]:
    """
    Find the stretches of an aligned window without stored rows of an exchange's own.

    Raises
    ------
    DamagedError
        A file that would tell cannot be read.
    """
    import numpy as np

    paths = [
        Partition(kind, exchange, symbol, month, exchange, interval).path(lake.root) for month in months_of(window)
    ] if window.length_us else []  # fmt: skip
    first, last = window.start_us // step_us, window.end_us // step_us
    missing = np.ones(last - first, dtype=bool)
    for times in _read_times(paths):
        places = np.asarray(times, dtype=np.int64) // step_us - first
        missing[places[(places >= 0) & (places < last - first)]] = False
    edges = np.flatnonzero(np.diff(missing.astype(np.int8), prepend=0, append=0))
    gaps = [(int(a), int(b)) for a, b in edges.reshape(-1, 2)]
    return [
        Window((first + a) * step_us, (first + b) * step_us) for a, b in gaps if b - a >= SHORTEST_GAP[kind]
    ]  # fmt: skip


def _read_times(paths: Sequence[Path]) -> list[list[int]]:
    import pyarrow as pa
    import pyarrow.parquet as pq

    found = []
    for path in paths:
        try:
            with path.open("rb") as handle:
                found.append(pq.read_table(handle, columns=["ts"]).column("ts").cast(pa.int64()).to_pylist())
        except FileNotFoundError:
            continue
        except (pa.ArrowException, OSError, KeyError) as error:
            raise DamagedError(f"{path}: damaged or not Parquet ({error}); liqcli verify says what to do") from error
    return found
