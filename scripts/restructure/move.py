"""
Move the package to the new layout: ``python move.py CHECKOUT`` (needs libcst, ruff, git; layout.json and edits.py beside it).

Files move by ``layout.json``: "move" old -> new, "merge" file -> new place of the file it is appended to, "split"
file -> {new place -> names}, "tests" old -> new, "packages" new __init__ -> docstring. Imports and dotted names in strings,
comments and documents are rewritten; then the replacements of edits.py are made and ruff sorts and formats.
Stops, before anything is changed, with the files that have no place.
"""

from __future__ import annotations

import ast
import hashlib
import importlib.util
import json
import re
import subprocess
import sys
import textwrap
from collections import defaultdict
from pathlib import Path

import libcst as cst
from libcst.metadata import MetadataWrapper, ParentNodeProvider, ScopeProvider

HERE = Path(__file__).resolve().parent
REPO = Path(sys.argv[1]).resolve()
LAYOUT = json.loads((HERE / "layout.json").read_text())
HAND: list[str] = []


def git(*args: str) -> str:
    return subprocess.run(["git", "-C", str(REPO), *args], check=True, capture_output=True, text=True).stdout


def module_of(path: str) -> str:
    parts = path.removesuffix(".py").split("/")
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


TRACKED = git("ls-files").splitlines()
PY = [p for p in TRACKED if p.endswith(".py")]


# ---------------------------------------------------------------- places
def place(path: str) -> str | None:
    """The new path of a Python file or None."""
    for kind in ("move", "merge", "tests"):
        if path in LAYOUT[kind]:
            return LAYOUT[kind][path]
    if path in LAYOUT["keep"] or not path.startswith(("liqcli/", "tests/")):
        return path
    for folder in LAYOUT["keep_folders"]:
        if path.startswith(folder + "/") or path == folder:
            return path
    return None


PLACES = {p: place(p) for p in PY}
lost = [p for p, new in PLACES.items() if new is None]
gone = [p for kind in ("move", "merge", "tests") for p in LAYOUT[kind] if p not in PLACES]
if gone:
    print("in layout.json, but not in the tree (ignored):", *gone, sep="\n  ")
if lost:
    sys.exit("no place for these files; add them to layout.json:\n  " + "\n  ".join(lost))
MERGED = {p: new for p, new in LAYOUT["merge"].items() if p in PLACES}
taken = defaultdict(list)
for p, new in PLACES.items():
    if p not in MERGED:
        taken[new].append(p)
twice = {new: ps for new, ps in taken.items() if len(ps) > 1}
if twice:
    sys.exit(f"two files for one place: {twice}")
for p, new in list(MERGED.items()):
    if new not in taken:
        sys.exit(f"{p}: is to be merged into {new}, which nothing becomes")

MODULES = {module_of(p): module_of(new) for p, new in PLACES.items() if p.startswith("liqcli/")}
SPLIT = {(module_of(p), name): module_of(target) for p, s in LAYOUT["split"].items() for target, names in s.items() for name in names}
FILES = {p: new for p, new in PLACES.items() if p != new}
OLD_PACKAGES = {module_of(p) for p in PLACES if p.endswith("__init__.py")}


def resolve(module: str, name: str) -> str:
    return SPLIT.get((module, name)) or MODULES[module]


# ---------------------------------------------------------------- text: dotted names and paths
DOTTED = re.compile(r"(?<!\0)\bliqcli(?:\.[A-Za-z_]\w*)+")
PATH = re.compile(r"\b(?:liqcli|tests)/[\w/]+\.py\b")


def new_dotted(match: re.Match[str]) -> str:
    parts = match[0].split(".")
    for n in range(len(parts), 1, -1):
        module = ".".join(parts[:n])
        if module in MODULES:
            rest = parts[n:]
            if not rest and module in OLD_PACKAGES and MODULES[module] != module and module != "liqcli.poster":
                return MODULES[module].removesuffix(".registry")
            return ".".join([resolve(module, rest[0]) if rest else MODULES[module], *rest])
    return match[0]


STRING_IMPORT = re.compile(r"from (liqcli(?:\.\w+)*) import (\w+(?: as \w+)?(?:, \w+(?: as \w+)?)*)")


def new_string_import(match: re.Match[str]) -> str:
    """An import inside a string: programs that tests run."""
    made: dict[str, list[str]] = defaultdict(list)
    for part in match[2].split(", "):
        name, _, alias = part.partition(" as ")
        full = f"{match[1]}.{name}"
        if full in MODULES:
            package, _, leaf = MODULES[full].rpartition(".")
            made[package].append(leaf + (f" as {alias or name}" if (alias or name) != leaf else ""))
        else:
            made[resolve(match[1], name) if match[1] in MODULES else match[1]].append(part)
    return "; ".join(f"from \0{module} import {', '.join(names)}" for module, names in made.items())


def new_text(text: str) -> str:
    text = STRING_IMPORT.sub(new_string_import, text)
    text = DOTTED.sub(new_dotted, text)
    text = PATH.sub(lambda m: FILES.get(m[0], m[0]), text)
    return text.replace("\0", "").replace("liqcli/sql/", "liqcli/query/sql/")


# ---------------------------------------------------------------- imports
def dotted(node: cst.BaseExpression) -> str:
    return node.value if isinstance(node, cst.Name) else f"{dotted(node.value)}.{node.attr.value}"


def to_node(name: str) -> cst.Attribute | cst.Name:
    return cst.ensure_type(cst.parse_expression(name), cst.Attribute if "." in name else cst.Name)


class Rewriter(cst.CSTTransformer):
    METADATA_DEPENDENCIES = (ScopeProvider, ParentNodeProvider)

    def __init__(self, path: str, names: set[str]) -> None:
        super().__init__()
        self.path, self.names = path, names
        self.renamed: dict[cst.Name, str] = {}

    def _modules(self, node: cst.ImportFrom) -> str | None:
        if node.module is None or node.relative:
            return None
        module = dotted(node.module)
        return module if module.split(".")[0] == "liqcli" else None

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        module = self._modules(node)
        if module is None or isinstance(node.names, cst.ImportStar):
            return
        for alias in node.names:
            full = f"{module}.{alias.name.value}"
            if full in MODULES:
                self._rename_module(node, alias, full)

    def _rename_module(self, node: cst.ImportFrom, alias: cst.ImportAlias, full: str) -> None:
        local = alias.evaluated_alias or alias.name.value
        leaf = MODULES[full].rpartition(".")[2]
        scope = self.get_metadata(ScopeProvider, node)
        found = [a for a in scope[local] if getattr(a, "node", None) is node]
        references = [access.node for a in found for access in a.references]
        for reference in references:
            parent = self.get_metadata(ParentNodeProvider, reference, None)
            if isinstance(parent, cst.Attribute) and (full, parent.attr.value) in SPLIT:
                HAND.append(f"{self.path}: {local}.{parent.attr.value} has moved to {SPLIT[full, parent.attr.value]}")
            if parent is not None and isinstance(parent, cst.Arg) and full in {k[0] for k in SPLIT}:
                HAND.append(f"{self.path}: {local} is handed to a call; parts of it have moved: check")
        if alias.evaluated_alias or leaf == local:
            return
        new = leaf
        generic = ("api", "archive", "base", "csv", "files", "liquidations", "market", "market_data", "requests", "stream")
        if leaf in self.names or leaf in generic:
            new = f"{MODULES[full].split('.')[-2]}_{leaf}"
            if new in self.names:
                HAND.append(f"{self.path}: {new} is taken, {full} keeps the name {local}")
                new = local
        self.names.add(new)
        self.renamed[alias] = new  # type: ignore[index]
        for reference in references:
            self.renamed[reference] = new

    def leave_ImportFrom(self, old: cst.ImportFrom, node: cst.ImportFrom):
        module = self._modules(old)
        if module is None or isinstance(old.names, cst.ImportStar):
            return node
        groups: dict[str, list[cst.ImportAlias]] = defaultdict(list)
        for before, alias in zip(old.names, node.names, strict=True):
            full = f"{module}.{before.name.value}"
            asname = before.asname
            if full in MODULES:
                target, _, leaf = MODULES[full].rpartition(".")
                new = self.renamed.get(before, before.evaluated_alias or before.name.value)
                asname = cst.AsName(cst.Name(new)) if new != leaf else None
                groups[target].append(cst.ImportAlias(cst.Name(leaf), asname))
            elif module in MODULES:
                groups[resolve(module, before.name.value)].append(cst.ImportAlias(before.name, asname))
            else:
                HAND.append(f"{self.path}: import from unknown {module}")
                groups[module].append(alias.with_changes(comma=cst.MaybeSentinel.DEFAULT))
        own = MODULES.get(module_of(self.path), module_of(self.path))
        if own in groups and not own.endswith("registry") and f"{module}.{old.names[0].name.value}" not in MODULES:
            del groups[own]
        if not groups:
            return cst.RemoveFromParent()
        if len(groups) == 1 and isinstance(node.names, (list, tuple)):
            ((target, aliases),) = groups.items()
            if [a.name.value for a in aliases] == [a.name.value for a in node.names] and all(
                (a.asname is None) == (b.asname is None) for a, b in zip(aliases, node.names, strict=True)
            ):
                return node.with_changes(module=to_node(target))
        made = [cst.ImportFrom(to_node(target), aliases) for target, aliases in sorted(groups.items())]
        return cst.FlattenSentinel(made)

    def leave_Import(self, old: cst.Import, node: cst.Import) -> cst.Import:
        names = []
        for alias in node.names:
            full = dotted(alias.name)
            if full in MODULES and MODULES[full] != full:
                if alias.asname is None and f"{full}." in texts[self.path].replace(f"import {full}", ""):
                    HAND.append(f"{self.path}: import {full} without a name")
                alias = alias.with_changes(name=to_node(MODULES[full]))
            names.append(alias)
        return node.with_changes(names=names)

    def leave_Name(self, old: cst.Name, node: cst.Name) -> cst.Name:
        new = self.renamed.get(old)
        return node.with_changes(value=new) if new else node

    def leave_SimpleString(self, old, node):
        return node.with_changes(value=new_text(node.value))

    def leave_FormattedStringText(self, old, node):
        return node.with_changes(value=new_text(node.value))

    def leave_Comment(self, old, node):
        return node.with_changes(value=new_text(node.value))


class Plain(Rewriter):
    """For files that import no module by name: no scopes are needed."""

    METADATA_DEPENDENCIES = ()

    def __init__(self, other: Rewriter) -> None:
        super().__init__(other.path, other.names)

    def visit_ImportFrom(self, node: cst.ImportFrom) -> None:
        pass


HERE_FILE = re.compile(r"Path\(__file__\)(\.resolve\(\))?((?:\.parent)+(?!s)|\.parents\[(\d+)\])")


def fix_file_depth(text: str, old: str, new: str) -> str:
    def change(match: re.Match[str]) -> str:
        ups = int(match[3]) + 1 if match[3] else match[2].count(".parent")
        folder = "/".join(old.split("/")[:-ups])
        target = new.split("/")[:-1]
        if ups == 1 and (folder.endswith("/sql") or folder == "tests/charts"):
            return match[0]
        if folder and "/".join(target[: len(folder.split("/"))]) != folder:
            HAND.append(f"{new}: {match[0]} meant {folder}")
            return match[0]
        depth = len(target) - (len(folder.split("/")) if folder else 0)
        tail = ".parent" if depth == 0 else f".parents[{depth}]" if depth > 1 else ".parent.parent"
        return f"Path(__file__){match[1] or ''}{tail}"

    return HERE_FILE.sub(change, text)


def rewrite(path: str, text: str) -> str:
    tree = cst.parse_module(text)
    names = {node.id for node in ast.walk(ast.parse(text)) if isinstance(node, ast.Name)}
    names |= {node.arg for node in ast.walk(ast.parse(text)) if isinstance(node, ast.arg)}
    names |= {a.asname or a.name for n in ast.walk(ast.parse(text)) if isinstance(n, (ast.Import, ast.ImportFrom)) for a in n.names}
    names |= {n.name for n in ast.walk(ast.parse(text)) if isinstance(n, (ast.FunctionDef, ast.ClassDef))}
    imports_modules = any(
        isinstance(n, ast.ImportFrom) and n.module and any(f"{n.module}.{a.name}" in MODULES for a in n.names)
        for n in ast.walk(ast.parse(text))
    )
    rewriter = Rewriter(path, names)
    made = MetadataWrapper(tree, unsafe_skip_copy=True).visit(rewriter) if imports_modules else tree.visit(Plain(rewriter))
    return fix_file_depth(made.code, path, PLACES[path])


def rewrite_cached(path: str, text: str) -> str:
    """The same, kept in .cache beside this program: the tree is slow to parse."""
    key = hashlib.sha256(repr((path, PLACES[path], text, [m for m in sorted(MODULES.items()) if m[0].rpartition(".")[2] in text], [m for m in sorted(SPLIT.items()) if m[0][1] in text], Path(__file__).read_text().split("# ---------------------------------------------------------------- merging")[0])).encode()).hexdigest()
    file = HERE / ".cache" / key
    if file.exists():
        found = json.loads(file.read_text())
        HAND.extend(found["hand"])
        return found["text"]
    before = len(HAND)
    made = rewrite(path, text) if "liqcli" in text or "__file__" in text else text
    file.parent.mkdir(exist_ok=True)
    file.write_text(json.dumps({"text": made, "hand": HAND[before:]}))
    return made


# ---------------------------------------------------------------- merging and splitting whole statements
class Parts:
    """A module in parts: docstring, imports, type-only imports, the rest."""

    def __init__(self, text: str) -> None:
        tree, lines = ast.parse(text), text.splitlines()
        self.doc = ast.get_docstring(tree, clean=False) or ""
        self.doc_tail = ""
        self.imports: list[str] = []
        self.typing: list[str] = []
        used: set[int] = set()
        body = list(tree.body)
        if self.doc:
            used |= set(range(body[0].lineno, body[0].end_lineno + 1))
            self.doc_tail = lines[body[0].end_lineno - 1].rpartition('"""')[2]
            body = body[1:]
        for node in body:
            span = range(node.lineno, node.end_lineno + 1)
            segment = "\n".join(lines[node.lineno - 1 : node.end_lineno])
            if isinstance(node, (ast.Import, ast.ImportFrom)):
                used |= set(span)
                if getattr(node, "module", "") != "__future__":
                    self.imports.append(segment)
            elif isinstance(node, ast.If) and ast.unparse(node.test) == "TYPE_CHECKING" and not node.orelse:
                used |= set(span)
                self.typing += ["\n".join(line[4:] for line in lines[n.lineno - 1 : n.end_lineno]) for n in node.body]
        self.rest = "\n".join(line for n, line in enumerate(lines, 1) if n not in used).strip("\n")

    def names(self) -> set[str]:
        found = set()
        for node in ast.parse(self.rest).body:
            if isinstance(node, (ast.FunctionDef, ast.ClassDef, ast.AsyncFunctionDef)):
                found.add(node.name)
            for target in getattr(node, "targets", [getattr(node, "target", None)]):
                if isinstance(target, ast.Name):
                    found.add(target.id)
        return found

    def text(self) -> str:
        imports = list(dict.fromkeys(self.imports))
        typing = sorted((line for line in dict.fromkeys(self.typing) if line not in imports), key=lambda l: not l.startswith(("from", "import")))
        out = [f'"""{self.doc}"""{self.doc_tail}', "from __future__ import annotations", "\n".join(imports)]
        if typing:
            out.append("if TYPE_CHECKING:\n" + "\n".join("    " + row for line in typing for row in line.splitlines()))  # aliases come last
        return "\n\n".join(part for part in [*out, self.rest] if part) + "\n"


def top_spans(text: str) -> list[tuple[set[str], int, int]]:
    """Names, first and last line (comments above included) of each statement at the top."""
    lines, found = text.splitlines(), []
    for node in ast.parse(text).body:
        names = {node.name} if hasattr(node, "name") else set()
        for target in getattr(node, "targets", [getattr(node, "target", None)]):
            if isinstance(target, ast.Name):
                names.add(target.id)
        first = min([node.lineno, *(d.lineno for d in getattr(node, "decorator_list", []))])
        while first > 1 and lines[first - 2].startswith("#"):
            first -= 1
        last = node.end_lineno
        if last < len(lines) and isinstance(node, (ast.Assign, ast.AnnAssign)) and lines[last].startswith('"""'):
            last += 1
        found.append((names, first, last))
    return found


def used_names(text: str) -> set[str]:
    return {n.id for n in ast.walk(ast.parse(text)) if isinstance(n, ast.Name)}


def split_off(texts: dict[str, str]) -> None:
    """Cut the names of "split" out of their modules (already rewritten) and put them together in new places."""
    made: dict[str, Parts] = {}
    for old, targets in LAYOUT["split"].items():
        if old not in PLACES:
            continue
        for target, wanted in targets.items():
            text = texts[old]
            lines = text.splitlines()
            spans = [s for s in top_spans(text) if s[0] & set(wanted)]
            missing = set(wanted) - {n for s in spans for n in s[0]}
            if missing:
                sys.exit(f"{old}: no {missing} to split off")
            cut = "\n\n\n".join("\n".join(lines[a - 1 : b]) for _, a, b in spans)
            drop = {n for _, a, b in spans for n in range(a, b + 1)}
            parts = Parts(text)
            left = "\n".join(line for n, line in enumerate(lines, 1) if n not in drop) + "\n"
            needed = used_names(cut) & (Parts(left).names())
            if needed and not target.startswith("liqcli/core/"):
                parts.imports.append(f"from {MODULES[module_of(old)]} import {', '.join(sorted(needed))}")
            elif needed:
                sys.exit(f"{old}: what goes to {target} needs {needed}, which stay behind")
            back = sorted(used_names(left) & set(wanted))
            if back:
                rest = Parts(left)
                rest.imports.append(f"from {module_of(target)} import {', '.join(back)}")
                left = rest.text()
            texts[old] = left
            # the target: an own new file, or one that exists already
            owner = next((p for p, new in PLACES.items() if new == target and p not in MERGED), None)
            if owner:
                whole = Parts(texts[owner])
                whole.imports += [i for i in parts.imports if f"import {module_of(target)}" not in i]
                whole.rest = whole.rest + "\n\n\n" + cut if not LAYOUT.get("split_first", {}).get(target) else cut + "\n\n\n" + whole.rest
                texts[owner] = drop_self_imports(whole.text(), module_of(target))
            else:
                whole = made.setdefault(target, Parts(f'"""{LAYOUT["new_docs"][target]}"""\n'))
                whole.imports += parts.imports
                whole.typing += parts.typing
                whole.rest = (whole.rest + "\n\n\n" + cut).strip("\n")
    for target, parts in made.items():
        NEW_FILES[target] = drop_self_imports(parts.text(), module_of(target))


NEW_FILES: dict[str, str] = {}


def drop_self_imports(text: str, module: str) -> str:
    pattern = rf"^ *from {re.escape(module)} import (?:\([^)]*\)|[^\n(]*)\n"
    return re.sub(pattern, "", text, flags=re.MULTILINE)


CLASHES: list[str] = []


def merge_in(texts: dict[str, str]) -> None:
    for old, new in MERGED.items():
        owner = next(p for p, q in PLACES.items() if q == new and p not in MERGED)
        a, b = Parts(texts[owner]), Parts(texts[old])
        both = a.names() & b.names()
        for name in sorted(both):
            spans = {}
            for key, part in (("a", a), ("b", b)):
                spans[key] = [(s, e) for names, s, e in top_spans(part.rest) if name in names][0]
            ta = "\n".join(a.rest.splitlines()[spans["a"][0] - 1 : spans["a"][1]])
            tb = "\n".join(b.rest.splitlines()[spans["b"][0] - 1 : spans["b"][1]])
            if re.sub(r"\s+", "", ta.split("#")[0]) == re.sub(r"\s+", "", tb.split("#")[0]) or ast.dump(ast.parse(ta)) == ast.dump(ast.parse(tb)):
                rows = b.rest.splitlines()
                b.rest = "\n".join(rows[: spans["b"][0] - 1] + rows[spans["b"][1] :]).strip("\n")
            else:
                fresh = LAYOUT.get("rename_on_merge", {}).get(f"{old}:{name}")
                if not fresh:
                    CLASHES.append(f"{old}:{name} -> {new}\n{ta}\n--- and\n{tb}")
                    continue
                if fresh == "*drop":
                    rows = b.rest.splitlines()
                    b.rest = "\n".join(rows[: spans["b"][0] - 1] + rows[spans["b"][1] :]).strip("\n")
                    continue
                b.rest = re.sub(rf"(?<![\w.]){re.escape(name)}\b(?!\s*=[^=][^\n]*\)$)", fresh, b.rest)
        first = MODULES[module_of(old)] == module_of(new) and old in IMPORTED_BY.get(owner, set())
        a.rest = f"{b.rest}\n\n\n{a.rest}" if first else f"{a.rest}\n\n\n{b.rest}"
        a.imports += b.imports
        a.typing += b.typing
        if len(b.doc.strip().splitlines()) > 1 or len(a.doc.strip().splitlines()) > 1:
            a.doc = "\n" + a.doc.strip() + "\n\n" + b.doc.strip() + "\n"
        else:
            a.doc = "\n" + a.doc.strip() + "\n\n" + b.doc.strip() + "\n"
        texts[owner] = drop_self_imports(a.text(), module_of(new))
        del texts[old]


def imported_by(texts: dict[str, str]) -> dict[str, set[str]]:
    """Old path -> old paths that it imports at the top."""
    by_module = {module_of(p): p for p in PLACES if p.startswith("liqcli/")}
    found: dict[str, set[str]] = defaultdict(set)
    for path, text in texts.items():
        for node in ast.parse(text).body:
            if isinstance(node, ast.ImportFrom) and node.module:
                for name in node.names:
                    for module in (node.module, f"{node.module}.{name.name}"):
                        if module in by_module:
                            found[path].add(by_module[module])
    return found


texts = {p: (REPO / p).read_text() for p in PY}
IMPORTED_BY = imported_by(texts)
texts = {p: rewrite_cached(p, text) for p, text in texts.items()}
split_off(texts)
merge_in(texts)
if CLASHES:
    sys.exit("both define a name; add it to rename_on_merge (a new name, or *drop for the second):\n" + "\n\n".join(CLASHES))

# ---------------------------------------------------------------- write
for folder in ("liqcli/sql",):
    for path in [p for p in TRACKED if p.startswith(folder + "/") and p.endswith(".sql")]:
        FILES[path] = "liqcli/query/sql/" + path.rsplit("/", 1)[1]
for path in [p for p in TRACKED if p.startswith("tests/sql/")]:
    FILES[path] = "tests/query/" + path.removeprefix("tests/")
# first all aside, so that no new name meets an old one (sources/gate.py and sources/gate/)
moving = {p: new for p, new in FILES.items() if p not in MERGED}
for path in moving:
    (REPO / "moving" / path).parent.mkdir(parents=True, exist_ok=True)
    git("mv", path, f"moving/{path}")
for path in MERGED:
    git("rm", "-q", path)
for path, new in moving.items():
    (REPO / new).parent.mkdir(parents=True, exist_ok=True)
    git("mv", f"moving/{path}", new)
for path, text in texts.items():
    (REPO / PLACES[path]).write_text(text)
for path, text in NEW_FILES.items():
    (REPO / path).write_text(text)
for path, doc in LAYOUT["packages"].items():
    if (REPO / path).exists():
        HAND.append(f"{path} exists already; its docstring was left")
        continue
    (REPO / path).parent.mkdir(parents=True, exist_ok=True)
    lines = doc.split("\n\n")
    doc = "\n\n".join(textwrap.fill(part, 118) for part in lines)
    text = f'"""{doc}"""\n' if len(lines) == 1 else '"""\n' + doc + '\n"""\n'
    (REPO / path).write_text(text)
for path in TRACKED:
    if not path.endswith((".md", ".toml", ".sql", ".html", "Makefile", "/run")) or path.startswith("CHANGELOG"):
        continue
    new = FILES.get(path, path)
    text = (REPO / new).read_text()
    if new_text(text) != text:
        (REPO / new).write_text(new_text(text))

spec = importlib.util.spec_from_file_location("edits", HERE / "edits.py")
edits = importlib.util.module_from_spec(spec)
spec.loader.exec_module(edits)
for path, before, after in edits.EDITS:
    file = REPO / path
    text = file.read_text() if file.exists() else ""
    if before not in text:
        HAND.append(f"edit of {path} finds nothing: {before.strip().splitlines()[0][:80]!r}")
        continue
    file.write_text(text.replace(before, after))
edits.finish(REPO, HAND)

ruff = [str(REPO / ".venv/bin/python"), "-m", "ruff"]
subprocess.run([*ruff, "format", "-q", "."], cwd=REPO)
subprocess.run([*ruff, "check", "-q", "--fix", "--select", "I,F401,F811,TID", "."], cwd=REPO)
subprocess.run([*ruff, "format", "-q", "."], cwd=REPO)
long = json.loads(subprocess.run([*ruff, "check", "--select", "E501", "--output-format", "json", "."], cwd=REPO, capture_output=True, text=True).stdout)
for hit in sorted(long, key=lambda h: -h["location"]["row"]):
    file, row = Path(hit["filename"]), hit["location"]["row"] - 1
    lines = file.read_text().splitlines()
    line = lines[row]
    if "noqa" in line or line.strip().endswith(("(", ",", "\\")) or '"""' in line:
        HAND.append(f"{file.relative_to(REPO)}:{row + 1} is too long")
        continue
    indent = line[: len(line) - len(line.lstrip())]
    further = indent + ("    " if re.match(r"\s*[a-z]+: ", line) else "# " if line.lstrip().startswith("# ") else "")
    lines[row : row + 1] = textwrap.wrap(line, 119, subsequent_indent=further, break_long_words=False, break_on_hyphens=False)
    file.write_text("\n".join(lines) + "\n")
git("add", "-A", ".")
print(f"moved {len(moving)}, merged {len(MERGED)}, new files {len(NEW_FILES)}, new packages {len(LAYOUT['packages'])}")
print("by hand:", *(HAND or ["nothing"]), sep="\n  ")
