"""OKX: recent liquidations, candles and open interest by REST."""
