"""Thresholds, what is news, and where it is sent."""

from __future__ import annotations

import json
import sys
import types
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from liqcli.core.settings import Alerts, Settings
from liqcli.daily import run_daily
from liqcli.daily.alerts import find_alerts
from liqcli.daily.notify import send_alerts
from liqcli.lake.store import Lake

pytestmark = pytest.mark.usefixtures("empty_pictures")

pytest_plugins = ("daily_fixtures",)


def entry_of(*clusters: tuple[int, float, float | None], lookback: str = "24h") -> dict[str, Any]:
    """A report whose clusters lie one above the other, the first from 100 to 101; with one burst of 4 million."""
    made = [
        {"rank": rank, "low": 99.0 + rank, "high": 100.0 + rank, "notional": usd, "events": 9, "distance_pct": distance}
        for rank, usd, distance in clusters
    ]
    burst = {
        "start": "2026-01-07T13:37:00Z", "end": "2026-01-07T13:52:10Z", "position": "long", "events": 9,
        "notional": 4e6,
    }  # fmt: skip
    return {
        "status": "ok", "name": f"SOLUSDT-{lookback}", "symbol": "SOLUSDT", "lookback": lookback, "bin_width": 0.5,
        "places": "clusters", "clusters": made, "heavy_outside": [], "cascades": [burst],
    }  # fmt: skip


@pytest.mark.parametrize(
    ("limits", "amounts"),
    [
        (Alerts(), []),
        (Alerts(cluster_usd=2e6), [5e6, 2e6]),
        (Alerts(cluster_usd=2e6, distance_pct=1), [2e6]),
        (Alerts(distance_pct=5), [5e6]),
        (Alerts(distance_pct=1), []),
        (Alerts(cascade_usd=4e6), [4e6]),
        (Alerts(cascade_usd=4e6 + 1), []),
    ],
)
def test_thresholds(limits: Alerts, amounts: list[float]) -> None:
    entry = entry_of((1, 5e6, -3.0), (2, 2e6, 0.5), (3, 1e6, None))
    empty = {"status": "no data", "name": "x"}
    assert [alert["notional"] for alert in find_alerts([empty, entry], limits)] == amounts


def test_the_words_of_alerts() -> None:
    entry = entry_of((1, 5e6, -3.0))
    entry["heavy_outside"] = [
        {"rank": 1, "low": 120.0, "high": 120.5, "notional": 7e6, "events": 1, "distance_pct": 16.28},
        {"rank": 2, "low": 110.0, "high": 110.5, "notional": 1.0, "events": 1, "distance_pct": 6.0},
    ]
    limits = Alerts(cluster_usd=2.0, cascade_usd=1.0)
    assert [(a["kind"], a["text"]) for a in find_alerts([entry], limits)] == [
        ("cluster", "SOLUSDT 24h: cluster 100.0 to 101.0 holds 5.00M USD realized, -3.00% from the last price"),
        (
            "order",
            "SOLUSDT 24h: 120.0 to 120.5 holds 7.00M USD realized, +16.28% from the last price, 1 event and no cluster",
        ),
        ("cascade", "SOLUSDT 24h: cascade of longs from 2026-01-07 13:37 UTC, 4.00M USD in 9 events"),
    ]
    assert [a["kind"] for a in find_alerts([entry], Alerts(distance_pct=20))] == ["cluster"], "an order is no cluster"


def test_what_was_told_is_no_news() -> None:
    limits = Alerts(cluster_usd=2e6, cascade_usd=1e6)
    first = find_alerts([entry_of((1, 5e6, -3.0), lookback="7d")], limits, (), "2026-01-07")
    assert [(a["kind"], a["since"], a["new"]) for a in first] == [
        ("cluster", "2026-01-07", True),
        ("cascade", "2026-01-07", True),
    ]
    grown = entry_of((1, 9e6, 1.0), (2, 3e6, 2.0), lookback="7d")  # the second one has come up since
    second = find_alerts([grown], limits, first, "2026-01-08")
    assert [(a["kind"], a["notional"], a["since"], a["new"]) for a in second] == [
        ("cluster", 3e6, "2026-01-08", True),
        ("cluster", 9e6, "2026-01-07", False),
        ("cascade", 4e6, "2026-01-07", False),
    ]
    third = find_alerts([entry_of((1, 18e6, 1.0), lookback="7d")], limits, second, "2026-01-09")
    assert [(a["notional"], a["since"], a["new"]) for a in third] == [
        (18e6, "2026-01-09", True),  # twice as much as was told
        (4e6, "2026-01-07", False),
    ]


def test_what_two_lookbacks_show_is_told_once() -> None:
    limits = Alerts(cluster_usd=2e6, cascade_usd=1e6)
    day, week = entry_of((1, 5e6, -3.0)), entry_of((1, 5e6, -3.0), (2, 6e6, 1.0), lookback="7d")
    told = find_alerts([day, week], limits, (), "2026-01-07")
    assert [(a["kind"], a["report"]) for a in told] == [
        ("cluster", "SOLUSDT-24h"),
        ("cascade", "SOLUSDT-24h"),
        ("cluster", "SOLUSDT-7d"),
    ]
    later = find_alerts([entry_of(lookback="7d")], limits, told, "2026-01-08")
    assert [(a["kind"], a["since"], a["new"]) for a in later] == [("cascade", "2026-01-07", False)]
    other = [{**alert, "symbol": "BTCUSDT"} for alert in told]
    assert find_alerts([entry_of(lookback="7d")], limits, other, "2026-01-08")[0]["new"]


@pytest.mark.slow
@pytest.mark.usefixtures("undrawn")
def test_alerts_reach_digest_summary_and_exit_status(sample: Path, tmp_path: Path) -> None:
    """The sample has a cascade of 3.23M on the 5th and one of 3.53M on the 6th; a day without data is passed over."""
    limits = Alerts(cascade_usd=3e6, exit_code=10)
    settings = Settings(symbols=("BTCUSDT",), lookbacks=("3d",), out=tmp_path, fetch=False, levels=False, alerts=limits)

    def run(until: str, symbol: str = "BTCUSDT") -> tuple[int, list[tuple[float, str, bool]]]:
        result = run_daily(replace(settings, symbols=(symbol,)), Lake(sample), until, print, print)
        alerts = result.summary["alerts"]
        return result.exit_code, [(round(a["notional"] / 1e6, 2), a["since"], a["new"]) for a in alerts]

    assert run("2026-01-06") == (10, [(3.23, "2026-01-05", True)])
    text = json.loads((tmp_path / "latest/summary.json").read_text())["alerts"][0]["text"]
    assert f"- **{text}**" in (tmp_path / "2026-01-05/digest.md").read_text()
    assert text in (tmp_path / "index.html").read_text()
    assert run("2026-01-07", "XRPUSDT") == (4, [])
    assert run("2026-01-08") == (10, [(3.53, "2026-01-07", True), (3.23, "2026-01-05", False)])
    assert json.loads((tmp_path / "latest/summary.json").read_text())["reports"][0]["previous"]["day"] == "2026-01-05"
    assert "since 01-05</span>" in (tmp_path / "index.html").read_text(), "the change is not against the day before"
    assert run("2026-01-08T00:00:01Z") == (0, [(3.53, "2026-01-07", False), (3.23, "2026-01-05", False)])
    page = (tmp_path / "index.html").read_text()
    assert "No new alerts." in page
    assert "since 2026-01-05</small>" in page


class FakeApprise(types.ModuleType):
    """Takes messages as Apprise does; an address with ``down`` in it fails, one with ``fault`` raises."""

    def __init__(self) -> None:
        super().__init__("apprise")
        self.sent: list[tuple[str, str]] = []
        self.Apprise = lambda: self
        self.address = ""

    def add(self, address: str) -> bool:
        self.address = address
        return address.startswith("json://")

    def notify(self, title: str, body: str) -> bool:
        if "fault" in self.address:
            raise OSError(self.address)
        self.sent.append((title, body))
        return "down" not in self.address


def test_alerts_are_sent_once_and_addresses_stay_secret(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    fake = FakeApprise()
    monkeypatch.setitem(sys.modules, "apprise", fake)
    warnings: list[str] = []
    alerts = [{"text": "SOLUSDT 24h: one", "new": True}, {"text": "old", "new": False}]
    good = Alerts(notify=("json://user:hush@host",))
    for _ in range(2):
        send_alerts(tmp_path, "2026-01-07", alerts, good, warnings.append)
    assert fake.sent == [("liqcli 2026-01-07: 1 alert", "- SOLUSDT 24h: one")]
    send_alerts(tmp_path, "2026-01-07", [*alerts, {"text": "two", "new": True}], good, warnings.append)
    assert fake.sent[1:] == [("liqcli 2026-01-07: 1 alert", "- two")]
    assert not warnings
    bad = Alerts(notify=("json://hush.down", "hush://x", "json://hush.fault"))
    send_alerts(tmp_path, "2026-01-08", alerts, bad, warnings.append)
    assert warnings == [f"alerts were not sent to address {n} of 3 under [alerts] notify" for n in (1, 2, 3)]
    send_alerts(tmp_path, "2026-01-08", alerts, bad, warnings.append)
    assert len(warnings) == 6, "what nobody got is tried again"


def test_without_apprise_a_warning_says_what_to_install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "apprise", None)
    warnings: list[str] = []
    for calm_or_not in ([], [{"text": "x", "new": True}]):
        send_alerts(tmp_path, "2026-01-07", calm_or_not, Alerts(notify=("json://hush",)), warnings.append)
        assert warnings == ["alerts are not sent: Apprise is not installed; pip install 'liqcli[alerts]'"]
        warnings.clear()


def test_a_zone_of_several_lookbacks_is_one_line() -> None:
    """100 to 101 with 5 million in 24 h and 9 million in 7 d; 110 to 111 in 7 d alone."""
    day, week = entry_of((1, 5e6, -3.0)), entry_of((1, 9e6, -3.0), (11, 6e6, 7.0), lookback="7d")
    found = find_alerts([day, week], Alerts(cluster_usd=2e6, cascade_usd=4e6))
    assert [(a["kind"], a["notional"], a["lookbacks"], a["report"]) for a in found] == [
        ("cluster", 9e6, ["24h", "7d"], "SOLUSDT-7d"),
        ("cascade", 4e6, ["24h", "7d"], "SOLUSDT-24h"),
        ("cluster", 6e6, ["7d"], "SOLUSDT-7d"),
    ]
    assert found[0]["text"].startswith("SOLUSDT 24h, 7d: cluster 100.0 to 101.0 holds 9.00M USD realized")
    again = find_alerts([day], Alerts(cluster_usd=2e6), found, "2026-01-08")
    assert [alert["new"] for alert in again] == [False]
