"""The settings of ``liqcli.toml``, and where the file is found. :mod:`liqcli.core.settings_file` parses it."""

from __future__ import annotations

import os
from dataclasses import dataclass, field
from pathlib import Path

from liqcli.core.choices import DEFAULT_SECTIONS, PaletteName, ScaleName, SectionName, ThemeChoice
from liqcli.core.errors import UsageError
from liqcli.core.files import data_folder, replace_file

FILE_NAME = "liqcli.toml"


@dataclass(frozen=True, slots=True)
class Alerts:
    """Thresholds, and where to send alerts. ``notify`` holds secrets and is never shown."""

    cluster_usd: float | None = None
    cascade_usd: float | None = None
    distance_pct: float | None = None
    exit_code: int = 0
    notify: tuple[str, ...] = field(default=(), repr=False)


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """
    A Spark Connect server, and the URL at which its workers find the lake; None for the same path as here.

    ``address`` starts with ``sc://``. ``token`` is a secret and is never shown.
    """

    address: str
    lake: str | None = None
    token: str | None = field(default=None, repr=False)

    @property
    def shown(self) -> str:
        """The address without parameters."""
        return self.address.partition(";")[0].rstrip("/")


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of the daily run and of other commands, with the defaults of a missing file."""

    symbols: tuple[str, ...] = ("BTCUSDT", "ETHUSDT", "SOLUSDT")
    exchanges: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()
    lookbacks: tuple[str, ...] = ("24h", "7d")
    out: Path | None = None
    lake: Path | None = None
    metrics: Path | None = None
    themes: tuple[ThemeChoice, ...] = ("auto",)
    palette: PaletteName = "liq"
    scale: ScaleName = "log"
    sections: tuple[SectionName, ...] = DEFAULT_SECTIONS
    retention_days: int = 90
    time_zone: str = "UTC"
    until: str = "cut"
    fetch: bool = True
    preview: bool = True
    levels: bool = True
    alerts: Alerts = Alerts()
    engine: str | None = None
    engine_lake: str | None = None
    keys: dict[str, str] = field(default_factory=dict, repr=False)
    path: Path | None = None

    @property
    def reports_folder(self) -> Path:
        """Folder of the reports: ``out``, else ``reports`` in the user's data directory."""
        if self.out is not None:
            return self.out
        import platformdirs

        return Path(platformdirs.user_data_dir("liqcli", appauthor=False)) / "reports"


def expand_path(path: Path | str, where: str) -> Path:
    """
    Expand the ``~`` of a path. ``where`` names the option or setting in the message.

    Raises
    ------
    UsageError
        An unknown ``~name``, or a control character.
    """
    if any(ord(character) < 32 for character in str(path)):
        raise UsageError(f"{where}: {str(path)!r} holds a line break or control character")
    try:
        return Path(path).expanduser()
    except RuntimeError as error:  # what the standard library raises
        raise UsageError(f"{where}: {str(path)!r}: there is no such user") from error


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


def read_default_settings() -> bytes:
    """Return the commented file of ``templates/``."""
    return (data_folder("templates") / FILE_NAME).read_bytes()


def write_default_settings(path: Path, force: bool) -> Path:
    """
    Write the commented file of ``templates/``, readable only by its owner, since it can hold keys.

    Raises
    ------
    UsageError
        It exists and ``force`` is not given, or it cannot be written.
    """
    if path.exists() and not force:
        raise UsageError(f"{path} exists; liqcli init --force replaces it")
    try:
        replace_file(path, read_default_settings(), mode=0o600)
    except OSError as error:
        raise UsageError(f"{path}: cannot be written ({error.strerror or error})") from error
    return path.resolve()
