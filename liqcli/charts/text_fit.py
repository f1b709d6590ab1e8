"""Fit text: cut, wrap, and move labels apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence

ELLIPSIS = "…"
_FULL_ENOUGH = 0.5  # of a line
Measure = Callable[[str], float]


def cut(text: str, room: float, measure: Measure) -> str:
    """Shorten a line to ``room`` with an ellipsis; empty if not even that fits."""
    if measure(text) <= room:
        return text
    low, high = 0, len(text)
    while low < high:
        middle = (low + high + 1) // 2
        if measure(text[:middle].rstrip() + ELLIPSIS) <= room:
            low = middle
        else:
            high = middle - 1
    return text[:low].rstrip() + ELLIPSIS if low else ""


def wrap(text: str, room: float, measure: Measure, lines: int) -> list[str]:
    """
    Break a line at spaces into at most ``lines`` lines; the rest is cut.

    Two lines break at a separator (``·``), as evenly as possible.
    """
    if lines > 1 and measure(text) > room and (halves := _halve(text, room, measure)):
        return halves
    done: list[str] = []
    rest = text
    while rest and len(done) < lines - 1 and measure(rest) > room:
        head, tail = _split(rest, room, measure)
        done.append(head)
        rest = tail
    if rest:
        done.append(cut(rest, room, measure))
    return [line for line in done if line]


def _halve(text: str, room: float, measure: Measure) -> list[str]:
    parts = text.split(" · ")
    pairs = [[" · ".join(parts[:k]), " · ".join(parts[k:])] for k in range(1, len(parts))]
    fitting = [pair for pair in pairs if max(map(measure, pair)) <= room and measure(pair[0]) > _FULL_ENOUGH * room]
    return min(fitting, key=lambda pair: max(map(measure, pair)), default=[])


def _last(words: list[str]) -> int:
    return len(words) - 1 - words[::-1].index("·")


def _split(text: str, room: float, measure: Measure) -> tuple[str, str]:
    words = text.split(" ")
    count = 0
    while count < len(words) and measure(" ".join(words[: count + 1])) <= room:
        count += 1
    if count == 0:  # one word wider than the line
        letters = len(text)
        while letters > 1 and measure(text[:letters]) > room:
            letters -= 1
        return text[:letters], text[letters:]
    head, tail = words[:count], words[count:]
    if "·" in head and measure(" ".join(head[: _last(head)])) > _FULL_ENOUGH * room:
        head, tail = words[: _last(head)], words[_last(head) + 1 :]  # prefer a break at a separator
    elif head[-1] == "·":  # no line starts or ends with a separator
        head = head[:-1]
    elif tail and tail[0] == "·":
        tail = tail[1:]
    return " ".join(head), " ".join(tail)


def spread(wanted: Sequence[float], height: float, low: float, high: float) -> list[float]:
    """
    Move the centres of labels of equal height apart, each as little as possible, so that none overlap.

    Parameters
    ----------
    wanted : sequence of float
        Ascending centres.
    height : float
        Minimum distance between two centres.
    low, high : float
        Centres stay in ``[low, high]``; all labels must fit into it.

    Returns
    -------
    list of float
        Least-squares solution (pool adjacent violators), in the order of ``wanted``.
    """
    pools: list[tuple[float, int]] = []  # (mean of wanted minus offset, count)
    for index, centre in enumerate(wanted):
        mean, count = centre - index * height, 1
        while pools and pools[-1][0] > mean:
            before, many = pools.pop()
            mean = (before * many + mean * count) / (many + count)
            count += many
        pools.append((mean, count))
    flat = [mean for mean, count in pools for _ in range(count)]
    ceiling = high - (len(wanted) - 1) * height
    return [min(max(value, low), ceiling) + index * height for index, value in enumerate(flat)]
