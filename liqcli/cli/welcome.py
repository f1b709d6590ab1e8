"""``liqcli`` without a command, on a terminal: what the lake holds, and the commands to run next."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from liqcli.cli.output import warn
from liqcli.cli.tables import render_table
from liqcli.core.version import __version__

if TYPE_CHECKING:
    from liqcli.lake.contents import LakeContents

SHOWN = 5  # symbols
HEADER = ("symbol", "exchanges", "first", "last", "events", "USD")


def print_welcome(option: Path | None) -> None:
    """Print the contents of the lake and three commands."""
    from liqcli.core.environment import lake_root
    from liqcli.core.times import now_us
    from liqcli.lake.contents import read_contents
    from liqcli.lake.store import Lake

    root = lake_root(option)
    held = read_contents(Lake(root))
    for path in held.damaged:
        warn(f"{path}: damaged; to repair it: liqcli verify")
    typer.echo(f"liqcli {__version__} · lake {root}\n")
    if held.symbols:
        typer.echo("\n".join(_describe(held, now_us())))
        typer.echo("")
        typer.echo(_render_symbols(held))
    else:
        typer.echo("The lake holds no liquidations yet.")
    typer.echo("\nNext:")
    # Two columns without a table: the words are commands to copy, and must not be shortened.
    commands = _suggest(held, now_us(), "" if option is None else f" --lake {shlex.quote(str(option))}")
    width = max(len(command) for command, _ in commands)
    for command, what in commands:
        typer.echo(f"  {command:<{width}}  {what}")


def _describe(held: LakeContents, now: int) -> Iterator[str]:
    from liqcli.core.formatting import format_counted, format_duration, format_time, format_usd

    first = min(item.first_us for item in held.symbols)
    last = max(item.last_us for item in held.symbols)
    least = "at least " if held.overlaps or held.sampled else ""
    events = format_counted(sum(item.events for item in held.symbols), "liquidation")
    usd = format_usd(sum(item.notional for item in held.symbols))
    exchanges = len({*held.full, *held.sampled})
    symbols = format_counted(len(held.symbols), "symbol")
    yield f"{symbols} on {format_counted(exchanges, 'exchange')}, {_days(first, last)}"
    yield f"{events}, {least}{usd} USD realized, {held.size / 1e6:.1f} MB"
    age = f"{format_duration(now - last)} ago" if now > last else "in the future"
    yield f"newest event {format_time(last)} UTC, {age}"
    if held.full:
        yield f"complete: {', '.join(held.full)}"
    if held.sampled:
        yield f"sampled, so totals are minimums: {', '.join(held.sampled)}"
    if held.sample:
        yield "contains the synthetic sample: not real liquidations"


def _render_symbols(held: LakeContents) -> str:
    from liqcli.core.formatting import format_count, format_time, format_usd

    rows = [
        (
            item.symbol,
            ", ".join(item.exchanges),
            format_time(item.first_us)[:10],
            format_time(item.last_us)[:10],
            format_count(item.events),
            format_usd(item.notional),
        )
        for item in held.symbols[:SHOWN]
    ]
    table = render_table(HEADER, rows, right=(4, 5), spare=("first", "exchanges"))
    more = len(held.symbols) - SHOWN
    return f"{table}\n… {more} more: liqcli status" if more > 0 else table


def _suggest(held: LakeContents, now: int, lake: str) -> list[tuple[str, str]]:
    """Choose three commands; ``lake`` repeats ``--lake``."""
    if not held.symbols:
        return [
            ("liqcli demo", "reports from the embedded synthetic sample, offline"),
            (f"liqcli{lake} fetch", "yesterday and today of BTC, ETH and SOL"),
            (f"liqcli{lake} import FILE", "CSV, JSON, Parquet or SQLite files that you have"),
        ]
    from liqcli.core.model import US_PER_S

    largest = held.symbols[0]
    recent = now - largest.last_us < 86400 * US_PER_S
    end = "" if recent else " --until latest"
    return [
        (f"liqcli{lake} heatmap {largest.symbol}{end} --open", "a report of 24 hours, in the browser"),
        (f"liqcli{lake} fetch", "what is missing of yesterday and today"),
        ("liqcli --help", "all commands"),
    ]


def _days(first_us: int, last_us: int) -> str:
    from liqcli.core.formatting import format_counted, format_time

    first, last = format_time(first_us)[:10], format_time(last_us)[:10]
    days = last_us // 86_400_000_000 - first_us // 86_400_000_000 + 1
    return f"{first} to {last} ({format_counted(days, 'day')})" if days > 1 else first
