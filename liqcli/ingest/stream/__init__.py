"""
Recording of live streams: keep connections open, collect events, store them with the time that was connected.

Reading the messages of one exchange belongs to ``sources``.
"""

from liqcli.ingest.stream.recorder import RecordRow, RecordSummary, record

__all__ = ["RecordRow", "RecordSummary", "record"]
