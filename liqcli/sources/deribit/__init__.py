"""Deribit: trades that are marked as liquidations."""
