"""What goes wrong on the way: every so-manieth good answer of a server is spoiled in one of many ways."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable

from liqcli.model import Window
from loopback.server import Asked, Loopback, Reply

Rows = Counter[tuple[object, ...]]

FAULTS: dict[str, Callable[[Reply], Reply]] = {
    "429": lambda _real: Reply(429, b'{"message":"slow down"}', {"Retry-After": "0"}),
    "500": lambda _real: Reply(500, b"oops"),
    "reset": lambda _real: Reply(reset=True),
    "broken off": lambda real: Reply(200, real.body[: len(real.body) // 2], declared=len(real.body) + 1),
    "truncated": lambda real: Reply(200, real.body[: len(real.body) // 2]),
    "html": lambda _real: Reply(200, b"<!DOCTYPE html><html>maintenance</html>"),
    "empty": lambda _real: Reply(200, b""),
}


def spoil(server: Loopback, fault: Callable[[Reply], Reply], every: int = 7) -> list[Asked]:
    """Spoil every ``every``-th answer from now on; gives the list that the spoiled questions are noted in."""
    honest = server.answer
    asked_so_far = 0
    spoiled: list[Asked] = []

    def answer(asked: Asked) -> Reply:
        nonlocal asked_so_far
        asked_so_far += 1
        real = honest(asked)
        if asked_so_far % every or real.status != 200:
            return real
        spoiled.append(asked)
        return fault(real)

    server.answer = answer  # type: ignore[method-assign]
    return spoiled


def inside(rows: Rows, window: Window) -> Rows:
    """Only what lies in a window: sources that answer in days or hours bring more than was asked for."""
    return Counter({row: n for row, n in rows.items() if window.contains(int(str(row[0])))})
