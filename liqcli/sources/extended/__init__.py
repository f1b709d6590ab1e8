"""Extended: live stream of liquidations."""
