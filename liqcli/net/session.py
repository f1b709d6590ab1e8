"""
HTTP session of one worker thread: every attempt, including redirects and retries, waits for the rate limiter.

Limits stated by a source (429, Retry-After, no requests left) block all requests to it, not only those of one thread.
"""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Mapping
from functools import partial
from typing import TYPE_CHECKING, Any, NamedTuple

import requests
from requests.adapters import HTTPAdapter
from urllib3.exceptions import ConnectTimeoutError, InvalidHeader
from urllib3.response import BaseHTTPResponse
from urllib3.util import Retry

from liqcli.net.header_timeout import GuardedPool, GuardedSecurePool
from liqcli.net.host_health import network
from liqcli.net.rate_limit import RateLimiter
from liqcli.net.rate_limit_headers import read_pause

if TYPE_CHECKING:
    from liqcli.net.request import Request

TOO_MANY_REQUESTS = (418, 429)
REDIRECTS = 5


class PauseError(Exception):
    """The source demands a pause of ``seconds`` that is too long to wait for."""

    def __init__(self, seconds: float) -> None:
        super().__init__(f"demands a pause of {seconds:.0f} s")
        self.seconds = seconds


class ClosedError(Exception):
    """The session was closed while a request waited."""


class RetryPolicy(NamedTuple):
    """Number of retries, and time limits. [s]"""

    tries: int
    connect_tries: int
    read_tries: int
    statuses: Mapping[int, str]
    backoff_s: float
    longest_pause_s: float
    timeout_s: tuple[float, float]  # connect, read


class SourceSession:
    """
    HTTP session of one thread with one source.

    Parameters
    ----------
    closed : threading.Event
        Set from another thread to end all waits with :class:`ClosedError`.
    on_pause : callable
        Called before each wait with its reason and length [s].

    Attributes
    ----------
    attempts : int
        Number of requests sent.
    """

    def __init__(
        self,
        url: str,
        limiter: RateLimiter,
        policy: RetryPolicy,
        headers: Mapping[str, str],
        closed: threading.Event,
        on_pause: Callable[[str, float], None],
    ) -> None:
        self.limiter = limiter
        self.policy = policy
        self.on_pause = on_pause
        self.attempts = 0
        self._closed = closed
        self._path, self._weight = "", 1.0
        self._slot: str | None = None
        self._session = requests.Session()
        self._session.max_redirects = REDIRECTS
        self._session.headers.update(headers)
        settle_environment(self._session, url)
        adapter = _RateLimitedAdapter(self)
        self._session.mount("http://", adapter)
        self._session.mount("https://", adapter)

    def send(self, base: str, request: Request, weight: float) -> requests.Response:
        """Send a request with retries; the body of the answer is unread."""
        self._path, self._weight = request.path, weight
        body = None if request.body is None else request.body.encode()
        return self._session.request(
            "GET" if body is None else "POST",
            base + request.path,
            params=request.params,
            data=body,
            headers=None if body is None else {"Content-Type": "application/json"},
            timeout=self.policy.timeout_s,
            stream=True,
        )

    def close(self) -> None:
        """Close the connection."""
        self._session.close()

    def acquire(self) -> None:
        """Wait until the next attempt may be sent."""
        self._slot = self.limiter.acquire(self._path, self._weight, partial(self.pause, "rate limit"))
        self.attempts += 1

    def release(self, error: BaseException | None, headers: Mapping[str, str]) -> None:
        """Record the end of an attempt."""
        slot, self._slot = self._slot, None
        if slot is None:
            return
        arrived = not isinstance(error, ConnectTimeoutError)  # otherwise the source never saw it
        self.limiter.release(slot, arrived=arrived)
        if (seconds := read_pause(headers, time.time())) > 0:
            self.limiter.block_for(seconds)

    def pause(self, why: str, seconds: float) -> None:
        """Sleep; raise ClosedError if the session is closed meanwhile."""
        self.on_pause(why, seconds)
        if self._closed.wait(seconds):
            raise ClosedError


def settle_environment(session: requests.Session, url: str) -> None:
    """Read proxies and certificates from the environment once instead of with every request; ignore ~/.netrc."""
    settings = session.merge_environment_settings(url, {}, None, None, None)
    session.proxies.update(settings["proxies"])
    session.verify = settings["verify"]
    session.trust_env = False


class _RateLimitedAdapter(HTTPAdapter):
    """Sends a request, or one hop of a redirect, once the rate limiter allows it."""

    def __init__(self, session: SourceSession) -> None:
        self._session = session
        super().__init__()

    def init_poolmanager(self, *args: Any, **options: Any) -> None:  # noqa: ANN401 - passed through
        super().init_poolmanager(*args, **options)
        self.poolmanager.pool_classes_by_scheme = {"http": GuardedPool, "https": GuardedSecurePool}

    def send(self, request: requests.PreparedRequest, *args: Any, **options: Any) -> requests.Response:  # noqa: ANN401
        url = request.url or ""
        self._session.acquire()
        self.max_retries = _PolicyRetry.for_session(self._session, network.is_worth_retrying(url))
        try:
            answer = super().send(request, *args, **options)
        except BaseException as error:
            cause = error.args[0] if error.args else None
            reason = getattr(cause, "reason", cause)
            if isinstance(reason, ConnectTimeoutError):
                network.failed(url)
            self._session.release(reason, {})
            raise
        network.reached(url)
        self._session.release(None, answer.headers)
        return answer


class _PolicyRetry(Retry):
    """urllib3's retries; each waits for the rate limiter, and pauses demanded by the source block all requests."""

    session: SourceSession

    @classmethod
    def for_session(cls, session: SourceSession, retry_connection: bool) -> _PolicyRetry:
        """Build the retries of a session's policy; without ``retry_connection``, connecting is tried once."""
        policy = session.policy
        retries = cls(
            total=policy.tries,
            connect=policy.connect_tries if retry_connection else 0,
            read=policy.read_tries,
            status=policy.tries,
            redirect=0,  # requests follows redirects itself
            other=0,
            status_forcelist=frozenset(policy.statuses),
            allowed_methods=frozenset({"GET", "POST"}),  # a POST of liqcli only reads
            backoff_factor=policy.backoff_s,
            backoff_max=20,
            raise_on_status=False,
        )
        retries.session = session
        return retries

    def new(self, **changes: Any) -> _PolicyRetry:  # noqa: ANN401 - passed through
        """Copy the retries with their session."""
        retries = super().new(**changes)
        retries.session = self.session
        return retries

    def parse_retry_after(self, retry_after: str) -> float:
        """Parse the header: a pause up to the limit; an invalid value counts as one second."""
        try:
            seconds = float(super().parse_retry_after(retry_after))
        except InvalidHeader:
            return 1.0
        if seconds > self.session.policy.longest_pause_s:
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
        """Count an attempt; the body of an answer that is retried is not read."""
        retries = super().increment(method, url, response, *rest, **options)
        if response is not None:
            response.close()
        return retries

    def sleep(self, response: BaseHTTPResponse | None = None) -> None:
        """Wait as long as the source demands, or with growing backoff, and then for the rate limiter."""
        last = self.history[-1]
        self.session.release(last.error, response.headers if response is not None else {})
        demanded_s = self.get_retry_after(response) if response is not None else None
        pause_s = demanded_s or self.get_backoff_time()
        if demanded_s or last.status in TOO_MANY_REQUESTS:
            pause_s = pause_s or self.backoff_factor
            self.session.limiter.block_for(pause_s)
        reason = self.session.policy.statuses.get(last.status or 0, "asked to wait")
        self.session.pause(f"{last.status}: {reason}" if last.status else "retrying: no connection", pause_s)
        self.session.acquire()
