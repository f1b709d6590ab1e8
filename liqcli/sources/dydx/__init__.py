"""dYdX: trades that are marked as liquidations, in history and live."""
