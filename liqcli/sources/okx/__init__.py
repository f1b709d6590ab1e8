"""OKX: recent liquidations, candles and open interest by REST, live stream of liquidations."""
