"""
The engines that run SQL files, DuckDB and Spark, and the typed columns they return.

A query takes bound parameters and returns columns. Deciding which rows count belongs to ``lake``, computing on the
columns to ``analysis``.
"""
