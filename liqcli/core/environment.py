"""The folder of the lake, and the ``LIQCLI_*`` variables. API keys are read only here and never written."""

from __future__ import annotations

import os
from datetime import UTC, tzinfo
from pathlib import Path

from liqcli.core.errors import UsageError
from liqcli.core.settings import EngineSettings, expand_path, find_settings

DUCKDB = "duckdb"


def use_settings(path: Path | None) -> Path | None:
    """Use a settings file for the rest of this process, also for keys; returns the path."""
    if path is not None:
        os.environ["LIQCLI_CONFIG"] = str(path)
    return path


def lake_root(option: Path | None) -> Path:
    """
    Choose the lake: the option, ``LIQCLI_LAKE``, the one of ``liqcli.toml``, or ``lake`` in the user's data directory.

    Every command uses this function, so all show what ``liqcli daily`` fetched.
    """
    if option is not None:
        return expand_path(option, "--lake")
    if chosen := os.environ.get("LIQCLI_LAKE"):
        return expand_path(chosen, "LIQCLI_LAKE")
    if (path := find_settings(None)) is not None:
        from liqcli.core.settings_file import read_settings

        if (setting := read_settings(path).lake) is not None:
            return setting
    import platformdirs

    return Path(platformdirs.user_data_dir("liqcli", appauthor=False)) / "lake"


def engine_settings(option: str | None) -> EngineSettings | None:
    """
    Choose the query engine: the option, ``LIQCLI_ENGINE``, ``[engine]`` of ``liqcli.toml``; None is DuckDB.

    Raises
    ------
    UsageError
        Neither ``duckdb`` nor ``sc://host:port``, or an address that holds a token.
    """
    set_address = set_lake = None
    if (path := find_settings(None)) is not None:
        from liqcli.core.settings_file import read_settings

        settings = read_settings(path)
        set_address, set_lake = settings.engine, settings.engine_lake
    address = option or os.environ.get("LIQCLI_ENGINE") or set_address or DUCKDB
    if address == DUCKDB:
        return None
    if "token=" in address:
        raise UsageError("--engine: put the token into LIQCLI_KEY_SPARK or, as spark, into [keys] of liqcli.toml")
    if not address.startswith("sc://"):
        raise UsageError(f"--engine: {address!r} is neither {DUCKDB} nor sc://HOST:PORT")
    return EngineSettings(address, set_lake and set_lake.rstrip("/"), source_key("spark"))


def time_zone() -> tzinfo:
    """Return ``time_zone`` of ``liqcli.toml``, in which ``today`` and ``yesterday`` are days; UTC without the file."""
    if (path := find_settings(None)) is None:
        return UTC
    from zoneinfo import ZoneInfo

    from liqcli.core.settings_file import read_settings

    return ZoneInfo(read_settings(path).time_zone)


def source_url(source: str, default: str) -> str:
    """
    Return scheme, host and port of a source: ``LIQCLI_URL_<SOURCE>`` or the default, without a trailing slash.

    Raises
    ------
    UsageError
        The variable is not an http(s) URL.
    """
    variable = f"LIQCLI_URL_{_suffix(source)}"
    url = os.environ.get(variable, default).rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"{variable}: {url!r} is not an http:// or https:// address")
    return url


def source_key(source: str) -> str | None:
    """Return the API key of a source from ``LIQCLI_KEY_<SOURCE>``, else ``[keys]`` of ``liqcli.toml``, or None."""
    if key := os.environ.get(f"LIQCLI_KEY_{_suffix(source)}"):
        return key
    if (path := find_settings(None)) is None:
        return None
    from liqcli.core.settings_file import read_settings

    return read_settings(path).keys.get(source)


def state_folder() -> Path:
    """Folder of state shared by processes; it can be deleted."""
    import platformdirs

    return Path(platformdirs.user_state_dir("liqcli", appauthor=False))


def cache_folder() -> Path:
    """Folder of files that save time; it can be deleted."""
    import platformdirs

    return Path(platformdirs.user_cache_dir("liqcli", appauthor=False))


def source_rate(source: str) -> float | None:
    """
    Return the requests per minute of ``LIQCLI_RATE_<SOURCE>`` (a number or ``unlimited``); None if it is not set.

    Raises
    ------
    UsageError
        Neither a positive number nor ``unlimited``.
    """
    variable = f"LIQCLI_RATE_{_suffix(source)}"
    text = os.environ.get(variable)
    if text is None:
        return None
    if text.strip().lower() == "unlimited":
        return float("inf")
    try:
        rate = float(text)
    except ValueError:
        rate = 0.0
    if not rate > 0:
        raise UsageError(f"{variable}: {text!r} is neither a number of requests a minute nor 'unlimited'")
    return rate


def engine_threads() -> int | None:
    """Return the number of engine threads (``LIQCLI_THREADS``), or None for all; results do not depend on it."""
    text = os.environ.get("LIQCLI_THREADS")
    if text is None:
        return None
    if not text.isdecimal() or int(text) == 0:
        raise UsageError(f"LIQCLI_THREADS: {text!r} is not a positive number")
    return int(text)


def _suffix(source: str) -> str:
    return source.upper().replace("-", "_")
