"""Explain an empty window: what the lake holds, and the command that would fill it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

from liqcli.core.coverage import ExchangeCoverage, overall_share
from liqcli.core.errors import EmptyWindowError
from liqcli.core.formatting import format_count, format_iso, format_time
from liqcli.core.model import Window
from liqcli.core.symbols import expiry_of, is_multiple, match_symbols, split_symbol
from liqcli.core.wording import describe_coverage
from liqcli.lake.inventory import StoredFile
from liqcli.lake.store import Lake


def explain_absence(
    lake: Lake, name: str, exchanges: Sequence[str], has_history: Callable[[str], bool]
) -> EmptyWindowError:
    """
    Explain that the lake has no file of a symbol on these exchanges (none means all).

    Parameters
    ----------
    has_history : callable
        Takes an exchange; true if ``liqcli fetch`` can get its liquidations, so that it is suggested.
    """
    stored = lake.partitions()
    held = sorted({p.symbol for p in stored}, key=lambda symbol: (not is_multiple(symbol, name), symbol))
    meant = match_symbols(name, held)
    elsewhere = sorted({p.exchange for p in stored if p.symbol in meant})
    if elsewhere:
        what = f"it holds {name} on {', '.join(elsewhere)}"
    else:
        what = f"it holds {', '.join(held[:8])}{' …' if len(held) > 8 else ''}" if held else "it is empty"
    where = f" on {', '.join(exchanges)}" if exchanges else ""
    fetch_where = f" --exchange {','.join(exchanges)}" if exchanges else ""
    get = _advise(name, exchanges, lake, has_history, f"liqcli fetch --symbol {name}{fetch_where}")
    if expiry_of(name):
        get = "dated contracts are not fetched: liqcli import FILE, or liqcli record"
    return EmptyWindowError(
        f"no liquidations of {name}{where} in the lake {lake.root} ({what}); {get}",
        fact=f"no liquidations of {name}{where} in the lake ({what})",
    )


def _advise(name: str, exchanges: Sequence[str], lake: Lake, has_history: Callable[[str], bool], fetch: str) -> str:
    """Mention a contract on the same base that the lake holds; else how to get the requested one, if possible."""
    base = split_symbol(name)[0]
    held = sorted({(p.symbol, p.exchange) for p in lake.partitions() if not exchanges or p.exchange in exchanges})
    multiples = sorted((pair for pair in held if is_multiple(pair[0], name)), key=lambda p: not p[0].endswith("USDT"))
    near = [pair for pair in held if split_symbol(pair[0])[0] == base] + multiples
    siblings = [f"{symbol} on {exchange} is in the lake" for symbol, exchange in near]
    if exchanges and not any(map(has_history, exchanges)):
        hint = f"liqcli fetch has no source for {', '.join(exchanges)}; import a file (liqcli import FILE)"
    else:
        hint = f"to fetch it: {fetch}"
    return "; ".join([*siblings[:1], hint])


def explain_empty_window(
    name: str,
    exchanges: Sequence[str],
    narrowed: bool,
    files: Sequence[StoredFile],
    window: Window,
    coverage: Sequence[ExchangeCoverage],
) -> EmptyWindowError:
    """Explain that no row of ``files`` lies in the window; ``narrowed`` if a filter could be the reason."""
    first = min(h.first_us for h in files)
    last = max(h.last_us for h in files)
    events = format_count(sum(h.events for h in files))
    filters = " that pass --position and --min-usd" if narrowed else ""
    share = overall_share(coverage)
    known = f" (coverage {describe_coverage(share, any(c.inferred for c in coverage))})" if coverage else ""
    span = f"{format_time(window.start_us)} to {format_time(window.end_us)} UTC"
    where = f" --exchange {','.join(exchanges)}" if exchanges else ""
    fill = (
        f"to fill the window: liqcli fetch --symbol {name}{where} "
        f"--since {format_iso(window.start_us)} --until {format_iso(window.end_us)}"
    )
    if expiry_of(name):
        fill = "dated contracts are not fetched: liqcli import FILE, or liqcli record"
    advice = "a lower --min-usd or --position both selects more" if narrowed else fill
    fact = (
        f"no liquidations of {name}{filters} in {span}{known}; "
        f"the lake holds {events} events from {format_time(first)} to {format_time(last)} UTC"
    )
    return EmptyWindowError(f"{fact} (--until latest shows the last ones); {advice}", fact=fact)
