"""Published and stored liquidations of the same hours: shares, sides, differences, and how they are described."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from liqcli.core.formatting import format_counted, format_iso
from liqcli.core.symbols import split_symbol

SIDES = ("long", "short")
TOLERATED_PERCENT = 1
MOST_APART = 2  # published and stored in one unit are hardly more than this factor apart


@dataclass(frozen=True, slots=True)
class ComparedHour:
    """
    Published and stored liquidations of the same minutes of one hour.

    ``start_us`` [µs UTC]; ``seconds`` of it are published, and ``fetched_s`` in the fetch logs. ``published_e6`` and
    ``stored_e6`` are in the unit of the series, ``other_e6`` is what is stored in the other one of USD and coins
    [1e-6]. ``sides``: ``long`` and ``short`` -> published, stored [1e-6 USD]; empty where the exchange gives no sides.
    """

    start_us: int
    seconds: int
    published_e6: int
    stored_e6: int
    fetched_s: int
    other_e6: int = 0
    sides: Mapping[str, tuple[int, int]] = field(default_factory=dict)

    @property
    def share(self) -> float | None:
        """Stored part of what is published; None if nothing is."""
        return self.stored_e6 / self.published_e6 if self.published_e6 else None

    @property
    def is_fetched(self) -> bool:
        """Whether the hour was requested, or has events."""
        return bool(self.fetched_s or self.stored_e6)

    @property
    def differing_sides(self) -> list[str]:
        """Sides of which more or less is stored than published."""
        return [side for side, amounts in self.sides.items() if _differ(*amounts)]

    @property
    def differs(self) -> bool:
        """Whether both differ by more than the tolerated share of what is published, in total or on one side."""
        return _differ(self.published_e6, self.stored_e6) or bool(self.differing_sides)

    @property
    def looks_swapped(self) -> bool:
        """Whether each side differs from its own published amount and matches the other side's."""
        if len(self.differing_sides) < len(SIDES):
            return False
        (long, stored_long), (short, stored_short) = self.sides["long"], self.sides["short"]
        return not _differ(long, stored_short) and not _differ(short, stored_long)

    def describe(self, unit: str) -> str:
        """Describe the difference: total and sides."""
        stored, published = self.stored_e6 / 1e6, self.published_e6 / 1e6
        share = "" if self.share is None else f": {self.share:.1%} of the exchange's own total"
        said = [f"{stored:,.2f} {unit} stored, {published:,.2f} {unit} published{share}"]
        for side in self.differing_sides:
            own_published, own_stored = self.sides[side]
            said.append(f"{side}s {own_stored / 1e6:,.2f} stored, {own_published / 1e6:,.2f} published")
        return "; ".join(said) + (": the sides seem to be swapped" if self.looks_swapped else "")

    def record(self, in_usd: bool) -> dict[str, Any]:
        """Convert to plain values."""
        published, stored = self.published_e6 / 1e6, self.stored_e6 / 1e6
        return {
            "start": format_iso(self.start_us),
            **_amounts(published, stored, in_usd),
            "share": self.share,
            "published_seconds": self.seconds,
            "fetched_seconds": self.fetched_s,
            "differs": self.is_fetched and self.differs,
            "sides": {
                side: {"published_usd": pair[0] / 1e6, "stored_usd": pair[1] / 1e6, "differs": _differ(*pair)}
                for side, pair in self.sides.items()
            },
            "sides_swapped": self.looks_swapped,
        }


@dataclass(frozen=True, slots=True)
class ComparedTotals:
    """
    The hours of one exchange and symbol; those never fetched do not count in the sums.

    If the unit is not documented, totals are of one ``instrument`` and taken as ``native_unit`` (``USD`` or a coin).
    """

    exchange: str
    symbol: str
    hours: tuple[ComparedHour, ...]
    instrument: str = ""
    native_unit: str = ""

    @property
    def name(self) -> str:
        """Exchange and symbol, with the instrument if there is one."""
        return " ".join(filter(None, (self.exchange, self.symbol, self.instrument)))

    @property
    def unit(self) -> str:
        """Unit of all amounts."""
        return self.native_unit or "USD"

    @property
    def fetched(self) -> list[ComparedHour]:
        """Hours that can be compared."""
        return [hour for hour in self.hours if hour.is_fetched]

    @property
    def published(self) -> float:
        """Published in the compared hours."""
        return sum(hour.published_e6 for hour in self.fetched) / 1e6

    @property
    def stored(self) -> float:
        """Stored in the compared hours."""
        return sum(hour.stored_e6 for hour in self.fetched) / 1e6

    @property
    def apparent_unit(self) -> str:
        """The other one of USD and coins, if what is published fits it and not the assumed one; else empty."""
        other = sum(hour.other_e6 for hour in self.fetched) / 1e6
        if not self.native_unit or _is_near(self.stored, self.published) or not _is_near(other, self.published):
            return ""
        return split_symbol(self.symbol)[0] if self.unit == "USD" else "USD"

    @property
    def share(self) -> float | None:
        """Stored part of what is published; None if nothing is, or if it seems to be in another unit."""
        return self.stored / self.published if self.published and not self.apparent_unit else None

    @property
    def differing(self) -> list[ComparedHour]:
        """Compared hours that differ; none if the unit seems to be another one."""
        return [] if self.apparent_unit else [hour for hour in self.fetched if hour.differs]

    def describe(self) -> str:
        """Describe the result in one line."""
        missing = len(self.hours) - len(self.fetched)
        unfetched = f"; {format_counted(missing, 'hour')} not fetched" if missing else ""
        if partial := sum(0 < hour.fetched_s < hour.seconds * 0.99 for hour in self.hours):
            unfetched = f"; {format_counted(partial, 'hour')} fetched in part{unfetched}"
        if not self.fetched:
            return f"{self.name}: nothing to compare{unfetched}"
        hours = format_counted(len(self.fetched), "hour")
        if other := self.apparent_unit:
            return (
                f"{self.name}: {self.stored:,.4f} {self.unit} stored, {self.published:,.4f} published in {hours}: "
                f"the published total appears to be in {other}, so completeness is unknown{unfetched}"
            )
        places = 0 if self.unit == "USD" else 4
        share = f"no {self.unit} published" if self.share is None else f"{self.share:.1%} of the exchange's own total"
        amounts = f"{self.stored:,.{places}f} of {self.published:,.{places}f} {self.unit}"
        unproven = f"; unit unproven, taken as {self.unit}" if self.native_unit else ""
        counts = {side: sum(side in hour.differing_sides for hour in self.differing) for side in SIDES}
        sides = [f"{side}s {count}" for side, count in counts.items() if count]
        swapped = sum(hour.looks_swapped for hour in self.differing)
        return (
            f"{self.name}: {share} ({amounts} in {hours}){unproven}; "
            f"hours that differ by more than {TOLERATED_PERCENT}%: {len(self.differing)}"
            + (f" ({', '.join(sides)})" if sides else "")
            + (f"; hours whose sides seem to be swapped: {swapped}" if swapped else "")
            + unfetched
        )

    def record(self) -> dict[str, Any]:
        """Convert to plain values for ``liqcli verify --format json``."""
        return {
            **self.summary(),
            "hours_not_fetched": len(self.hours) - len(self.fetched),
            "hours": [hour.record(not self.native_unit) for hour in self.hours],
        }

    def summary(self) -> dict[str, Any]:
        """Convert the sums to plain values; those in USD are None where the unit is unproven."""
        return {
            "exchange": self.exchange,
            "symbol": self.symbol,
            "instrument": self.instrument or None,
            "unit": self.unit,
            "unit_proven": not self.native_unit,
            **_amounts(self.published, self.stored, in_usd=not self.native_unit),
            "share": self.share,
        }


def _amounts(published: float, stored: float, in_usd: bool) -> dict[str, float | None]:
    """Name the amounts; those in USD are None if the unit is unproven."""
    usd = (published, stored) if in_usd else (None, None)
    return {"published": published, "stored": stored, "published_usd": usd[0], "stored_usd": usd[1]}


def _differ(published: int, stored: int) -> bool:
    return abs(stored - published) * 100 > published * TOLERATED_PERCENT


def _is_near(stored: float, published: float) -> bool:
    return published <= stored * MOST_APART and stored <= published * MOST_APART
