"""Backpack: live stream of liquidations."""
