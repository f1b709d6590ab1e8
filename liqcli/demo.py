"""Import the embedded synthetic sample into a lake and write its reports, without network."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from liqcli import api
from liqcli.core.errors import DamagedError
from liqcli.core.files import data_folder
from liqcli.core.model import SAMPLE_SOURCE, Window
from liqcli.core.times import parse_moment
from liqcli.ingest.files.importer import import_files
from liqcli.ingest.files.options import ImportOptions
from liqcli.lake.fetch_log import CoveredWindow, FetchLog
from liqcli.lake.store import Lake

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


def run_demo(folder: Path, say: Callable[[str], None]) -> list[Path]:
    """
    Import the sample into ``<folder>/lake`` and write an HTML and a Markdown report per symbol.

    Parameters
    ----------
    folder : Path
        Created if missing. A second run does not change the lake and writes the same reports.
    say : callable
        Receives progress messages.

    Returns
    -------
    list of Path
        All files written, the report to open first.

    Raises
    ------
    DamagedError
        The installed sample is incomplete.
    """
    lake = Lake(folder / "lake")
    fill_lake(lake)
    say(f"imported the synthetic sample into {lake.root}")
    written: list[Path] = []
    for symbol in SYMBOLS:
        report = folder / f"{symbol}-24h.html"
        heatmap = api.Lake(lake.root).heatmap(symbol, lookback="24h", until=_peak_day_end())
        written += heatmap.save(report, report.with_suffix(".md"))
        say(f"wrote {report} and {report.with_suffix('.md').name}")
    return written


def fill_lake(lake: Lake) -> None:
    """Import liquidations, candles, open interest and coverage of the sample into a lake."""
    sample = data_folder("sample_data")
    kinds = (
        ("liquidations", sample / "liquidations.csv.gz", None),
        *(("candles", sample / f"candles_1m_{symbol}.csv.gz", symbol) for symbol in SYMBOLS),
        *(("open-interest", sample / f"open_interest_5m_{symbol}.csv.gz", symbol) for symbol in SYMBOLS),
    )
    for kind, path, symbol in kinds:
        exchange = "binance" if symbol else None
        options = ImportOptions(format="generic", kind=kind, source=SAMPLE_SOURCE, symbol=symbol, exchange=exchange)
        for file in import_files(lake, [path], options).files:
            if file.error or file.rejected:
                raise DamagedError(f"{path}: the sample is incomplete ({file.error or f'{file.rejected} bad rows'})")
    _remember_coverage(lake)


def read_facts() -> dict[str, Any]:
    """Read the facts of the sample: counts, sums, coverage."""
    facts: dict[str, Any] = json.loads((data_folder("sample_data") / "facts.json").read_text(encoding="utf-8"))
    return facts


def _remember_coverage(lake: Lake) -> None:
    windows = read_facts()["coverage"]
    with lake.locked():
        for partition in {(p.exchange, p.symbol) for p in lake.partitions() if p.source == SAMPLE_SOURCE}:
            exchange, symbol = partition
            covered = [
                CoveredWindow(
                    Window(parse_moment(start, "facts.json"), parse_moment(end, "facts.json")),
                    "complete",
                    None,
                    parse_moment(end, "facts.json"),
                )
                for start, end in windows[exchange]
            ]
            # Replaces the coverage that the import inferred from the events: for the sample it is known.
            lake.write_fetch_log(exchange, symbol, SAMPLE_SOURCE, FetchLog().add(covered))


def _peak_day_end() -> str:
    return str(read_facts()["show_until"])
