"""Alerts really sent, through Apprise, to a server on this machine; skipped where the extra is not installed."""

from __future__ import annotations

import json
import logging
import threading
from base64 import b64decode
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path

import pytest
from daily_scene import tree

from liqcli.core.settings import Alerts
from liqcli.daily import DailyResult, folders
from liqcli.daily.notify import send_alerts

pytest.importorskip("apprise")
pytest_plugins = ("daily_fixtures",)
pytestmark = pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of its 180 plug-ins
SECRETS = ("hush-user", "hush-password", "hush-path", "hush-query")


class Mailbox(HTTPServer):
    """Takes what is posted; answers with ``status``."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.status = 200
        self.got: list[tuple[str, str, dict[str, str]]] = []  # path, authorization, message

    @property
    def address(self) -> str:
        return f"json://hush-user:hush-password@127.0.0.1:{self.server_port}/hush-path?+X-Key=hush-query"


class _Handler(BaseHTTPRequestHandler):
    server: Mailbox

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        self.server.got.append((self.path, self.headers["Authorization"], body))
        self.send_response(self.server.status)
        self.end_headers()

    def log_message(self, *_: object) -> None:
        pass


@pytest.fixture
def mailbox() -> Iterator[Mailbox]:
    with Mailbox() as server:
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        yield server
        server.shutdown()


def test_a_run_sends_its_alerts_once(
    run: Callable[..., DailyResult],
    mailbox: Mailbox,
    tmp_path: Path,
    caplog: pytest.LogCaptureFixture,
    capfd: pytest.CaptureFixture[str],
) -> None:
    caplog.set_level(logging.DEBUG)
    limits = Alerts(cluster_usd=1.0, notify=(mailbox.address,))
    for _ in range(2):
        alerts = run(alerts=limits).summary["alerts"]
    assert alerts
    ((path, authorization, message),) = mailbox.got
    assert path.startswith("/hush-path")
    assert b64decode(authorization.removeprefix("Basic ")) == b"hush-user:hush-password"
    assert message["title"] == f"liqcli 2026-01-07: {len(alerts)} alert{'s' if len(alerts) > 1 else ''}"
    assert message["message"].splitlines() == [f"- {alert['text']}" for alert in alerts]
    files = b"".join([*tree(tmp_path / "out").values(), (tmp_path / "out" / folders.NOTES).read_bytes()])
    said = [files.decode(errors="replace"), caplog.text, *capfd.readouterr()]
    assert not [secret for secret in SECRETS for text in said if secret in text]


@pytest.mark.parametrize("how", ["refused", "nobody there", "unknown service", "no address"])
def test_what_cannot_be_sent_is_said_without_the_address(
    mailbox: Mailbox, tmp_path: Path, how: str, caplog: pytest.LogCaptureFixture, capfd: pytest.CaptureFixture[str]
) -> None:
    caplog.set_level(logging.DEBUG)
    mailbox.status = 500
    address = {
        "refused": mailbox.address,
        "nobody there": "json://hush-user:hush-password@127.0.0.1:9/hush-path",
        "unknown service": "nosuch://hush-user@hush-path",
        "no address": "hush-path \x00 <script>",
    }[how]
    warnings: list[str] = []
    alerts = [{"text": "one", "new": True}]
    send_alerts(tmp_path, "2026-01-07", alerts, Alerts(notify=(address,)), warnings.append)
    assert warnings == ["alerts were not sent to address 1 of 1 under [alerts] notify"]
    assert not (tmp_path / folders.NOTES).exists(), "so that the next run tries again"
    said = [caplog.text, *capfd.readouterr()]
    assert not [secret for secret in SECRETS for text in said if secret in text]
