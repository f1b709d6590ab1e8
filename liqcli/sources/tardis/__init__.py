"""Tardis: daily CSV files of recorded streams."""
