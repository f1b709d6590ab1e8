"""The Tab key: what is offered behind options, as the shell asks for it."""

from __future__ import annotations

from pathlib import Path

import pytest
from typer.testing import CliRunner

from liqcli.cli import app


def offered(line: str, **environment: str) -> list[str]:
    """What bash gets for the last word of a line."""
    words = {"COMP_WORDS": line, "COMP_CWORD": str(line.count(" "))}
    done = CliRunner().invoke(
        app, prog_name="liqcli", env={"_LIQCLI_COMPLETE": "complete_bash", **words, **environment}
    )
    return done.stdout.split()


@pytest.mark.parametrize(
    ("line", "words"),
    [
        ("liqcli heatmap --palette ", ["liq", "viridis", "magma", "cividis"]),
        ("liqcli heatmap --palette vi", ["viridis"]),
        ("liqcli cascades --theme d", ["dark"]),
        ("liqcli sources ga", ["gate"]),
        ("liqcli fetch --exchange okx,bitf", ["okx,bitfinex"]),
        ("liqcli fetch --exchange okx,okx", []),
        ("liqcli fetch --kind candles,m", ["candles,margin-tiers"]),
        ("liqcli fetch --kind candles,l", ["candles,liquidations", "candles,liquidation-totals"]),
        ("liqcli record --symbol BTCUSDT,SO", ["BTCUSDT,SOLUSDT"]),
        ("liqcli import --format b", ["binance-vision", "binance-stream", "bybit-stream"]),
    ],
)
def test_words(line: str, words: list[str]) -> None:
    assert offered(line) == words


def test_symbols_are_those_of_the_lake(tmp_path: Path) -> None:
    for name in ("exchange=okx/symbol=SOLUSDT", "exchange=gate/symbol=SOLUSD", "exchange=gate/symbol=BTCUSDT"):
        (tmp_path / "held/liquidations" / name).mkdir(parents=True)
    assert offered("liqcli heatmap -s ", LIQCLI_LAKE=str(tmp_path / "held")) == [
        "BTC",
        "BTCUSDT",
        "SOL",
        "SOLUSD",
        "SOLUSDT",
    ]
    assert offered(f"liqcli clusters --lake {tmp_path}/held -s S") == ["SOL", "SOLUSD", "SOLUSDT"]
    assert offered("liqcli clusters -s ") == [], "an empty lake offers none"
