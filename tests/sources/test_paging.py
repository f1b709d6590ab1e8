"""Answers to other questions: asked again, and never taken for an empty window."""

from __future__ import annotations

from typing import Any

import pytest

from liqcli.net.client import RefusalError
from liqcli.net.request import Request
from liqcli.sources.paging import AskPage, Page, walk_pages
from liqcli.sources.stale_answers import (
    are_all_inside,
    has_duplicates,
    is_any_inside,
    read_field,
    read_moment,
    request_twice,
    request_until_fitting,
)

QUESTION = Request("/rows")


def play(asking: Any, answers: list[object]) -> tuple[object, int]:
    """Answer a generator in turn; gives what it returned, and how many answers it took."""
    asked = next(asking)
    for taken, answer in enumerate(answers, 1):
        assert asked == QUESTION
        try:
            asked = asking.send(answer)
        except StopIteration as end:
            return end.value, taken
    pytest.fail("it wants another answer")


def test_requested_until_it_fits() -> None:
    assert play(request_until_fitting(QUESTION, bool), [[1]]) == ([1], 1)
    assert play(request_until_fitting(QUESTION, _is_two), [[1], [1], [2]]) == ([2], 3)
    with pytest.raises(RefusalError, match=r"the answers do not match the request \(3 times\)"):
        play(request_until_fitting(QUESTION, _is_two), [[1], [1], [1]])


def test_nothing_has_to_be_said_twice() -> None:
    """An empty list fits any request."""
    assert play(request_until_fitting(QUESTION, lambda _: True), [[], []]) == ([], 2)
    assert play(request_until_fitting(QUESTION, _is_two), [[], [2]]) == ([2], 2)
    assert play(request_until_fitting(QUESTION, _is_two), [[], [1], [2]]) == ([2], 3)
    assert play(request_until_fitting(QUESTION, lambda _: True), [None]) == (None, 1)


def _is_two(answer: object) -> bool:
    return answer in ([], [2])


def test_a_repeated_answer_counts() -> None:
    assert play(request_twice(QUESTION, bool), [[1]]) == ([1], 1)
    assert play(request_twice(QUESTION, bool), [[], [2]]) == ([2], 2)
    assert play(request_twice(QUESTION, bool), [[], []]) == ([], 2)
    assert play(request_twice(QUESTION, _is_two), [[3], [1], [1]]) == ([1], 3), "twice running, and the same"
    assert play(request_twice(QUESTION, _is_two, lambda answer: answer != [3]), [[1], [3], [1]]) == ([1], 3)
    with pytest.raises(RefusalError, match="nor agree with each other"):
        play(request_twice(QUESTION, _is_two), [[1], [3]] * 4)


def test_times() -> None:
    """Both bounds lie inside; nothing, and what cannot be read, is no reason to ask again."""
    assert are_all_inside([5.0, 9.0, None], 5, 9)
    assert are_all_inside([], 5, 9)
    assert not are_all_inside([5.0, 9.5], 5, 9)
    assert not are_all_inside([4.0, 5.0], 5, 9)


def test_a_leak() -> None:
    """A row from just outside is none of another question, as long as one is from inside."""
    assert are_all_inside([4.0, 5.0, 10.0], 5, 9, leak=1)
    assert not are_all_inside([3.0, 5.0], 5, 9, leak=1)
    assert not are_all_inside([4.0, 10.0], 5, 9, leak=1)
    assert is_any_inside([1.0, 9.0], 5, 9)
    assert not is_any_inside([1.0, 10.0], 5, 9)
    assert is_any_inside([1.0, None], 5, 9)


def test_a_list_written_twice() -> None:
    """Rows of one instant alone may be twins; an odd number is none; another order is another list."""
    assert has_duplicates(["a", "b", "a", "b"], [2, 1, 2, 1])
    assert not has_duplicates(["a", "b", "a", "b"], [1, 1, 1, 1])
    assert not has_duplicates(["a", "a", "b", "b"], [2, 2, 1, 1])
    assert not has_duplicates(["a", "b", "a"], [2, 1, 2])
    assert not has_duplicates([], [])


@pytest.mark.parametrize(
    ("raw", "moment"), [({"b": "7"}, 7.0), ({"a": 0, "b": 7}, 0.0), ({"a": "soon"}, None), ({}, None), ([7], None)]
)
def test_moments(raw: object, moment: float | None) -> None:
    assert read_moment(raw, "a", "b") == moment
    assert read_field([7], "a") is None


# ------------------------------------------------------------------------------------------------ pages


def walk(answers: list[tuple[str, str | None]], **options: Any) -> tuple[str, str]:
    """Letters are rows; gives what was read, and what each page was asked by (``0``: the first)."""

    def ask(onward: str | None) -> AskPage:
        rows, further = yield Request(onward or "0")
        return Page(list(rows), further)

    asking = walk_pages(ask, options.pop("is_asked", lambda _page: True), **options)
    asked = next(asking).path
    waiting = iter(answers)
    try:
        while True:
            asked += asking.send(next(waiting)).path
    except StopIteration as end:
        return "".join(end.value), asked


def test_pages_to_the_last() -> None:
    assert walk([("ab", "1"), ("cd", "2"), ("e", None)]) == ("abcde", "012")
    assert walk([("ab", "1"), ("cd", "2")], is_enough=lambda rows: "c" in rows) == ("abcd", "01")


def test_a_page_that_comes_twice_is_asked_again() -> None:
    """The page before, one that leads to itself, one that cannot be it; nothing, and what is odd, once."""
    assert walk([("ab", "1"), ("ab", "1"), ("cd", None)]) == ("abcd", "011")
    assert walk([("ab", "1"), ("de", "1"), ("cd", None)]) == ("abcd", "011")
    assert walk([("xy", "9"), ("ab", None)], is_asked=lambda page: "x" not in page.rows) == ("ab", "00")
    assert walk([("", None), ("ab", None)]) == ("ab", "00")
    assert walk([("", None), ("", None)]) == ("", "00")
    newer = {"is_odd": lambda rows, before: bool(before) and rows[0] < before[-1]}
    assert walk([("mn", "1"), ("ab", "2"), ("op", None)], **newer) == ("mnop", "011")
    assert walk([("mn", "1"), ("ab", None), ("ab", None)], **newer) == ("mnab", "011")
    with pytest.raises(RefusalError, match="paging does not advance"):
        walk([("ab", "1")] * 6)


def test_rows_on_both_sides_of_an_edge() -> None:
    """Twins stay where the list is as it was; where it grew, the rows were pushed on to the next page."""
    assert walk([("abb", "1"), ("bcd", None), ("abb", "1")]) == ("abbbcd", "010")
    assert walk([("abb", "1"), ("bcd", None), ("zab", "1")]) == ("abbcd", "010")
    assert walk([("abc", "1"), ("bcd", "2"), ("def", None), ("yza", "1")]) == ("abcdef", "0120")
