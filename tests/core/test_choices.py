from __future__ import annotations

import pytest

from liqcli.core.choices import FIGURE_THEMES, PALETTES, THEMES, check_choice
from liqcli.core.errors import UsageError


def test_choices_keep_the_order_of_their_types() -> None:
    """The first one is the default where a message or a page lists them."""
    assert PALETTES == ("liq", "viridis", "magma", "cividis")
    assert THEMES == ("auto", "dark", "light")
    assert FIGURE_THEMES == ("dark", "light")


def test_check_choice() -> None:
    assert check_choice("light", THEMES, "--theme") == "light"
    with pytest.raises(UsageError, match=r"invalid --theme 'Dark' \(choose auto, dark or light\).*did you mean dark"):
        check_choice("Dark", THEMES, "--theme")
    with pytest.raises(UsageError, match=r"invalid palette 3 \(choose liq, viridis, magma or cividis\)$"):
        check_choice(3, PALETTES, "palette")
    with pytest.raises(UsageError, match=r"invalid --against 'last' \(choose previous\)$"):
        check_choice("last", ("previous",), "--against")
