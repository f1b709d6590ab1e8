"""Gate: liquidation history, candles and open interest by REST."""
