"""Noticing that an answer is to another question: a stale cache, a proxy, a mirror that ignores what it is asked."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable
from typing import Any

from liqcli.http import RefusalError, Request

TRIES = 3  # how often a question is asked when its answers do not fit

AskFitting = Generator[Request, Any, Any]


def ask_fitting(
    request: Request, fits: Callable[[Any], bool], trouble: str = "what came is not what was asked for"
) -> AskFitting:
    """
    Ask until the answer fits the question.

    Nothing in an empty list tells what it is an answer to, so it has to come twice.

    Parameters
    ----------
    fits : callable
        Takes the decoded answer. It must be true of every honest one, so it is for bounds that are documented.
    trouble : str
        What to say of answers that never fit.

    Raises
    ------
    RefusalError
        What came is never what was asked for; taken as it is, it would pass for an empty window.
    """
    for _ in range(TRIES):
        answer = yield request
        if answer == []:
            answer = yield request
        if fits(answer):
            return answer
    raise RefusalError(f"{trouble} ({TRIES} times)")


def ask_twice(request: Request, fits: Callable[[Any], bool]) -> AskFitting:
    """
    Ask, and once more where the answer looks as if it were to another question; the second one counts.

    For answers that can honestly look so: a page may begin before a window in which there is nothing.
    """
    answer = yield request
    if not fits(answer):
        answer = yield request
    return answer


def all_inside(times: Iterable[float | None], start: float, end: float, leak: float = 0) -> bool:
    """
    Say whether rows can be those of ``[start, end]``: all of them but for a ``leak``, and one of them truly.

    A time that cannot be read (None) counts as inside: its row is refused by name later.
    """
    known = list(times)
    near = all(ts is None or start - leak <= ts <= end + leak for ts in known)
    return near and (not known or any_inside(known, start, end))


def any_inside(times: Iterable[float | None], start: float, end: float) -> bool:
    """Say whether one of these rows is of ``[start, end]``; one whose time cannot be read may be."""
    return any(ts is None or start <= ts <= end for ts in times)


def read_field(raw: object, *names: str) -> Any:  # noqa: ANN401 - a field of any type
    """Give the first field that a row has among some names; None for a row of another shape."""
    if not isinstance(raw, dict):
        return None
    return next((raw[name] for name in names if raw.get(name) is not None), None)


def read_moment(raw: object, *names: str) -> float | None:
    """Read a time as the number that it is; None where there is none."""
    try:
        return float(read_field(raw, *names))
    except (TypeError, ValueError):
        return None
