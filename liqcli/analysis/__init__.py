"""
Compute results from typed columns: grid, clusters, cascades, levels, context, checklist.

Every function is pure: numpy arrays and frozen dataclasses in, frozen dataclasses out, the same result for the same
input. Running SQL belongs to ``query``, reading files to ``lake``, drawing to ``charts``, wording of documents to
``report``.
"""
