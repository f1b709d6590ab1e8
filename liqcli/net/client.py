"""HTTP client of a source: time limits, and the table of statuses to retry.

:mod:`liqcli.net.rate_limit` decides when a request is sent, :mod:`liqcli.net.host_health` whether a connection is worth
another attempt. ``requests`` is imported with the first request. Keys are sent in a header and never appear in errors.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, TypeVar

from liqcli.core.environment import source_rate, source_url, state_folder
from liqcli.core.errors import BlockedError, SourceError
from liqcli.core.version import __version__
from liqcli.net.rate_limit import Limit, limit_to, shared_rate_limiter
from liqcli.net.request import Request

if TYPE_CHECKING:
    from liqcli.net.response_body import Body
    from liqcli.net.session import SourceSession

UNREACHED = "cannot be reached"

Decoded = TypeVar("Decoded")
OnWait = Callable[[str, float], None]  # reason and length [s] of a wait

# Statuses that are retried, with their meaning; every other status is final.
RETRIED: Mapping[int, str] = {
    408: "the server waited too long",
    418: "temporarily banned for too many requests",
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

STATUS_TRIES = 6  # after 0, 0.5, 1, 2, 4, 8 s
CONNECT_TRIES = 3
READ_TRIES = 2
GARBLED_TRIES = 5  # for answers that cannot be decoded, or report "busy" inside a 200
BACKOFF_S = 0.25
LONGEST_WAIT_S = 120.0  # longest pause that a server may demand; after that the next run continues
TIMEOUT_S = (6.0, 25.0)  # connect, read
SAME_WAIT_S = 1.0  # waits that end this close together are reported once


class UnreachableError(SourceError):
    """The source cannot be reached; further requests are pointless for now."""


class BusyError(ValueError):
    """Raised by a decoder: the source reports too many requests inside a 200; all requests to it wait."""


class RefusalError(Exception):
    """Raised by a decoder: the source refuses the request; it is not retried."""


class Client:
    """
    HTTP client of one source: one session per thread, one rate limiter for all of them.

    Parameters
    ----------
    source : str
        Names the source in errors, and its ``LIQCLI_URL_…`` and ``LIQCLI_RATE_…`` variables.
    url : str
        Scheme, host and port, unless a variable replaces them.
    limits : sequence of Limit
        Rate limits, unless a variable replaces them.
    key : str, optional
        Sent as ``Authorization: Bearer``; never shown.
    on_wait : callable, optional
        Called before each wait with its reason and length [s], from the requesting thread.
    """

    def __init__(
        self, source: str, url: str, limits: Sequence[Limit], key: str | None = None, on_wait: OnWait | None = None
    ) -> None:
        self.source = source
        self._base = source_url(source, url)
        rate = source_rate(source)
        self._weighs = rate is None
        self.limits = tuple(limits) if rate is None else limit_to(rate)
        self._limiter = shared_rate_limiter(source, self._base, self.limits, state_folder())
        self._key = key
        self._on_wait = on_wait
        self._reported_s = 0.0
        self._closed = threading.Event()
        self._own = threading.local()
        self._sessions: list[SourceSession] = []

    @property
    def requests(self) -> int:
        """Number of requests that the calling thread has sent, including retries and redirects."""
        session: SourceSession | None = getattr(self._own, "session", None)
        return session.attempts if session else 0

    def close(self) -> None:
        """Close the sessions of all threads; requests under way fail."""
        self._closed.set()
        for session in list(self._sessions):
            session.close()

    def get(self, request: Request, decode: Callable[[Any], Decoded]) -> Decoded | None:
        """
        Send a request, with retries, until the answer can be decoded.

        ``decode`` raises ValueError for a garbled answer and :class:`BusyError` for "busy" (both retried a few times),
        and :class:`RefusalError` for a refusal.

        Returns
        -------
        decoded or None
            None for a status in ``request.absent``.

        Raises
        ------
        BlockedError
            403 or 451: the source blocks this network or country; not retried.
        UnreachableError
            No connection, or no answer in time.
        SourceError
            Any other status, a refusal, or an answer that stays garbled. Names source, path and status.
        """
        reason = ""
        for attempt in range(GARBLED_TRIES):
            pause_s = BACKOFF_S * 2 ** (attempt - 1) if attempt else 0.0
            try:
                status, body = self._send(request, pause_s, f"retrying: {self._clean(reason)}")
                if status in request.absent:
                    return None
                self._check_status(request, status, body)
                return decode(body)
            except ValueError as error:
                reason = str(error)
                if isinstance(error, BusyError):
                    self._limiter.block_for(BACKOFF_S * 2**attempt)
            except RefusalError as error:
                raise SourceError(f"{self._where(request)} refused: {self._clean(str(error))}") from error
        raise SourceError(
            f"{self._where(request)} answered {GARBLED_TRIES} times with status 200 but {self._clean(reason)}"
        )

    def _send(self, request: Request, pause_s: float, why: str) -> tuple[int, Body]:
        """Send a request after a pause; a truncated or stalled body raises ValueError."""
        from requests import exceptions as failed
        from urllib3 import exceptions as broken

        from liqcli.net.response_body import LargeBodyError, SlowBodyError, read_body
        from liqcli.net.session import ClosedError, PauseError

        where = self._where(request)
        base = source_url(self.source, request.url) if request.url else self._base
        session = self._session()
        try:
            session.pause(why, pause_s)
            answer = session.send(base, request, request.weight if self._weighs else 1.0)
            with answer:
                whole = answer.status_code == 200
                return answer.status_code, read_body(answer.raw, request.file and whole, request.packed and whole)
        except ClosedError:
            raise UnreachableError(f"{where}: request cancelled") from None
        except PauseError as error:
            raise UnreachableError(f"{self.source}: {error} (Retry-After); re-run after it") from error
        except SlowBodyError as error:
            raise UnreachableError(f"{where} answers too slowly: {error}") from error
        except LargeBodyError as error:
            raise SourceError(f"{where} answered with {error}, which exceeds any valid answer") from error
        except broken.ReadTimeoutError as error:
            raise ValueError("the body stalled") from error
        except broken.HTTPError as error:
            raise ValueError("the body broke off") from error
        except failed.ConnectionError as error:
            raise UnreachableError(f"{where} {UNREACHED}: {describe_cause(error)}") from error
        except failed.RequestException as error:
            raise UnreachableError(f"{where}: request failed ({type(error).__name__})") from error
        except OSError as error:
            raise SourceError(f"{where}: the answer cannot be written to disk ({error.strerror or error})") from error

    def _check_status(self, request: Request, status: int, body: Body) -> None:
        if status == 200:
            return
        said = self._clean(_summarise(body)) if isinstance(body, bytes) else ""
        if status in BLOCKED:
            raise BlockedError(
                f"{self._where(request)} answered {status} ({BLOCKED[status]}): the source refuses this network, "
                f"country or key; retrying will not help{said and f' [{said}]'}"
            )
        tries = f" after {STATUS_TRIES + 1} attempts" if status in RETRIED else ""
        wrong_key = f"missing or wrong key in LIQCLI_KEY_{self.source.upper().replace('-', '_')}"
        meaning = RETRIED.get(status, {401: wrong_key, 404: "not found"}.get(status, ""))
        raise SourceError(
            f"{self._where(request)} answered {status}{meaning and f' ({meaning})'}{tries}{said and f': {said}'}"
        )

    def _session(self) -> SourceSession:
        """Return the calling thread's own session: sessions of ``requests`` must not be shared."""
        session: SourceSession | None = getattr(self._own, "session", None)
        if session is None:
            from liqcli.net.session import RetryPolicy, SourceSession

            policy = RetryPolicy(STATUS_TRIES, CONNECT_TRIES, READ_TRIES, RETRIED, BACKOFF_S, LONGEST_WAIT_S, TIMEOUT_S)
            headers = {"User-Agent": f"Mozilla/5.0 (compatible; liqcli/{__version__})"}
            if self._key:
                headers["Authorization"] = f"Bearer {self._key}"
            session = SourceSession(self._base, self._limiter, policy, headers, self._closed, self._report_wait)
            self._own.session = session
            self._sessions.append(session)
        return session

    def _report_wait(self, why: str, seconds: float) -> None:
        """Report a wait, unless it ends together with a reported one: all threads wait for the same reason."""
        until_s = time.monotonic() + seconds
        if seconds > 0 and until_s > self._reported_s + SAME_WAIT_S and self._on_wait is not None:
            self._reported_s = until_s
            self._on_wait(why, seconds)

    def _where(self, request: Request) -> str:
        return f"{self.source}: {request.path}"

    def _clean(self, text: str) -> str:
        shown = text.replace(self._key, "***") if self._key else text
        return re.sub(r"[\x00-\x1f\x7f\s]+", " ", shown).strip()[:160]


def describe_cause(error: BaseException) -> str:
    """Describe in plain words why there is no connection."""
    from urllib3 import exceptions as trouble

    reason = error.args[0] if error.args else error
    reason = getattr(reason, "reason", reason)
    if isinstance(reason, trouble.NameResolutionError):
        return f"DNS lookup failed for {reason.conn.host}"
    text = str(reason).rsplit(": ", 1)[-1].strip("'\">") or type(reason).__name__
    host = getattr(getattr(reason, "conn", None), "host", None)
    return re.sub(r"^\[Errno -?\d+\] ", "", text) + (f" ({host})" if host and host not in text else "")


def _summarise(body: bytes) -> str:
    text = body[:400].decode("utf-8", "replace").strip()
    return "an HTML page" if text.lower().startswith(("<!doctype", "<html")) else text
