"""
``liqcli --help``, laid out as typer lays out the help of a group.

typer's own renderer imports rich.markdown, rich.syntax and rich.traceback, more than half of the time that ``--help``
takes (0.20 s of CPU with it, 0.11 s without, 2026-11-29). A test compares the two, in plain text and in colour.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from rich.columns import Columns
from rich.console import Console
from rich.highlighter import RegexHighlighter
from rich.padding import Padding
from rich.panel import Panel
from rich.table import Table
from rich.text import Text
from rich.theme import Theme

if TYPE_CHECKING:
    from typer.core import TyperGroup

STYLES = {"option": "bold cyan", "switch": "bold green", "types": "bold yellow", "types_sep": "dim", "usage": "yellow"}


class _OptionHighlighter(RegexHighlighter):
    highlights = [  # noqa: RUF012 - rich's own interface
        r"(^|\W)(?P<switch>\-\w+)(?![a-zA-Z0-9])",
        r"(^|\W)(?P<option>\-\-[\w\-]+)(?![a-zA-Z0-9])",
        r"(?P<types>\<[^\>]+\>)",
        r"(?P<usage>Usage: )",
    ]


class _TypeHighlighter(RegexHighlighter):
    highlights = [r"^(?P<types_sep>(\[|<))", r"(?P<types_sep>\|)", r"(?P<types_sep>(\]|>))(\.\.\.)?$"]  # noqa: RUF012


def print_group_help(group: TyperGroup, ctx: Any, commands: Mapping[str, str]) -> None:  # noqa: ANN401
    """
    Print usage, options and commands on stdout.

    Parameters
    ----------
    group : TyperGroup
        Has help, options and an epilog.
    ctx : Context
        typer's context of the group.
    commands : mapping
        Name -> one sentence.
    """
    mark, mark_types = _OptionHighlighter(), _TypeHighlighter()
    console = Console(theme=Theme(STYLES), highlighter=mark, emoji=False, markup=False)
    console.print(Padding(mark(group.get_usage(ctx)), 1), style="bold")
    console.print(Padding(mark(Text(group.help or "")), (0, 1, 1, 1)))
    options = _table()
    for option in group.get_params(ctx):
        kind = Text(option.display_type_rich(ctx=ctx) or "", style="bold yellow", overflow="fold")  # type: ignore[attr-defined]
        words = Text(getattr(option, "help", None) or "")
        long = ",".join(name for name in option.opts if name.startswith("--"))
        short = ",".join(name for name in option.opts if not name.startswith("--"))
        options.add_row(mark(long), mark(short), "", "", mark_types(kind), Columns([mark(words)]))
    console.print(Panel(options, border_style="dim", title=Text("Options"), title_align="left"))
    listed = _table(highlight=False)
    listed.add_column(style="bold cyan", no_wrap=True, width=max(map(len, commands)))
    listed.add_column(ratio=10)
    for name, summary in commands.items():
        listed.add_row(Text(name), mark(Text(summary)))
    console.print(Panel(listed, border_style="dim", title=Text("Commands"), title_align="left"))
    console.print(Padding(mark(Text(group.epilog or "")), 1))


def _table(highlight: bool = True) -> Table:
    return Table(highlight=highlight, show_header=False, expand=True, box=None, pad_edge=False, padding=(0, 1))
