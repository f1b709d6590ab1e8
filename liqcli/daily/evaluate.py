"""Evaluate the alert thresholds of ``liqcli.toml`` on the lake, without writing reports."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from itertools import product
from pathlib import Path
from typing import Any

from liqcli.api import Lake
from liqcli.core.errors import DamagedError, EmptyWindowError, ExitCode, LakeError, UsageError
from liqcli.core.settings import Settings
from liqcli.core.symbols import check_exchange
from liqcli.daily.alerts import Alert, find_alerts
from liqcli.daily.reports import Entry, pick_headlines


@dataclass(frozen=True, slots=True)
class Evaluation:
    """
    The alerts of now.

    ``entries`` has one dict per symbol and lookback: ``status`` is ``ok``, ``no data`` or ``failed``, then with
    ``message``.
    """

    alerts: tuple[Alert, ...]
    entries: tuple[Entry, ...]

    @property
    def exit_code(self) -> int:
        """Return 0 or 1 if all windows could be evaluated; else 4, 5 or 6, also if alerts were found."""
        states = {entry["status"] for entry in self.entries}
        if states == {"ok"} and not any(entry["damaged"] for entry in self.entries):
            return int(ExitCode.ALERT if self.alerts else ExitCode.DONE)
        if "ok" in states:
            return int(ExitCode.PARTIAL)
        return int(ExitCode.DAMAGED if "failed" in states else ExitCode.NO_DATA)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data as ``liqcli alerts --format json`` prints it."""
        shown = ("name", "symbol", "lookback", "status", "message", "start", "end", "damaged")
        return {
            "exit_code": self.exit_code,
            "alerts": [{key: alert[key] for key in alert if key not in ("since", "new")} for alert in self.alerts],
            "reports": [{key: entry[key] for key in shown if key in entry} for entry in self.entries],
        }


def evaluate_alerts(settings: Settings, lake: Path, until: str, warn: Callable[[str], None]) -> Evaluation:
    """
    Compare the clusters, large orders and cascades of each symbol and lookback with the thresholds.

    Parameters
    ----------
    settings : Settings
        Symbols, lookbacks, exchanges and thresholds.
    lake : Path
        Folder of the lake.
    until : str
        End of the windows: ``now``, ``latest`` or a time.
    warn : callable
        Receives what was left out.

    Raises
    ------
    UsageError
        No threshold is set, or a name or time is invalid.
    """
    limits = settings.alerts
    if limits.cluster_usd is None and limits.cascade_usd is None and limits.distance_pct is None:
        where = settings.path or "there is no liqcli.toml: liqcli init writes one; its table"
        raise UsageError(f"no thresholds: {where} [alerts] needs cluster_usd, cascade_usd or distance_pct")
    held = Lake(lake)
    checked = replace(settings, exchanges=tuple(check_exchange(n, held.exchanges) for n in settings.exchanges))
    entries = [_evaluate(held, checked, name, until, warn) for name in product(settings.symbols, settings.lookbacks)]
    return Evaluation(tuple(find_alerts(entries, limits)), tuple(entries))


def _evaluate(lake: Lake, settings: Settings, name: tuple[str, str], until: str, warn: Callable[[str], None]) -> Entry:
    symbol, lookback = name
    entry: Entry = {"symbol": symbol, "lookback": lookback, "name": f"{symbol}-{lookback}"}
    try:
        heatmap = lake.heatmap(symbol, lookback=lookback, until=until, exchanges=settings.exchanges)
        for path in heatmap.damaged:
            warn(f"{path}: damaged, left out; to repair it: liqcli verify")
        damaged = [path.name for path in heatmap.damaged]
        return {**entry, "status": "ok", "damaged": damaged, **pick_headlines(heatmap.report)}
    except EmptyWindowError as error:
        return {**entry, "status": "no data", "message": error.fact}
    except (DamagedError, LakeError) as error:
        return {**entry, "status": "failed", "message": str(error)}
