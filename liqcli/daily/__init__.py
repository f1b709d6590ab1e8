"""
The scheduled run: fetch, reports, index, digest, alerts, retention; text for cron and systemd.

It uses the Python API for each report. What one report contains belongs to ``report``.
"""

from liqcli.daily.run import DailyResult, run_daily

__all__ = ["DailyResult", "run_daily"]
