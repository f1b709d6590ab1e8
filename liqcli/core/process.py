"""
Whether this process is a liqcli command, and the settings of Python that apply then.

A module of its own: ``liqcli --help`` imports it, and needs no settings file.
"""

from __future__ import annotations

import gc

_PROCESS = {"is_command": False}
_OBJECTS = 50_000  # before the garbage collector runs; at Python's 700 it takes a tenth of a short command


def run_as_command() -> None:
    """State that this process is a liqcli command, not a program that imports liqcli; faster settings apply then."""
    _PROCESS["is_command"] = True
    gc.set_threshold(_OBJECTS, 20, 20)


def is_command() -> bool:
    """Return True in a process that is a liqcli command."""
    return _PROCESS["is_command"]
