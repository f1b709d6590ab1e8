"""Check the arguments of the API and turn them into options of the packages below; raises ``UsageError``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

from liqcli.core.choices import (
    BY,
    DEFAULT_SECTIONS,
    KINDS,
    NAMED_KINDS,
    PALETTES,
    POSITIONS,
    PRICES,
    SCALES,
    THEMES,
    check_choice,
    read_sections,
)
from liqcli.core.errors import UsageError

if TYPE_CHECKING:
    from liqcli.analysis.clusters import ClusterOptions
    from liqcli.analysis.heatmap import GridOptions
    from liqcli.lake.selection import Query
    from liqcli.report.results import ViewOptions

Names = str | Sequence[str]


def split_names(given: Names) -> tuple[str, ...]:
    """Accept ``"a,b"`` and ``["a", "b"]`` alike."""
    parts = given.split(",") if isinstance(given, str) else given
    return tuple(name for part in parts if (name := part.strip()))


def is_latest(until: str | None) -> bool:
    """Return True if a window ends at the last stored event."""
    return (until or "").strip().lower() == "latest"


def choose_kinds(kinds: Names | None, sources: Names, whole: bool = False) -> tuple[str, ...]:
    """Choose what to fetch. Naming a source, or all symbols, means only liquidations."""
    if kinds is None:
        return KINDS[:1] if sources or whole else KINDS
    return tuple(
        dict.fromkeys(check_choice(name, (*KINDS, *NAMED_KINDS), "--kind") for name in split_names(kinds) or ("",))
    )


def read_grid_options(
    bucket: str | None, bin: float | str | None, bins: int | None, price_range: tuple[float, float] | str | None
) -> GridOptions:
    """Check the steps and the range of the axes."""
    from liqcli.analysis.heatmap import GridOptions
    from liqcli.analysis.price_bins import parse_bin, parse_bucket, parse_price_range

    if bin and bins:
        raise UsageError("--bin and --bins cannot be combined: the first is a width, the second a number of bins")
    low, high = parse_price_range(price_range) if isinstance(price_range, str) else price_range or (None, None)
    return GridOptions(
        parse_bucket(bucket) if bucket else None,
        parse_bin(bin if isinstance(bin, str) else repr(bin)) if bin is not None else None,
        bins,
        low,
        high,
    )


def read_cluster_options(min_share: float | None, max_clusters: int | None, half_life: str | None) -> ClusterOptions:
    """Check what makes a cluster; None is the default."""
    from liqcli.analysis.clusters import ClusterOptions, check_options
    from liqcli.core.durations import parse_length

    usual = ClusterOptions()
    return check_options(
        usual.min_share if min_share is None else min_share,
        usual.max_clusters if max_clusters is None else max_clusters,
        parse_length(half_life, "--half-life") if half_life else None,
    )


def read_view(
    by: str, palette: str, scale: str, theme: str, size: tuple[int, int] | None, sections: Names | None = None
) -> ViewOptions:
    """Check how results are shown."""
    from liqcli.report.results import ViewOptions

    return ViewOptions(
        check_choice(by, BY, "--by"),
        check_choice(palette, PALETTES, "--palette"),
        check_choice(scale, SCALES, "--scale"),
        check_choice(theme, THEMES, "--theme"),
        size,
        DEFAULT_SECTIONS if sections is None else read_sections(split_names(sections)),
    )


def read_query(
    stored: Sequence[str],
    symbol: str,
    window: tuple[str | None, str | None, str | None],
    exchanges: Names,
    position: str,
    min_usd: float,
    price: str,
) -> Query:
    """Check what selects events. ``window`` is lookback, since and until; ``stored`` are the exchanges of the lake."""
    from liqcli.core.symbols import check_exchange
    from liqcli.core.times import check_lookback
    from liqcli.lake.selection import Query

    lookback, since, until = window
    return Query(
        symbol,
        check_lookback(lookback, since),
        since,
        until,
        tuple(check_exchange(name, stored) for name in split_names(exchanges)),
        check_choice(position, POSITIONS, "--position"),
        min_usd,
        check_choice(price, PRICES, "--price"),
    )


def time_of_making(stamp: bool) -> str | None:
    """Return the time of now for a page that is to state when it was made, else None."""
    from liqcli.core.formatting import format_iso
    from liqcli.core.times import now_us

    return format_iso(now_us()) if stamp else None
