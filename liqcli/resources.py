"""Files that ship with liqcli: templates and sample data, inside the wheel or beside the package in a checkout."""

from __future__ import annotations

from pathlib import Path

from liqcli.errors import DamagedError


def data_folder(name: str) -> Path:
    """
    Find ``templates`` or ``sample_data``.

    Raises
    ------
    DamagedError
        The installation lacks it.
    """
    package = Path(__file__).resolve().parent
    for folder in (package / "_data" / name, package.parent / name):
        if folder.is_dir():
            return folder
    raise DamagedError(f"this installation of liqcli lacks its {name} folder; install it again")
