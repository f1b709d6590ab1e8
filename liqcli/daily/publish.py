"""Publish a finished day so that at any time every page is complete and no link is broken."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from typing import Any

from liqcli.core.files import replace_file
from liqcli.daily import folders, pages

Summary = dict[str, Any]


def publish_day(
    out: Path, making: Path, summary: Summary, days: Sequence[str], retention_days: int, keep: bool = False
) -> list[str]:
    """
    Put ``latest``, the day, its neighbours' links, then the index in place; then remove what nothing names any more.

    A day without data does not take the place of a ``latest`` that has some.

    Parameters
    ----------
    out : Path
        Folder of the daily reports.
    making : Path
        Working folder of this run; ``day`` in it holds the finished reports.
    summary : dict
        Of the day.
    days : sequence of str
        All days there are, this one included, oldest first.
    retention_days : int
        So many days are kept; 0: all.
    keep : bool
        Exempt this day from later retention.

    Returns
    -------
    list of str
        The days that retention removed.
    """
    day, made = summary["day"], making / "day"
    kept, old = folders.split_by_age(out, days, day, retention_days)
    found = {name: folders.read_summary(out / name, name) for name in kept} | {day: summary}
    summaries = {name: whole for name, whole in found.items() if whole}
    pages.write_day(made, summary, _neighbours(summaries, day))
    names = sorted(path.name for path in made.iterdir())
    targets = [out / day]
    latest = None if folders.has_data(summary) else folders.read_latest(out)
    if days[-1] == day and latest is None:
        folders.publish(folders.link_files(making / "latest", sorted(made.iterdir())), out / folders.LATEST)
        targets.append(out / folders.LATEST)
    folders.publish(made, targets[0], keep)
    _renew_links(out, summaries, day)
    if latest and latest.get("format") == folders.FORMAT:
        pages.renew_links(out / folders.LATEST, latest, _neighbours(summaries, latest["day"]))
    replace_file(out / folders.PAGE, pages.render_index(kept, summaries).encode())
    for target in targets:
        folders.remove_leftovers(target, names)
    for name in old:
        folders.remove_day(out, name)
    return old


def _renew_links(out: Path, summaries: Mapping[str, Summary], day: str) -> None:
    """Update the links of the neighbouring days: to the new day, and no longer to days that will be removed."""
    for name in {*_neighbours(summaries, day), min(summaries)}:
        if name is None or name == day or summaries[name].get("format") != folders.FORMAT:
            continue
        neighbours = _neighbours(summaries, name)
        pages.renew_links(out / name, summaries[name], neighbours)
        if folders.read_summary(out / folders.LATEST, name):  # an older day was written again
            pages.renew_links(out / folders.LATEST, summaries[name], neighbours)


def _neighbours(days: Iterable[str], day: str) -> pages.Neighbours:
    """Find the previous and next day that have a page."""
    earlier, later = [name for name in days if name < day], [name for name in days if name > day]
    return max(earlier, default=None), min(later, default=None)
