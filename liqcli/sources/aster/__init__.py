"""Aster: live stream of forced orders."""
