"""
Options that several commands share.

A command takes groups of them as dataclasses; :func:`expand_options` shows typer one option per field.
"""

from __future__ import annotations

import inspect
from collections.abc import Callable
from dataclasses import MISSING, dataclass, fields, is_dataclass
from pathlib import Path
from typing import Annotated, Any, get_type_hints

import typer

from liqcli.cli import completion
from liqcli.cli.output import STATE as STATE
from liqcli.cli.output import say as say
from liqcli.core.errors import UsageError
from liqcli.core.times import DEFAULT_LOOKBACK

LakeOption = Annotated[
    Path | None,
    typer.Option(
        "--lake",
        metavar="DIR",
        envvar="LIQCLI_LAKE",
        help="Folder of the Parquet lake.",
        show_default="lake in liqcli.toml, else the user's data directory",
    ),
]
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="Print only results and warnings.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Print the traceback of an error.")]
EngineOption = Annotated[
    str | None,
    typer.Option(
        "--engine",
        metavar="sc://HOST:PORT",
        help="Sum liquidations on a Sail or Spark cluster; see docs/spark.md.",
        show_default="LIQCLI_ENGINE, else [engine] in liqcli.toml, else duckdb",
    ),
]
LookbackOption = Annotated[
    str | None,
    typer.Option(
        metavar="24h",
        help="Length of the window up to --until: 90s 15m 1h 24h 7d 2w 1d12h.",
        show_default=DEFAULT_LOOKBACK,
    ),
]
SinceOption = Annotated[
    str | None,
    typer.Option(
        metavar="T",
        help="Start of the window: ISO 8601 (UTC without an offset), today, yesterday, yesterday 14:30, monday or -3d. "
        "Days are in the time_zone of liqcli.toml, else UTC.",
    ),
]
UntilOption = Annotated[
    str | None,
    typer.Option(
        metavar="T",
        help="End of the window: a time as for --since, now, or latest (the last stored event).",
        show_default="now",
    ),
]


SymbolArgument = Annotated[
    str | None,
    typer.Argument(
        metavar="SYMBOL",
        help="Same as --symbol.",
        show_default=False,
        autocompletion=completion.stored_symbols,
    ),
]
SymbolOption = Annotated[
    str | None,
    typer.Option(
        "--symbol",
        "-s",
        metavar="SYMBOL",
        help="SOLUSDT, SOL-USDT-SWAP, SOL/USDT:USDT …; SOL means every contract on SOL.",
        autocompletion=completion.stored_symbols,
    ),
]
ExchangeOption = Annotated[
    str | None, typer.Option(metavar="a,b", help="Only these exchanges.", autocompletion=completion.exchanges)
]
PositionOption = Annotated[
    str,
    typer.Option(
        help="Liquidated positions to count: long, short or both.",
        autocompletion=completion.one_of("both", "long", "short"),
    ),
]
BucketOption = Annotated[
    str | None, typer.Option(metavar="5m", help="Step of the time axis.", show_default="from the window")
]
BinOption = Annotated[
    str | None,
    typer.Option("--bin", metavar="0.5", help="Step of the price axis.", show_default="from the prices"),
]
BinsOption = Annotated[
    int | None, typer.Option(min=1, max=5000, help="Approximate number of price steps, instead of --bin.")
]
PriceRangeOption = Annotated[
    str | None, typer.Option(metavar="LOW:HIGH", help="Draw only these prices; events outside are counted.")
]
PriceOption = Annotated[
    str,
    typer.Option(
        help="reported, or market: replace prices that are not fills with the nearest price traded in that minute.",
        autocompletion=completion.one_of("reported", "market"),
    ),
]
MinUsdOption = Annotated[float, typer.Option(min=0, help="Minimum value of an event in USD.")]
MinShareOption = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Minimum share of the window that a cluster holds, 0 to 1.", show_default="0.02"),
]
MaxClustersOption = Annotated[
    int | None, typer.Option(min=0, max=100, help="Maximum number of clusters.", show_default="12")
]
HalfLifeOption = Annotated[
    str | None,
    typer.Option(
        metavar="6h",
        help="Give recent events more weight in the cluster search: an event of this age counts half.",
        show_default="equal weights",
    ),
]
PaletteOption = Annotated[
    str,
    typer.Option(
        help="Colours: liq, viridis, magma or cividis (colour-blind safe).",
        autocompletion=completion.one_of("liq", "viridis", "magma", "cividis"),
    ),
]
ThemeOption = Annotated[
    str,
    typer.Option(
        help="Theme: dark, light or auto (pages follow the reader's system, a .png is dark).",
        autocompletion=completion.one_of("auto", "dark", "light"),
    ),
]
SizeOption = Annotated[
    str | None,
    typer.Option(metavar="3200x2000", help="Size of a .png in pixels.", show_default="1600 wide"),
]
FormatOption = Annotated[
    str,
    typer.Option(
        "--format", help="Output format: table, json or csv.", autocompletion=completion.one_of("table", "json", "csv")
    ),
]


@dataclass(frozen=True, slots=True)
class RunOptions:
    """Options of every command that reads the lake."""

    lake: LakeOption = None
    quiet: QuietOption = False
    debug: DebugOption = False


@dataclass(frozen=True, slots=True)
class WindowOptions:
    """Options that select events."""

    symbol_argument: SymbolArgument = None
    symbol: SymbolOption = None
    lookback: LookbackOption = None
    since: SinceOption = None
    until: UntilOption = None
    exchange: ExchangeOption = None
    position: PositionOption = "both"
    min_usd: MinUsdOption = 0.0
    price: PriceOption = "reported"

    def arguments(self) -> dict[str, Any]:
        """
        Return them as arguments of :meth:`liqcli.Lake.heatmap`.

        Raises
        ------
        UsageError
            No symbol, or two.
        """
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        exchanges = given.pop("exchange") or ()
        symbol = choose_symbol(given.pop("symbol_argument"), given.pop("symbol"))
        return {**given, "symbol": symbol, "exchanges": exchanges}


@dataclass(frozen=True, slots=True)
class ClusterOptions:
    """Options of the search for clusters, and the price axis."""

    bin_width: BinOption = None
    bins: BinsOption = None
    price_range: PriceRangeOption = None
    min_share: MinShareOption = None
    max_clusters: MaxClustersOption = None
    half_life: HalfLifeOption = None

    def arguments(self) -> dict[str, Any]:
        """Return them as arguments of :meth:`liqcli.Lake.heatmap`."""
        given = {field.name: getattr(self, field.name) for field in fields(self)}
        width = given.pop("bin_width") or None
        return {**given, "bin": width}


@dataclass(frozen=True, slots=True)
class PictureOptions:
    """Options of pictures."""

    palette: PaletteOption = "liq"
    theme: ThemeOption = "auto"
    size: SizeOption = None

    def arguments(self) -> dict[str, Any]:
        """
        Return them as arguments of :meth:`liqcli.Lake.heatmap`.

        Raises
        ------
        UsageError
            ``--size`` is not two numbers.
        """
        return {"palette": self.palette, "theme": self.theme, "size": read_size(self.size)}


def choose_symbol(argument: str | None, option: str | None) -> str:
    """
    Return the symbol, given as an argument or as ``--symbol``.

    Raises
    ------
    UsageError
        No symbol, or two.
    """
    symbols = {name for name in (argument, option) if name}
    if not symbols:
        raise UsageError("missing symbol: use -s SOLUSDT, or -s SOL for every contract on SOL")
    if len(symbols) > 1:
        raise UsageError(f"one symbol at a time, not {' and '.join(sorted(symbols))}")
    return symbols.pop()


def expand_options(command: Callable[..., None]) -> Callable[..., None]:
    """Expand each dataclass parameter of a command into one option per field."""
    hints = get_type_hints(command, include_extras=True)
    parameters: list[inspect.Parameter] = []
    groups: dict[str, Any] = {}
    for name, parameter in inspect.signature(command).parameters.items():
        if not is_dataclass(hints[name]):
            parameters.append(parameter.replace(annotation=hints[name], kind=inspect.Parameter.KEYWORD_ONLY))
            continue
        groups[name] = hints[name]
        types = get_type_hints(hints[name], include_extras=True)
        for field in fields(hints[name]):
            default = inspect.Parameter.empty if field.default is MISSING else field.default
            parameters.append(
                inspect.Parameter(
                    field.name, inspect.Parameter.KEYWORD_ONLY, default=default, annotation=types[field.name]
                )
            )

    def run(**given: Any) -> None:  # noqa: ANN401 - what typer parsed
        for name, group in groups.items():
            given[name] = group(**{field.name: given.pop(field.name) for field in fields(group)})
        command(**given)

    run.__doc__ = command.__doc__
    run.__name__ = command.__name__
    run.__annotations__ = {parameter.name: parameter.annotation for parameter in parameters}
    run.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined] # typer reads it
    return run


def read_size(text: str | None) -> tuple[int, int] | None:
    """
    Read ``--size``, width and height. [px]

    Raises
    ------
    UsageError
        Not two whole numbers with an x between them.
    """
    if text is None:
        return None
    width, cross, height = text.lower().partition("x")
    if not (cross and width.isdecimal() and height.isdecimal()):
        raise UsageError(f"--size: {text!r} is not WIDTHxHEIGHT, such as 3200x2000")
    return int(width), int(height)
