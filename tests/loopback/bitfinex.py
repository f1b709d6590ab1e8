"""Test server of Bitfinex as documented: one list of all symbols, triggers and matches, no filter."""

from __future__ import annotations

import random
from collections import Counter
from decimal import Decimal
from typing import Any, NamedTuple

from liqcli.core.model import Window
from loopback.server import Asked, Loopback, Reply, json_reply
from loopback.truth import Rows, edge_times


class Match(NamedTuple):
    ts_ms: int
    position: str
    coins: Decimal
    price: Decimal
    pos_id: int


def make_matches(window: Window, seed: int, number: int) -> list[Match]:
    """Executions of positions, one to three each; a burst with some 25 rows a millisecond; twins; edges."""
    rng = random.Random(seed)
    start, end = window.start_us // 1000, window.end_us // 1000
    times = [rng.randrange(start - 3_600_000, end + 3_600_000) for _ in range(number)]
    times += [(start + end) // 2 + rng.randrange(25) for _ in range(100)]
    matches = []
    for n, ts in enumerate([*times, *edge_times(window)]):
        position = rng.choice(["long", "short"])
        for _ in range(rng.choice([1, 1, 2, 3])):
            coins = Decimal(rng.randrange(1, 50_000)) / 1000
            matches.append(Match(ts, position, coins, Decimal(rng.randrange(90_000, 99_000)) / 100, seed * 10**6 + n))
    return [*matches, *rng.sample(matches, 11), *matches[-2:]]


def count_truth(matches: list[Match], window: Window) -> Rows:
    return Counter(
        (m.ts_ms * 1000, m.position, m.price, m.coins, m.coins * m.price)
        for m in matches
        if window.contains(m.ts_ms * 1000)
    )


class BitfinexServer(Loopback):
    """
    Newest first (``sort=1``: oldest first), at most 500 (``cap``) rows, both bounds inside unless ``tight``; besides
    the matches a trigger row a position with its entry price, and rows of spot margin.
    """

    PACE = (3, 60.0)
    BUSY = json_reply(["error", 11010, "ratelimit: error"], 429)
    BUSY_200 = json_reply(["error", 11010, "ratelimit: error"])
    NO_200 = json_reply(["error", 10020, "start: invalid"])

    def __init__(self, truth: dict[str, list[Match]], cap: int = 500, tight: bool = False, **options: Any) -> None:
        super().__init__(**options)
        self.cap, self.tight = cap, tight
        self.names = [*truth, "tETHF0:BTCF0"]
        rows: list[list[Any]] = []
        for symbol, matches in truth.items():
            seen: set[int] = set()
            for match in matches:
                sign = 1 if match.position == "long" else -1
                if match.pos_id not in seen:
                    seen.add(match.pos_id)
                    rows.append(_row(symbol, match, sign * match.coins * 3, 0, None))
                rows.append(_row(symbol, match, sign * match.coins, 1, float(match.price)))
                if match.pos_id % 9 == 0:
                    rows.append(_row("tBTCUSD", match, sign * match.coins, 1, 1.0))
        self.rows = sorted(rows, key=lambda row: row[2])

    def answer(self, asked: Asked) -> Reply:
        if asked.path == "/v2/conf/pub:list:pair:futures":
            return json_reply([[name.removeprefix("t") for name in self.names]])
        if asked.path != "/v2/liquidations/hist":
            return json_reply(["error", 10020, "not found"], 404)
        start, end = int(asked.params.get("start", 0)), int(asked.params.get("end", 2**53))
        limit = int(asked.params.get("limit", "100"))
        if not 1 <= limit <= 500 or asked.params.get("sort", "-1") not in ("1", "-1"):
            return json_reply(["error", 10020, "limit or sort: invalid"], 500)
        if start > end:
            return json_reply(["error", 10020, "start: invalid"], 500)
        rows = [row for row in self.rows if start + self.tight <= row[2] <= end - self.tight]
        if asked.params.get("sort", "-1") == "-1":
            rows.reverse()
        return json_reply([[row] for row in rows[: min(limit, self.cap)]])


def _row(symbol: str, match: Match, amount: Decimal, is_match: int, acquired: float | None) -> list[Any]:
    entry = float(match.price) * (1.1 if match.position == "long" else 0.9)
    pos = ["pos", match.pos_id, match.ts_ms, None, symbol, float(amount), entry]
    return [*pos, None, is_match, 1, None, acquired]
