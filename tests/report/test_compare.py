"""Symbols side by side: one window, each with the numbers of its own report."""

from __future__ import annotations

import json
import re

import pytest
from factories import DAY, HOUR, MINUTE, T0, fill_lake, make_liquidation

import liqcli
from liqcli.charts.compare import draw_compare
from liqcli.core.errors import EmptyWindowError, UsageError
from liqcli.report.compare_figure import build_spec

SPAN = {"since": "2026-03-01T00:00Z", "until": "2026-03-02T00:00Z"}


@pytest.fixture
def two(lake):
    """SOL 100 long and 50 short, ETH 2000 long; both end with the day."""
    rows = [
        make_liquidation(T0 + MINUTE, price=100.0),
        make_liquidation(T0 + HOUR, price=50.0, position="short"),
        make_liquidation(T0 + 2 * HOUR, price=2000.0, symbol="ETHUSDT"),
    ]
    days = [(T0, T0 + DAY, "complete")]
    fill_lake(lake, rows, {("gate", "SOLUSDT", "gate"): days, ("gate", "ETHUSDT", "gate"): days})
    return liqcli.Lake(lake)


def test_each_symbol_has_the_numbers_of_its_report(two):
    found = two.compare(["SOLUSDT", "ETHUSDT"], **SPAN)
    sol, eth = found.report["symbols"]
    own = two.heatmap("SOLUSDT", **SPAN).report["meta"]
    for key in ("notional", "long_notional", "short_notional", "events", "largest", "last_price", "coverage"):
        assert sol[key] == own[key]
    assert (sol["notional"], eth["notional"]) == (150.0, 2000.0)
    assert found.report["meta"]["largest_cell"] == 2000.0


def test_latest_is_the_last_event_of_any_symbol(two):
    window = two.compare("SOL,ETH", until="latest", lookback="4h").window
    assert (window.start_us, window.end_us) == (T0 - 2 * HOUR + MINUTE, T0 + 2 * HOUR + MINUTE)


def test_a_symbol_without_liquidations_keeps_an_empty_panel(two):
    found = two.compare("SOLUSDT,ADAUSDT", **SPAN)
    assert list(found.symbols) == ["SOLUSDT"]
    assert found.missing["ADAUSDT"].startswith("no liquidations of ADAUSDT in the lake")
    spec = build_spec(found.results)
    assert [(panel.name, panel.grid is None) for panel in spec.panels] == [("SOLUSDT", False), ("ADAUSDT", True)]
    with pytest.raises(EmptyWindowError):
        two.compare("ADAUSDT,XRPUSDT", **SPAN)


@pytest.mark.parametrize("symbols", ["SOL", "SOL,sol", "", ",".join(f"C{k}USDT" for k in range(9))])
def test_two_to_eight_symbols(two, symbols):
    with pytest.raises(UsageError, match="compare takes 2 to 8 symbols"):
        two.compare(symbols, **SPAN)


def test_one_colour_means_the_same_usd_in_every_panel(two):
    """The cell of 2,000 USD is the hottest of both panels; SOL's hottest is not."""
    spec = build_spec(two.compare("SOLUSDT,ETHUSDT", **SPAN).results)
    drawn = draw_compare(spec)
    sol, eth = (next(a for a in drawn.figure.axes if a.get_label() == name) for name in ("SOLUSDT", "ETHUSDT"))

    def colors(axes):
        (mesh,) = [c for c in axes.collections if type(c).__name__ == "QuadMesh"]
        shown = mesh.get_array().reshape(-1, 4)
        return {tuple(color.round(6).tolist()) for color in shown if color[3] > 0}

    assert len(colors(eth)) == 1
    assert not colors(eth) & colors(sol)
    assert [axes.get_xlim() for axes in (sol, eth)] == [(T0, T0 + DAY)] * 2
    assert sol.get_ylim() != eth.get_ylim()


@pytest.mark.usefixtures("empty_pictures")
def test_the_command_writes_every_form(two, run_cli, tmp_path):
    words = ("compare", "-s", "SOLUSDT,ETHUSDT", "--since", SPAN["since"], "--until", SPAN["until"])
    done = run_cli(*words, "-o", "c.html", "-o", "c.md", "-o", "c.json", check=0)
    assert done.stderr == "wrote c.html\nwrote c.png\nwrote c.md\nwrote c.json\n"
    page = (tmp_path / "c.html").read_text()
    assert "<script" not in page
    assert not re.findall(r'(?:src|href|srcset)="(?!data:|#)', page)
    assert [row["name"] for row in json.loads((tmp_path / "c.json").read_text())["symbols"]] == ["SOLUSDT", "ETHUSDT"]
    assert "| SOLUSDT | 150 | 100 | 50.0 |" in (tmp_path / "c.md").read_text()
    assert page.count('<source media="(max-width: 599px)"') == 1
    printed = run_cli(*words, "-o", "-", check=0)
    assert (printed.stdout, printed.stderr) == ((tmp_path / "c.json").read_text(), "")
    assert "did you mean" in run_cli(*words, "-o", "-", "--format", "jsn", check=2).stderr
    assert "--open shows a page" in run_cli(*words, "-o", "c.json", "--open", check=2).stderr
    run_cli(*words, check=0)
    assert (tmp_path / "SOLUSDT-ETHUSDT-2026-03-01-0000-24h.html").is_file()
    assert run_cli("compare", "-s", "SOL", check=2).stderr.startswith("liqcli: compare takes 2 to 8 symbols, not 1")
