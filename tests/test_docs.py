"""README and docs: every code block runs as a reader would copy it, and what the text names is there."""

from __future__ import annotations

import argparse
import os
import re
import shlex
import subprocess
import sys
import tomllib
from functools import cache
from pathlib import Path
from typing import Any
from unittest import mock

import pytest
from markdown_pages import COMMANDS, blocks, names
from run_page import ROOT, PageError, check_requirements, copy_all

from policybudget.cli.main import COMMANDS as POLICYBUDGET
from policybudget.cli.main import main
from policybudget.cli.options import Parser
from policybudget.training.configuration import preset
from policybudget.training.method import ALGORITHMS, SEARCHES

PAGES = sorted(str(path.relative_to(ROOT)) for path in [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
SOURCE = ROOT / "src" / "policybudget"
RUN_FOLDER = ("inputs/", "checkpoint/", "figures/", "kept/", "trained-by/")
OPTION = re.compile(r"(?<![\w-])--[a-z][a-z-]+")
PLACEHOLDERS = re.compile(r"[A-Z]|\.\.|\*|^/|://")


@pytest.mark.parametrize("page", PAGES)
def test_the_code_of_a_page_runs(page: str) -> None:
    """See run_page.py."""
    if not any(blocks(ROOT / page)):
        return
    command = [sys.executable, str(ROOT / "tests" / "run_page.py"), str(ROOT / page)]
    ran = subprocess.run(command, env=os.environ | {"COLUMNS": "80"}, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stderr


@pytest.mark.parametrize("page", PAGES)
def test_the_commands_in_the_text_of_a_page_are_understood(page: str, empty_place: Path) -> None:
    """They are parsed and not run."""
    (empty_place / "RUN").mkdir()
    preset("default", "resource-gathering", "em", None).save(empty_place / "RUN")
    long = [command.line for block in blocks(ROOT / page) if "long" in block.mark.clauses for command in block.commands]
    for line in names(ROOT / page).code + long:
        words = shlex.split(line) if line.split(" ")[0] in COMMANDS and " | " not in line else []
        if words[:1] == ["make"] and len(words) > 1:
            assert f"\n{words[1]}:" in (ROOT / "Makefile").read_text(), line
        elif words[:1] == ["pip"]:
            check_requirements(words)
        elif words[:1] == ["python"] and len(words) > 1:
            file = words[1] if words[1] != "-m" else words[2].replace(".", "/") + ".py"
            assert set(filter(OPTION.fullmatch, words)) <= options_in(ROOT / file), line
        elif words[:1] == ["policybudget"] and len(words) > 2:  # two words are the name of a command
            understood(words[1:])


def understood(words: list[str]) -> None:
    parse = Parser.parse_args

    def parse_and_stop(self: Parser, *arguments: Any) -> None:
        parse(self, *arguments)
        raise SystemExit(0)

    with mock.patch.object(Parser, "parse_args", parse_and_stop), pytest.raises(SystemExit) as end:
        sys.exit(main(words))
    assert end.value.code == 0


@pytest.mark.parametrize("page", PAGES)
def test_the_options_in_the_text_of_a_page_are_there(page: str) -> None:
    spans = [span for span in names(ROOT / page).code if span.startswith("--") or span.startswith("policybudget")]
    named = {option for span in spans for option in OPTION.findall(span)}
    assert named <= options(), sorted(named - options())


@cache
def options() -> set[str]:
    """All options of the command line, and of the scripts in benchmarks/ and experiments/."""
    found, helped = {"--version"}, list[str]()
    trains = [["train", "--algorithm", rule] for rule in ALGORITHMS]
    trains += [["train", "--search", search] for search in SEARCHES]
    see = mock.patch.object(argparse.ArgumentParser, "print_help", lambda self: helped.append(self.format_help()))
    for words in [*([name] for name in POLICYBUDGET), *trains]:
        with see, pytest.raises(SystemExit):
            main([*words, "--help"])
    for script in [*ROOT.glob("benchmarks/**/*.py"), *ROOT.glob("experiments/*/run.py")]:
        found |= options_in(script)
    return found.union(*(OPTION.findall(text) for text in helped))


def options_in(script: Path) -> set[str]:
    """Those that the source of a script has, or of one that experiments share."""
    sources = [script, *script.parents[1].glob("runner.py")]
    return {option for source in sources for option in OPTION.findall(source.read_text())}


@pytest.mark.parametrize("page", PAGES)
def test_the_files_in_the_text_of_a_page_are_there(page: str) -> None:
    here = (ROOT / page).parent
    places = [ROOT, here, SOURCE, *(path for path in SOURCE.iterdir() if path.is_dir())]
    found = names(ROOT / page)
    files = [span for span in found.code if re.fullmatch(r"[\w./-]+(\.py|/)", span) and not PLACEHOLDERS.search(span)]
    shown = [block.mark.text for block in blocks(ROOT / page) if block.mark.kind == "file"]
    files = [name for name in files if name not in (*RUN_FOLDER, *shown)]
    missing = [name for name in files if not any((place / name).exists() for place in places)]
    assert not missing
    for target in found.links:
        path, _, anchor = target.partition("#")
        if "://" in target:
            continue
        assert not path or (here / path).exists(), target
        assert not anchor or anchor in names(here / path if path else ROOT / page).anchors, target


def test_the_rooms_are_those_of_the_contract() -> None:
    listed = next(block.code for block in blocks(ROOT / "docs" / "architecture.md") if "cli/" in block.code)
    rooms = re.findall(r"^  (\w+)(?:/|\.py) ", listed, re.MULTILINE)
    contract = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["importlinter"]["contracts"][0]["layers"]
    assert rooms == [room for level in contract if "(" not in level for room in level.split(" | ")]
    there = {path.stem for path in SOURCE.iterdir() if path.suffix in ("", ".py") and not path.name.startswith("__")}
    assert set(rooms) == there


def test_a_page_that_is_wrong_is_found(tmp_path: Path) -> None:
    for code, message in WRONG.items():
        page = tmp_path / "page.md"
        page.write_text(f"# A page\n\n{code}")
        with pytest.raises(PageError, match=message):
            copy_all(page, say=str)


WRONG = {
    "```python\nprint(problem)\n```\n": r"page.md:4: name 'problem' is not defined",
    "```python\nprint(1 + 1)\n```\n\n<!-- output -->\n```\n3\n```\n": r"page.md:9: shows\n3\nbut this is printed:\n2",
    "```\npolicybudget check nowhere\n```\n": r"page.md:4: .*world must be one of",
    "<!-- run: fails -->\n```\n$ policybudget --help\n```\n": r"page.md:5: .* ended with status 0",
    "<!-- run: fails -->\n```\n$ policybudget fly\nnever\n```\n": r"page.md:5: shows\nnever\nbut .*\npolicybudget: c",
    "```\npolicybudget cover tasks.csv --budget 2\n```\n": r"page.md:4: ",
    "```\nmake tea\n```\n": r"page.md:4: no target: make tea",
    '```\npip install "policybudget[tea]"\n```\n': r"page.md:4: no extra \{'tea'\}",
    "```\nname,speed\n```\n": r"page.md:4: is neither Python nor a command",
    "<!-- file: examples/chores.csv -->\n```\nname,speed\n```\n": r"page.md:5: is no part of examples/chores.csv",
    "<!-- not run -->\n```\nmake\n```\n": r"page.md:5: says not why it is not run",
    "```\n$ policybudget check resource-gathering\nfine\n```\n": r"page.md:4: shows\nfine\nbut",
}
