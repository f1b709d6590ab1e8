"""
The DuckDB engine and the SQL files it runs.

A query takes bound parameters and returns typed columns. What the columns mean belongs to ``analysis`` or ``lake``.
"""
