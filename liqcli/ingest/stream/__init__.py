"""
Recording of live streams: keep connections open, collect events, store them with the time that was connected.

Reading the messages of one exchange belongs to ``sources``.
"""

from liqcli.ingest.stream.recorder import record
from liqcli.ingest.stream.summary import RecordRow, RecordSummary

__all__ = ["RecordRow", "RecordSummary", "record"]
