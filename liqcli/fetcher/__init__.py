"""Fetching: plan what the lake lacks, ask the sources in parallel, write what is complete, sum up."""

from liqcli.fetcher.jobs import FetchRow, FetchSummary
from liqcli.fetcher.run import DEFAULT_BASES, DEFAULT_SYMBOLS, fetch

__all__ = ["DEFAULT_BASES", "DEFAULT_SYMBOLS", "FetchRow", "FetchSummary", "fetch"]
