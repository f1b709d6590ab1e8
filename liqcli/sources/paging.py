"""Asking with a doubt: answers to another question (a stale cache, a proxy, a mirror), and pages that come twice."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from liqcli.net.client import RefusalError, Request

PAGE_TRIES = 5  # the same for a page, which is not given up as easily when many are read already


class Page(NamedTuple):
    """Rows of a list, and what the next page is asked by (None: this is the last one)."""

    rows: list[Any]
    onward: str | None


AskPage = Generator[Request, Any, Page]


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
