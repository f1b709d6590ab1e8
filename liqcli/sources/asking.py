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


def ask_twice(
    request: Request, fits: Callable[[Any], bool], possible: Callable[[Any], bool] = lambda _answer: True
) -> AskFitting:
    """
    Ask until the answer fits the question, or the same answer came twice running.

    For questions whose honest answers can look as if they were to another one: a page may begin before a window in
    which there is nothing.

    Parameters
    ----------
    possible : callable
        Is true of every honest answer, as it may look odd; others do not count.

    Raises
    ------
    RefusalError
        Odd answers, each of them another one.
    """
    said: object = None
    for _ in range(2 * TRIES):
        answer = yield request
        if possible(answer):
            if fits(answer) or answer == said:
                return answer
            said = answer
    raise RefusalError("what came is never what was asked for, nor twice the same")


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
