"""Copy the code blocks of a page from top to bottom, as a reader does: ``python tests/run_page.py docs/using.md``.

Python blocks share one interpreter, commands run in a temporary folder that looks like a clone, and what a page shows
as printed must be printed. The first block that does otherwise ends it, with its line. Blocks that are marked long are
left out, and trainings that no later line can use, for want of ``--out``, are set up and not run; ``--whole`` runs all.
"""

from __future__ import annotations

import argparse
import ast
import io
import os
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import time
import tomllib
import types
import warnings
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, redirect_stderr, redirect_stdout, suppress
from pathlib import Path
from typing import Any
from unittest import mock

from markdown_pages import Block, blocks

ROOT = Path(__file__).parents[1]
COPIED = ("examples", "experiments", "benchmarks")
NUMBER = re.compile(r"-?\d[\d.,]*")
ANYTHING = "..."


class PageError(Exception):
    """A block does not do what the page says."""


class SetUp(Exception):  # noqa: N818
    """Ends a training before its first step."""


class Reader:
    """Who copies the blocks.

    Args:
        page: whose blocks they are.
        whole: whether long blocks and all trainings are run.
    """

    def __init__(self, page: Path, whole: bool) -> None:
        self.page, self.whole = page, whole
        self.smaller = False  # whether anything on the page ran at another size than shown
        self.printed = ""  # by the last Python block
        self.seen: dict[str, str] = {}  # what commands printed
        self.interpreter = types.ModuleType("__main__")

    def copy(self, block: Block) -> None:
        """Do what a block says.

        Raises:
            PageError: it cannot be done, or another thing comes of it.
        """
        self.smaller |= bool(block.mark.options or block.mark.keywords)
        if block.mark.kind == "not run":
            check(bool(block.mark.text), "says not why it is not run")
        elif "long" in block.mark.clauses and not self.whole:
            check(block.is_shell, "is no shell block: it may not be long")
        elif block.mark.kind == "file":
            self.write(Path(block.mark.text), block.code)
        elif block.mark.kind == "output":
            compare(block.code, self.results(block.mark.text), exactly=True)
        elif block.language == "python":
            self.python(block)
        else:
            check(block.is_shell, "is neither Python nor a command: it needs a mark (CONTRIBUTING.md)")
            self.shell(block)

    def results(self, line: str) -> str:
        """What a command prints that shows results it has; what the last Python block printed if there is none."""
        if line and line not in self.seen:
            self.seen[line] = in_a_process(shlex.split(line))
        return self.seen[line] if line else self.printed

    def write(self, path: Path, code: str) -> None:
        """A file that the page shows; one of the repository must have these lines."""
        if path.exists():
            check(code in path.read_text(encoding="utf-8"), f"is no part of {path}")
        else:
            path.write_text(code, encoding="utf-8")

    def python(self, block: Block) -> None:
        if block.mark.part_of is not None:
            self.write(Path(block.mark.part_of), block.code)
        tree = ast.increment_lineno(ast.parse(block.code), block.line - 1)
        for call in (node for node in ast.walk(tree) if isinstance(node, ast.Call)):
            replace_keywords(call, block.mark.keywords.get(ast.unparse(call.func).rpartition(".")[2]))
        if "in a new interpreter" in block.mark.clauses:
            self.printed = in_a_process([sys.executable, "-c", ast.unparse(tree)])
            return
        sys.modules["__main__"] = self.interpreter
        with redirect_stdout(io.StringIO()) as out:
            exec(compile(tree, str(self.page), "exec"), vars(self.interpreter))
        self.printed = out.getvalue()

    def shell(self, block: Block) -> None:
        for command in block.commands:
            words = shlex.split(command.line, comments=True)
            options = block.mark.options.get(words[1] if len(words) > 1 else "", [])
            if "fails" in block.mark.clauses:
                printed = self.policybudget([*words[1:], *options], status=2)
            else:
                printed = self.run([*words, *options], command.line)
            if command.shown and "other words" not in block.mark.clauses:
                compare(command.shown, printed, exactly=not self.smaller)

    def run(self, words: list[str], line: str) -> str:
        """A command; returns what it prints."""
        if words[0] == "make":
            targets = (ROOT / "Makefile").read_text(encoding="utf-8")
            check(all(f"\n{word}:" in targets for word in words[1:] if "=" not in word), f"no target: {line}")
            return ""
        if words[0] == "pip":
            check_requirements(words)
            return ""
        if words[0] == "policybudget":
            return self.policybudget(words[1:])
        return in_a_process(["bash", "-c", line])

    def policybudget(self, arguments: list[str], status: int = 0) -> str:
        """The command, which must end with this status; returns what it prints, of one that fails its error."""
        from policybudget.cli.main import main
        from policybudget.studies import run_units
        from policybudget.training.train import Training

        out, err, got = io.StringIO(), io.StringIO(), 0
        with ExitStack() as stack:
            if arguments[0] == "train" and "--out" not in arguments and not self.whole:
                stack.enter_context(suppress(SetUp))
                stack.enter_context(mock.patch.object(Training, "run", side_effect=SetUp))
                stack.enter_context(mock.patch.object(run_units, "run_study", side_effect=SetUp))
            stack.enter_context(redirect_stdout(out))
            stack.enter_context(redirect_stderr(err))
            got = main(arguments)
        check(got == status, f"policybudget {shlex.join(arguments)} ended with status {got}: {err.getvalue()}")
        return err.getvalue() if status else out.getvalue()


def in_a_process(command: list[str]) -> str:
    """What a command prints; the interpreter's folder comes first where it looks for others."""
    places = os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]])
    ran = subprocess.run(command, env=os.environ | {"PATH": places}, capture_output=True, text=True, check=False)
    check(ran.returncode == 0, f"{command[-1]}: {ran.stderr}")
    return ran.stdout


def check(fine: bool, otherwise: str) -> None:
    if not fine:
        raise PageError(otherwise)


def replace_keywords(call: ast.Call, wanted: str | None) -> None:
    """Those of ``wanted``, the source of a call, take the place of those that are there."""
    if wanted is None:
        return
    given = ast.parse(wanted, mode="eval").body
    assert isinstance(given, ast.Call)
    own = {keyword.arg for keyword in given.keywords}
    call.keywords = [keyword for keyword in call.keywords if keyword.arg not in own] + given.keywords
    ast.fix_missing_locations(call)


def check_requirements(words: list[str]) -> None:
    """Of a pip command: extras that there are, and packages that this one depends on."""
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
    known = {re.split(r"\W", one)[0] for one in project["dependencies"]}
    for word in words[2:]:
        extras = re.search(r"\[(.*)\]", word)
        unknown = set(extras[1].split(",")) - set(project["optional-dependencies"]) if extras else set()
        check(not unknown, f"no extra {unknown}: {word}")
        name = word.partition("[")[0]
        fine = name.startswith(("-", ".", "policybudget", "dist")) or name in known
        check(fine, f"policybudget does not depend on {name}")


def compare(shown: str, printed: str, exactly: bool) -> None:
    """What a page shows of what is printed, where ``...`` stands for any lines; the words alone if not exactly."""
    if not exactly:
        shown, printed = (" ".join(NUMBER.sub("#", text).split()) for text in (shown, printed))
    shown, printed = ("\n".join(map(str.rstrip, text.splitlines())).strip("\n") for text in (shown, printed))
    pattern = ".*".join(map(re.escape, shown.split(ANYTHING)))
    check(re.search(pattern, printed, re.DOTALL) is not None, f"shows\n{shown}\nbut this is printed:\n{printed}")


@contextmanager
def place() -> Iterator[Path]:
    """A working directory with the files of a clone."""
    back = Path.cwd()
    with tempfile.TemporaryDirectory(prefix="policybudget-docs-") as folder:
        for name in COPIED:
            shutil.copytree(ROOT / name, Path(folder) / name, ignore=shutil.ignore_patterns("__pycache__"))
        os.chdir(folder)
        try:
            yield Path(folder)
        finally:
            os.chdir(back)


def copy_all(page: Path, whole: bool = False, say: Callable[[str], Any] = print) -> None:
    """Copy all blocks of a page.

    Raises:
        PageError: a block does not do what the page says; the message has its line.
    """
    found = list(blocks(page))
    with place(), warnings.catch_warnings():
        warnings.simplefilter("error")
        reader = Reader(page, whole)
        for block in found:
            start = time.process_time()
            try:
                reader.copy(block)
            except Exception as error:
                raise PageError(f"{page}:{block.line}: {error}") from error
            say(f"{page}:{block.line} {time.process_time() - start:.1f} s")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("page", type=Path)
    parser.add_argument("--whole", action="store_true", help="run everything")
    options = parser.parse_args()
    copy_all(options.page.absolute(), options.whole)


if __name__ == "__main__":
    main()
