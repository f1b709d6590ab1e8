"""The header of a source: eleven keys in order, each once."""

from __future__ import annotations

import pytest

from liqcli.sources.header import KEYS, parse_header

GOOD = "A sentence.\n\n" + "\n".join(f"{key}: about {key}\n    and more" for key in KEYS) + "\n"


def test_texts_go_on_in_indented_lines() -> None:
    assert parse_header(GOOD)["side"] == "about side and more"


@pytest.mark.parametrize(
    "text",
    [
        GOOD.replace("side: about side\n    and more\n", ""),
        GOOD + "side: again\n",
        GOOD + "extra: key\n",
        GOOD.replace("gives:", "docs2:"),
        "",
    ],
)
def test_other_headers_are_refused(text: str) -> None:
    with pytest.raises(ValueError, match="header has"):
        parse_header(text)
