"""Asking over HTTP: time limits, and a table of what is worth asking again.

How fast is a matter of :mod:`liqcli.net.rate_limit`; whether a connection is worth another try, of
:mod:`liqcli.net.host_health`.
``requests`` is imported only when the first question is asked. Keys travel in a header and never appear in an error.
"""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from liqcli.core.environment import source_rate, source_url, state_folder
from liqcli.core.errors import BlockedError, SourceError
from liqcli.core.version import __version__
from liqcli.net.rate_limit import Limit, limit_to, shared_rate_limiter

if TYPE_CHECKING:
    from liqcli.net.response_body import Body
    from liqcli.net.session import SourceSession

UNREACHED = "cannot be reached"

Decoded = TypeVar("Decoded")
Tell = Callable[[str, float], None]  # why a pause is made, and how long it is [s]

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
SAME_WAIT_S = 1.0  # pauses that end so near to each other are one for whoever looks on


class UnreachableError(SourceError):
    """No connection to the source at all: its other windows need not be tried now."""


class BusyError(ValueError):
    """Raised by a decoder: inside a 200 the source says that it is asked too often; all who ask it wait a little."""


class RefusalError(Exception):
    """Raised by a decoder: the answer is understood, and it is a no."""


@dataclass(frozen=True, slots=True)
class Request:
    """
    A GET to make; ``absent`` lists the statuses that mean "there is no such thing" and give None.

    ``url`` is scheme and host where they are not the source's own; ``LIQCLI_URL_…`` replaces both alike. ``weight`` is
    what the request counts against the source's limits. The answer to one for a ``file`` may be large: it lies on disk
    then, and ``decode`` is given a :class:`~liqcli.net.response_body.FileBody`. ``packed`` leaves a content encoding
    for ``decode``
    to undo: urllib3 does not say that a packed body broke off, nor that it was empty.
    """

    path: str
    params: tuple[tuple[str, str], ...] = ()
    absent: tuple[int, ...] = ()
    url: str | None = None
    weight: float = 1.0
    file: bool = False
    packed: bool = False

    @property
    def text(self) -> str:
        """Path and parameters, for messages."""
        query = "&".join(f"{name}={value}" for name, value in self.params)
        return f"{self.path}?{query}" if query else self.path


class Client:
    """
    One source's connections, one a thread, and its pace, which all of them keep.

    Parameters
    ----------
    source : str
        Names the source in errors, and its ``LIQCLI_URL_…`` and ``LIQCLI_RATE_…`` variables.
    url : str
        Scheme, host and port when no variable replaces them.
    limits : sequence of Limit
        What is kept when no variable replaces it.
    key : str, optional
        Sent as ``Authorization: Bearer``; never shown.
    on_wait : callable, optional
        Told before each pause why it is made and how long it is [s]; called from the thread that asks.
    """

    def __init__(
        self, source: str, url: str, limits: Sequence[Limit], key: str | None = None, on_wait: Tell | None = None
    ) -> None:
        self.source = source
        self._base = source_url(source, url)
        rate = source_rate(source)
        self._weighs = rate is None
        self.limits = tuple(limits) if rate is None else limit_to(rate)
        self._pace = shared_rate_limiter(source, self._base, self.limits, state_folder())
        self._key = key
        self._on_wait = on_wait
        self._told_s = 0.0
        self._closed = threading.Event()
        self._own = threading.local()
        self._lines: list[SourceSession] = []

    @property
    def requests(self) -> int:
        """How many requests the calling thread has sent, tries and redirects too."""
        line: SourceSession | None = getattr(self._own, "line", None)
        return line.tries if line else 0

    def close(self) -> None:
        """Close the connections of all threads; one that still asks is told so."""
        self._closed.set()
        for line in list(self._lines):
            line.close()

    def get(self, request: Request, decode: Callable[[Any], Decoded]) -> Decoded | None:
        """
        Ask until the answer can be decoded.

        ``decode`` raises ValueError when the answer is garbled, :class:`BusyError` when it says "busy" (asked again, a
        few times), and :class:`RefusalError` when it is a no.

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
            pause_s = BACKOFF_S * 2 ** (attempt - 1) if attempt else 0.0
            try:
                status, body = self._send(request, pause_s, f"asks again: {self._clean(reason)}")
                if status in request.absent:
                    return None
                self._check_status(request, status, body)
                return decode(body)
            except ValueError as error:
                reason = str(error)
                if isinstance(error, BusyError):
                    self._pace.hold(BACKOFF_S * 2**attempt)
            except RefusalError as error:
                raise SourceError(f"{self._where(request)} refused: {self._clean(str(error))}") from error
        raise SourceError(
            f"{self._where(request)} answered {GARBLED_TRIES} times with status 200 but {self._clean(reason)}"
        )

    def _send(self, request: Request, pause_s: float, why: str) -> tuple[int, Body]:
        """Ask, after a pause; a body that broke off or stalled is a ValueError."""
        from requests import exceptions as failed
        from urllib3 import exceptions as broken

        from liqcli.net.response_body import LargeBodyError, SlowBodyError, read_body
        from liqcli.net.session import ClosedError, PauseError

        where = self._where(request)
        base = source_url(self.source, request.url) if request.url else self._base
        line = self._line()
        try:
            line.pause(why, pause_s)
            answer = line.ask(
                base + request.path, request.params, request.path, request.weight if self._weighs else 1.0
            )
            with answer:
                whole = answer.status_code == 200
                return answer.status_code, read_body(answer.raw, request.file and whole, request.packed and whole)
        except ClosedError:
            raise UnreachableError(f"{where} is not asked any more") from None
        except PauseError as error:
            raise UnreachableError(f"{self.source}: {error} (Retry-After); run again after it") from error
        except SlowBodyError as error:
            raise UnreachableError(f"{where} answers too slowly: {error}") from error
        except LargeBodyError as error:
            raise SourceError(f"{where} answers with {error}; no such answer can be right") from error
        except broken.ReadTimeoutError as error:
            raise ValueError("the body stalled") from error
        except broken.HTTPError as error:
            raise ValueError("the body broke off") from error
        except failed.ConnectionError as error:
            raise UnreachableError(f"{where} {UNREACHED}: {_innermost(error)}") from error
        except failed.RequestException as error:
            raise UnreachableError(f"{where} cannot be asked: {type(error).__name__}") from error
        except OSError as error:
            raise SourceError(f"{where}: its answer cannot be kept on disk ({error.strerror or error})") from error

    def _check_status(self, request: Request, status: int, body: Body) -> None:
        if status == 200:
            return
        said = self._clean(_summarise(body)) if isinstance(body, bytes) else ""
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

    def _line(self) -> SourceSession:
        """Give the calling thread's own connection: sessions of ``requests`` are not to be shared."""
        line: SourceSession | None = getattr(self._own, "line", None)
        if line is None:
            from liqcli.net.session import RetryPolicy, SourceSession

            patience = RetryPolicy(
                STATUS_TRIES, CONNECT_TRIES, READ_TRIES, RETRIED, BACKOFF_S, LONGEST_WAIT_S, TIMEOUT_S
            )
            headers = {"User-Agent": f"Mozilla/5.0 (compatible; liqcli/{__version__})"}
            if self._key:
                headers["Authorization"] = f"Bearer {self._key}"
            line = self._own.line = SourceSession(self._base, self._pace, patience, headers, self._closed, self._tell)
            self._lines.append(line)
        return line

    def _tell(self, why: str, seconds: float) -> None:
        """Tell of a pause, unless it ends with one that was told already: all threads wait for the same thing."""
        until_s = time.monotonic() + seconds
        if seconds > 0 and until_s > self._told_s + SAME_WAIT_S and self._on_wait is not None:
            self._told_s = until_s
            self._on_wait(why, seconds)

    def _where(self, request: Request) -> str:
        return f"{self.source}: {request.path}"

    def _clean(self, text: str) -> str:
        shown = text.replace(self._key, "***") if self._key else text
        return re.sub(r"[\x00-\x1f\x7f\s]+", " ", shown).strip()[:160]


def _innermost(error: BaseException) -> str:
    """Say in plain words why there is no connection."""
    from urllib3 import exceptions as trouble

    reason = error.args[0] if error.args else error
    reason = getattr(reason, "reason", reason)
    if isinstance(reason, trouble.NameResolutionError):
        return f"no address is known for {reason.conn.host}"
    text = str(reason).rsplit(": ", 1)[-1].strip("'\">") or type(reason).__name__
    host = getattr(getattr(reason, "conn", None), "host", None)
    return re.sub(r"^\[Errno -?\d+\] ", "", text) + (f" ({host})" if host and host not in text else "")


def _summarise(body: bytes) -> str:
    text = body[:400].decode("utf-8", "replace").strip()
    return "an HTML page" if text.lower().startswith(("<!doctype", "<html")) else text
