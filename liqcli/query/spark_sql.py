"""
Translate the SQL files to Spark's dialect, so that every result equals DuckDB's in every bit.

sqlglot translates the syntax. What has another meaning in Spark is replaced here: times without a zone, doubles out of
the range of a BIGINT, and decimals. DuckDB multiplies a double by a power of ten, rounds the product, and keeps this
whole number as the decimal; Spark takes the digits of the double's shortest text instead. So this module computes the
whole number. Converted back, it is the double nearest to the decimal, which Sail's own conversion is not.
"""

from __future__ import annotations

from functools import cache
from typing import NamedTuple

from sqlglot import exp, parse_one

from liqcli.query.sql import read_query

# A double below 2^95 is 2^32 times one 64-bit integer, plus another: Spark converts both exactly.
_TO_WHOLE = """
    CAST(CAST(FLOOR(ROUND(x * 1E{scale}) / 4294967296D) AS BIGINT) AS DECIMAL(19, 0)) * 4294967296BD
    + CAST(
        CAST(ROUND(x * 1E{scale}) - FLOOR(ROUND(x * 1E{scale}) / 4294967296D) * 4294967296D AS BIGINT) AS DECIMAL(10, 0)
    )
"""
# A quotient of two exact doubles is the double nearest to the decimal; of larger numbers, the value of a text is.
_TO_DOUBLE = """
    CASE
        WHEN ABS(x) <= 9007199254740992 THEN CAST(x AS DOUBLE) / 1E{scale}
        ELSE CAST(CONCAT(CAST(x AS STRING), 'E-{scale}') AS DOUBLE)
    END
"""
_TO_BIGINT = "CASE WHEN x < 9223372036854775808D THEN TRY_CAST(x AS BIGINT) END"  # Spark itself accepts 2^63
_TO_MICROSECONDS = "UNIX_MICROS(CAST(x AS TIMESTAMP_LTZ))"  # in the time zone of the session, which is UTC


class SparkQuery(NamedTuple):
    """A statement with ``:name`` for each parameter, and the tables that it reads."""

    text: str
    tables: frozenset[str]


@cache
def translate_query(name: str) -> SparkQuery:
    """Translate ``sql/<name>.sql``."""
    return translate(read_query(name))


def translate(statement: str) -> SparkQuery:
    """Translate a statement. Decimals have a name of their own before they are summed or converted."""
    tree = parse_one(statement, read="duckdb")
    scales: dict[str, int] = {}
    for alias in reversed(list(tree.find_all(exp.Alias))):  # the inner ones first
        if scale := _read_scale(alias.this, scales):
            scales[alias.alias] = scale
    nodes = [node for node in tree.walk() if isinstance(node, (exp.Cast, exp.Anonymous))]
    for node in reversed(nodes):
        _replace(node, scales)
    own = {cte.alias for cte in tree.find_all(exp.CTE)}
    tables = frozenset(table.name for table in tree.find_all(exp.Table)) - own
    return SparkQuery(tree.sql("spark", comments=False), tables)


def _replace(node: exp.Expression, scales: dict[str, int]) -> None:
    """Replace a function or conversion that Spark lacks or computes differently; ``scales`` are those of columns."""
    if isinstance(node, exp.Anonymous) and node.name.upper() == "EPOCH_US":
        _fill(node, _TO_MICROSECONDS, node.expressions[0])
    elif isinstance(node, exp.TryCast) and node.is_type("bigint"):
        _fill(node, _TO_BIGINT, node.this)
    elif node.is_type("decimal") and (scale := _read_scale(node, scales)):
        _fill(node, _TO_WHOLE, node.this, scale)
    elif node.is_type("double") and (scale := _read_scale(node.this, scales)):
        _fill(node, _TO_DOUBLE, node.this, scale)


def _read_scale(value: exp.Expression, scales: dict[str, int]) -> int | None:
    """Return the scale of a decimal, None of another value."""
    if isinstance(value, exp.Sum):
        return _read_scale(value.this, scales)
    if isinstance(value, exp.Column):
        return scales.get(value.name)
    return int(value.to.expressions[1].name) if isinstance(value, exp.Cast) and value.is_type("decimal") else None


def _fill(node: exp.Expression, template: str, value: exp.Expression, scale: int = 0) -> None:
    """Replace a node by a template in which ``value`` stands for ``x``."""
    tree = exp.paren(parse_one(template.format(scale=scale), read="spark"))
    for place in [column for column in tree.find_all(exp.Column) if column.name == "x"]:
        place.replace(exp.paren(value.copy()) if isinstance(value, exp.Binary) else value.copy())
    node.replace(tree)
