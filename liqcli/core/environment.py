"""Where the lake is, and what ``LIQCLI_*`` variables say. A key is only ever read here, and never written anywhere."""

from __future__ import annotations

import os
from pathlib import Path

from liqcli.core.errors import UsageError
from liqcli.core.settings import expand_path


def use_settings(path: Path | None) -> Path | None:
    """Make a settings file the one in force for this process: keys are looked for in it. Gives it back."""
    if path is not None:
        os.environ["LIQCLI_CONFIG"] = str(path)
    return path


def lake_root(option: Path | None) -> Path:
    """
    Pick the lake: the option, ``LIQCLI_LAKE``, the one of ``liqcli.toml``, or ``lake`` in the user's data directory.

    Every command looks there, so that what ``liqcli daily`` has fetched is what the others show.
    """
    if option is not None:
        return expand_path(option, "--lake")
    if chosen := os.environ.get("LIQCLI_LAKE"):
        return expand_path(chosen, "LIQCLI_LAKE")
    from liqcli.core.settings import find_settings, read_settings

    if (setting := read_settings(find_settings(None)).lake) is not None:
        return setting
    import platformdirs

    return Path(platformdirs.user_data_dir("liqcli", appauthor=False)) / "lake"


def source_url(source: str, default: str) -> str:
    """
    Give scheme, host and port for a source: ``LIQCLI_URL_<SOURCE>`` where set, else the default, without end slash.

    Raises
    ------
    UsageError
        The variable is no http(s) URL.
    """
    variable = f"LIQCLI_URL_{_suffix(source)}"
    url = os.environ.get(variable, default).rstrip("/")
    if not url.startswith(("http://", "https://")):
        raise UsageError(f"{variable}: {url!r} is not an http:// or https:// address")
    return url


def source_key(source: str) -> str | None:
    """Give the API key of a source from ``LIQCLI_KEY_<SOURCE>``, else ``[keys]`` of ``liqcli.toml``, or None."""
    if key := os.environ.get(f"LIQCLI_KEY_{_suffix(source)}"):
        return key
    from liqcli.core.settings import find_settings, read_settings

    return read_settings(find_settings(None)).keys.get(source)


def state_folder() -> Path:
    """Where processes tell each other what they are doing; what is lost there is not missed."""
    import platformdirs

    return Path(platformdirs.user_state_dir("liqcli", appauthor=False))


def source_rate(source: str) -> float | None:
    """
    Give the requests a minute that ``LIQCLI_RATE_<SOURCE>`` allows (a number or ``unlimited``); None: as documented.

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
    """How many threads the engine may use (``LIQCLI_THREADS``), or None for all; results never depend on it."""
    text = os.environ.get("LIQCLI_THREADS")
    if text is None:
        return None
    if not text.isdecimal() or int(text) == 0:
        raise UsageError(f"LIQCLI_THREADS: {text!r} is not a positive number")
    return int(text)


def _suffix(source: str) -> str:
    return source.upper().replace("-", "_")
