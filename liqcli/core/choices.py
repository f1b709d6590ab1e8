"""Values of options that are words, and the check that names them all."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Literal, TypeVar, get_args

from liqcli.core.errors import UsageError
from liqcli.core.symbols import nearest

ByName = Literal["notional", "count", "qty"]
PaletteName = Literal["liq", "viridis", "magma", "cividis"]
PositionFilter = Literal["long", "short", "both"]
PriceName = Literal["reported", "market"]
ScaleName = Literal["log", "linear", "percentile"]
SectionName = Literal[
    "brief", "figures", "map", "nearest", "clusters", "cascades", "checklist", "context", "hours", "exchanges", "data"
]
ThemeName = Literal["dark", "light"]
ThemeChoice = Literal["auto", ThemeName]

AGAINST = ("previous",)
BY: tuple[ByName, ...] = get_args(ByName)
KINDS = ("liquidations", "candles", "open-interest")
NAMED_KINDS = ("margin-tiers", "liquidation-totals", "positions")  # fetched only where named
PALETTES: tuple[PaletteName, ...] = get_args(PaletteName)
POSITIONS: tuple[PositionFilter, ...] = get_args(PositionFilter)
PRICES: tuple[PriceName, ...] = get_args(PriceName)
SCALES: tuple[ScaleName, ...] = get_args(ScaleName)
SECTIONS: tuple[SectionName, ...] = get_args(SectionName)  # of a report, in the order of the page
DEFAULT_SECTIONS = tuple(name for name in SECTIONS if name != "figures")  # "brief" and the map contain those figures
TEXTS = ("json", "csv", "html")  # formats of a window on stdout
FIGURE_THEMES: tuple[ThemeName, ...] = get_args(ThemeName)
THEMES: tuple[ThemeChoice, ...] = get_args(ThemeChoice)

Choice = TypeVar("Choice", bound=str)


def check_choice(value: object, choices: Sequence[Choice], name: str) -> Choice:
    """
    Return a value that is one of the choices.

    Parameters
    ----------
    name : str
        The option or setting, for the message.

    Raises
    ------
    UsageError
        It is none of them; the message lists them and suggests the nearest.
    """
    for choice in choices:
        if value == choice:
            return choice
    hint = nearest(value, choices) if isinstance(value, str) else ""
    suggestion = hint if "did you mean" in hint else ""
    listed = " or ".join(filter(None, [", ".join(choices[:-1]), choices[-1]]))
    raise UsageError(f"invalid {name} {value!r} (choose {listed}){suggestion}")


def read_sections(names: Sequence[str], option: str = "--sections") -> tuple[SectionName, ...]:
    """
    Check the names of report sections, and return them in the order of the page.

    Raises
    ------
    UsageError
        An unknown name, or none.
    """
    chosen = {check_choice(name, SECTIONS, option) for name in names}
    if not chosen:
        raise UsageError(f"{option}: no section given (choose {', '.join(SECTIONS)})")
    return tuple(name for name in SECTIONS if name in chosen)
