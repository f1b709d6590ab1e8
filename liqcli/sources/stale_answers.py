"""
Protection against answers to another request.

A cache, proxy or mirror between liqcli and an exchange can return the answer to another request: another symbol, hour
or page, or an empty list, with status 200 and correct JSON. Its rows lie outside the requested window and would be
dropped, so the window would be stored as empty and complete: a quiet hour that never was. Every source therefore
checks that rows match their request (contract, time bounds, page), repeats the request if they do not, and fails if
they never do. Some correct answers look wrong too, such as an empty window or rows older than a young contract; they
are accepted if repeated requests return the same. Identical rows for two different requests mean that one of the
answers is wrong, and both requests are repeated while no other is under way.
"""

from __future__ import annotations

from collections.abc import Callable, Generator, Hashable, Iterable, Sequence
from typing import Any, TypeVar

from liqcli.core.errors import SourceError
from liqcli.core.formatting import format_time
from liqcli.core.liquidation_totals import LiquidationTotal
from liqcli.core.market_data import Candle, OpenInterest
from liqcli.net.client import RefusalError
from liqcli.net.request import Request

TRIES = 3  # requests until an answer must fit
CONFIRMING_TRIES = 4  # requests until two answers in a row must be equal

RowT = TypeVar("RowT")
AskRows = Generator[Request, Any, list[RowT] | None]
AskFitting = Generator[Request, Any, Any]
ResultT = TypeVar("ResultT")


class UnrequestedRowsError(Exception):
    """All rows of an answer lie outside the requested window: a wrong answer, or the window is empty."""

    def __init__(self, rows: Sequence[Candle | OpenInterest | LiquidationTotal]) -> None:
        ordered = sorted(rows, key=lambda row: row.ts_us)
        super().__init__(f"only rows of {format_time(ordered[0].ts_us)} to {format_time(ordered[-1].ts_us)} UTC")
        # Without the newest row, which may still change between two equal answers.
        self.fingerprint = hash(tuple(ordered[:-1] or ordered))


def request_until_fitting(
    request: Request, fits: Callable[[Any], bool], problem: str = "the answers do not match the request"
) -> AskFitting:
    """
    Repeat a request until the answer fits it.

    An empty list fits any request, so it must come twice.

    Parameters
    ----------
    fits : callable
        Takes the decoded answer. Must be true for every correct answer, so it may rely only on documented bounds.
    problem : str
        Error message if no answer fits.

    Raises
    ------
    RefusalError
        No answer fits; accepted as it is, the answer would count as an empty window.
    """
    for _ in range(TRIES):
        answer = yield request
        if answer == []:
            answer = yield request
        if fits(answer):
            return answer
    raise RefusalError(f"{problem} ({TRIES} times)")


def request_twice(
    request: Request,
    fits: Callable[[Any], bool],
    possible: Callable[[Any], bool] = lambda _answer: True,
    running: int = 2,
) -> AskFitting:
    """
    Repeat a request until the answer fits it, or the same answer came ``running`` times in a row.

    For requests whose correct answers can look wrong: a page may start before a window without rows.

    Parameters
    ----------
    possible : callable
        True for every correct answer, even if it looks wrong; other answers do not count.

    Raises
    ------
    RefusalError
        The answers neither fit nor agree.
    """
    last: object = None
    times = 0
    for _ in range(2 * TRIES):
        answer = yield request
        if possible(answer):
            times = times + 1 if answer == last else 1
            if fits(answer) or times == running:
                return answer
            last = answer
    raise RefusalError("the answers neither match the request nor agree with each other")


def request_rows(ask: Callable[[], AskRows[RowT]], requested: str, accept_repeated: bool) -> AskRows[RowT]:
    """
    Repeat a request for candles or open interest until it returns rows of the requested window.

    Parameters
    ----------
    ask : callable
        Yields the request. Raises :class:`UnrequestedRowsError` if all rows lie outside the window.
    requested : str
        Source, symbol and window, for the error message.
    accept_repeated : bool
        Whether equal unrequested rows each time mean an empty window. True for API requests (the contract is younger
        than the window), false for files, which belong to another day then.

    Raises
    ------
    SourceError
        No answer has rows of the window.
    """
    errors = []
    for _ in range(CONFIRMING_TRIES):
        try:
            return (yield from ask())
        except UnrequestedRowsError as error:
            errors.append(error)
    if accept_repeated and len({error.fingerprint for error in errors}) == 1:
        return []
    raise SourceError(f"{requested}: {errors[-1]} ({CONFIRMING_TRIES} times)")


def request_until_repeated(ask: Callable[[], ResultT], fingerprint: Callable[[ResultT], Hashable]) -> list[ResultT]:
    """Repeat a request until two answers in a row have the same fingerprint; return all answers, the last one valid."""
    answers = [ask()]
    while len(answers) < CONFIRMING_TRIES:
        answers.append(ask())
        if fingerprint(answers[-1]) == fingerprint(answers[-2]):
            break
    return answers


def are_all_inside(times: Iterable[float | None], start: float, end: float, leak: float = 0) -> bool:
    """
    Return whether rows can be those of ``[start, end]``: all of them except for a ``leak``, and one of them strictly.

    Times that cannot be read (None) count as inside; their rows are rejected later, with a reason.
    """
    known = list(times)
    near = all(ts is None or start - leak <= ts <= end + leak for ts in known)
    return near and (not known or is_any_inside(known, start, end))


def is_any_inside(times: Iterable[float | None], start: float, end: float) -> bool:
    """Return whether one of the rows lies in ``[start, end]``; times that cannot be read (None) may."""
    return any(ts is None or start <= ts <= end for ts in times)


def has_duplicates(rows: Sequence[Any], times: Sequence[float | None]) -> bool:
    """
    Return whether a list consists of the same list twice in a row.

    A list ordered by time would start again in the middle; equal rows of a single instant do not count.
    """
    middle, odd = divmod(len(rows), 2)
    return not odd and rows[:middle] == rows[middle:] and len(set(times)) > 1


def read_field(raw: object, *names: str) -> Any:  # noqa: ANN401 - a field of any type
    """Return the first non-null field among some names; None for a row of another shape."""
    if not isinstance(raw, dict):
        return None
    return next((raw[name] for name in names if raw.get(name) is not None), None)


def read_moment(raw: object, *names: str) -> float | None:
    """Return a time field as a number, in its own unit; None if there is none."""
    try:
        return float(read_field(raw, *names))
    except (TypeError, ValueError):
        return None
