"""The systemd service that runs ``liqcli record`` for as long as the machine runs."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from liqcli.daily.schedule import ENVIRONMENT, quote_systemd, refuse_line_breaks


@dataclass(frozen=True, slots=True)
class RecordJob:
    """The command; paths are absolute, ``options`` are further words of ``liqcli record``."""

    program: tuple[str, ...]
    lake: Path
    options: tuple[str, ...] = ()

    def words(self) -> list[str]:
        """Return the words of the command."""
        return [*self.program, "record", "--lake", str(self.lake), *self.options]


def format_record_service(job: RecordJob) -> str:
    """
    Render the service.

    It is started again whatever ended it, except a usage error (exit code 2), which would not go away. On SIGTERM the
    recorder stores everything and ends with 130.
    """
    refuse_line_breaks(job.words())
    return "\n".join(
        [
            "[Unit]",
            "Description=liqcli: record liquidations",
            "Wants=network-online.target",
            "After=network-online.target",
            "StartLimitIntervalSec=0",
            "",
            "[Service]",
            *(f"Environment={name}={value}" for name, value in ENVIRONMENT.items()),
            f"ExecStart={' '.join(map(quote_systemd, job.words()))}",
            "StandardInput=null",
            "Restart=always",
            "RestartSec=10",
            "RestartPreventExitStatus=2",
            "SuccessExitStatus=130",
            "TimeoutStopSec=3min",
            "",
            "[Install]",
            "WantedBy=default.target",
        ]
    )


def format_record_notes(job: RecordJob, notes: Sequence[str]) -> str:
    """Render the service with comments that say where it belongs."""
    return "\n".join(
        [
            *(f"# {note}" for note in notes),
            "# ~/.config/systemd/user/liqcli-record.service",
            format_record_service(job),
            "",
            "#    then: systemctl --user daemon-reload && systemctl --user enable --now liqcli-record.service",
            "#    and, to run without a login and after a reboot: loginctl enable-linger",
            "#    to see what it does: journalctl --user -u liqcli-record -f",
        ]
    )
