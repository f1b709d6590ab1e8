"""
Ways into the lake: fetch from sources, import of files, recording of streams.

Decides what to request, runs it and stores the rows. Parsing one exchange's answers belongs to ``sources``, the file
layout to ``lake``.
"""
