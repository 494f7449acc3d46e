"""How the site is built from the pages of this folder: ``make site``. It needs no network, then or later.

Pages are Markdown as GitHub shows it, README.md is the first of them, and equations become MathML, which browsers draw
by themselves. docs/api/ says which names the reference has; their text is their docstrings.
"""

from __future__ import annotations

import dataclasses
import re
from typing import Any

from docutils import nodes
from latex2mathml.converter import convert
from pygments.lexers.special import TextLexer
from sphinx.application import Sphinx

import policybudget

project = "policybudget"
author = "the authors of policybudget"
release = version = policybudget.__version__
language = "en"

extensions = ["myst_parser", "sphinx.ext.autodoc", "sphinx.ext.autosummary", "sphinx.ext.napoleon"]
exclude_patterns = ["static"]
suppress_warnings = ["myst.header"]  # a page may begin below its first level

html_theme = "furo"
html_title = "policybudget"
html_static_path = ["static"]
html_css_files = ["site.css"]
html_copy_source = False
html_show_copyright = html_show_sphinx = False
html_math_renderer = "mathml"
highlight_language = "text"

myst_enable_extensions = ["dollarmath"]
myst_fence_as_directive = ["math"]  # as GitHub has it
myst_heading_anchors = 4  # as GitHub makes them
myst_update_mathjax = False

autodoc_member_order = "bysource"
autodoc_typehints_format = "short"
autodoc_default_options = {"show-inheritance": True}
autosummary_generate = False
napoleon_google_docstring, napoleon_numpy_docstring = True, False
napoleon_use_ivar, napoleon_attr_annotations = True, False
maximum_signature_line_length = 80
python_use_unqualified_type_names = True

ABOVE = {"docs/": "", "CHANGELOG.md": "changelog.md", "CONTRIBUTING.md": "contributing.md", "examples/": "../examples/"}
"""Where links of the pages above this folder lead, seen from here."""


ARRAY = re.compile(r"jaxlib\.\S*?\bArray\b")
KEY = re.compile(r"Key\[Array, ''\] \| UInt32\[Array, '2'\] \| UInt32\[Array, '4'\]")
"""How jaxtyping shows arrays and keys of random numbers in JAX."""


def from_here(app: Sphinx, where: Any, parent: str, content: list[str]) -> None:
    """Links of a page above this folder, that a page here includes, seen from here."""
    for there, here in ABOVE.items():
        content[0] = content[0].replace(f"]({there}", f"]({here}")


def describe_options(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """Fields of a dataclass that are options are described by their line of help, as on the command line."""
    if what != "class" or not dataclasses.is_dataclass(thing):
        return
    helped = [field for field in dataclasses.fields(thing) if "help" in field.metadata]
    said = "\n".join(lines)
    helped = [field for field in helped if not re.search(rf"^ +{field.name}:", said, re.MULTILINE)]
    if helped:
        lines += ["", "Keyword Args:", *(f"    {field.name}: {field.metadata['help']}" for field in helped), ""]


def as_written(app: Sphinx, what: str, name: str, thing: Any, options: Any, lines: list[str]) -> None:
    """What the house writes and other readers of docstrings would take for something else.

    A colon in *Returns* ends no type, and a letter with a full stop, such as V, begins no list.
    """
    for number, line in enumerate(lines):
        if line in ("Returns:", "Yields:"):
            lines[number : number + 2] = [f":{line[:-1].lower()}: {lines[number + 1].strip()}"]
        else:
            lines[number] = re.sub(r"^( +\w+: )(\w)\.(?= |$)", r"\1\\\2.", line)


def name_arrays(app: Sphinx, what: str, name: str, thing: Any, options: Any, said: str, gives: str) -> Any:
    """Types of arrays by the names that the source has."""
    return tuple(text and KEY.sub("PRNGKeyArray", ARRAY.sub("Array", text)) for text in (said, gives))


def inline_equation(writer: Any, node: nodes.math) -> None:
    """MathML within a line."""
    writer.body.append(convert(node.astext()))
    raise nodes.SkipNode


def displayed_equation(writer: Any, node: nodes.math_block) -> None:
    """MathML on lines of its own, which scroll where the screen is narrow."""
    writer.body.append(f'<div class="math">{convert(node.astext(), display="block")}</div>\n')
    raise nodes.SkipNode


def setup(app: Sphinx) -> None:
    """What Sphinx asks for."""
    app.add_lexer("csv", TextLexer)  # as GitHub calls tables
    app.add_html_math_renderer("mathml", (inline_equation, None), (displayed_equation, None))
    app.connect("include-read", from_here)
    app.connect("autodoc-process-docstring", describe_options, priority=400)  # before napoleon reads it
    app.connect("autodoc-process-docstring", as_written, priority=410)
    app.connect("autodoc-process-signature", name_arrays)
