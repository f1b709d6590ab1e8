"""CryptoHFTData: hourly Parquet files of recorded streams."""
