"""
Import of files: detect the format, read rows, map columns, check and store them.

The formats of particular providers are parsed in ``sources``.
"""
