"""The exceptions of liqcli and their exit codes."""

from __future__ import annotations

from enum import IntEnum


class ExitCode(IntEnum):
    """Exit codes of the command line; ``docs/units.md#exit-codes`` explains each."""

    DONE = 0
    ALERT = 1
    USAGE = 2
    SOURCE = 3
    NO_DATA = 4
    DAMAGED = 5
    PARTIAL = 6
    INTERRUPTED = 130


class LiqcliError(Exception):
    """Base of all errors that are reported in one line: what, where, and what to do."""

    exit_code: ExitCode = ExitCode.USAGE


class UsageError(LiqcliError):
    """An invalid name, option or value; the message suggests valid ones."""


class MixedSeriesError(LiqcliError):
    """
    Rows of several exchanges, symbols or markets would be mixed in one series; the whole file is rejected.

    Not a UsageError, since one raised by a cell rejects its row only (``ROW_ERRORS``).
    """


# What parsing a row of foreign data can raise: the row is rejected with `describe_error` as the reason.
ROW_ERRORS = (ValueError, TypeError, AttributeError, LookupError, ArithmeticError, RecursionError, UsageError)


def describe_error(error: Exception) -> str:
    """Describe why a row was rejected."""
    if isinstance(error, KeyError):
        return f"field {error} is missing"
    if isinstance(error, ArithmeticError):  # the text of decimal's errors is a class name
        return f"a number is out of range ({type(error).__name__})"
    return str(error) or type(error).__name__


class SourceError(LiqcliError):
    """A source returned no usable answer; the message has source, path and status, never a key."""

    exit_code = ExitCode.SOURCE


class BlockedError(SourceError):
    """The source blocks this network or country (403, 451); retrying is pointless."""


class EmptyWindowError(LiqcliError):
    """
    The lake holds no liquidation in the window; the message shows what it holds.

    ``fact`` is the message without advice and without paths, for published pages.
    """

    exit_code = ExitCode.NO_DATA

    def __init__(self, message: str, fact: str | None = None) -> None:
        super().__init__(message)
        self.fact = fact or message


class DamagedError(LiqcliError):
    """A file cannot be read as what it should be; the message contains its name."""

    exit_code = ExitCode.DAMAGED


class LakeError(LiqcliError):
    """The lake cannot be written (permission, full disk, lock); its contents are unchanged."""

    exit_code = ExitCode.DAMAGED


class OutputError(LiqcliError):
    """A report cannot be written (permission, full disk); the cause is the system error."""
