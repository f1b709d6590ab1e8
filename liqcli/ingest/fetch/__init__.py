"""
Fetch of history: plan missing windows, request them from sources in parallel, write answered windows, summarise.

Decides what to request and how complete an answer is. Requests and parsing of one source belong to ``sources``, HTTP to
``net``, files to ``lake``.
"""

from liqcli.ingest.fetch.kinds.liquidations import DEFAULT_BASES, DEFAULT_SYMBOLS
from liqcli.ingest.fetch.run import fetch, spell_out
from liqcli.ingest.fetch.summary import FetchRow, FetchSummary

__all__ = ["DEFAULT_BASES", "DEFAULT_SYMBOLS", "FetchRow", "FetchSummary", "fetch", "spell_out"]
