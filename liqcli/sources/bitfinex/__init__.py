"""Bitfinex: liquidation history by REST, live stream of liquidations."""
