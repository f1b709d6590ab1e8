"""Read lists page by page, with protection against repeated and wrong pages."""

from __future__ import annotations

from collections.abc import Callable, Generator, Sequence
from itertools import pairwise
from typing import Any, NamedTuple

from liqcli.net.client import RefusalError
from liqcli.net.request import Request

PAGE_TRIES = 5  # requests until a page must advance; more than for a single answer, because earlier pages would be lost


class Page(NamedTuple):
    """Rows of a page, and the cursor of the next page; None on the last one."""

    rows: list[Any]
    next_cursor: str | None


AskPage = Generator[Request, Any, Page]


def walk_pages(
    ask: Callable[[str | None], AskPage],
    is_asked: Callable[[Page], bool],
    is_odd: Callable[[Sequence[Any], Sequence[Any]], bool] = lambda _rows, _before: False,
    is_enough: Callable[[Sequence[Any]], bool] = lambda _rows: False,
) -> Generator[Request, Any, list[Any]]:
    """
    Read a list without row ids page by page.

    Repeated rows do not prove a repeated page. A page is therefore requested again if it equals the page before, links
    to itself or does not match the request; an empty or odd page must come twice. If pages are numbered, new rows
    push others to the next page: if the list grew, rows on both sides of a page edge count once.

    Parameters
    ----------
    ask : callable
        Takes a cursor (None: the first page) and requests the page.
    is_asked, is_odd, is_enough : callable
        Take a page; its rows and those of the page before; its rows, true if no more pages are needed.

    Raises
    ------
    RefusalError
        Paging does not advance.
    """
    pages: list[list[Any]] = []
    cursor: str | None = None
    tries = 0
    while True:
        page = yield from ask(cursor)
        before = pages[-1] if pages else []
        stuck = (page.rows and page.rows == before) or (page.next_cursor is not None and page.next_cursor == cursor)
        wrong = stuck or not is_asked(page)
        if wrong or (tries == 0 and (not page.rows or is_odd(page.rows, before))):
            tries += 1
            if tries >= PAGE_TRIES:
                raise RefusalError(f"paging does not advance: the same or an odd page was returned {PAGE_TRIES} times")
            continue
        tries, cursor = 0, page.next_cursor
        pages.append(page.rows)
        if not page.rows or cursor is None or is_enough(page.rows):
            break
    shared = [_count_shared(before, rows) for before, rows in pairwise(pages)]
    if any(shared) and (yield from ask(None)).rows != pages[0]:
        pages[1:] = [rows[count:] for rows, count in zip(pages[1:], shared, strict=True)]
    return [row for rows in pages for row in rows]


def _count_shared(before: Sequence[Any], rows: Sequence[Any]) -> int:
    """Count the rows at the end of a page that the next one starts with."""
    most = min(len(before), len(rows))
    return next((count for count in range(most, 0, -1) if before[-count:] == rows[:count]), 0)
