"""What goes wrong on the way: every so-manieth answer of a server is spoiled in one of many ways."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import NamedTuple

from loopback.server import Asked, Loopback, Reply

SLOW_S = 0.35  # a slow answer takes so long
IMPATIENT = (1.0, 0.2)  # the time limits of whoever is to find it too slow: connect, read [s]


class Moment(NamedTuple):
    """What a fault may draw on: the server, the question, its honest answer, the last good answer of its kind."""

    server: Loopback
    asked: Asked
    honest: Reply
    before: Reply


Fault = Callable[[Moment], Reply]


def _broken_off(moment: Moment, reset: bool) -> Reply:
    body = moment.honest.body
    return Reply(200, body[: len(body) // 2], declared=len(body) + 1, reset=reset)


def _wrong_checksum(moment: Moment) -> Reply:
    """Of a checksum file another digest; of a file one bit; of anything else the truth."""
    body = moment.honest.body
    if moment.asked.path.endswith(".CHECKSUM"):
        return moment.honest._replace(body=b"0" * 64 + body[64:])
    if moment.asked.path.endswith(".zip"):
        middle = len(body) // 2
        return moment.honest._replace(body=body[:middle] + bytes([body[middle] ^ 1]) + body[middle + 1 :])
    return moment.honest


FAULTS: dict[str, Fault] = {
    "429": lambda m: m.server.BUSY,
    "500": lambda _m: Reply(500, b"oops"),
    "hung up": lambda _m: Reply(reset=True),
    "broken off": lambda m: _broken_off(m, reset=False),
    "reset": lambda m: _broken_off(m, reset=True),
    "truncated": lambda m: Reply(200, m.honest.body[: len(m.honest.body) // 2]),
    "html": lambda _m: Reply(200, b"<!DOCTYPE html><html>maintenance</html>"),
    "empty": lambda _m: Reply(200, b""),
    "busy in 200": lambda m: m.server.BUSY_200,
    "no in 200": lambda m: m.server.NO_200,
    "duplicate": lambda m: m.before,
    "slow": lambda m: m.honest._replace(pause_s=SLOW_S),
    "checksum": _wrong_checksum,
}


@contextmanager
def spoilt(server: Loopback, fault: Fault, every: int = 7) -> Iterator[list[Asked]]:
    """
    Spoil every ``every``-th good answer for a while; gives the list that the spoilt questions are noted in.

    A duplicate is the last good answer to a question of the same kind, be it an empty one.
    """
    honest = server.answer
    lock = threading.Lock()
    spoiled: list[Asked] = []
    count = 0
    before: dict[str, Reply] = {}

    def answer(asked: Asked) -> Reply:
        nonlocal count
        real = honest(asked)
        with lock:
            kind = server.kind_of(asked)
            earlier = before.get(kind, real)
            if real.status == 200:
                before[kind] = real
            count += 1
            if count % every or real.status != 200:
                return real
            spoiled.append(asked)
        return fault(Moment(server, asked, real, earlier))

    server.answer = answer  # type: ignore[method-assign]
    try:
        yield spoiled
    finally:
        server.answer = honest  # type: ignore[method-assign]
