"""Tables on screens of any width: nothing is wider than the screen, and what had to go is said."""

from __future__ import annotations

import pytest

from liqcli.cli.output import STATE
from liqcli.cli.tables import render_table

HEADER = ("exchange", "coverage", "MB", "words")
ROWS = (("gate", "100%", "0.02", "a b c d e f g h i j k l m n"), ("okx", "9%", "12.00", "none"))


def draw(columns: int | None, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    monkeypatch.setattr(STATE, "quiet", False)  # a test before may have run the program with --quiet
    if columns:
        monkeypatch.setenv("COLUMNS", str(columns))
    short = {"exchange": "exch.", "coverage": "cov."}
    table = render_table(HEADER, ROWS, right=(1, 2), short=lambda word: short.get(word, word), spare=("MB",))
    return table.splitlines()


def test_a_pipe_has_no_edge(monkeypatch: pytest.MonkeyPatch) -> None:
    assert draw(None, monkeypatch) == [
        "exchange  coverage     MB  words",
        "gate          100%   0.02  a b c d e f g h i j k l m n",
        "okx             9%  12.00  none",
    ]


def test_columns_move_together_then_go_then_the_words_are_cut(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert draw(54, monkeypatch)[0] == "exchange  coverage     MB  words"
    assert draw(53, monkeypatch)[:2] == ["exch. cov.    MB words", "gate  100%  0.02 a b c d e f g h i j k l m n"]
    assert capsys.readouterr().err == ""
    assert draw(40, monkeypatch)[:2] == ["exch. cov. words", "gate  100% a b c d e f g h i j k l m n"]
    assert capsys.readouterr().err == "columns omitted to fit 40 characters: MB\n"
    assert draw(30, monkeypatch)[1:] == ["gate  100% a b c d e f g h i …", "okx     9% none"]
    assert draw(9, monkeypatch)[1] == "gate  100% a b c d e f…"  # some words stay, on the narrowest screen too


def test_wide_letters_keep_the_columns_in_line() -> None:
    """Each of the four letters takes two columns of the screen: 8 + 4 = 12, as many as 1000000MOGUS has."""
    assert render_table(("symbol", "USD"), [("币安人生USDT", "1.0K"), ("1000000MOGUS", "12K")], right=(1,)) == (
        "symbol         USD\n币安人生USDT  1.0K\n1000000MOGUS   12K"
    )


def test_a_table_without_rows_is_its_heading() -> None:
    assert render_table(("symbol", "USD"), [], right=(1,)) == "symbol  USD"
