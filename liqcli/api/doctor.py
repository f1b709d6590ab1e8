"""Check the installation: versions, settings, lake, disk, clock, hosts of the sources, fonts."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass
from pathlib import Path
from statistics import median
from typing import Any

from liqcli.core.environment import lake_root, source_url
from liqcli.core.errors import UsageError
from liqcli.core.formatting import format_counted
from liqcli.core.settings import find_settings
from liqcli.net.probe import LEGAL_BLOCK, HostAnswer, host_of, probe_hosts

LEAST_FREE = 1e9  # bytes; a month of one busy symbol takes a few MB
MOST_SKEW_S = 30.0  # windows that end now would miss or claim this much

Probe = Callable[[list[str]], list[HostAnswer]]


@dataclass(frozen=True, slots=True)
class Check:
    """One result; ``do`` says how to fix a problem."""

    name: str
    ok: bool
    text: str
    do: str = ""


@dataclass(frozen=True, slots=True)
class Diagnosis:
    """All results; ``hosts`` has the answer of each host, with the sources that use it."""

    checks: tuple[Check, ...]
    hosts: tuple[tuple[HostAnswer, tuple[str, ...]], ...]

    @property
    def ok(self) -> bool:
        """Return True if every check passed."""
        return all(check.ok for check in self.checks)

    def to_dict(self) -> dict[str, Any]:
        """Return plain data as ``liqcli doctor --format json`` prints it."""
        hosts = [{**asdict(answer), "ok": answer.ok, "sources": list(sources)} for answer, sources in self.hosts]
        return {"ok": self.ok, "checks": [asdict(check) for check in self.checks], "hosts": hosts}


def diagnose(
    lake: Path | None, config: Path | None = None, *, offline: bool = False, probe: Probe = probe_hosts
) -> Diagnosis:
    """
    Check everything that a run needs. Changes nothing, and sends no key.

    Parameters
    ----------
    lake : Path or None
        ``--lake``; None: as every command chooses it.
    config : Path or None
        ``--config``; None: as every command finds it.
    offline : bool
        Send no request: no hosts, no clock.
    probe : callable
        Asks hosts by their URLs.
    """
    checks = [*_check_versions(), _check_settings(config), *_check_lake(lake), _check_fonts()]
    hosts: list[tuple[HostAnswer, tuple[str, ...]]] = []
    if not offline:
        try:
            places = find_hosts()
        except UsageError as error:
            checks.append(Check("hosts", False, str(error), "correct or unset the variable"))
        else:
            hosts = list(zip(probe(list(places)), places.values(), strict=True))
            checks += [_check_clock([answer for answer, _ in hosts]), *_check_hosts(hosts)]
    return Diagnosis(tuple(checks), tuple(hosts))


def find_hosts() -> dict[str, tuple[str, ...]]:
    """
    Map the URL of each host to the sources that use it, each host once.

    Raises
    ------
    UsageError
        A ``LIQCLI_URL_<SOURCE>`` is not a URL.
    """
    from liqcli.sources.registry import (
        LIVE_SOURCES,
        MARKET_SOURCES,
        SOURCES,
        load_live_source,
        load_market_sources,
        load_source,
    )

    named = [(source.name, source.url) for source in map(load_source, SOURCES)]
    named += [(source.name, source.url) for name in MARKET_SOURCES for source in load_market_sources(name)]
    named += [(source.name, source.url.replace("ws", "http", 1)) for source in map(load_live_source, LIVE_SOURCES)]
    by_host: dict[str, tuple[str, list[str]]] = {}
    for name, default in named:
        url = source_url(name, default)
        by_host.setdefault(host_of(url), (url, []))[1].append(name)
    return {url: tuple(dict.fromkeys(names)) for url, names in by_host.values()}


def _check_versions() -> Iterator[Check]:
    import platform
    import re
    from importlib import metadata

    from liqcli.core.version import __version__

    system = f"{platform.system()} {platform.machine()}"
    yield Check("liqcli", True, f"{__version__}, Python {platform.python_version()}, {system}")
    try:
        required = metadata.requires("liqcli") or []
    except metadata.PackageNotFoundError:
        yield Check("packages", True, "unknown: liqcli runs from a folder and is not installed")
        return
    found, missing = [], []
    for name in (re.split(r"[^\w.-]", line)[0] for line in required if "extra ==" not in line):
        try:
            found.append(f"{name} {metadata.version(name)}")
        except metadata.PackageNotFoundError:
            missing.append(name)
    if missing:
        yield Check("packages", False, f"missing: {', '.join(missing)}", f"pip install {' '.join(missing)}")
    else:
        yield Check("packages", True, ", ".join(found))


def _check_settings(option: Path | None) -> Check:
    from liqcli.core.settings_file import read_settings

    try:
        path = find_settings(option)
        read_settings(path)
    except UsageError as error:
        return Check("settings", False, str(error), "correct the file")
    return Check("settings", True, f"{path}: valid" if path else "no liqcli.toml; to write one: liqcli init")


def _check_lake(option: Path | None) -> Iterator[Check]:
    from liqcli.lake.contents import read_contents
    from liqcli.lake.store import Lake

    try:
        root = lake_root(option).absolute()
    except UsageError as error:
        yield Check("lake", False, str(error), "correct the setting")
        return
    there = next(folder for folder in (root, *root.parents) if folder.exists())
    files = [path for path in root.rglob("*.parquet") if path.is_file()] if root.is_dir() else []
    held = f"{root}: {format_counted(len(files), 'file')}, {sum(path.stat().st_size for path in files) / 1e6:.1f} MB"
    if not there.is_dir() or not os.access(there, os.W_OK):
        yield Check("lake", False, f"{held}; {there} cannot be written", "choose another folder: --lake or LIQCLI_LAKE")
    elif not files:
        yield Check("lake", True, f"{root}: empty; start with: liqcli fetch, liqcli import FILE, or liqcli demo")
    elif damaged := read_contents(Lake(root)).damaged:
        more = f" and {len(damaged) - 1} more" if len(damaged) > 1 else ""
        yield Check("lake", False, f"{held}; damaged: {damaged[0]}{more}", "liqcli verify")
    else:
        yield Check("lake", True, f"{held}; no damage seen; to read every page: liqcli verify")
    free = shutil.disk_usage(there).free
    yield Check("disk", free >= LEAST_FREE, f"{free / 1e9:.1f} GB free at {there}", "free space, or move the lake")


def _check_fonts() -> Check:
    try:
        from liqcli.charts.fonts import choose_font

        choose_font("liqcli", False, 10.0)
    except (ImportError, OSError, RuntimeError) as error:
        return Check("fonts", False, f"pictures cannot be drawn: {error}", "pip install --force-reinstall matplotlib")
    return Check("fonts", True, "the fonts of matplotlib can be read")


def _check_clock(answers: list[HostAnswer]) -> Check:
    """Compare with the median, since one host with a wrong clock proves nothing."""
    skews = [answer.skew_s for answer in answers if answer.skew_s is not None]
    if not skews:
        return Check("clock", True, "unknown: no host stated its time")
    skew = median(skews)
    hosts = format_counted(len(skews), "host")
    if abs(skew) <= MOST_SKEW_S:
        return Check("clock", True, f"within {max(abs(skew), 1):.0f} s of {hosts}")
    way = "ahead of" if skew > 0 else "behind"
    return Check("clock", False, f"{abs(skew):.0f} s {way} {hosts}", "set the clock; --until now depends on it")


def _check_hosts(hosts: list[tuple[HostAnswer, tuple[str, ...]]]) -> Iterator[Check]:
    if hosts and all(answer.status is None for answer, _ in hosts):
        first = hosts[0][0]
        text = f"none of {len(hosts)} answers: {first.error}"
        yield Check("hosts", False, text, "check network, proxy and firewall; the lake works without")
        return
    for answer, sources in hosts:
        users = ", ".join(sources)
        if answer.ok:
            note = ": this network may be blocked" if answer.status == 403 else ""
            yield Check(answer.host, True, f"{answer.seconds * 1000:.0f} ms, HTTP {answer.status}{note} ({users})")
            continue
        blocked = answer.status == LEGAL_BLOCK
        text = answer.error or f"HTTP {answer.status}{': blocks this country' if blocked else ''}"
        do = "use another source or network" if blocked else "check network, proxy and firewall, or wait"
        yield Check(answer.host, False, f"{text} ({users})", do)
