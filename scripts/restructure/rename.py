"""
Rename classes and functions by glossary.json, after move.py: ``python rename.py CHECKOUT`` (ruff and git only; no libcst).

An entry is [old, new] or [old, new, module]. Without a module the name must be defined exactly once in liqcli/ and be used for
nothing else (no variable, parameter or keyword of that name); every token of it is renamed in liqcli/, tests/ and scripts/.
With a module only what that module defines is renamed: there, and in the files that import it from there or through the module.
Backtick references in docstrings, comments and documents follow. What cannot be done is listed and left alone.
"""

from __future__ import annotations

import ast
import io
import json
import re
import subprocess
import sys
import tokenize
from collections import defaultdict
from pathlib import Path

HERE, REPO = Path(__file__).resolve().parent, Path(sys.argv[1]).resolve()
ENTRIES = [(*e, None)[:3] for e in json.loads((HERE / "glossary.json").read_text())]
TRACKED = subprocess.run(["git", "-C", str(REPO), "ls-files"], check=True, capture_output=True, text=True).stdout.splitlines()
PY = [p for p in TRACKED if p.endswith(".py") and (REPO / p).exists()]
texts = {p: (REPO / p).read_text() for p in PY}
trees = {p: ast.parse(t) for p, t in texts.items()}
SKIPPED: list[str] = []


def module_of(path: str) -> str:
    parts = path.removesuffix(".py").split("/")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


defined: dict[str, list[str]] = defaultdict(list)  # name -> files that define it (class, function, method, constant)
other: dict[str, set[str]] = defaultdict(set)  # name -> files where it is a variable, parameter, keyword
every: dict[str, set[str]] = defaultdict(set)  # every identifier -> files
imports: dict[str, dict[str, tuple[str, str]]] = {}  # file -> local name -> (module, name)
aliases: dict[str, dict[str, str]] = {}  # file -> local name -> module
modules = {module_of(p): p for p in PY}
for path, tree in trees.items():
    imports[path], aliases[path] = {}, {}
    for node in ast.walk(tree):
        if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
            every[node.name].add(path)
            if path.startswith("liqcli/"):
                defined[node.name].append(path)
        elif isinstance(node, ast.arg):
            other[node.arg].add(path)
        elif isinstance(node, ast.keyword) and node.arg:
            other[node.arg].add(path)
        elif isinstance(node, ast.Name):
            every[node.id].add(path)
            if isinstance(node.ctx, ast.Store):
                other[node.id].add(path)
        elif isinstance(node, ast.Attribute):
            every[node.attr].add(path)
        elif isinstance(node, ast.ImportFrom) and node.module:
            for alias in node.names:
                every[alias.asname or alias.name].add(path)
                full = f"{node.module}.{alias.name}"
                if full in modules:
                    aliases[path][alias.asname or alias.name] = full
                else:
                    imports[path][alias.asname or alias.name] = (node.module, alias.name)
for name, paths in other.items():
    every[name] |= paths


def home(module: str, name: str, seen: tuple[str, ...] = ()) -> str:
    """The module that defines a name which a package passes on."""
    path = modules.get(module)
    if path and name in imports[path] and module not in seen:
        return home(imports[path][name][0], name, (*seen, module))
    return module


def rename_in(text: str, old: str, new: str, only_after: set[str] | None = None, bare: bool = True, dotted: bool = True) -> str:
    """Rename NAME tokens; ``only_after``: attributes only behind these names; strings: what stands in braces or backticks."""
    lines = text.splitlines(keepends=True)
    spots: list[tuple[int, int, int, str]] = []
    before = [("", 0), ("", 0)]
    for token in tokenize.generate_tokens(io.StringIO(text).readline):
        if token.type == tokenize.NAME and token.string == old:
            behind_dot = before[-1][0] == "."
            fits = (before[-2][0] in only_after if only_after is not None else dotted) if behind_dot else bare
            if fits:
                spots.append((token.start[0], token.start[1], token.end[1], new))
        elif token.type in (tokenize.STRING, tokenize.COMMENT) and old in token.string:
            changed = in_words(token.string, old, new)
            if token.type == tokenize.STRING and re.match(r"[rRbB]*[fF]", token.string):
                changed = re.sub(r"\{[^{}]*\}", lambda m: re.sub(rf"(?<![\w.\"']){old}\b(?=[\(\.\[,\)}}])", new, m[0]) if bare else m[0], changed)
            if changed != token.string:
                spots.append((token.start[0], token.start[1], -token.end[0] * 100000 - token.end[1], changed))
        if token.type in (tokenize.NAME, tokenize.OP):
            before = [before[-1], (token.string, 0)]
    for row, start, end, value in sorted(spots, reverse=True):
        if end >= 0:
            lines[row - 1] = lines[row - 1][:start] + value + lines[row - 1][end:]
        else:
            last, column = divmod(-end, 100000)
            joined = "".join(lines[row - 1 : last])
            tail = lines[last - 1][column:]
            lines[row - 1 : last] = [joined[:start] + value + tail]
            lines = "".join(lines).splitlines(keepends=True)
    return "".join(lines)


def in_words(text: str, old: str, new: str) -> str:
    """References in prose: in backticks, behind a dot of a path of ours, or the whole string (monkeypatch)."""
    text = re.sub(rf"(`[~\w./]*?)\b{old}\b(?=[\w.()]*`)", rf"\g<1>{new}", text)
    if re.search(rf"from liqcli[\w.]* import [^\n;]*\b{old}\b", text):  # a program that a test runs
        text = re.sub(rf"\b{old}\b", new, text)
    text = re.sub(rf"(\bliqcli\.[\w.]*\.){old}\b", rf"\g<1>{new}", text)
    return text


def in_lists(text: str, old: str, new: str) -> str:
    """The name as a string in ``__all__`` and as the name of a type variable."""
    text = re.sub(r"__all__ = \[[^\]]*\]", lambda m: m[0].replace(f'"{old}"', f'"{new}"'), text)
    return text.replace(f'TypeVar("{old}"', f'TypeVar("{new}"')


done = 0
DONE: list[tuple[str, str, str | None]] = []
for old, new, module in ENTRIES:
    if new in every and old != new:
        SKIPPED.append(f"{old} -> {new}: {new} is in use ({sorted(every[new])[0]})")
        continue
    places = defined.get(old, [])
    if module is None:
        if len(places) != 1:
            SKIPPED.append(f"{old} -> {new}: defined {len(places)} times {places}")
            continue
        if other.get(old):
            SKIPPED.append(f"{old} -> {new}: also a variable, parameter or keyword in {sorted(other[old])[:3]}")
            continue
        for path in sorted(every[old]):
            texts[path] = rename_in(texts[path], old, new)
        strings = [p for p in texts if re.search(rf"setattr\([^\n]*[\"']{old}[\"']", texts[p])]
        for path in strings:
            texts[path] = re.sub(rf"(setattr\([^\n]*[\"']){old}([\"'])", rf"\g<1>{new}\g<2>", texts[path])
        touched = [p for p in texts if old in texts[p]]
        for path in touched:
            texts[path] = in_lists(rename_in(texts[path], old, new), old, new)
    else:
        own = modules.get(module)
        if own is None or own not in places and old not in every:
            SKIPPED.append(f"{old} -> {new}: no {module}.{old}")
            continue
        for path in sorted(every[old]):
            bare = path == own or (old in imports[path] and home(*imports[path][old]) == module)
            after = {local for local, full in aliases[path].items() if home(full, old) == module}
            if not bare and not after:
                continue
            if bare and path != own and old in other.get(old, ()):
                SKIPPED.append(f"{old}: {path} has a variable of that name")
            texts[path] = rename_in(texts[path], old, new, only_after=after, bare=bare)
            texts[path] = in_lists(texts[path], old, new) if bare else texts[path]
            for local in after:
                texts[path] = re.sub(rf"(setattr\({local}, [\"']){old}([\"'])", rf"\g<1>{new}\g<2>", texts[path])
    every[new] |= every[old]
    if module is None:
        del every[old]
        defined[new] = defined.pop(old)
    else:
        defined[old] = [p for p in places if p != own]
        defined[new] = [own]
    DONE.append((old, new, module))
    for table in imports.values():
        if old in table and (module is None or home(*table[old]) == module):
            table[new] = (table.pop(old)[0], new)
    done += 1
for path, text in texts.items():
    if text != (REPO / path).read_text():
        ast.parse(text)
        (REPO / path).write_text(text)
for path in [p for p in TRACKED if p.endswith(".md") and not p.startswith("CHANGELOG")]:
    text = (REPO / path).read_text()
    made = text
    for old, new, module in DONE:
        if module is None:
            made = in_words(made, old, new)
    if made != text:
        (REPO / path).write_text(made)
path = REPO / "tests/daily/daily_fixtures.py"  # the only line that grows too long
path.write_text(path.read_text().replace('"alt", [])  # the slow part', '"alt", [])'))
ruff = [str(REPO / ".venv/bin/python"), "-m", "ruff"]
subprocess.run([*ruff, "check", "-q", "--fix", "--select", "I", "."], cwd=REPO)
subprocess.run([*ruff, "format", "-q", "."], cwd=REPO)
print(f"renamed {done} of {len(ENTRIES)}")
print("left alone:", *(SKIPPED or ["nothing"]), sep="\n  ")
