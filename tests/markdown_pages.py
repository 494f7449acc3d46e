"""The code blocks of a markdown page, how each is marked, and what a page names in its text.

A mark is a comment in the line before a block; CONTRIBUTING.md says which there are.
"""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

COMMANDS = ("policybudget", "python", "make", "pip")
PROMPT = "$ "
MARK = re.compile(r"<!-- (run|not run|file|output)(?:: (.*?))? -->\s*$")


@dataclass(frozen=True)
class Mark:
    """What stands in the comment before a block; a block without one is run as it is.

    Attributes:
        kind: "run", "not run" (why), "file" (its name) or "output" (the command that prints it).
        text: after the colon.
    """

    kind: str = "run"
    text: str = ""

    @property
    def clauses(self) -> list[str]:
        return [clause.strip() for clause in self.text.split(";") if clause.strip()]

    @property
    def options(self) -> dict[str, list[str]]:
        """Added to the commands of a block, by the name of the command."""
        words = [shlex.split(clause) for clause in self.clauses]
        return {name: rest for name, *rest in words if rest and rest[0].startswith("--")}

    @property
    def keywords(self) -> dict[str, str]:
        """Put into the calls of a Python block: the source of a call, by the name of the function."""
        return {clause.partition("(")[0]: clause for clause in self.clauses if clause.endswith(")")}

    @property
    def part_of(self) -> str | None:
        """The file that the block is a part of."""
        return next((clause[len("part of ") :] for clause in self.clauses if clause.startswith("part of ")), None)


@dataclass(frozen=True)
class Command:
    """A line of a shell block, and what the page shows below it ("" for nothing)."""

    line: str
    shown: str


@dataclass(frozen=True)
class Block:
    """A code block.

    Attributes:
        line: of the page, from 1, where the code begins.
        language: as the page says.
        code: without the fences.
        mark: in the line before it.
    """

    line: int
    language: str
    code: str
    mark: Mark

    @property
    def is_shell(self) -> bool:
        first = self.code.split("\n")[0]
        return not self.language and (first.startswith(PROMPT) or first.split(" ")[0] in COMMANDS)

    @property
    def commands(self) -> list[Command]:
        lines, found = self.code.replace("\\\n", " ").splitlines(), list[Command]()
        prompted = lines[0].startswith(PROMPT)
        for line in lines:
            if not prompted and line.strip():
                found.append(Command(line, ""))
            elif line.startswith(PROMPT):
                found.append(Command(line.removeprefix(PROMPT), ""))
            elif prompted:
                found[-1] = Command(found[-1].line, f"{found[-1].shown}{line}\n")
        return found


def blocks(page: Path) -> Iterator[Block]:
    """All code blocks of a page, in order; equations and directives of the site are none."""
    before = None
    for token in tokens(page):
        if token.type in ("fence", "code_block"):
            assert token.map is not None
            close = before is not None and before.map is not None and before.map[1] == token.map[0]
            found = MARK.search(before.content) if before is not None and close else None
            mark = Mark(found[1], found[2] or "") if found else Mark()
            fenced = token.type == "fence"
            block = Block(token.map[0] + 1 + fenced, token.info.strip() if fenced else "", token.content, mark)
            formula = block.language == "math" if fenced else not block.is_shell
            if not formula and not block.language.startswith("{"):
                yield block
        before = token if token.type == "html_block" else None


def tokens(page: Path) -> list[Token]:
    return MarkdownIt("commonmark").enable("table").parse(page.read_text(encoding="utf-8"))


@dataclass(frozen=True)
class Names:
    """What the text of a page (not its blocks) names.

    Attributes:
        code: spans of code.
        links: targets.
        anchors: of its headings, as GitHub makes them.
    """

    code: list[str]
    links: list[str]
    anchors: set[str]


def names(page: Path) -> Names:
    code, links, anchors, heading = list[str](), list[str](), set[str](), False
    for token in tokens(page):
        heading = token.type == "heading_open" or (heading and token.type == "inline")
        if token.type != "inline":
            continue
        children = token.children or []
        code += [" ".join(child.content.split()) for child in children if child.type == "code_inline"]
        links += [str(child.attrs["href"]) for child in children if child.type == "link_open"]
        links += [str(child.attrs["src"]) for child in children if child.type == "image"]
        if heading:
            text = "".join(child.content for child in children).lower()
            anchors.add(re.sub(r"[^\w\- ]", "", text).replace(" ", "-"))
    return Names(code, links, anchors)
