"""
Data types, symbols, times, intervals, number formats, settings and errors.

Used by every other package and imports none of them. Anything that reads the network, the lake or SQL belongs
elsewhere.
"""
