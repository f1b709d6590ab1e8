"""The daily run: fetch, draw every symbol and lookback, file them by day, keep an index, raise alerts."""

from liqcli.daily.run import DailyResult, run_daily

__all__ = ["DailyResult", "run_daily"]
