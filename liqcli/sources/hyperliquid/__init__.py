"""Hyperliquid: margin tiers and positions."""
