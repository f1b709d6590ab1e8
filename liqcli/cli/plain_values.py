"""
Convert plain words of the command line without pydantic.

typer builds a pydantic adapter for every option, also for those that were not given: 0.2 s of CPU, as much as the rest
of the start (2026-11-30). Missing values, text, paths, and defaults of the right type need none; all other values, and
all errors, are left to typer.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any, get_args, get_origin


def use_plain_values(params: list[Any]) -> list[Any]:
    """Let parameters of typer convert plain values themselves."""
    for param in params:
        if "get_runtime_param" not in vars(param):
            param.get_runtime_param = _PlainValues(param)
    return params


class _PlainValues:
    """Stands for ``get_runtime_param`` of a parameter, and for the typer ``RuntimeParam`` that it returns."""

    def __init__(self, param: Any) -> None:  # noqa: ANN401 - typer's own copy of Click is private
        self._build_full = param.get_runtime_param
        kind, info = param.type_descriptor.annotation, param.type_descriptor.parameter_info
        self._kind = get_args(kind)[0] if get_origin(kind) is list else kind
        # A parser, or flags that typer checks in the file system.
        checked = info.parser, info.exists, info.writable, info.resolve_path, info.path_type
        self._is_checked = any(checked) or not (info.file_okay and info.dir_okay and info.readable)

    def __call__(self) -> _PlainValues:
        return self

    def coerce(self, value: Any, param: Any, ctx: Any) -> Any:  # noqa: ANN401 - as above
        """Convert a value, or a list of values."""
        is_many = param.multiple or param.nargs == -1
        if value is None:
            return () if is_many else None
        words = value if is_many and isinstance(value, (list, tuple)) else [value]
        if (is_many and isinstance(value, str)) or not all(map(self._is_plain, words)):
            return self._build_full().coerce(value, param=param, ctx=ctx)
        plain = [Path(word) if self._kind is Path else word for word in words]
        return plain if is_many else plain[0]

    def _is_plain(self, word: Any) -> bool:  # noqa: ANN401 - as above
        if self._is_checked:
            return False
        if self._kind is Path:
            return isinstance(word, str) and (not Path(word).exists() or os.access(word, os.R_OK))
        return self._kind in (str, bool, int, float) and type(word) is self._kind
