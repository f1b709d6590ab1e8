"""One task per connection: keeps it open, checks that it is alive, and reconnects when it breaks."""

from __future__ import annotations

import asyncio
import contextlib
import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING

from liqcli.core.environment import source_url
from liqcli.core.errors import SourceError
from liqcli.core.formatting import format_duration
from liqcli.core.model import US_PER_S
from liqcli.core.symbols import EVERY
from liqcli.core.times import now_us
from liqcli.core.version import __version__
from liqcli.ingest.stream.buffer import CLOCKS_APART_US, StreamBuffer

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

PULSE_S = 10.0  # interval of pings, and time to answer each
SHORT_US = 10 * US_PER_S
REOPEN_S = 2.0  # doubled after each connection that did not last
LONGEST_PAUSE_S = 60.0
RETRIED = (408, 418, 425, 429)  # statuses below 500 that are temporary
LARGEST_MESSAGE = 8 * 2**20
CLOSE_S = 0.5  # for the exchange to answer that a connection is closed because the recording ends
OPEN_S = 0.4  # between two new connections to an exchange: OKX allows three a second
STORM_LINE_S = 60.0  # between two lines about connections of an exchange that keep breaking

Say = Callable[[str], None]


class SilenceError(Exception):
    """The stream is silent for longer than it usually is."""


@dataclass(slots=True)
class Pace:
    """Keeps the new connections of one exchange apart, and the lines about those that break at once."""

    next_s: float = 0.0
    line_s: float = -math.inf

    async def wait(self, buffer: StreamBuffer) -> None:
        """Wait until a connection may be opened, and its subscriptions sent."""
        now_s = asyncio.get_running_loop().time()
        slot_s = max(now_s, self.next_s)
        limit = buffer.source.messages_per_min
        self.next_s = slot_s + max(OPEN_S, 60 * len(buffer.channel.hello) / limit if limit else 0)
        if slot_s > now_s:
            await asyncio.sleep(slot_s - now_s)

    def is_line_due(self) -> bool:
        """Return whether to report one more connection that broke at once."""
        now_s = asyncio.get_running_loop().time()
        if now_s - self.line_s < STORM_LINE_S:
            return False
        self.line_s = now_s
        return True


async def receive(buffer: StreamBuffer, say: Say, warn: Say, pace: Pace) -> None:
    """
    Keep a connection open until cancelled; any failure is reported, counted and followed by a new connection.

    Connections that break at once are opened less and less often; of these, the first is reported, then one a minute.

    Raises
    ------
    SourceError
        The exchange refuses this network or request on the first attempt: retrying would not help.
    """
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

    name = buffer.source.exchange
    address = _address(buffer)
    agent = f"Mozilla/5.0 (compatible; liqcli/{__version__})"

    def judge(error: Exception) -> Exception | None:
        """Decide whether a failed handshake is retried (None), and warn of the first failure."""
        status = error.response.status_code if isinstance(error, InvalidStatus) else 500
        refused = status < 500 and status not in RETRIED and not buffer.breaks
        if refused or isinstance(error, InvalidURI):
            return error
        if buffer.failure is None or buffer.failure == buffer.last_break:
            warn(f"{name}: cannot be reached ({_why(error)}); retrying")
        buffer.failure = f"cannot be reached ({_why(error)})"
        return None

    short = 0  # connections in a row that did not last
    loop = asyncio.get_running_loop()
    await pace.wait(buffer)
    try:
        async for connection in connect(
            address,
            user_agent_header=agent,
            ping_interval=None,
            close_timeout=PULSE_S,
            max_size=LARGEST_MESSAGE,
            process_exception=judge,
        ):
            opened_us = now_us()
            buffer.open(opened_us)
            said = f"{name}: listening for {_name_symbols(buffer)}"
            listening = loop.call_later(SHORT_US / US_PER_S if short else 0, say, said)
            try:
                why = "closed by the exchange"
                await _receive(buffer, connection, warn)
            except ConnectionClosed as error:
                why = _why(error)
            except SilenceError as error:
                why = str(error)
            except TimeoutError:
                why = "no answer to pings"
            except asyncio.CancelledError:
                await _leave(connection)
                raise
            except Exception as error:  # a fault in our own code, too: the next connection may work
                why = buffer.record_rejection(error)
            finally:
                buffer.close()
                listening.cancel()
            lasted_us = now_us() - opened_us
            buffer.record_disconnect(f"connection lost after {format_duration(lasted_us)} ({why})")
            short = short + 1 if lasted_us < SHORT_US else 0
            pause_s = min(LONGEST_PAUSE_S, REOPEN_S * 2 ** (short - 1)) if short else 0.0
            if short <= 1 or pace.is_line_due():
                again = f"reconnecting in {pause_s:.0f} s ({short} times in a row)" if short > 1 else "reconnecting"
                warn(f"{name}: {buffer.last_break}; {again}")
            await connection.close()
            await asyncio.sleep(pause_s)
            await pace.wait(buffer)
    except (InvalidHandshake, InvalidURI) as error:
        raise SourceError(f"{name}: {address.split('?')[0]} refuses this network or request: {_why(error)}") from error


async def _receive(buffer: StreamBuffer, connection: ClientConnection, warn: Say) -> None:
    """Receive messages until the connection closes or stops answering (TimeoutError)."""
    from websockets.exceptions import ConnectionClosed, ConnectionClosedOK

    for text in buffer.channel.hello:
        await connection.send(text)
    pulse = asyncio.create_task(_keep_alive(buffer, connection, warn))
    try:
        apart = False
        with contextlib.suppress(ConnectionClosedOK):
            while True:  # bytes: invalid UTF-8 rejects one message, not the connection
                reply = buffer.add_bytes(await connection.recv(decode=False), now_us())
                if reply is not None:
                    await connection.send(reply)
                offset_us = buffer.clock.offset_us
                if not apart and offset_us is not None and abs(offset_us) > CLOCKS_APART_US:
                    apart = True
                    off_s = offset_us / US_PER_S
                    warn(f"{buffer.source.exchange}: this machine's clock is {off_s:+.0f} s off the exchange's")
    finally:
        pulse.cancel()
        await asyncio.wait([pulse])  # not "await pulse": suppressing its cancellation would swallow our own
    error = pulse.exception() if pulse.done() and not pulse.cancelled() else None
    if error and not isinstance(error, ConnectionClosed):
        raise error


async def _leave(connection: ClientConnection) -> None:
    """Close a connection for good, also if the exchange does not answer: an open one would outlast the event loop."""
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(CLOSE_S):
            await connection.close()
    connection.transport.abort()


async def _keep_alive(buffer: StreamBuffer, connection: ClientConnection, warn: Say) -> None:
    """
    Ping every few seconds; close the connection if it does not answer, is silent too long or cannot be pinged.

    By the second ping every subscription is answered: what was refused is tried one by one, and reported at the third.
    """
    pinged_us = now_us()
    pings = 0
    try:
        while True:
            frames = buffer.frames
            answered = await connection.ping()
            try:
                async with asyncio.timeout(PULSE_S):  # wait_for can swallow a cancellation before Python 3.12
                    await answered
            except TimeoutError:  # some exchanges answer only pings in their own form; any message is an answer
                if buffer.frames == frames:
                    raise
            buffer.pulse(now_us())
            pings += 1
            if pings == 2:
                buffer.resubscribe()
            elif pings == 3 and (refused := buffer.describe_refused()):
                warn(f"{buffer.source.exchange}: {refused}")
            while buffer.outbox:
                await connection.send(buffer.outbox.pop(0))
            if buffer.source.ping and now_us() - pinged_us >= buffer.source.ping_s * US_PER_S:
                pinged_us = now_us()
                await connection.send(buffer.source.ping)
            if why := buffer.find_silence(now_us()):
                raise SilenceError(why)
            await asyncio.sleep(PULSE_S)
    except Exception:  # without pings nothing is covered; reconnect
        await connection.close(code=1001)
        raise


def _address(buffer: StreamBuffer) -> str:
    """Return the stream's URL; ``LIQCLI_URL_<SOURCE>`` replaces scheme, host and port."""
    web = "http" + buffer.source.url.removeprefix("ws")
    return "ws" + source_url(buffer.source.name, web).removeprefix("http") + buffer.channel.path


def _name_symbols(buffer: StreamBuffer) -> str:
    symbols = buffer.channel.symbols
    if buffer.channel.every:
        return "all symbols" if symbols == (EVERY,) else f"{len(symbols)} symbols"
    return ", ".join(symbols)


def _why(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
