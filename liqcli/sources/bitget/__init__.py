"""Bitget: liquidation history by REST."""
