"""
``liqcli.toml`` as structs: msgspec checks names and types, this module the values.

A message names the key and, unless it is a secret, the value. Ranges are checked here and not by ``msgspec.Meta``: it
can crash the interpreter at exit (msgspec issue 717; 7 of 15 runs with 0.22.0, none of 120 without it, 2026-11-29).
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar
from zoneinfo import ZoneInfo

import msgspec
from msgspec import Struct

from liqcli.core.choices import PALETTES, SCALES, THEMES, SectionName, check_choice, read_sections
from liqcli.core.durations import format_length, parse_length
from liqcli.core.errors import UsageError
from liqcli.core.settings import Alerts, Settings, expand_path
from liqcli.core.symbols import nearest, normalise_symbol

ENDS = ("cut", "now")
EXIT_CODES = range(7, 126)  # not used by liqcli, shells or signals
MOST_DAYS = 100_000
TEXT = "is not a text"
TEXTS = 'is not a list of texts, ["…", "…"]'
AMOUNT = "is not a number above 0"
EXIT_CODE = f"is not a whole number from {EXIT_CODES[0]} to {EXIT_CODES[-1]}"
# What is wrong with a value of another type, by key; texts otherwise.
FAULTS = {
    **dict.fromkeys(("symbols", "exchanges", "sources", "lookbacks", "themes", "sections", "notify"), TEXTS),
    **dict.fromkeys(("cluster_usd", "cascade_usd", "distance_pct"), AMOUNT),
    "exit_code": EXIT_CODE,
    "retention_days": f"is not a whole number from 0 to {MOST_DAYS}",
    **dict.fromkeys(("fetch", "preview", "levels"), "is neither true nor false"),
}
_UNKNOWN = re.compile(
    r"Object contains unknown field `(?P<name>.*?)`(?: - at `\$\.(?P<table>alerts|engine)`)?\Z", re.DOTALL
)
_PLACE = re.compile(r" - at `\$\.(\w+)(?:\.(\w+))?[^`]*`\Z")

Parsed = TypeVar("Parsed", bound=str)
Texts = str | list[str]  # a list of one may be written without brackets


class AlertsTable(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The table ``[alerts]``; None where a key is not set."""

    cluster_usd: float | None = None
    cascade_usd: float | None = None
    distance_pct: float | None = None
    exit_code: int | None = None
    notify: Texts | None = None


class EngineTable(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The table ``[engine]``; None where a key is not set."""

    address: str | None = None
    lake: str | None = None


TABLES = {"alerts": AlertsTable, "engine": EngineTable}


class SettingsTable(Struct, forbid_unknown_fields=True, omit_defaults=True):
    """The whole file; None where a key is not set."""

    symbols: Texts | None = None
    exchanges: Texts | None = None
    sources: Texts | None = None
    lookbacks: Texts | None = None
    out: str | None = None
    lake: str | None = None
    metrics: str | None = None
    theme: str | None = None
    themes: Texts | None = None
    palette: Any = None
    scale: Any = None
    sections: Texts | None = None
    retention_days: int | None = None
    time_zone: str | None = None
    until: Any = None
    fetch: bool | None = None
    preview: bool | None = None
    levels: bool | None = None
    alerts: AlertsTable | None = None
    engine: EngineTable | None = None
    keys: dict[str, str] | None = None


def read_settings(path: Path | None) -> Settings:
    """
    Read the file; None gives the defaults.

    Raises
    ------
    UsageError
        Not TOML, an unknown key (with the nearest known ones), or an invalid value; names file and key.
    """
    if path is None:
        return Settings()
    try:
        return parse_settings(tomllib.loads(path.read_text(encoding="utf-8")), path)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error})") from None
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def parse_settings(table: dict[str, Any], path: Path) -> Settings:
    """
    Turn the parsed file into settings. Relative folders start at the folder of the file.

    Raises
    ------
    UsageError
        An unknown key (with the nearest known ones), a wrong type or an invalid value; names the key.
    """
    try:
        parsed = msgspec.convert(table, SettingsTable)
    except msgspec.ValidationError as error:
        raise UsageError(_explain(str(error), table)) from None
    _check_values(parsed)
    if parsed.theme is not None and parsed.themes is not None:
        raise UsageError("theme and themes say the same thing; keep one")
    folder = path.parent
    themes = parsed.theme if parsed.themes is None else parsed.themes
    given: dict[str, Any] = {
        "symbols": _each(parsed.symbols, "symbols", normalise_symbol),
        "exchanges": _each(parsed.exchanges, "", lambda name: name.strip().lower()),
        "sources": _each(parsed.sources, "", lambda name: name.strip().lower()),
        "lookbacks": _each(parsed.lookbacks, "lookbacks", lambda text: format_length(parse_length(text, "lookbacks"))),
        "out": None if parsed.out is None else folder / expand_path(parsed.out, "out"),
        "lake": None if parsed.lake is None else folder / expand_path(parsed.lake, "lake"),
        "metrics": None if parsed.metrics is None else folder / expand_path(parsed.metrics, "metrics"),
        "themes": _each(themes, "themes", lambda name: check_choice(name, THEMES, "themes")),
        "palette": None if parsed.palette is None else check_choice(parsed.palette, PALETTES, "palette"),
        "scale": None if parsed.scale is None else check_choice(parsed.scale, SCALES, "scale"),
        "sections": _read_sections(parsed.sections),
        "retention_days": parsed.retention_days,
        "time_zone": None if parsed.time_zone is None else _check_zone(parsed.time_zone),
        "until": None if parsed.until is None else check_choice(parsed.until, ENDS, "until"),
        "fetch": parsed.fetch,
        "preview": parsed.preview,
        "levels": parsed.levels,
        "alerts": None if parsed.alerts is None else _build_alerts(parsed.alerts),
        "engine": None if parsed.engine is None else parsed.engine.address,
        "engine_lake": None if parsed.engine is None else parsed.engine.lake,
        "keys": parsed.keys,
    }
    return Settings(**{name: value for name, value in given.items() if value is not None}, path=path)


def _check_values(parsed: SettingsTable) -> None:
    """Check what holds for all values of a kind: no text is blank, numbers are in range."""
    for table, where in ((parsed, ""), (parsed.alerts, "[alerts] "), (parsed.engine, "[engine] ")):
        for key in table.__struct_fields__ if table is not None else ():
            value = getattr(table, key)
            texts = [value] if isinstance(value, str) else value if isinstance(value, list) else []
            if not all(text.strip() for text in texts):
                shown = "it" if key == "notify" else repr(value)
                raise UsageError(f"{where}{key}: {shown} {FAULTS.get(key, TEXT)}")
            if isinstance(value, float) and not 0 < value < float("inf"):
                raise UsageError(f"{where}{key}: {value:g} {FAULTS[key]}")
    if parsed.retention_days is not None and not 0 <= parsed.retention_days <= MOST_DAYS:
        raise UsageError(f"retention_days: {parsed.retention_days} {FAULTS['retention_days']}")
    for source, key in (parsed.keys or {}).items():
        if not key:
            raise UsageError(f"[keys] {source}: not a text")


def _explain(message: str, table: dict[str, Any]) -> str:
    """Turn a message of msgspec into one that names key and value."""
    if unknown := _UNKNOWN.match(message):
        table_name = unknown["table"]
        struct, where = (TABLES[table_name], f"[{table_name}] ") if table_name else (SettingsTable, "")
        return f"{where}unknown setting {unknown['name']!r}{nearest(unknown['name'], struct.__struct_fields__)}"
    place = _PLACE.search(message)
    first, second = (place[1], place[2]) if place else ("", None)
    if first == "keys" and isinstance(table["keys"], dict):
        source = next(name for name, key in table["keys"].items() if not isinstance(key, str))
        return f"[keys] {source}: not a text"  # the value is a secret
    if first in (*TABLES, "keys") and not second:
        return f"{first}: write it as a table, [{first}]"
    key = second or first
    value = table[first][second] if second else table.get(first)
    shown = "it" if key == "notify" else repr(value)
    return f"{f'[{first}] {second}' if second else first}: {shown} {FAULTS.get(key, TEXT)}"


def _each(texts: str | list[str] | None, required: str, parse: Callable[[str], Parsed]) -> tuple[Parsed, ...] | None:
    """Parse each text once, in order. ``required`` names a key whose list must not be empty."""
    if texts is None:
        return None
    if required and not texts:
        raise UsageError(f"{required}: the list is empty")
    return tuple(dict.fromkeys(map(parse, [texts] if isinstance(texts, str) else texts)))


def _read_sections(names: Texts | None) -> tuple[SectionName, ...] | None:
    return None if names is None else read_sections([names] if isinstance(names, str) else names, "sections")


def _build_alerts(table: AlertsTable) -> Alerts:
    code = table.exit_code or 0
    if code and code not in EXIT_CODES:
        raise UsageError(f"[alerts] exit_code: {code} {EXIT_CODE}")
    notify = table.notify or ()
    return Alerts(
        table.cluster_usd,
        table.cascade_usd,
        table.distance_pct,
        code,
        (notify,) if isinstance(notify, str) else tuple(notify),
    )


def _check_zone(zone: str) -> str:
    try:
        ZoneInfo(zone)
    except (OSError, ValueError, KeyError):  # unknown, a folder of zones, or not a path
        from zoneinfo import available_timezones

        known = available_timezones()
        hint = nearest(zone, known) if known else ""
        raise UsageError(f"time_zone: unknown time zone {zone!r}, such as UTC or Europe/Berlin{hint}") from None
    return zone
