"""Recording: listens to exchanges that publish no history, and keeps what they say with the time it listened."""

from liqcli.ingest.stream.recorder import RecordRow, RecordSummary, record

__all__ = ["RecordRow", "RecordSummary", "record"]
