"""Kraken: liquidations among the public executions."""
