"""Bitfinex: liquidation history by REST."""
