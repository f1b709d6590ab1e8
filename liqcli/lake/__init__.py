"""
The Parquet files on disk: layout, atomic merge, fetch log, status, verification, and which source counts where.

Everything that reads or writes the lake goes through here. Getting data from elsewhere belongs to ``ingest``,
computing results to ``analysis``.
"""
