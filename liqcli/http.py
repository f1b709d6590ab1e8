"""Asking over HTTP: time limits, rate limits, and a table of what is worth asking again.

``requests`` is imported only when the first question is asked. Keys travel in a header and never appear in an error.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, TypeVar

from liqcli import __version__
from liqcli.config import source_rate, source_url
from liqcli.errors import BlockedError, SourceError

if TYPE_CHECKING:
    import requests
    from urllib3 import BaseHTTPResponse
    from urllib3.util import Retry

Decoded = TypeVar("Decoded")
Pause = Callable[[str, float], None]  # why, and for how long [s]

# What is asked again, and why; every other status is final.
RETRIED: Mapping[int, str] = {
    408: "the server waited too long",
    418: "banned for a while for asking too often",
    425: "too early",
    429: "too many requests",
    500: "server error",
    502: "bad gateway",
    503: "out of service",
    504: "gateway timeout",
    520: "proxy: unknown error",
    522: "proxy: connection timed out",
    524: "proxy: timed out",
}
BLOCKED: Mapping[int, str] = {403: "forbidden", 451: "unavailable for legal reasons"}

STATUS_TRIES = 6  # after the first: 0, 0.5, 1, 2, 4, 8 s
CONNECT_TRIES = 3
READ_TRIES = 2
GARBLED_TRIES = 5  # an answer that cannot be what it should be, or says "busy" inside a 200
BACKOFF_S = 0.25
LONGEST_WAIT_S = 120.0  # a server that wants a longer pause is given up: the next run goes on from there
TIMEOUT_S = (6.0, 25.0)  # connect, read


class UnreachableError(SourceError):
    """No connection to the source at all: its other windows need not be tried now."""


class RefusalError(Exception):
    """Raised by a decoder: the answer is understood, and it is a no."""


@dataclass(frozen=True, slots=True)
class Request:
    """
    A GET to make; ``absent`` lists the statuses that mean "there is no such thing" and give None.

    ``url`` is scheme and host where they are not the source's own; ``LIQCLI_URL_…`` replaces both alike.
    """

    path: str
    params: tuple[tuple[str, str], ...] = ()
    absent: tuple[int, ...] = ()
    url: str | None = None

    @property
    def text(self) -> str:
        """Path and parameters, for messages."""
        query = "&".join(f"{name}={value}" for name, value in self.params)
        return f"{self.path}?{query}" if query else self.path


class RateLimiter:
    """Space requests evenly so that no more than so many a minute leave."""

    def __init__(
        self,
        per_minute: float,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._step_s = 60.0 / per_minute
        self._clock = clock
        self._sleep = sleep
        self._next_s = 0.0
        self._lock = threading.Lock()

    def wait(self) -> None:
        """Return when the next request may leave."""
        with self._lock:
            start = max(self._clock(), self._next_s)
            self._next_s = start + self._step_s
        pause = start - self._clock()
        if pause > 0:
            self._sleep(pause)


class Client:
    """
    One source's connection.

    Parameters
    ----------
    source : str
        Names the source in errors, and its ``LIQCLI_URL_…`` and ``LIQCLI_RATE_…`` variables.
    url : str
        Scheme, host and port when no variable replaces them.
    per_minute : float
        Requests a minute when no variable replaces it.
    key : str, optional
        Sent as ``Authorization: Bearer``; never shown.
    on_wait : callable, optional
        Told before each pause why it is made and how long it is [s]; called from the thread that asks.
    """

    def __init__(
        self, source: str, url: str, per_minute: float, key: str | None = None, on_wait: Pause | None = None
    ) -> None:
        self.source = source
        self._base = source_url(source, url)
        self._on_wait = on_wait
        self._limiter = RateLimiter(source_rate(source, per_minute), sleep=partial(self._pause, "rate limit"))
        self._key = key
        self._session: requests.Session | None = None
        self._closed = False
        self.requests = 0

    def close(self) -> None:
        """Close the connection; a thread that still asks is told so."""
        self._closed = True
        if self._session is not None:
            self._session.close()
            self._session = None

    def get(self, request: Request, decode: Callable[[bytes], Decoded]) -> Decoded | None:
        """
        Ask until the answer can be decoded.

        ``decode`` raises ValueError when the answer is garbled or says "busy" (asked again, a few times), and
        :class:`RefusalError` when it is a no.

        Returns
        -------
        decoded or None
            None for a status that the request calls absent.

        Raises
        ------
        BlockedError
            403 or 451: this network or country is refused; not asked again.
        UnreachableError
            No connection, or no answer in time.
        SourceError
            Any other status, a refusal, or an answer that stays garbled; names source, path and status.
        """
        reason = ""
        for attempt in range(GARBLED_TRIES):
            if attempt:
                self._pause(f"asks again: {self._clean(reason)}", BACKOFF_S * 2 ** (attempt - 1))
            try:
                status, body = self._send(request)
                if status in request.absent:
                    return None
                self._check_status(request, status, body)
                return decode(body)
            except ValueError as error:
                reason = str(error)
            except RefusalError as error:
                raise SourceError(f"{self._where(request)} refused: {self._clean(str(error))}") from error
        raise SourceError(
            f"{self._where(request)} answered {GARBLED_TRIES} times with status 200 but {self._clean(reason)}"
        )

    def _send(self, request: Request) -> tuple[int, bytes]:
        import requests
        from urllib3.exceptions import MaxRetryError

        self._limiter.wait()
        if self._closed:
            raise UnreachableError(f"{self._where(request)} is not asked any more")
        self.requests += 1
        base = source_url(self.source, request.url) if request.url else self._base
        try:
            answer = self._open().get(
                base + request.path, params=request.params, timeout=TIMEOUT_S, allow_redirects=True
            )
        except (requests.exceptions.ChunkedEncodingError, requests.exceptions.ContentDecodingError) as error:
            raise ValueError("the body broke off") from error
        except requests.exceptions.ConnectionError as error:
            if error.args and not isinstance(error.args[0], MaxRetryError) and "Read timed out" in str(error):
                raise ValueError("the body stalled") from error
            raise UnreachableError(f"{self._where(request)} cannot be reached: {_innermost(error)}") from error
        except requests.exceptions.RequestException as error:
            raise UnreachableError(f"{self._where(request)} cannot be asked: {type(error).__name__}") from error
        history = getattr(answer.raw.retries, "history", ())
        self.requests += len(history)
        return answer.status_code, answer.content

    def _check_status(self, request: Request, status: int, body: bytes) -> None:
        if status == 200:
            return
        said = self._clean(_summarise(body))
        if status in BLOCKED:
            raise BlockedError(
                f"{self._where(request)} answered {status} ({BLOCKED[status]}): the source refuses this network, "
                f"country or key; asking again will not help{said and f' [{said}]'}"
            )
        tries = f" after {STATUS_TRIES + 1} tries" if status in RETRIED else ""
        wrong_key = f"no key or a wrong one in LIQCLI_KEY_{self.source.upper().replace('-', '_')}"
        meaning = RETRIED.get(status, {401: wrong_key, 404: "not found"}.get(status, ""))
        raise SourceError(
            f"{self._where(request)} answered {status}{meaning and f' ({meaning})'}{tries}{said and f': {said}'}"
        )

    def _open(self) -> requests.Session:
        import requests
        from requests.adapters import HTTPAdapter

        if self._session is None:
            session = requests.Session()
            adapter = HTTPAdapter(max_retries=_retry_table(self.source, self._pause))
            session.mount("http://", adapter)
            session.mount("https://", adapter)
            session.headers["User-Agent"] = f"Mozilla/5.0 (compatible; liqcli/{__version__})"
            if self._key:
                session.headers["Authorization"] = f"Bearer {self._key}"
            self._session = session
        return self._session

    def _pause(self, why: str, seconds: float) -> None:
        if self._on_wait is not None:
            self._on_wait(why, seconds)
        time.sleep(seconds)

    def _where(self, request: Request) -> str:
        return f"{self.source}: {request.path}"

    def _clean(self, text: str) -> str:
        shown = text.replace(self._key, "***") if self._key else text
        return re.sub(r"[\x00-\x1f\x7f\s]+", " ", shown).strip()[:160]


def _retry_table(source: str, pause: Pause) -> Retry:
    from urllib3.exceptions import InvalidHeader
    from urllib3.util import Retry

    class PatientRetry(Retry):
        """Honours Retry-After up to a limit; a header that is no time counts as one second."""

        def parse_retry_after(self, retry_after: str) -> float:
            try:
                seconds = float(super().parse_retry_after(retry_after))
            except InvalidHeader:
                return 1.0
            if seconds > LONGEST_WAIT_S:
                raise SourceError(f"{source}: wants a pause of {seconds:.0f} s (Retry-After); run again after it")
            return seconds

        def sleep_for_retry(self, response: BaseHTTPResponse) -> bool:
            seconds = self.get_retry_after(response)
            if seconds:
                pause(f"{response.status}: {RETRIED.get(response.status, 'asked to wait')}", seconds)
            return bool(seconds)

        def _sleep_backoff(self) -> None:
            seconds = self.get_backoff_time()
            if seconds > 0:
                last = self.history[-1] if self.history else None
                said = f"{last.status}: {RETRIED.get(last.status, '')}" if last and last.status else "no connection"
                pause(f"asks again: {said}", seconds)

    return PatientRetry(
        total=STATUS_TRIES,
        connect=CONNECT_TRIES,
        read=READ_TRIES,
        status=STATUS_TRIES,
        redirect=3,
        other=0,
        status_forcelist=frozenset(RETRIED),
        allowed_methods=frozenset({"GET"}),
        backoff_factor=BACKOFF_S,
        backoff_max=20,
        raise_on_status=False,
    )


def _innermost(error: BaseException) -> str:
    reason = error.args[0] if error.args else error
    reason = getattr(reason, "reason", reason)
    return str(reason).rsplit(": ", 1)[-1].strip("'\")>") or type(reason).__name__


def _summarise(body: bytes) -> str:
    text = body[:400].decode("utf-8", "replace").strip()
    return "an HTML page" if text.lower().startswith(("<!doctype", "<html")) else text
