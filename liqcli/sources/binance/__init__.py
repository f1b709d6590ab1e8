"""Binance: public archive, candles and open interest, live stream of forced orders."""
