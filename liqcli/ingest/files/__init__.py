"""
Import of files: detect the format, read rows, map columns, check rows and store them.

Generic tables are parsed here; the formats of particular providers are parsed in ``sources``.
"""
