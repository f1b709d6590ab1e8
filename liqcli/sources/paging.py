"""Asking with a doubt: answers to another question (a stale cache, a proxy, a mirror), and pages that come twice."""

from __future__ import annotations

from collections.abc import Callable, Generator, Iterable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from liqcli.net.client import RefusalError, Request

TRIES = 3  # how often a question is asked when its answers do not fit
PAGE_TRIES = 5  # the same for a page, which is not given up as easily when many are read already

AskFitting = Generator[Request, Any, Any]


class Page(NamedTuple):
    """Rows of a list, and what the next page is asked by (None: this is the last one)."""

    rows: list[Any]
    onward: str | None


AskPage = Generator[Request, Any, Page]


def request_until_fitting(
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


def request_twice(
    request: Request,
    fits: Callable[[Any], bool],
    possible: Callable[[Any], bool] = lambda _answer: True,
    running: int = 2,
) -> AskFitting:
    """
    Ask until the answer fits the question, or the same answer came twice (``running`` times) in a row.

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
    times = 0
    for _ in range(2 * TRIES):
        answer = yield request
        if possible(answer):
            times = times + 1 if answer == said else 1
            if fits(answer) or times == running:
                return answer
            said = answer
    raise RefusalError("what came is never what was asked for, nor twice the same")


def walk_pages(
    ask: Callable[[str | None], AskPage],
    is_asked: Callable[[Page], bool],
    is_odd: Callable[[Sequence[Any], Sequence[Any]], bool] = lambda _rows, _before: False,
    is_enough: Callable[[Sequence[Any]], bool] = lambda _rows: False,
) -> Generator[Request, Any, list[Any]]:
    """
    Read a list whose rows have no id, page by page.

    A page that came twice cannot be told from twins row by row. So one that equals the page before, leads to itself, or
    cannot be what was asked for is asked again; one that is empty or odd has to come twice. Where pages are counted,
    what arrives meanwhile pushes rows on to the next page: where the list grew, rows that stand on both sides of an
    edge count once.

    Parameters
    ----------
    ask : callable
        Asks for the page that a text leads to (None: the first).
    is_asked, is_odd, is_enough : callable
        Take a page; its rows and those of the page before; its rows, when nothing further is wanted.

    Raises
    ------
    RefusalError
        Paging does not go on.
    """
    pages: list[list[Any]] = []
    onward: str | None = None
    tries = 0
    while True:
        page = yield from ask(onward)
        before = pages[-1] if pages else []
        stuck = (page.rows and page.rows == before) or (page.onward is not None and page.onward == onward)
        wrong = stuck or not is_asked(page)
        if wrong or (tries == 0 and (not page.rows or is_odd(page.rows, before))):
            tries += 1
            if tries >= PAGE_TRIES:
                raise RefusalError("the same page, or an odd one, again and again: paging does not go on")
            continue
        tries, onward = 0, page.onward
        pages.append(page.rows)
        if not page.rows or onward is None or is_enough(page.rows):
            break
    shared = [_count_shared(before, rows) for before, rows in pairwise(pages)]
    if any(shared) and (yield from ask(None)).rows != pages[0]:
        pages[1:] = [rows[count:] for rows, count in zip(pages[1:], shared, strict=True)]
    return [row for rows in pages for row in rows]


def _count_shared(before: Sequence[Any], rows: Sequence[Any]) -> int:
    """Count the rows at the end of a page that the next one begins with."""
    most = min(len(before), len(rows))
    return next((count for count in range(most, 0, -1) if before[-count:] == rows[:count]), 0)


def are_all_inside(times: Iterable[float | None], start: float, end: float, leak: float = 0) -> bool:
    """
    Say whether rows can be those of ``[start, end]``: all of them but for a ``leak``, and one of them truly.

    A time that cannot be read (None) counts as inside: its row is refused by name later.
    """
    known = list(times)
    near = all(ts is None or start - leak <= ts <= end + leak for ts in known)
    return near and (not known or is_any_inside(known, start, end))


def is_any_inside(times: Iterable[float | None], start: float, end: float) -> bool:
    """Say whether one of these rows is of ``[start, end]``; one whose time cannot be read may be."""
    return any(ts is None or start <= ts <= end for ts in times)


def has_duplicates(rows: Sequence[Any], times: Sequence[float | None]) -> bool:
    """
    Say whether a list is one list written twice, one behind the other.

    Ordered by time, as it is, it would begin anew in the middle; twins of one instant alone are no such thing.
    """
    middle, odd = divmod(len(rows), 2)
    return not odd and rows[:middle] == rows[middle:] and len(set(times)) > 1


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
