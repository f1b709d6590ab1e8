"""Options that several commands share, and how their values are read."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from liqcli.cli import completion
from liqcli.cli.output import STATE as STATE
from liqcli.cli.output import say as say
from liqcli.core.errors import UsageError
from liqcli.core.times import DEFAULT_LOOKBACK

if TYPE_CHECKING:
    from liqcli.analysis.clusters import ClusterOptions
    from liqcli.analysis.heatmap import GridOptions
    from liqcli.lake.selection import Query
    from liqcli.lake.store import Lake


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
QuietOption = Annotated[bool, typer.Option("--quiet", "-q", help="No narration on stderr.")]
DebugOption = Annotated[bool, typer.Option("--debug", help="Show the traceback of an error.")]
LookbackOption = Annotated[
    str | None,
    typer.Option(
        metavar="24h",
        help="Length of the window up to --until: 90s 15m 1h 4h 24h 7d 30d.",
        show_default=DEFAULT_LOOKBACK,
    ),
]
SinceOption = Annotated[
    str | None, typer.Option(metavar="T", help="Start of the window, ISO 8601 (UTC unless it says otherwise).")
]
UntilOption = Annotated[
    str | None,
    typer.Option(
        metavar="T", help="End of the window: ISO 8601, now, or latest (the last stored event).", show_default="now"
    ),
]


SymbolOption = Annotated[
    str,
    typer.Option(
        "--symbol",
        "-s",
        help="SOLUSDT, SOL-USDT-SWAP, SOL/USDT:USDT …; SOL = all on SOL.",
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
    str | None, typer.Option(metavar="5m", help="Step of the time axis.", show_default="fits the window")
]
BinOption = Annotated[
    str | None, typer.Option("--bin", metavar="0.5", help="Step of the price axis.", show_default="fits the prices")
]
BinsOption = Annotated[int | None, typer.Option(min=1, max=5000, help="About how many price steps instead.")]
PriceRangeOption = Annotated[
    str | None, typer.Option(metavar="LOW:HIGH", help="Draw only these prices; what lies outside is counted.")
]
PriceOption = Annotated[
    str,
    typer.Option(
        help="reported, or market: prices that are no fills move to the nearest one that traded in their minute.",
        autocompletion=completion.one_of("reported", "market"),
    ),
]
MinUsdOption = Annotated[float, typer.Option(min=0, help="Count only events of at least this many USD.")]
MinShareOption = Annotated[
    float | None,
    typer.Option(min=0, max=1, help="Least share of the window a cluster must hold, 0 to 1.", show_default="0.02"),
]
MaxClustersOption = Annotated[
    int | None, typer.Option(min=0, max=100, help="At most so many clusters.", show_default="12")
]
HalfLifeOption = Annotated[
    str | None,
    typer.Option(
        metavar="6h",
        help="Look for clusters in recent events: weight halves with this age.",
        show_default="all weigh the same",
    ),
]
PaletteOption = Annotated[
    str,
    typer.Option(
        help="liq, viridis, magma or cividis (colour-blind safe).",
        autocompletion=completion.one_of("liq", "viridis", "magma", "cividis"),
    ),
]
ThemeOption = Annotated[
    str,
    typer.Option(
        help="dark, light, or auto: pages follow the reader's system, a picture alone is dark.",
        autocompletion=completion.one_of("auto", "dark", "light"),
    ),
]
SizeOption = Annotated[
    str | None,
    typer.Option(metavar="3200x2000", help="Pixels of a .png, for print and dense screens.", show_default="1600 wide"),
]
FormatOption = Annotated[
    str, typer.Option("--format", help="table, json or csv.", autocompletion=completion.one_of("table", "json", "csv"))
]


def split_names(text: str | None) -> tuple[str, ...]:
    """Cut ``a,b`` into names; None and blanks give nothing."""
    return tuple(name.strip() for name in (text or "").split(",") if name.strip())


def check_choice(value: str, choices: Sequence[str], flag: str) -> str:
    """
    Check a flag value against the ones there are.

    Raises
    ------
    UsageError
        None of them; the nearest are given.
    """
    from liqcli.core.symbols import nearest

    if value not in choices:
        hint = nearest(value, choices)
        raise UsageError(f"{flag}: {value!r} is none of {', '.join(choices)}{hint if 'did you mean' in hint else ''}")
    return value


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


def read_query(
    store: Lake,
    symbol: str,
    window: tuple[str | None, str | None, str | None],
    exchange: str | None,
    position: str,
    min_usd: float,
    price: str,
) -> Query:
    """
    Put the flags that choose events into one query; ``window`` is lookback, since and until.

    Raises
    ------
    UsageError
        Unknown exchange, position or kind of price, or both a lookback and a start.
    """
    from liqcli.core.symbols import check_exchange
    from liqcli.core.times import check_lookback
    from liqcli.lake.market_price import PRICES
    from liqcli.lake.selection import Query, check_position

    lookback, since, until = window
    length = check_lookback(lookback, since)
    exchanges = tuple(check_exchange(name, store.exchanges()) for name in split_names(exchange))
    return Query(
        symbol,
        length,
        since,
        until,
        exchanges,
        check_position(position),
        min_usd,
        check_choice(price, PRICES, "--price"),
    )


def read_grid_options(
    bucket: str | None, bin_width: str | None, bins: int | None, price_range: str | None
) -> GridOptions:
    """
    Put the flags that cut the axes into grid options.

    Raises
    ------
    UsageError
        A step or range that cannot be, or both a width and a number of bins.
    """
    from liqcli.analysis.heatmap import GridOptions
    from liqcli.analysis.price_bins import parse_bin, parse_bucket, parse_price_range

    if bin_width and bins:
        raise UsageError("--bin and --bins exclude each other: a width, or about how many")
    low, high = parse_price_range(price_range) if price_range else (None, None)
    return GridOptions(
        parse_bucket(bucket) if bucket else None, parse_bin(bin_width) if bin_width else None, bins, low, high
    )


def read_cluster_options(min_share: float | None, max_clusters: int | None, half_life: str | None) -> ClusterOptions:
    """
    Put the flags about clusters into options; what is not given is as usual.

    Raises
    ------
    UsageError
        A value out of range.
    """
    from liqcli.analysis.clusters import ClusterOptions, check_options
    from liqcli.core.times import parse_length

    usual = ClusterOptions()
    return check_options(
        usual.min_share if min_share is None else min_share,
        usual.max_clusters if max_clusters is None else max_clusters,
        parse_length(half_life, "--half-life") if half_life else None,
    )
