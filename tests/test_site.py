"""The documentation site: the reference has every public name, and every page is in its navigation.

What the pages say is run by test_docs.py; ``make site`` builds them and fails for a link that leads nowhere.
"""

from __future__ import annotations

import ast
import importlib
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path
from types import ModuleType

import pytest
from markdown_pages import blocks, names

import policybudget

ROOT = Path(__file__).parents[1]
DOCS = ROOT / "docs"
REFERENCE = sorted(DOCS.glob("api/*.rst"))
DIRECTIVE = re.compile(r"^\.\. (?:auto|py:)(\w+):: ([\w.]+)\n((?:   .*\n)*)", re.MULTILINE)
PAGES = sorted(path for path in [*ROOT.glob("*.md"), *DOCS.glob("**/*.md")])


def public(module: ModuleType) -> set[str]:
    """What a module offers: the functions and classes of its ``__all__``, or those that it defines."""
    if hasattr(module, "__all__"):
        return {name for name in module.__all__ if callable(getattr(module, name))}
    own = (name for name, value in vars(module).items() if getattr(value, "__module__", None) == module.__name__)
    return {name for name in own if not name.startswith("_")}


def documented() -> dict[str, set[str]]:
    """Names that the reference documents, by module."""
    found: dict[str, set[str]] = {}
    for kind, name, options in DIRECTIVE.findall("\n".join(path.read_text() for path in REFERENCE)):
        if kind == "module":
            chosen = re.search(r":members: (.+)", options)
            members = set(re.split(r", *", chosen[1])) if chosen else public(import_module(name))
            found.setdefault(name, set()).update(members)
        else:
            home, _, last = name.rpartition(".")
            found.setdefault(home, set()).add(last)
    return found


def imported(source: str) -> Iterator[tuple[str, str]]:
    """Modules of this package, and the names that a text of Python imports from them."""
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("policybudget"):
            yield from ((str(node.module), alias.name) for alias in node.names)


def known(module: str, name: str, reference: dict[str, set[str]]) -> bool:
    """Whether the reference has a name, or a module of that name, or the same thing under another."""
    if name in reference.get(module, ()) or f"{module}.{name}" in reference:
        return True
    thing = getattr(importlib.import_module(module), name)
    return any(getattr(import_module(other), name) is thing for other, their in reference.items() if name in their)


def test_every_name_of_the_package_is_in_the_reference() -> None:
    assert documented()["policybudget"] == set(policybudget.__all__)


def test_the_list_of_the_reference_has_every_name_once() -> None:
    lists = re.findall(
        r"\.\. autosummary::\n   :nosignatures:\n\n((?:   \w+\n)+)", (DOCS / "api" / "index.rst").read_text()
    )
    listed = [name for part in lists for name in part.split()]
    assert sorted(listed) == sorted(set(policybudget.__all__) - {"__version__"})


@pytest.mark.parametrize("package", ["covers", "exact", "population", "welfare", "worlds"])
def test_every_name_of_a_documented_room_is_in_the_reference(package: str) -> None:
    reference, room = documented(), import_module(f"policybudget.{package}")
    assert not [name for name in room.__all__ if not known(room.__name__, name, reference)]


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_what_a_page_imports_is_in_the_reference(page: Path) -> None:
    reference = documented()
    sources = [block.code for block in blocks(page) if block.language == "python" and "part of" not in block.mark.text]
    asked = {one for source in sources for one in imported(source)}
    spans = [re.fullmatch(r"(policybudget(?:\.[a-z_]+)*)\.(\w+)(?:\(.*\))?", span) for span in names(page).code]
    asked |= {(span[1], span[2]) for span in spans if span}
    assert not [f"{module}.{name}" for module, name in asked if not known(module, name, reference)]


def test_what_the_examples_import_is_in_the_reference() -> None:
    reference = documented()
    asked = {one for path in ROOT.glob("examples/*.py") for one in imported(path.read_text())}
    assert asked and not [f"{module}.{name}" for module, name in asked if not known(module, name, reference)]


def test_every_page_is_in_the_navigation() -> None:
    listed = re.findall(r"^(?:[\w ,-]+ <)?([\w/-]+)>?$", (DOCS / "index.md").read_text(), re.MULTILINE)
    pages = {str(path.relative_to(DOCS).with_suffix("")) for path in DOCS.glob("**/*.md")} - {"index"}
    assert sorted(listed) == sorted({*pages, "self", "api/index"})
    tree = (DOCS / "api" / "index.rst").read_text().partition(":hidden:")[2].split()
    assert sorted(tree) == sorted(path.stem for path in REFERENCE if path.stem != "index")
