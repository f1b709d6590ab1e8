"""The error tree, and the exit code each branch ends the program with."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """What the shell sees; ``docs/units.md#exit-codes`` explains each in a sentence."""

    DONE = 0
    USAGE = 2
    SOURCE = 3
    NO_DATA = 4
    DAMAGED = 5
    PARTIAL = 6
    INTERRUPTED = 130


class LiqcliError(Exception):
    """Anything a user can be told in one line; the message says what, where, and what to do."""

    exit_code: ExitCode = ExitCode.USAGE


class UsageError(LiqcliError):
    """A name, flag or value that cannot be right; the message carries the nearest valid ones."""


class MixedSeriesError(LiqcliError):
    """
    Rows of several exchanges, symbols or markets would end in one series: the file is refused, not a row.

    No UsageError on purpose: that of one cell refuses its row alone (``ROW_ERRORS``).
    """


# What reading one row of somebody else's data can raise: such a row is refused, with `describe_error` as the reason.
ROW_ERRORS = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError, UsageError)


def describe_error(error: Exception) -> str:
    """Say in words why a row was refused."""
    if isinstance(error, KeyError):
        return f"field {error} is missing"
    if isinstance(error, ArithmeticError):  # decimal's own text is the name of a class
        return f"a number is out of range ({type(error).__name__})"
    return str(error) or type(error).__name__


class SourceError(LiqcliError):
    """A source did not give a usable answer; carries source, path and status, never a key."""

    exit_code = ExitCode.SOURCE


class BlockedError(SourceError):
    """The source refuses this network or country (403, 451): asking again is pointless."""


class EmptyWindowError(LiqcliError):
    """
    The lake holds no liquidation in the window; the message says what it does hold.

    ``fact`` is the part that says so without advice and without naming a folder: for pages that others read.
    """

    exit_code = ExitCode.NO_DATA

    def __init__(self, message: str, fact: str | None = None) -> None:
        super().__init__(message)
        self.fact = fact or message


class DamagedError(LiqcliError):
    """A file that cannot be read as what it should be; the message names it."""

    exit_code = ExitCode.DAMAGED


class LakeError(LiqcliError):
    """The lake cannot be written (permission, full disk, lock); what it held is untouched."""

    exit_code = ExitCode.DAMAGED


class OutputError(LiqcliError):
    """A report cannot be written (permission, full disk); its cause is what the system said."""
