"""The embedded synthetic sample: into a lake, and out as reports, without network."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from liqcli.analysis.heatmap import GridOptions
from liqcli.core.errors import DamagedError
from liqcli.core.files import data_folder
from liqcli.core.model import SAMPLE_SOURCE, Window
from liqcli.core.times import parse_moment
from liqcli.ingest.files.importer import import_files
from liqcli.ingest.files.options import ImportOptions
from liqcli.lake.fetch_log import CoveredWindow, FetchLog
from liqcli.lake.selection import Query
from liqcli.lake.store import Lake
from liqcli.report.output_files import write_outputs
from liqcli.report.results import ViewOptions, compute_results

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT")


def run_demo(folder: Path, say: Callable[[str], None]) -> list[Path]:
    """
    Import the sample into ``<folder>/lake`` and write an HTML and a Markdown report a symbol.

    Parameters
    ----------
    folder : Path
        Made when missing; running again changes nothing in the lake and rewrites the same reports.
    say : callable
        Told in a sentence what is going on.

    Returns
    -------
    list of Path
        The files written, the first the report to open first.

    Raises
    ------
    DamagedError
        This installation's sample is not whole.
    """
    lake = Lake(folder / "lake")
    fill_lake(lake)
    say(f"imported the synthetic sample into {lake.root}")
    written: list[Path] = []
    for symbol in SYMBOLS:
        query = Query(symbol, lookback="24h", until=_peak_day_end())
        findings = compute_results(lake, query, GridOptions(), ViewOptions())
        report = folder / f"{symbol}-24h.html"
        written += write_outputs(findings, [report, report.with_suffix(".md")])
        say(f"wrote {report} and its Markdown twin")
    return written


def fill_lake(lake: Lake) -> None:
    """Put the sample's liquidations, candles, open interest and known coverage into a lake."""
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
                raise DamagedError(f"{path}: the sample is not whole ({file.error or f'{file.rejected} bad rows'})")
    _remember_coverage(lake)


def read_facts() -> dict[str, Any]:
    """Read what the sample's maker wrote down about it: counts, sums, coverage."""
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
            # In place of what the import inferred from silences: of the sample, coverage is known.
            lake.write_fetch_log(exchange, symbol, SAMPLE_SOURCE, FetchLog().add(covered))


def _peak_day_end() -> str:
    return str(read_facts()["show_until"])
