"""Send alerts through Apprise, if it is installed and an address is configured. Addresses are secrets."""

from __future__ import annotations

import hashlib
import importlib
import json
import logging
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any

from liqcli.core.files import replace_file
from liqcli.core.settings import Alerts
from liqcli.daily.folders import NOTES

Say = Callable[[str], None]
Alert = dict[str, Any]


def send_alerts(
    out: Path,
    day: str,
    alerts: Sequence[Alert],
    limits: Alerts,
    warn: Say,
    briefs: Mapping[str, Sequence[str]] = MappingProxyType({}),
) -> None:
    """
    Send alerts that are new and not yet sent for this day. A failure is a warning without the address.

    ``briefs`` has the sentences of each report by name; those of the reports with an alert follow it.

    A missing Apprise is reported even without alerts, so that it is noticed before the first one.
    """
    if not limits.notify:
        return
    try:
        apprise = importlib.import_module("apprise")  # an optional dependency
    except ImportError:
        warn("alerts are not sent: Apprise is not installed; pip install 'liqcli[alerts]'")
        return
    sent = _read_sent(out)
    fresh = [alert for alert in alerts if alert["new"] and _mark(alert) not in sent.get(day, [])]
    if not fresh:
        return
    told = [" ".join(briefs.get(name, ())) for name in dict.fromkeys(alert.get("report", "") for alert in fresh)]
    body = "\n".join([*(f"- {alert['text']}" for alert in fresh), *(f"\n{text}" for text in told if text)])
    failed = [
        number
        for number, address in enumerate(limits.notify, 1)
        if not _send(apprise, address, f"liqcli {day}: {len(fresh)} alert{'s' if len(fresh) > 1 else ''}", body)
    ]
    for number in failed:
        warn(f"alerts were not sent to address {number} of {len(limits.notify)} under [alerts] notify")
    if len(failed) < len(limits.notify):  # do not send again to the addresses that worked
        _write_sent(out, {day: [*sent.get(day, []), *map(_mark, fresh)]})


def _send(apprise: Any, address: str, title: str, body: str) -> bool:  # noqa: ANN401 - an optional module
    before = logging.root.manager.disable
    logging.disable(logging.CRITICAL)  # logs of Apprise and its plug-ins contain the address
    try:
        sender = apprise.Apprise()
        return bool(sender.add(address)) and bool(sender.notify(title=title, body=body))
    except Exception:  # an error of a plug-in; its text can contain the address, so it is not shown
        return False
    finally:
        logging.disable(before)


def _mark(alert: Alert) -> str:
    return hashlib.sha256(alert["text"].encode()).hexdigest()[:16]


def _read_sent(out: Path) -> dict[str, list[str]]:
    try:
        sent = json.loads((out / NOTES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return {day: list(marks) for day, marks in sent.items()} if isinstance(sent, dict) else {}


def _write_sent(out: Path, sent: dict[str, list[str]]) -> None:
    replace_file(out / NOTES, json.dumps(sent).encode())
