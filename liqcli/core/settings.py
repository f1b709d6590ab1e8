"""
``liqcli.toml``: where it is found, what may stand in it, and what each mistake is answered with.

Values of ``liqcli.toml``: each check lets one kind of value pass and says what is wrong with any other.
"""

from __future__ import annotations

import os
import tomllib
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

from liqcli.core.errors import UsageError
from liqcli.core.files import data_folder, replace_file
from liqcli.core.symbols import nearest, normalise_symbol
from liqcli.core.times import format_length, parse_length


def check_names(table: dict[str, Any], known: list[str], where: str) -> None:
    """Refuse a key that nobody knows; the nearest are given."""
    for name in table:
        if name not in known:
            raise UsageError(f"{where}{name!r} is no setting{nearest(name, known)}")


def check_table(value: object, name: str) -> dict[str, Any]:
    """Let a table pass."""
    if not isinstance(value, dict):
        raise UsageError(f"{name}: write it as a table, [{name}]")
    return value


def check_text(value: object, name: str) -> str:
    """Let a text pass that is not blank."""
    if not isinstance(value, str) or not value.strip():
        raise UsageError(f"{name}: {value!r} is not a text")
    return value


def check_texts(value: object, name: str, least: int = 0, secret: bool = False) -> list[str]:
    """Let a list of texts pass, or one text alone; a secret one is not shown."""
    items = [value] if isinstance(value, str) else value
    if not isinstance(items, list) or not all(isinstance(item, str) and item.strip() for item in items):
        shown = "it" if secret else repr(value)
        raise UsageError(f'{name}: {shown} is not a list of texts, ["…", "…"]')
    if len(items) < least:
        raise UsageError(f"{name}: the list is empty")
    return items


def expand_path(path: Path | str, where: str) -> Path:
    """
    Write out the ``~`` of a path that a user gave; ``where`` says what the message shall name.

    Raises
    ------
    UsageError
        A ``~name`` that nobody has, or a character that no file's name holds.
    """
    if any(ord(character) < 32 for character in str(path)):
        raise UsageError(f"{where}: {str(path)!r} holds a line break or control character")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:  # the standard library's own kind for this
        raise UsageError(f"{where}: {str(path)!r}: there is no such user") from error


def check_choice(value: object, name: str, choices: tuple[str, ...]) -> str:
    """Let one of the choices pass."""
    if value not in choices:
        hint = nearest(value, choices) if isinstance(value, str) and value else ""
        raise UsageError(f"{name}: {value!r} is none of {', '.join(choices)}{hint}")
    return str(value)


def check_whole(value: object, name: str, allowed: range) -> int:
    """Let a whole number of the range pass."""
    if isinstance(value, bool) or not isinstance(value, int) or value not in allowed:
        raise UsageError(f"{name}: {value!r} is not a whole number from {allowed[0]} to {allowed[-1]}")
    return value


def check_amount(value: object, name: str) -> float:
    """Let a finite number above zero pass."""
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 < value < float("inf"):
        raise UsageError(f"{name}: {value!r} is not a number above 0")
    return float(value)


def unique(names: Iterable[str]) -> tuple[str, ...]:
    """Drop what was said before, keep the order."""
    return tuple(dict.fromkeys(names))


FILE_NAME = "liqcli.toml"
THEMES = ("auto", "dark", "light")
PALETTES = ("liq", "viridis", "magma", "cividis")
SCALES = ("log", "linear", "percentile")
CUTS = ("cut", "now")
FREE_EXIT_CODES = range(7, 126)  # what liqcli, the shell and signals do not use


@dataclass(frozen=True, slots=True)
class Alerts:
    """Thresholds, and where to send what passes them; ``notify`` holds secrets and is never shown."""

    cluster_usd: float | None = None
    cascade_usd: float | None = None
    distance_pct: float | None = None
    exit_code: int = 0
    notify: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class Settings:
    """What the daily run does; the defaults are those of a missing file."""

    symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    exchanges: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    lookbacks: tuple[str, ...] = ("24h", "7d")
    out: Path | None = None
    lake: Path | None = None
    themes: tuple[str, ...] = ("auto",)
    palette: str = "liq"
    scale: str = "log"
    retention_days: int = 90
    time_zone: str = "UTC"
    until: str = "cut"
    fetch: bool = True
    alerts: Alerts = Alerts()
    keys: dict[str, str] = field(default_factory=dict, repr=False)
    path: Path | None = None

    @property
    def reports_folder(self) -> Path:
        """Where the reports go: ``out``, else ``reports`` in the user's data directory."""
        if self.out is not None:
            return self.out
        import platformdirs

        return Path(platformdirs.user_data_dir("liqcli", appauthor=False)) / "reports"


def find_settings(option: Path | None) -> Path | None:
    """
    Find the file: ``--config``, ``LIQCLI_CONFIG``, ``./liqcli.toml``, the user's config directory; else None.

    Raises
    ------
    UsageError
        The option or the variable names a file that does not exist.
    """
    for named, by in ((option, "--config"), (os.environ.get("LIQCLI_CONFIG") or None, "LIQCLI_CONFIG")):
        if named is not None:
            path = expand_path(named, by)
            if not path.is_file():
                raise UsageError(f"{by}: there is no file {path}; liqcli init --config {path} writes one")
            return path.resolve()
    import platformdirs

    for folder in (Path.cwd(), Path(platformdirs.user_config_dir("liqcli", appauthor=False))):
        if (folder / FILE_NAME).is_file():
            return (folder / FILE_NAME).resolve()
    return None


def read_settings(path: Path | None) -> Settings:
    """
    Read the file, strictly; None gives the defaults. Relative folders are meant from the file's own folder.

    Raises
    ------
    UsageError
        Not TOML, an unknown key (the nearest are given), or a value that cannot be right; names file and key.
    """
    if path is None:
        return Settings()
    try:
        table = tomllib.loads(path.read_text(encoding="utf-8"))
        return _Reader(path).settings(table)
    except tomllib.TOMLDecodeError as error:
        raise UsageError(f"{path}: not TOML: {error}") from None
    except (OSError, UnicodeDecodeError) as error:
        raise UsageError(f"{path}: cannot be read ({error})") from None
    except UsageError as error:
        raise UsageError(f"{path}: {error}") from None


def write_default_settings(path: Path, force: bool) -> Path:
    """
    Write the commented file of ``templates/``, readable by its owner alone, since keys may be put into it.

    Raises
    ------
    UsageError
        It exists and ``force`` is not given, or it cannot be written.
    """
    if path.exists() and not force:
        raise UsageError(f"{path} exists; liqcli init --force replaces it")
    text = (data_folder("templates") / FILE_NAME).read_bytes()
    try:
        replace_file(path, text, mode=0o600)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror or error})") from error
    return path.resolve()


class _Reader:
    """Checks one file, key by key."""

    def __init__(self, path: Path) -> None:
        self._folder = path.parent
        self._path = path

    def settings(self, table: dict[str, Any]) -> Settings:
        names = [name for name in Settings.__dataclass_fields__ if name != "path"]
        if "theme" in table:  # one theme may be written as one word
            if "themes" in table:
                raise UsageError("theme and themes say the same thing; keep one")
            table = {**table, "themes": [table["theme"]]}
            del table["theme"]
        check_names(table, [*names, "theme"], "")
        made = {name: getattr(self, f"_{name}")(value, name) for name, value in table.items()}
        return Settings(**made, path=self._path)

    def _symbols(self, value: object, name: str) -> tuple[str, ...]:
        return unique(normalise_symbol(text) for text in check_texts(value, name, least=1))

    def _exchanges(self, value: object, name: str) -> tuple[str, ...]:
        return unique(text.strip().lower() for text in check_texts(value, name))

    _sources = _exchanges

    def _lookbacks(self, value: object, name: str) -> tuple[str, ...]:
        return unique(format_length(parse_length(text, name)) for text in check_texts(value, name, least=1))

    def _out(self, value: object, name: str) -> Path:
        return self._folder / expand_path(check_text(value, name), name)

    _lake = _out

    def _themes(self, value: object, name: str) -> tuple[str, ...]:
        return unique(check_choice(text, name, THEMES) for text in check_texts(value, name, least=1))

    def _palette(self, value: object, name: str) -> str:
        return check_choice(value, name, PALETTES)

    def _scale(self, value: object, name: str) -> str:
        return check_choice(value, name, SCALES)

    def _until(self, value: object, name: str) -> str:
        return check_choice(value, name, CUTS)

    def _retention_days(self, value: object, name: str) -> int:
        return check_whole(value, name, range(100_001))

    def _time_zone(self, value: object, name: str) -> str:
        zone = check_text(value, name)
        try:
            ZoneInfo(zone)
        except (OSError, ValueError, KeyError):  # unknown, a folder of zones, or no such path
            from zoneinfo import available_timezones

            known = available_timezones()
            hint = nearest(zone, known) if known else ""
            raise UsageError(f"{name}: {zone!r} is no time zone such as UTC or Europe/Berlin{hint}") from None
        return zone

    def _fetch(self, value: object, name: str) -> bool:
        if not isinstance(value, bool):
            raise UsageError(f"{name}: {value!r} is neither true nor false")
        return value

    def _alerts(self, value: object, name: str) -> Alerts:
        table = check_table(value, name)
        check_names(table, list(Alerts.__dataclass_fields__), f"[{name}] ")
        made: dict[str, Any] = {}
        for key, item in table.items():
            if key == "notify":
                made[key] = tuple(check_texts(item, f"[{name}] {key}", secret=True))
            elif key == "exit_code":
                free = 0 if item == 0 and type(item) is int else check_whole(item, f"[{name}] {key}", FREE_EXIT_CODES)
                made[key] = free
            else:
                made[key] = check_amount(item, f"[{name}] {key}")
        return Alerts(**made)

    def _keys(self, value: object, name: str) -> dict[str, str]:
        table = check_table(value, name)
        for source, key in table.items():
            if not isinstance(key, str) or not key:
                raise UsageError(f"[{name}] {source}: not a text")  # the value itself is a secret
        return dict(table)
