"""
HTTP for all sources: sessions, retries, timeouts, rate limits and the health of hosts.

Knows no exchange. How one exchange words its requests and errors belongs to ``liqcli.sources``.
"""
