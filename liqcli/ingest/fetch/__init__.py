"""Fetching: plan what the lake lacks, ask the sources in parallel, write what is complete, sum up."""

from liqcli.ingest.fetch.run import DEFAULT_BASES, DEFAULT_SYMBOLS, fetch
from liqcli.ingest.fetch.tasks import FetchRow, FetchSummary

__all__ = ["DEFAULT_BASES", "DEFAULT_SYMBOLS", "FetchRow", "FetchSummary", "fetch"]
