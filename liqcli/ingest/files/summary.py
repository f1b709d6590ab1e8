"""Summaries of an import: per file and in total, with notes and the exit code."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from liqcli.core.errors import ExitCode, LiqcliError
from liqcli.core.formatting import format_counted
from liqcli.core.symbols import split_symbol
from liqcli.ingest.files.options import ImportOptions
from liqcli.ingest.files.rejections import Reason
from liqcli.ingest.files.row_collector import MOST_REJECTED_KEPT, RowCollector
from liqcli.ingest.files.row_reader import RowReader

_QUOTED_IN_USDC = {"hyperliquid"}  # exchanges that write bare coins and quote in USDC
KINDS = ("auto", "liquidations", "candles", "open-interest", "positions")


@dataclass(slots=True)
class FileSummary:
    """
    Result of importing one file.

    ``rows`` read = ``new`` + ``known`` (already in the lake) + ``doubled`` (repeats by the recorder or the archive) +
    ``dropped`` (near repeats, if they are dropped) + ``rejected``. ``longs``, ``shorts``, ``notional`` [USD]
    and the times cover the events of the file: repeated ones once, dropped ones not at all. ``removed`` counts the rows
    of an earlier import of the file that ``--replace`` removed first.
    """

    path: Path
    format: str = ""
    rows: int = 0
    new: int = 0
    known: int = 0
    doubled: int = 0
    dropped: int = 0
    removed: int = 0
    rejected: int = 0
    exchanges: tuple[str, ...] = ()
    symbols: tuple[str, ...] = ()
    longs: int = 0
    shorts: int = 0
    notional: float = 0.0
    first_us: int | None = None
    last_us: int | None = None
    notes: list[str] = field(default_factory=list)
    remark: str = ""
    rejected_path: Path | None = None
    reasons: list[Reason] = field(default_factory=list)
    error: LiqcliError | None = None


@dataclass(slots=True)
class ImportSummary:
    """Results of importing all files."""

    files: list[FileSummary] = field(default_factory=list)

    @property
    def exit_code(self) -> ExitCode:
        """0; 6 if rows or files were rejected; 5 (or 2) if nothing could be stored."""
        errors = [file.error for file in self.files if file.error]
        refused = any(file.rejected for file in self.files)
        if not errors and not refused:
            return ExitCode.DONE
        if any(file.new or file.known or file.doubled or file.dropped for file in self.files):
            return ExitCode.PARTIAL
        if refused or any(error.exit_code == ExitCode.DAMAGED for error in errors):
            return ExitCode.DAMAGED
        return errors[0].exit_code


def describe_order_prices(kinds: Mapping[str, int]) -> str:
    """Describe rows without an average price in a format that has both prices; empty if there are none."""
    if not kinds.get("order") or not kinds.get("fill"):
        return ""
    return f"{format_counted(kinds['order'], 'row')} without an average price, at the order price (price_kind=order)"


def note_bare_symbols(file: FileSummary) -> list[str]:
    """Warn about symbols without a quote, which reports on quoted symbols do not include."""
    bare = [symbol for symbol in file.symbols if not split_symbol(symbol)[1]]
    if not bare:
        return []
    if file.format == "candles":
        return [f"no quote in {', '.join(bare[:3])}: their candles are used for symbols without candles of their own"]
    quote = "USDC" if file.exchanges and set(file.exchanges) <= _QUOTED_IN_USDC else "USDT"
    shown = f"{', '.join(bare[:3])}{' …' if len(bare) > 3 else ''}"
    typed = f"--symbol {bare[0]}{quote} or --quote {quote}" if len(file.symbols) == 1 else f"--quote {quote}"
    return [
        f"no quote in {format_counted(len(bare), 'symbol')} ({shown}): reports on {bare[0]}{quote} do not include "
        f"{'it' if len(bare) == 1 else 'them'}; pass {typed} (or the actual quote) with --replace"
    ]


def sum_up_events(file: FileSummary, reader: RowReader, collector: RowCollector, options: ImportOptions) -> None:
    """Fill in the summary of a file of liquidations."""
    wrote = collector.wrote
    accepted = sum(item.events for item in wrote)
    file.format = reader.format
    file.doubled = reader.doubled + collector.repeats
    if collector.near_repeats:
        rows = format_counted(collector.near_repeats, "row")
        repeated = f"{rows} repeat{'s' * (collector.near_repeats == 1)} another except for the time (within 2 s)"
        if options.drop_near_repeats:
            file.dropped = collector.near_repeats
            file.notes.append(f"{repeated}: dropped")
        else:
            file.notes.append(
                f"{repeated}: if the times are times of receipt, drop them with --drop-near-repeats --replace"
            )
    file.rejected = collector.rejected_count
    file.reasons = collector.reasons.reasons()
    file.rows = accepted + file.doubled + file.dropped + file.rejected
    file.known = accepted - file.new
    file.exchanges = tuple(sorted({item.exchange for item in wrote}))
    file.symbols = tuple(sorted({item.symbol for item in wrote}))
    file.longs = sum(item.longs for item in wrote)
    file.shorts = accepted - file.longs
    file.notional = sum(item.notional_e6 for item in wrote) / 1e6
    if wrote:
        file.first_us = min(item.first_us for item in wrote)
        file.last_us = max(item.last_us for item in wrote)
    if file.dropped:
        file.first_us, file.last_us = collector.kept_span
    file.notes += reader.notes
    file.remark = reader.remark or describe_order_prices(collector.price_kinds)
    file.notes += note_bare_symbols(file)
    if file.rejected > len(collector.rejected):
        file.notes.append(f"only the first {MOST_REJECTED_KEPT:,} rejected rows are kept")
