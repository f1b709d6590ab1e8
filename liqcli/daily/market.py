"""The first page of a day: the whole market, with links to the reports of its symbols."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import quote

from liqcli.api import Lake
from liqcli.core.errors import EmptyWindowError, LiqcliError, OutputError
from liqcli.core.formatting import format_iso
from liqcli.core.symbols import match_symbols
from liqcli.daily.reports import Entry, ReportTask

PAGE, NUMBERS = "market.html", "market.json"
_HEADLINES = ("start", "end", "events", "notional", "long_notional", "short_notional", "completeness", "coverage")


def write_market(task: ReportTask, entries: Sequence[Entry], warn: Callable[[str], None]) -> dict[str, Any] | None:
    """
    Write the overview of every symbol of the lake over the first lookback.

    Parameters
    ----------
    task : ReportTask
        The settings, the folder and the day.
    entries : sequence of dict
        The reports of the day, for links to them.
    warn : callable
        Receives the reason where it cannot be written; the other pages do not need it.

    Returns
    -------
    dict or None
        ``files``, the sentences of ``summary``, and headline numbers; None without liquidations.
    """
    settings, lookback = task.settings, task.settings.lookbacks[0]
    try:
        overview = Lake(task.lake.root).overview(
            lookback=lookback,
            until=format_iso(task.day.end_us),
            exchanges=settings.exchanges,
            palette=settings.palette,
            theme=settings.themes[0],
        )
        links = link_reports((symbol.symbol for symbol in overview.symbols), entries, lookback)
        for symbol, reason in overview.left_out.items():
            warn(f"overview: {symbol} left out: {reason.replace(str(task.lake.root), 'the lake')}")
        overview.save(task.folder / PAGE, task.folder / NUMBERS, links=links, back="index.html")
    except EmptyWindowError:
        return None
    except OutputError:
        raise
    except LiqcliError as error:
        warn(f"overview: {str(error).replace(str(task.lake.root), 'the lake')}")
        return None
    report = overview.report
    return {
        "lookback": lookback,
        "files": {"html": PAGE, "json": NUMBERS},
        "summary": report["summary"],
        "symbols": len(report["meta"]["symbols"]),
        "content_hash": report["content_hash"],
        **{key: report["meta"][key] for key in _HEADLINES},
    }


def link_reports(symbols: Iterable[str], entries: Sequence[Entry], lookback: str) -> dict[str, str]:
    """
    Find the report of each symbol: its own, else that of its base, which sums every contract on it.

    Returns
    -------
    dict
        Symbol -> address of the page beside this one.
    """
    names = list(symbols)
    links: dict[str, str] = {}
    for entry in entries:
        if entry["status"] != "ok" or entry["lookback"] != lookback:
            continue
        page = quote(entry["files"]["html"])
        for name in match_symbols(entry["symbol"], names):
            if name == entry["symbol"] or name not in links:
                links[name] = page
    return links
