"""CoinEx: liquidation history by REST."""
