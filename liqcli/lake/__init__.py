"""
The Parquet files on disk: layout, atomic merge, fetch logs, status, verification, and which source counts when.

Everything that reads or writes the lake belongs here. Downloading and importing data belongs to ``ingest``, computing
results to ``analysis``, SQL text to ``query``.
"""
