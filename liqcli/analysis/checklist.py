"""
The trade checklist: four questions about a price band, answered yes, no or unknown, each with its number and rule.

Answers describe what was measured. None of them predicts that price will reach a band, turn there or pass it: no
peer-reviewed study shows that clusters of liquidations attract price.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, Protocol

from liqcli.analysis.context import Approach, Context
from liqcli.analysis.trade_levels import NO_LEVELS, Direction, TradeLevels, build_trade_levels
from liqcli.core.durations import format_length
from liqcli.core.formatting import format_counted, format_percent_signed, format_price
from liqcli.core.model import US_PER_S, Window

Answer = Literal["yes", "no", "unknown"]

BAR = 3  # of four must be yes
RISING = 1.2  # least volume ratio that counts as rising
NO_CANDLES = "not at a round number; other key levels need candles"
DAY_S = 86_400
# Style, its lookback [s], and how long its trades are held. Lookbacks under half the shortest or over twice the longest
# have no style.
STYLES = (
    ("scalping", 3600, "minutes to an hour"),
    ("swing", 4 * 3600, "hours"),
    ("broad", DAY_S, "about a day"),
    ("multi-day", 7 * DAY_S, "days"),
    ("position", 30 * DAY_S, "weeks"),
)
HELD = {name: held for name, _, held in STYLES}
_TREND_RULES = {
    "up": "above EMA 50 and rising",
    "down": "below EMA 50 and falling",
    "mixed": "is neither above EMA 50 and rising nor below it and falling",
}
SHORTEST_S, LONGEST_S = 1800, 60 * DAY_S
QUESTIONS = {
    "key_level": "Cluster at a key level?",
    "volume": "Volume rising into the zone?",
    "trend": "Trend with the trade's direction?",
    "lookback": "Lookback reasonable for it?",
}


class ClusterLike(Protocol):
    """A price band ``[low, high)`` [quote] and the key levels at it; None when levels were not searched."""

    @property
    def low(self) -> float:
        """Lower edge of the band. [quote]"""

    @property
    def high(self) -> float:
        """Upper edge, exclusive. [quote]"""

    @property
    def key_levels(self) -> Sequence[object] | None:
        """The levels at the band; None when levels were not searched."""


@dataclass(frozen=True, slots=True)
class Check:
    """
    One question: its ``key`` in ``QUESTIONS``, the answer, the number behind it, and the rule in words.

    Numbers are rounded once, to the digits that the rule shows, and then compared: 1.1994 is shown as 1.20, and 1.20
    meets a minimum of 1.2.
    """

    key: str
    answer: Answer
    number: float | None
    rule: str


@dataclass(frozen=True, slots=True)
class Checklist:
    """
    The four answers for a band, with the stop just beyond it and the target just before it.

    ``direction`` points from the last price to the band, None when the price is inside it.
    """

    direction: Direction | None
    checks: tuple[Check, ...]
    levels: TradeLevels = NO_LEVELS

    @property
    def stop_beyond(self) -> float | None:
        """Stop of a trade that opens at the band, against the move towards it. [quote]"""
        return self.levels.stop.price if self.levels.stop else None

    @property
    def target_at(self) -> float | None:
        """Target of a trade from the last price towards the band. [quote]"""
        return self.levels.target.price if self.levels.target else None

    @property
    def passed(self) -> int:
        """Number of questions answered yes."""
        return sum(check.answer == "yes" for check in self.checks)

    @property
    def unknown(self) -> int:
        """Number of questions without an answer."""
        return sum(check.answer == "unknown" for check in self.checks)

    @property
    def meets_bar(self) -> Answer:
        """Return yes for three or more; unknown while unanswered questions could still decide it."""
        if self.passed >= BAR:
            return "yes"
        return "unknown" if self.passed + self.unknown >= BAR else "no"


def build_checklist(
    cluster: ClusterLike, last_price: float, context: Context, approach: Approach | None, window: Window
) -> Checklist:
    """
    Answer the four questions for one cluster.

    Parameters
    ----------
    cluster : ClusterLike
        The band and its key levels.
    last_price : float
        Last known price. [quote]
    context : Context
        The context of the same window.
    approach : Approach or None
        The last approach of the price to this band, from ``context.approaches``.
    window : Window
        Half-open. [UTC]

    Returns
    -------
    Checklist
        The four checks in the order of ``QUESTIONS``.
    """
    direction: Direction | None = "up" if cluster.low > last_price else "down" if cluster.high <= last_price else None
    distance = max(cluster.low - last_price, last_price - cluster.high, 0.0)
    checks = (
        _check_levels(cluster.key_levels),
        _check_volume(approach.volume_ratio if approach else None, "the 3 bars of the last approach to the band"),
        _check_trend(context, direction),
        _check_lookback(context, window, distance),
    )
    levels = build_trade_levels(cluster.low, cluster.high, direction, last_price, context.atr)
    return Checklist(direction, checks, levels)


def build_window_checklist(
    clusters: Sequence[ClusterLike], last_price: float, context: Context, window: Window
) -> Checklist:
    """
    Answer the four questions for the whole window, in the direction of the first-ranked cluster.

    A key level at any of the clusters counts; the volume is that of the window's last bars; the lookback is compared
    with the distance to the first-ranked cluster. Stop and target belong to clusters, not to a window.
    """
    if not clusters:
        none = Check("key_level", "unknown", None, "no cluster was found in the window")
        volume = _check_volume(context.volume_ratio, "the last 3 bars")
        return Checklist(None, (none, volume, _check_trend(context, None), _check_lookback(context, window, None)))
    first = build_checklist(clusters[0], last_price, context, None, window)
    found = [c.key_levels for c in clusters if c.key_levels is not None]
    at_level = sum(len(levels) > 0 for levels in found)
    rule = (
        f"{at_level} of {format_counted(len(clusters), 'cluster')} at a key level (needs at least 1)"
        if found
        else NO_CANDLES
    )
    levels = Check("key_level", _answer(at_level > 0) if found else "unknown", at_level if found else None, rule)
    volume = _check_volume(context.volume_ratio, "the last 3 bars")
    return Checklist(first.direction, (levels, volume, *first.checks[2:]))


def find_style(length_us: int) -> str | None:
    """Find the style with the nearest lookback by ratio, the longer on a tie; None under 30 min and over 60 d."""
    seconds = length_us / US_PER_S
    if not SHORTEST_S <= seconds <= LONGEST_S:
        return None
    return min(reversed(STYLES), key=lambda style: abs(math.log(seconds / style[1])))[0]


def _check_levels(levels: Sequence[object] | None) -> Check:
    if levels is None:
        return Check("key_level", "unknown", None, NO_CANDLES)
    if not levels:
        return Check("key_level", "no", 0, "at no key level (needs at least 1)")
    named = ", ".join(str(level) for level in levels)
    return Check("key_level", "yes", len(levels), f"at key levels: {named} (needs at least 1)")


def _check_volume(ratio: float | None, when: str) -> Check:
    if ratio is None:
        return Check("volume", "unknown", None, "no candles with volume in this window")
    shown = round(ratio, 2)
    rule = f"volume of {when} is {shown:.2f} x the average of the 20 bars before (needs at least {RISING:.2f})"
    return Check("volume", _answer(shown >= RISING), shown, rule)


def _check_trend(context: Context, direction: Direction | None) -> Check:
    if context.trend == "unknown":
        return Check("trend", "unknown", None, "not enough candles for EMA 20 and EMA 50")
    number = round(context.slope_pct or 0.0, 2)
    slope = format_percent_signed(number)
    what = f"trend {context.trend}: EMA 20 {_TREND_RULES[context.trend]} ({slope})"
    if direction is None:
        return Check("trend", "unknown", number, f"price is inside the band: no direction; {what}")
    rule = f"trade direction: {'long' if direction == 'up' else 'short'}; {what}"
    return Check("trend", _answer(context.trend == direction), number, rule)


def _check_lookback(context: Context, window: Window, distance: float | None) -> Check:
    name = format_length(window.length_us)
    style = find_style(window.length_us)
    if style is None:
        lookbacks = ", ".join(format_length(seconds * US_PER_S) for _, seconds, _ in STYLES)
        return Check("lookback", "no", None, f"{name} matches no usual lookback ({lookbacks})")
    suits = f"{name} suits {style} trades (held {HELD[style]})"
    if distance is None or not context.usual_move:
        return Check("lookback", "unknown", None, f"{suits}; the usual move in that time is unknown")
    part = round(distance / context.usual_move, 2)
    rule = (
        f"{suits}; the distance to the band is {part:.2f} x the usual move in that time "
        f"({format_price(distance)} of {format_price(context.usual_move)}, ATR x √bars; at most 1.00)"
    )
    return Check("lookback", _answer(part <= 1), part, rule)


def _answer(holds: bool) -> Answer:
    return "yes" if holds else "no"
