"""dYdX: trades that are marked as liquidations."""
