"""Kraken: liquidations among the public executions, in history and live."""
