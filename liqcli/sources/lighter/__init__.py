"""Lighter: live stream of liquidations."""
