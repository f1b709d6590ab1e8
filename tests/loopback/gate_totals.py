"""Gate with events and with the totals that it publishes of them, which may disagree."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from decimal import Decimal
from typing import Any

from liqcli.core.times import now_us
from loopback.server import Asked, Reply, json_reply
from loopback.truth import DAY_MS, Event
from loopback.venues import GateServer

STATS = "/api/v4/futures/usdt/contract_stats"
HOUR_MS = 3_600_000
START_MS = now_us() // 1000 // DAY_MS * DAY_MS - 3 * DAY_MS  # three days ago, midnight


class GateTotals(GateServer):
    """
    BTC_USDT, contracts of one coin. ``counted`` are the events in the totals, ``listed`` those in the list of orders.

    ``contract_stats``: a row for every minute from ``from`` on, oldest first, at most 100, until now.
    """

    def __init__(self, listed: Iterable[Event], counted: Iterable[Event], **options: Any) -> None:
        super().__init__({"BTC_USDT": list(listed)}, {"BTC_USDT": "1"}, **options)
        self.usd: dict[int, dict[str, Decimal]] = defaultdict(lambda: defaultdict(Decimal))
        for event in counted:
            self.usd[event.ts_ms // 60_000 * 60][event.position] += event.contracts * event.price

    def answer(self, asked: Asked) -> Reply:
        if asked.path != STATS:
            return super().answer(asked)
        first, limit = int(asked.params["from"]), int(asked.params["limit"])
        if asked.params["contract"] != "BTC_USDT" or asked.params["interval"] != "1m" or not 1 <= limit <= 100:
            return json_reply({"label": "INVALID_PARAM_VALUE", "message": "contract, interval or limit"}, 400)
        times = range(-(-first // 60) * 60, now_us() // 1_000_000, 60)[:limit]
        return json_reply([self._row(second) for second in times])

    def _row(self, second: int) -> dict[str, Any]:
        long, short = (self.usd[second][side] for side in ("long", "short"))
        sizes = {"long_liq_size": 7, "short_liq_size": 7, "long_liq_amount": 7.5, "short_liq_amount": 7.5}
        return {"time": second, "long_liq_usd": float(long), "short_liq_usd": float(short), "lsr_taker": 1.1, **sizes}


def every_minute(hour: int, usd: int, count: int = 10) -> list[Event]:
    """Events of so many USD in the first minutes of an hour of the scene, longs and shorts in turn."""
    start = START_MS + hour * HOUR_MS
    return [Event(start + n * 60_000, ("long", "short")[n % 2], usd // 10, Decimal(10)) for n in range(count)]
