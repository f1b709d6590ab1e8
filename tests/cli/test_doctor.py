"""``liqcli doctor`` against a server on this machine; no test asks the internet."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable, Iterator
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from threading import Thread

import pytest
from conftest import RunCli

from liqcli.api.doctor import Diagnosis, diagnose, find_hosts
from liqcli.net.probe import HostAnswer, host_of, probe_hosts
from liqcli.sources.registry import LIVE_SOURCES, MARKET_SOURCES, SOURCES

NAMES = sorted({name.upper().replace("-", "_") for name in (*SOURCES, *LIVE_SOURCES, *MARKET_SOURCES)})
EVENTS = (
    "ts,exchange,symbol,position,price,qty,price_kind,completeness\n"
    "2026-03-01T10:10:00Z,gate,BTCUSDT,long,100,10,fill,full\n"
)


class Server:
    """Answers every GET with one status and a time that is ``behind_s`` behind ours; counts requests."""

    def __init__(self, status: int = 200, behind_s: float = 0.0) -> None:
        self.asked: list[dict[str, str]] = []
        server = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                server.asked.append(dict(self.headers))
                self.send_response_only(status)
                self.send_header("Date", format_datetime(datetime.now(UTC) - timedelta(seconds=behind_s), usegmt=True))
                self.send_header("Content-Length", "0")
                self.end_headers()

            def log_message(self, *_: object) -> None:
                pass

        self.http = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.http.server_address[1]}"
        Thread(target=self.http.serve_forever, daemon=True).start()


@pytest.fixture
def serve() -> Iterator[Callable[..., Server]]:
    servers: list[Server] = []

    def start(**options: float) -> Server:
        servers.append(Server(**options))  # type: ignore[arg-type]
        return servers[-1]

    yield start
    for server in servers:
        server.http.shutdown()
        server.http.server_close()


def point_at(url: str) -> dict[str, str]:
    return {f"LIQCLI_URL_{name}": url for name in NAMES}


def find(result: Diagnosis, name: str) -> tuple[bool, str]:
    check = next(check for check in result.checks if check.name == name)
    return check.ok, check.text


def test_all_good(
    run_cli: RunCli, serve: Callable[..., Server], imported: Callable[[str, Path], Path], lake: Path
) -> None:
    imported(EVENTS, lake)
    server = serve()
    env = {**point_at(server.url), "LIQCLI_KEY_TARDIS": "TD.secret"}
    done = run_cli("doctor", env=env, check=0)
    lines = {line[9:].split("  ")[0].strip(): line for line in done.stdout.splitlines()}
    assert set(lines) == {"liqcli", "packages", "settings", "lake", "disk", "fonts", "clock", server.url[7:]}
    assert all(line.startswith("ok ") for line in lines.values())
    assert ": 2 files, " in lines["lake"]
    assert "within 1 s of 1 host" in lines["clock"]
    assert "HTTP 200 (gate, htx, okx, tardis, " in lines[server.url[7:]]
    assert len(server.asked) == 1, "each host once"
    assert "secret" not in str(server.asked) + done.stdout + done.stderr
    assert done.stderr == "no problems found\n"


def test_json_and_a_broken_host(run_cli: RunCli, serve: Callable[..., Server]) -> None:
    good, broken = serve(status=404), serve(status=502)
    env = {**point_at(good.url), "LIQCLI_URL_OKX": broken.url}
    found = json.loads(run_cli("doctor", "--format", "json", env=env, check=6).stdout)
    assert found["ok"] is False
    assert [check["name"] for check in found["checks"] if not check["ok"]] == [broken.url[7:]]
    by_host = {host["host"]: host for host in found["hosts"]}
    assert by_host[broken.url[7:]]["sources"] == ["okx"]
    assert (by_host[broken.url[7:]]["status"], by_host[good.url[7:]]["status"]) == (502, 404)
    assert by_host[good.url[7:]]["ok"] is True, "an answer is an answer"


def test_offline_sends_nothing(run_cli: RunCli, serve: Callable[..., Server]) -> None:
    server = serve()
    done = run_cli("doctor", "--offline", env=point_at(server.url), check=0)
    assert server.asked == []
    assert "clock" not in done.stdout


def test_a_wrong_clock(serve: Callable[..., Server], monkeypatch: pytest.MonkeyPatch) -> None:
    for name, url in point_at(serve(behind_s=120).url).items():
        monkeypatch.setenv(name, url)
    ok, text = find(diagnose(None), "clock")
    assert not ok
    assert text.split(" s ")[0] in ("119", "120", "121")
    assert text.endswith("s ahead of 1 host")


def test_no_host_answers() -> None:
    result = diagnose(None, probe=lambda urls: [HostAnswer(host_of(url), None, 0.1, error="no route") for url in urls])
    ok, text = find(result, "hosts")
    assert not ok
    assert text == f"none of {len(find_hosts())} answers: no route"
    assert find(result, "clock") == (True, "unknown: no host stated its time")


def test_a_legal_block_is_named() -> None:
    result = diagnose(None, probe=lambda urls: [HostAnswer(host_of(url), 451, 0.1) for url in urls])
    assert find(result, "www.okx.com") == (False, "HTTP 451: blocks this country (okx)")


def test_one_wrong_clock_among_hosts_is_the_hosts() -> None:
    def probe(urls: list[str]) -> list[HostAnswer]:
        return [HostAnswer(host_of(url), 200, 0.1, 900.0 if k == 0 else 0.0) for k, url in enumerate(urls)]

    assert find(diagnose(None, probe=probe), "clock")[0]


def test_hosts_are_named_once_without_credentials(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("LIQCLI_URL_GATE", "https://user:pw@mirror.example:8443")
    hosts = find_hosts()
    names = [host_of(url) for url in hosts]
    assert len(names) == len(set(names))
    assert "mirror.example:8443" in names
    assert "pw" not in "".join(names)
    assert "binance-vision" in hosts["https://data.binance.vision"]
    assert all(url.startswith(("http://", "https://")) for url in hosts)


def test_a_refused_connection_and_a_silent_host() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        (answer,) = probe_hosts([f"http://127.0.0.1:{port}"], timeout_s=0.3)
        assert (answer.status, answer.ok) == (None, False)
        assert "timed out" in answer.error.lower()
    (answer,) = probe_hosts([f"http://127.0.0.1:{port}"], timeout_s=2.0)
    assert "refused" in answer.error.lower()


def test_problems_of_settings_lake_and_variables(
    run_cli: RunCli, imported: Callable[[str, Path], Path], lake: Path, tmp_path: Path
) -> None:
    imported(EVENTS, lake)
    (stored,) = (lake / "liquidations").rglob("*.parquet")
    stored.write_bytes(b"not parquet")
    (tmp_path / "liqcli.toml").write_text('colour = "red"\n')
    env = {"LIQCLI_HEATMAP_LOOKBCK": "hidden", "LIQCLI_URL_GATE": "ftp://x"}
    done = run_cli("doctor", env=env, check=6)
    assert "warning: unknown variable LIQCLI_HEATMAP_LOOKBCK; did you mean LIQCLI_HEATMAP_LOOKBACK" in done.stderr
    assert "hidden" not in done.stdout + done.stderr
    problems = [line[9:].split("  ")[0].strip() for line in done.stdout.splitlines() if line.startswith("PROBLEM")]
    assert problems == ["settings", "lake", "hosts"]
    assert "unknown setting 'colour'" in done.stdout
    assert f"damaged: {stored}" in done.stdout
