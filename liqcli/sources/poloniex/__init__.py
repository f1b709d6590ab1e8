"""Poloniex: liquidation history by REST."""
