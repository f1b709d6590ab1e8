"""
One thread's line to a source: a ``requests`` session whose every try waits for its place in the source's pace.

Redirects and urllib3's retries are tries too. What a source says of its limits (429, Retry-After, "0 left until then")
holds back all who ask it, not only the one who heard it.

Guarding connections against answers that never begin: a read timeout starts anew with every byte that drips.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, InvalidHeader
from urllib3.response import BaseHTTPResponse
from urllib3.util import Retry

from liqcli.net.header_timeout import GuardedPool, GuardedSecurePool
from liqcli.net.host_health import network
from liqcli.net.rate_limit import RateLimiter
from liqcli.net.rate_limit_headers import read_pause

ASKED_TOO_OFTEN = (418, 429)
REDIRECTS = 5


class PauseError(Exception):
    """The source wants a pause that is too long to wait for; ``seconds`` of it."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"wants a pause of {seconds:.0f} s")
        self.seconds = seconds


class ClosedError(Exception):
    """The line was closed while a request waited for its turn."""


class RetryPolicy(NamedTuple):
    """How often a request is tried again, and how long everything may take. [s]"""

    tries: int
    connect_tries: int
    read_tries: int
    statuses: Mapping[int, str]
    backoff_s: float
    longest_pause_s: float
    timeout_s: tuple[float, float]  # connect, read


class SourceSession:
    """
    One thread's connection to a source; ``tries`` counts what was sent.

    ``closed`` is set by somebody else: whoever waits then gets a :class:`ClosedError`. ``tell`` is told of each pause.
    """

    def __init__(
        self,
        url: str,
        pace: RateLimiter,
        patience: RetryPolicy,
        headers: Mapping[str, str],
        closed: threading.Event,
        tell: Callable[[str, float], None],
    ) -> None:
        self.pace = pace
        self.patience = patience
        self.tell = tell
        self.tries = 0
        self._closed = closed
        self._path, self._weight = "", 1.0
        self._place: str | None = None
        self._session = requests.Session()
        self._session.max_redirects = REDIRECTS
        self._session.headers.update(headers)
        _settle_environment(self._session, url)
        adapter = _RateLimitedAdapter(self)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def ask(self, url: str, params: tuple[tuple[str, str], ...], path: str, weight: float) -> requests.Response:
        """Send a GET, as often as the patience says; the answer's body is still to be read."""
        self._path, self._weight = path, weight
        return self._session.get(url, params=params, timeout=self.patience.timeout_s, stream=True)

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def leave(self) -> None:
        """Wait until the next try may leave."""
        self._place = self.pace.take(self._path, self._weight, partial(self.pause, "rate limit"))
        self.tries += 1

    def arrive(self, error: BaseException | None, headers: Mapping[str, str]) -> None:
        """Note that a try has come to its end, well or not."""
        place, self._place = self._place, None
        if place is None:
            return
        self.pace.answered(place, arrived=not isinstance(error, ConnectTimeoutError))  # else the source never saw it
        if (seconds := read_pause(headers, time.time())) > 0:
            self.pace.hold(seconds)

    def pause(self, why: str, seconds: float) -> None:
        """Sleep, unless the line is closed."""
        self.tell(why, seconds)
        if self._closed.wait(seconds):
            raise ClosedError


def _settle_environment(session: requests.Session, url: str) -> None:
    """Read proxies and certificates from the environment once, not with every request; leave ~/.netrc alone."""
    settings = session.merge_environment_settings(url, {}, None, None, None)
    session.proxies.update(settings["proxies"])
    session.verify = settings["verify"]
    session.trust_env = False


class _RateLimitedAdapter(HTTPAdapter):
    """Sends a request, or one hop of a redirect, when its turn has come."""

    def __init__(self, line: SourceSession) -> None:
        self._line = line
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - passed through
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": GuardedPool, "https": GuardedSecurePool}

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:  # noqa: ANN401
        url = request.url or ""
        self._line.leave()
        self.max_retries = _PolicyRetry.for_line(self._line, network.is_worth_retrying(url))
        try:
            answer = super().send(request, *args, **options)
        except BaseException as error:
            cause = error.args[0] if error.args else None
            reason = getattr(cause, "reason", cause)
            if isinstance(reason, ConnectTimeoutError):
                network.failed(url)
            self._line.arrive(reason, {})
            raise
        network.reached(url)
        self._line.arrive(None, answer.headers)
        return answer


class _PolicyRetry(Retry):
    """urllib3's table of retries; each waits for its turn, and what the source says holds for all who ask it."""

    line: SourceSession

    @classmethod
    def for_line(cls, line: SourceSession, hopeful: bool) -> _PolicyRetry:
        """Make the table that a line's patience describes; where there is no hope, connecting is tried once."""
        patience = line.patience
        table = cls(
            total=patience.tries,
            connect=patience.connect_tries if hopeful else 0,
            read=patience.read_tries,
            status=patience.tries,
            redirect=0,  # requests follows redirects itself
            other=0,
            status_forcelist=frozenset(patience.statuses),
            allowed_methods=frozenset({"GET"}),
            backoff_factor=patience.backoff_s,
            backoff_max=20,
            raise_on_status=False,
        )
        table.line = line
        return table

    def new(self, **changes: Any) -> _PolicyRetry:  # noqa: ANN401 - passed through
        """Copy the table, and the line with it."""
        table = super().new(**changes)
        table.line = self.line
        return table

    def parse_retry_after(self, retry_after: str) -> float:
        """Read the header: a pause up to a limit; what is no time counts as one second."""
        try:
            seconds = float(super().parse_retry_after(retry_after))
        except InvalidHeader:
            return 1.0
        if seconds > self.line.patience.longest_pause_s:
            raise PauseError(seconds)
        return seconds

    def increment(
        self,
        method: str | None = None,
        url: str | None = None,
        response: BaseHTTPResponse | None = None,
        *rest: Any,  # noqa: ANN401 - passed through
        **options: Any,  # noqa: ANN401
    ) -> _PolicyRetry:
        """Count a try; the body of an answer that is not the last one is not waited for."""
        table = super().increment(method, url, response, *rest, **options)
        if response is not None:
            response.close()
        return table

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        """Wait as long as the source says, or a little longer each time, and then for the next try's turn."""
        last = self.history[-1]
        self.line.arrive(last.error, response.headers if response is not None else {})
        wanted_s = self.get_retry_after(response) if response is not None else None
        pause_s = wanted_s or self.get_backoff_time()
        if wanted_s or last.status in ASKED_TOO_OFTEN:
            pause_s = pause_s or self.backoff_factor
            self.line.pace.hold(pause_s)
        said = self.line.patience.statuses.get(last.status or 0, "asked to wait")
        self.line.pause(f"{last.status}: {said}" if last.status else "asks again: no connection", pause_s)
        self.line.leave()
