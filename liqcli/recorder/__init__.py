"""Recording: listens to exchanges that publish no history, and keeps what they say with the time it listened."""

from liqcli.recorder.run import RecordRow, RecordSummary, record

__all__ = ["RecordRow", "RecordSummary", "record"]
