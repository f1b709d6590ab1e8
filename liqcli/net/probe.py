"""Ask a host for any answer: whether it can be reached, how fast, and how far its clock is from ours."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from email.utils import parsedate_to_datetime
from urllib.parse import urlsplit

from liqcli.core.version import __version__

TIMEOUT_S = 4.0
LEGAL_BLOCK = 451


@dataclass(frozen=True, slots=True)
class HostAnswer:
    """
    The answer of one host.

    ``status`` is that of HTTP, or None with ``error``; ``seconds`` until the answer; ``skew_s``, how far our clock is
    ahead of the host's, to the second, or None if the host did not state its time.
    """

    host: str
    status: int | None
    seconds: float
    skew_s: float | None = None
    error: str = ""

    @property
    def ok(self) -> bool:
        """Return True for any answer that is neither an error of the server nor a legal block."""
        return self.status is not None and self.status < 500 and self.status != LEGAL_BLOCK


def host_of(url: str) -> str:
    """Return host and port of a URL, without user and password."""
    parts = urlsplit(url)
    return f"{parts.hostname or ''}:{parts.port}" if parts.port else parts.hostname or ""


def probe_hosts(urls: Sequence[str], timeout_s: float = TIMEOUT_S) -> list[HostAnswer]:
    """
    Send one GET without keys to each URL, all at the same time, without retries or redirects.

    Parameters
    ----------
    urls : sequence of str
        Scheme, host and port; each host is to be named once.
    timeout_s : float
        Limit for connecting, and for each part of the answer.
    """
    if not urls:
        return []
    with ThreadPoolExecutor(len(urls), "probe") as pool:
        return list(pool.map(lambda url: _probe(url, timeout_s), urls))


def _probe(url: str, timeout_s: float) -> HostAnswer:
    import requests

    from liqcli.net.client import describe_cause
    from liqcli.net.session import settle_environment

    headers = {"User-Agent": f"Mozilla/5.0 (compatible; liqcli/{__version__})"}
    started = time.monotonic()
    try:
        with requests.Session() as session:
            session.headers.update(headers)
            settle_environment(session, url)
            with session.get(f"{url}/", timeout=timeout_s, stream=True, allow_redirects=False) as answer:
                seconds, now = time.monotonic() - started, time.time()
                return HostAnswer(host_of(url), answer.status_code, seconds, _skew(answer.headers.get("Date"), now))
    except (requests.RequestException, OSError) as error:
        return HostAnswer(host_of(url), None, time.monotonic() - started, error=describe_cause(error))


def _skew(date: str | None, now: float) -> float | None:
    """Compare a Date header with our clock; the header is cut to the second, so its middle is the best estimate."""
    try:
        return round(now - parsedate_to_datetime(date or "").timestamp() - 0.5)
    except (ValueError, OverflowError):
        return None
