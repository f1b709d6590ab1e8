"""Values of options that are words, and the check that names them all."""

from __future__ import annotations

from collections.abc import Sequence

from liqcli.core.errors import UsageError
from liqcli.core.symbols import nearest

BY = ("notional", "count", "qty")
KINDS = ("liquidations", "candles", "open-interest")
PALETTES = ("liq", "viridis", "magma", "cividis")
POSITIONS = ("long", "short", "both")
PRICES = ("reported", "market")
TEXTS = ("json", "csv", "html")  # formats of a window on stdout
SCALES = ("log", "linear", "percentile")
THEMES = ("auto", "dark", "light")


def check_choice(value: object, choices: Sequence[str], name: str) -> str:
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
    if not isinstance(value, str) or value not in choices:
        hint = nearest(value, choices) if isinstance(value, str) else ""
        suggestion = hint if "did you mean" in hint else ""
        listed = " or ".join([", ".join(choices[:-1]), choices[-1]])
        raise UsageError(f"invalid {name} {value!r} (choose {listed}){suggestion}")
    return value
