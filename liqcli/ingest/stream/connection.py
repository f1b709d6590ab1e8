"""One task per connection: keeps it open, checks that it is alive, and reconnects when it breaks."""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Callable
from typing import TYPE_CHECKING

from liqcli.core.environment import source_url
from liqcli.core.errors import SourceError
from liqcli.core.formatting import format_duration
from liqcli.core.model import US_PER_S
from liqcli.core.times import now_us
from liqcli.core.version import __version__
from liqcli.ingest.stream.buffer import CLOCKS_APART_US, StreamBuffer

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

PULSE_S = 10.0  # a connection is asked this often whether it stands, and given as long to answer
SHORT_US = 10 * US_PER_S
REOPEN_S = 2.0  # doubled after each connection that did not last
LONGEST_PAUSE_S = 60.0
RETRIED = (408, 418, 425, 429)  # statuses below 500 that pass by themselves
LARGEST_MESSAGE = 8 * 2**20

Say = Callable[[str], None]


async def listen(tally: StreamBuffer, say: Say, warn: Say) -> None:
    """
    Keep a connection open until cancelled; any failure is reported, counted and followed by a new connection.

    Raises
    ------
    SourceError
        The exchange refuses this network or request on the first attempt: retrying would not help.
    """
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

    name = tally.source.name
    address = _address(tally)
    agent = f"Mozilla/5.0 (compatible; liqcli/{__version__})"

    def judge(error: Exception) -> Exception | None:
        """Decide whether a failed handshake is retried (None), and warn of the first failure."""
        status = error.response.status_code if isinstance(error, InvalidStatus) else 500
        refused = status < 500 and status not in RETRIED and not tally.breaks
        if refused or isinstance(error, InvalidURI):
            return error
        if tally.failure is None or tally.failure == tally.last_break:
            warn(f"{name}: cannot be reached ({_why(error)}); retrying")
        tally.failure = f"cannot be reached ({_why(error)})"
        return None

    short = 0  # connections in a row that did not last
    try:
        async for connection in connect(
            address, user_agent_header=agent, ping_interval=None, max_size=LARGEST_MESSAGE, process_exception=judge
        ):
            opened_us = now_us()
            tally.open(opened_us)
            say(f"{name}: listening for {', '.join(tally.channel.symbols)}")
            try:
                why = "closed by the exchange"
                await _receive(tally, connection, warn)
            except ConnectionClosed as error:
                why = _why(error)
            except TimeoutError:
                why = "no sign of life any more"
            except Exception as error:  # a fault in our own code, too: the next connection may work
                why = tally.record_rejection(error)
            finally:
                tally.close()
            lasted_us = now_us() - opened_us
            tally.record_disconnect(f"connection lost after {format_duration(lasted_us)} ({why})")
            warn(f"{name}: {tally.last_break}; reconnecting")
            await connection.close()
            short = short + 1 if lasted_us < SHORT_US else 0
            if short:
                await asyncio.sleep(min(LONGEST_PAUSE_S, REOPEN_S * 2 ** (short - 1)))
    except (InvalidHandshake, InvalidURI) as error:
        raise SourceError(f"{name}: {address.split('?')[0]} refuses this network or request: {_why(error)}") from error


async def _receive(tally: StreamBuffer, connection: ClientConnection, warn: Say) -> None:
    """Take messages in until the connection breaks, or no longer answers (TimeoutError)."""
    from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

    for text in tally.channel.hello:
        await connection.send(text)
    pulse = asyncio.create_task(_keep_alive(tally, connection))
    try:
        apart = False
        with contextlib.suppress(ConnectionClosedOK):
            while True:  # bytes: text that is not UTF-8 spoils one message, not the connection
                tally.take_bytes(await connection.recv(decode=False), now_us())
                if not apart and abs(tally.apart_us) > CLOCKS_APART_US:
                    apart = True
                    off_s = tally.apart_us / US_PER_S
                    warn(f"{tally.source.name}: this machine's clock is {off_s:+.0f} s off the exchange's")
    finally:
        pulse.cancel()
        await asyncio.wait([pulse])  # not "await pulse": suppressing its cancellation would swallow our own
    error = pulse.exception() if pulse.done() and not pulse.cancelled() else None
    if error and not isinstance(error, ConnectionClosed):
        raise error


async def _keep_alive(tally: StreamBuffer, connection: ClientConnection) -> None:
    """Ping every few seconds; close a connection that does not answer, is silent for too long, or cannot be pinged."""
    pinged_us = now_us()
    try:
        while True:
            answered = await connection.ping()
            async with asyncio.timeout(PULSE_S):  # wait_for can swallow a cancellation before Python 3.12
                await answered
            tally.pulse(now_us())
            if tally.source.ping and now_us() - pinged_us >= tally.source.ping_s * US_PER_S:
                pinged_us = now_us()
                await connection.send(tally.source.ping)
            if tally.is_stale(now_us()):
                raise TimeoutError
            await asyncio.sleep(PULSE_S)
    except Exception:  # without pings nothing is claimed any more: open it again
        await connection.close(code=1001)
        raise


def _address(tally: StreamBuffer) -> str:
    """The stream's address; ``LIQCLI_URL_<SOURCE>`` replaces scheme, host and port, and the path stays."""
    web = "http" + tally.source.url.removeprefix("ws")
    return "ws" + source_url(tally.source.name, web).removeprefix("http") + tally.channel.path


def _why(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
