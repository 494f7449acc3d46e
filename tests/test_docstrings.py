"""Every argument of a public function is described in its docstring, in the sections of Google's style.

``python tests/test_docstrings.py welfare covers`` prints what these rooms lack; without rooms, what all lack.

* A function or method describes its arguments under *Args*. What a base class of the package has described is not
  described again by the methods that replace it.
* A class describes the arguments of its ``__init__``, or the fields of a dataclass, named tuple or Equinox module,
  under *Args* or *Attributes*.
* Not asked for: properties, overloads, private names, nested functions, magic methods except ``__call__`` and
  ``__init__``, ``self`` and ``cls``, and arguments that begin with an underscore.
"""

from __future__ import annotations

import ast
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from itertools import pairwise
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1] / "src" / "policybudget"
SECTION = re.compile(r"^(?:Args|Arguments|Attributes):\s*$")
ENTRY = re.compile(r"^ {4}\*{0,2}(\w+)(?: \(.*?\))?:(.*)$")
UNASKED = {"property", "cached_property", "overload", "setter", "deleter"}
OPTIONS = {"option", "argument"}  # a field that is one has its line of help
FIELDS = {"Module", "NamedTuple"}  # base classes whose annotations are fields, beside those of dataclasses

Function = ast.FunctionDef | ast.AsyncFunctionDef


def described(docstring: str | None) -> set[str]:
    """The names that the sections of a docstring say something about."""
    names, inside = set(), False
    lines = [*(docstring or "").splitlines(), ""]
    for line, following in pairwise(lines):
        if line and not line[0].isspace():
            inside = bool(SECTION.match(line))
        elif inside and (entry := ENTRY.match(line)) and (entry[2].strip() or following.startswith(" " * 8)):
            names.add(entry[1])
    return names


def last_name(node: ast.expr) -> str:
    """``c`` of ``a.b.c``, ``a.b.c(...)`` and ``a.b.c[...]``."""
    while isinstance(node, ast.Call | ast.Subscript):
        node = node.func if isinstance(node, ast.Call) else node.value
    return node.attr if isinstance(node, ast.Attribute) else node.id if isinstance(node, ast.Name) else ""


def arguments(function: Function, method: bool) -> list[str]:
    """The names of the arguments that a caller gives."""
    spec = function.args
    names = [arg.arg for arg in [*spec.posonlyargs, *spec.args]]
    if method and "staticmethod" not in map(last_name, function.decorator_list):
        names = names[1:]
    names += [arg.arg for arg in (spec.vararg, *spec.kwonlyargs, spec.kwarg) if arg is not None]
    return [name for name in names if not name.startswith("_")]


def methods(node: ast.ClassDef) -> dict[str, Function]:
    """The methods of a class by name, without properties and overloads."""
    found = (item for item in node.body if isinstance(item, Function))
    return {item.name: item for item in found if UNASKED.isdisjoint(map(last_name, item.decorator_list))}


@dataclass(frozen=True)
class Package:
    """The source of a package.

    Args:
        modules: source text by path.
    """

    modules: dict[Path, ast.Module]

    @staticmethod
    def read(root: Path) -> Package:
        """All modules below a folder."""
        return Package({path: ast.parse(path.read_text()) for path in sorted(root.rglob("*.py"))})

    @cached_property
    def classes(self) -> dict[str, list[ast.ClassDef]]:
        """The classes of the package by name."""
        found: dict[str, list[ast.ClassDef]] = {}
        for node in (item for tree in self.modules.values() for item in tree.body if isinstance(item, ast.ClassDef)):
            found.setdefault(node.name, []).append(node)
        return found

    def ancestors(self, node: ast.ClassDef) -> Iterator[ast.ClassDef]:
        """The base classes that the package defines, nearest first; they are known by name."""
        for base in (base for name in map(last_name, node.bases) for base in self.classes.get(name, [])):
            if base is not node:
                yield base
                yield from self.ancestors(base)

    def fields(self, node: ast.ClassDef) -> list[str]:
        """The public fields of a dataclass, a named tuple or an Equinox module; none for other classes."""
        bases = [base for relative in (node, *self.ancestors(node)) for base in map(last_name, relative.bases)]
        if "dataclass" not in map(last_name, node.decorator_list) and FIELDS.isdisjoint(bases):
            return []
        annotated = [
            item for item in node.body if isinstance(item, ast.AnnAssign) and isinstance(item.target, ast.Name)
        ]
        fields = [
            item
            for item in annotated
            if last_name(item.annotation) != "ClassVar" and not (item.value and last_name(item.value) in OPTIONS)
        ]
        return [item.target.id for item in fields if not item.target.id.startswith("_")]  # type: ignore[union-attr]

    def missing(self, path: Path) -> Iterator[tuple[int, str, list[str]]]:
        """Line, name and undescribed arguments of every public function, method and class of a module."""
        for item in self.modules[path].body:
            if isinstance(item, Function) and not item.name.startswith("_"):
                if "overload" not in map(last_name, item.decorator_list):
                    yield from _lacking(item, item.name, arguments(item, False), set())
            elif isinstance(item, ast.ClassDef) and not item.name.startswith("_"):
                yield from self._missing_in_class(item)

    def _missing_in_class(self, node: ast.ClassDef) -> Iterator[tuple[int, str, list[str]]]:
        ancestors = list(self.ancestors(node))
        inherited = {name for base in ancestors for name in described(ast.get_docstring(base))}
        own, wanted = methods(node), self.fields(node)
        if (constructor := own.get("__init__")) is not None:
            wanted += arguments(constructor, True)
            inherited |= described(ast.get_docstring(constructor))
        yield from _lacking(node, node.name, wanted, inherited)
        for name, method in own.items():
            if name.startswith("_") and name != "__call__":
                continue
            replaced = [above[name] for base in ancestors if name in (above := methods(base))]
            known = {name for one in replaced for name in described(ast.get_docstring(one))}
            yield from _lacking(method, f"{node.name}.{name}", arguments(method, True), known)


def _lacking(
    node: Function | ast.ClassDef, name: str, wanted: list[str], known: set[str]
) -> Iterator[tuple[int, str, list[str]]]:
    known = known | described(ast.get_docstring(node))
    if lacking := [argument for argument in wanted if argument not in known]:
        yield node.lineno, name, lacking


def rooms(root: Path) -> list[str]:
    """The modules and folders of a package by name."""
    return sorted(path.stem for path in root.iterdir() if path.suffix == ".py" or (path / "__init__.py").is_file())


def report(room: str, package: Package, root: Path = ROOT) -> list[str]:
    """A line per function of a room with arguments that are not described."""
    paths = [path for path in package.modules if path.relative_to(root).with_suffix("").parts[0] == room]
    return [
        f"{path.relative_to(root.parents[1])}:{line}: {name} does not describe {', '.join(lacking)}"
        for path in paths
        for line, name, lacking in package.missing(path)
    ]


@pytest.fixture(scope="module")
def package() -> Package:
    return Package.read(ROOT)


@pytest.mark.parametrize("room", rooms(ROOT))
def test_every_argument_is_described(room: str, package: Package) -> None:
    lines = report(room, package)
    assert not lines, "\n" + "\n".join(lines)


SOURCE = '''
from typing import ClassVar, NamedTuple, overload

def good(a, *rest, b=1, _hidden=2, **others):
    """Add.

    Args:
        a (int): in metres.
        *rest: more of them.
        b:
            in seconds.
        **others: options.

    Returns:
        c: not an argument.
    """
    def nested(x): ...

def bad(a, /, b, *, c):
    """Args without a section.

    Args:
        b: said.
        c:

    Returns:
        a: said in the wrong place.
    """

def bare(a): ...
def _private(a): ...

@overload
def bad(a): ...

class Base:
    """A base.

    Args:
        size: of it.
    """
    def __init__(self, size, colour): ...
    def step(self, x, y):
        """Step.

        Args:
            x: east.
        """
    @staticmethod
    def make(z): ...
    @property
    def area(self): ...
    @area.setter
    def area(self, value): ...
    def __eq__(self, other): ...
    def _own(self, other): ...

class Derived(Base):
    def step(self, x, y):
        """Step elsewhere.

        Args:
            y: north.
        """
    def __call__(self, w): ...

class Point(NamedTuple):
    """A place.

    Attributes:
        x: east.
    """
    x: float
    y: float
    kind: ClassVar[str] = "point"
    _cache: int = 0

@dataclasses.dataclass(frozen=True)
class Value:
    v: float

class Plain:
    v: float

class Layer(eqx.Module):
    w: Array

class Deep(Layer):
    """Deep.

    Attributes:
        w: said here only.
    """
    w: Array
    b: Array

class _Private:
    def call(self, x): ...
'''


def test_the_rule_by_hand() -> None:
    path = Path("src/package/module.py")
    package = Package({path: ast.parse(SOURCE)})
    lines = SOURCE.splitlines()
    found = {name: lacking for _, name, lacking in package.missing(path)}
    assert found == {
        "bad": ["a", "c"],
        "bare": ["a"],
        "Base": ["colour"],
        "Base.step": ["y"],
        "Base.make": ["z"],
        "Derived.__call__": ["w"],
        "Point": ["y"],
        "Value": ["v"],
        "Layer": ["w"],
        "Deep": ["b"],
    }
    where = {name: line for line, name, _ in package.missing(path)}
    assert lines[where["bad"] - 1].startswith("def bad") and lines[where["Point"] - 1].startswith("class Point")
    assert report("module", package, Path("src/package"))[0] == (
        f"src/package/module.py:{where['bad']}: bad does not describe a, c"
    )
    assert report("other", package, Path("src/package")) == []


def test_the_command_by_hand(capsys: pytest.CaptureFixture[str]) -> None:
    assert main([]) == 0
    assert capsys.readouterr().out.endswith("0 functions or classes with arguments that are not described\n")
    assert main(["nowhere"]) == 1
    assert capsys.readouterr().err.endswith(", got nowhere\n")


def main(chosen: list[str]) -> int:
    """Print what rooms lack.

    Args:
        chosen: names of rooms; none for all.

    Returns:
        1 if anything is missing or a name is not a room, else 0.
    """
    known, package = rooms(ROOT), Package.read(ROOT)
    if wrong := [room for room in chosen if room not in known]:
        print(f"rooms are {', '.join(known)}, got {', '.join(wrong)}", file=sys.stderr)
        return 1
    lines = [line for room in chosen or known for line in report(room, package)]
    print("\n".join([*lines, f"{len(lines)} functions or classes with arguments that are not described"]))
    return 1 if lines else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
