"""Listening: one task a connection, which it keeps open, proves alive, and opens again when it breaks."""

from __future__ import annotations

import asyncio
import contextlib
import json
from collections.abc import Callable
from typing import TYPE_CHECKING

from liqcli import __version__
from liqcli.config import source_url
from liqcli.errors import SourceError
from liqcli.formats import format_duration
from liqcli.model import US_PER_S
from liqcli.recorder.tally import CLOCKS_APART_US, Tally
from liqcli.timespan import now_us

if TYPE_CHECKING:
    from websockets.asyncio.client import ClientConnection

PULSE_S = 10.0  # a connection is asked this often whether it stands, and given as long to answer
SHORT_US = 10 * US_PER_S
REOPEN_S = 2.0
LARGEST_MESSAGE = 8 * 2**20

Say = Callable[[str], None]


async def listen(tally: Tally, say: Say, warn: Say) -> None:
    """
    Listen until cancelled.

    Raises
    ------
    SourceError
        The exchange refuses this network or this request: trying on would not help.
    """
    from websockets.asyncio.client import connect
    from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus, InvalidURI

    name = tally.source.name
    address = _address(tally)
    agent = f"Mozilla/5.0 (compatible; liqcli/{__version__})"

    def judge(error: Exception) -> Exception | None:
        """Say whether a failed handshake is worth another try, and tell the user of the first failure."""
        refused = isinstance(error, InvalidStatus) and error.response.status_code < 500
        if refused or isinstance(error, InvalidURI):
            return error
        if tally.failure is None:
            warn(f"{name}: cannot be reached ({_why(error)}); trying on")
        tally.failure = f"cannot be reached ({_why(error)})"
        return None

    try:
        async for connection in connect(
            address, user_agent_header=agent, ping_interval=None, max_size=LARGEST_MESSAGE, process_exception=judge
        ):
            opened_us = now_us()
            tally.open(opened_us)
            say(f"{name}: listening for {', '.join(tally.channel.symbols)}")
            why = "closed by the exchange"
            try:
                await _hear(tally, connection, warn)
            except ConnectionClosed as error:
                why = _why(error)
            except TimeoutError:
                why = "no sign of life any more"
            finally:
                tally.close()
            lasted_us = now_us() - opened_us
            warn(f"{name}: connection lost after {format_duration(lasted_us)} ({why}); opening it again")
            if lasted_us < SHORT_US:  # whoever hangs up at once is not called back at once
                await asyncio.sleep(REOPEN_S)
    except InvalidHandshake as error:
        raise SourceError(f"{name}: {address.split('?')[0]} refuses this network or request: {_why(error)}") from error


async def _hear(tally: Tally, connection: ClientConnection, warn: Say) -> None:
    """Take messages in until the connection breaks or is no longer believed (TimeoutError)."""
    for text in tally.channel.hello:
        await connection.send(text)
    pulse = asyncio.create_task(_keep_alive(tally, connection))
    try:
        apart = False
        async for message in connection:
            tally.take(_decode(message), now_us())
            if not apart and abs(tally.apart_us) > CLOCKS_APART_US:
                apart = True
                off_s = tally.apart_us / US_PER_S
                warn(f"{tally.source.name}: this machine's clock is {off_s:+.0f} s off the exchange's")
        await connection.wait_closed()
    finally:
        pulse.cancel()
        with contextlib.suppress(asyncio.CancelledError, Exception):
            await pulse
    if pulse.done() and not pulse.cancelled() and isinstance(pulse.exception(), TimeoutError):
        raise TimeoutError


async def _keep_alive(tally: Tally, connection: ClientConnection) -> None:
    """Prove every few seconds that the other end answers; close what does not, or what has fallen silent."""
    spoke_us = now_us()
    try:
        while True:
            answered = await connection.ping()
            await asyncio.wait_for(answered, PULSE_S)
            tally.pulse(now_us())
            if tally.source.ping and now_us() - spoke_us >= tally.source.ping_s * US_PER_S:
                spoke_us = now_us()
                await connection.send(tally.source.ping)
            if tally.is_stale(now_us()):
                raise TimeoutError
            await asyncio.sleep(PULSE_S)
    except TimeoutError:
        await connection.close(code=1001)
        raise


def _address(tally: Tally) -> str:
    """The stream's address; ``LIQCLI_URL_<SOURCE>`` replaces scheme, host and port, and the path stays."""
    web = "http" + tally.source.url.removeprefix("ws")
    return "ws" + source_url(tally.source.name, web).removeprefix("http") + tally.channel.path


def _decode(text: str | bytes) -> object:
    try:
        return json.loads(text)
    except (ValueError, RecursionError):
        return text if isinstance(text, str) else text.decode("utf-8", "replace")


def _why(error: BaseException) -> str:
    return " ".join(str(error).split())[:160] or type(error).__name__
