"""Read Kraken's executions around liquidations, which the liquidated volume of each minute locates."""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Generator, Mapping, Sequence
from typing import Any

from liqcli.core.intervals import Intervals
from liqcli.core.model import US_PER_S, Window, parse_number
from liqcli.net.client import RefusalError
from liqcli.net.request import Request
from liqcli.sources.contracts import ListedContract, Row

COUNT = 1000
POINTS = 2000  # of a volume series per response
MINUTE_S = 60
SAME_QUESTION = 3  # attempts to get an answer that matches the request
FORCED = frozenset({"liquidation", "partialliquidation", "coveredliquidation"})


def series_request(market: ListedContract, start_s: int, end_s: int) -> Request:
    """Build the request for the volume liquidated in each minute."""
    params = (("since", str(start_s)), ("to", str(end_s)), ("interval", str(MINUTE_S)))
    return Request(f"/api/charts/v1/analytics/{market.instrument}/liquidation-volume", params, absent=(400, 404))


def page_request(market: ListedContract, start_ms: int, end_ms: int, token: str | None) -> Request:
    """Build the request for a page of ``[start_ms, end_ms)``, widened to suit inclusive and exclusive bounds."""
    params = (("since", str(start_ms - 1)), ("before", str(end_ms)), ("sort", "asc"), ("count", str(COUNT)))
    further = () if token is None else (("continuation_token", token),)
    return Request(f"/api/history/v3/market/{market.instrument}/executions", (*params, *further))


def iter_forced(element: Row) -> Generator[Row, None, None]:
    """Yield a row for each side of an execution whose order was a liquidation."""
    execution = element["event"]["Execution"]["execution"]
    for name in ("takerOrder", "makerOrder"):
        order = execution.get(name) or {}
        if is_forced(order.get("orderType")):
            kept = {key: execution.get(key) for key in ("uid", "timestamp", "quantity", "price", "usdValue")}
            yield kept | {"tradeable": order.get("tradeable"), "direction": order.get("direction")}


def is_forced(order_type: object) -> bool:
    """Return whether an order type is one of the spellings of a liquidation."""
    return re.sub(r"[^a-z]", "", str(order_type).lower()) in FORCED


def request_contract(market: ListedContract, window: Window) -> Generator[Request, Any, tuple[list[Row], list[Window]]]:
    """Read the forced fills of one contract; also return minutes with liquidated volume but without such fills."""
    start_s, end_s = window.start_us // US_PER_S, window.end_us // US_PER_S
    volumes = (yield from ask_volumes(market, start_s, end_s)) or {}
    fills: dict[str, Row] = {}
    parts = [(low * 1000, high * 1000) for low, high in plan_parts(volumes, start_s, end_s)]
    reached_ms = 0
    for low_ms, high_ms in parts:
        if reached_ms < high_ms:
            span = (max(low_ms, reached_ms), high_ms, parts[-1][1])
            reached_ms = yield from _ask_part(market, *span, fills)
    times = sorted(int(raw["timestamp"]) // 1000 for raw in fills.values())
    silent = []
    for second in (second for second, volume in volumes.items() if volume and second < end_s):
        place = bisect_left(times, second - MINUTE_S)
        if not any(ts < second + 2 * MINUTE_S for ts in times[place : place + 1]):
            silent.append(Window(second * US_PER_S, (second + MINUTE_S) * US_PER_S))
    return list(fills.values()), silent


def plan_parts(volumes: Mapping[int, float], start_s: int, end_s: int) -> Intervals:
    """Plan the seconds to read: minutes with volume or without a data point, plus one on each side, merged."""
    minutes = [second for second in range(start_s, end_s + 1, MINUTE_S) if volumes.get(second, second < end_s)]
    return Intervals((second - MINUTE_S, second + 2 * MINUTE_S) for second in minutes)


def ask_volumes(market: ListedContract, start_s: int, end_s: int) -> Generator[Request, Any, dict[int, float] | None]:
    """Request the volume liquidated in each minute to ``end_s``, by its second; None if there is no such series."""
    volumes: dict[int, float] = {}
    strikes = 0
    while strikes < SAME_QUESTION:
        payload = yield series_request(market, max(volumes, default=start_s - MINUTE_S) + MINUTE_S, end_s)
        if payload is None:
            return None
        result = payload.get("result")
        if isinstance(result, dict) and "timestamp" in result:
            points = read_points(result)
            fresh = {second for second in points if start_s <= second <= end_s} - volumes.keys()
            volumes |= {second: points[second] for second in fresh}
            if (fresh or not points) and not result.get("more"):
                return volumes
            strikes = -1 if fresh else strikes
        strikes += 1  # answer to another request: try again
    raise RefusalError("the answer is not a volume series of the requested time")


def read_points(result: Row) -> dict[int, float]:
    """
    Parse a series; its times are seconds (documented) or milliseconds.

    Raises
    ------
    RefusalError
        Not a time and a number for each point.
    """
    try:
        times = [int(parse_number(ts)) for ts in result["timestamp"]]
        seconds = [ts // 1000 if ts > 10**11 else ts for ts in times]
        points = zip(seconds, result["data"], strict=True)
        return {second: parse_number(value) for second, value in points if value is not None}
    except (KeyError, TypeError, ValueError) as error:
        raise RefusalError(f"the answer is not a volume series ({error})") from error


def _ask_part(
    market: ListedContract, start_ms: int, until_ms: int, end_ms: int, fills: dict[str, Row]
) -> Generator[Request, Any, int]:
    """
    Read the executions of ``[start_ms, until_ms)``; return the instant before which all are read.

    Requests extend to ``end_ms``: later executions fill the last page and often save the next request.
    """
    token: str | None = None
    seen: set[str] = set()
    strikes = 0
    while strikes < SAME_QUESTION:
        page = yield page_request(market, start_ms, end_ms, token)
        elements = page.get("elements")
        new = {str(raw["uid"]) for raw in elements or ()} - seen
        if not (new and _is_asked(market, elements, start_ms, end_ms)) and (elements or not (token or strikes)):
            strikes += 1  # answer to another request, or the page before: try again; an empty one must come twice
            continue
        for raw in elements:
            fills |= {f"{raw['uid']} {n}": row for n, row in enumerate(iter_forced(raw))}
        seen |= new
        token, strikes = page.get("continuationToken"), 0
        if not elements or not token:
            return end_ms
        times = [int(raw["timestamp"]) for raw in elements]
        if times[-1] >= until_ms and times == sorted(times):
            return times[-1]  # this millisecond may continue on the next page
    raise RefusalError("the executions do not match the request, or paging does not advance")


def _is_asked(market: ListedContract, elements: Sequence[Row], start_ms: int, end_ms: int) -> bool:
    orders = [raw["event"]["Execution"]["execution"].get("takerOrder") or {} for raw in elements]
    same = all(order.get("tradeable") in (None, market.instrument) for order in orders)
    return same and all(start_ms - 1 <= int(raw["timestamp"]) <= end_ms for raw in elements)
