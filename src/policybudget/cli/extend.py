"""``policybudget extend``"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from policybudget.cli import interrupts
from policybudget.cli.options import parse
from policybudget.errors import PolicyBudgetError
from policybudget.settings import argument, check_options, option

DESCRIPTION = "Add policies to a run whose policies are approved: those stay as they are, and nobody has to move."


@dataclass(frozen=True)
class Options:
    """What the command is asked.

    Attributes:
        run: folder of the run.
        out: folder of the extended run.
        add: how many policies are new.
        replace: the policy that a new one replaces.
        transitions: per new policy.
        episodes: of each policy.
        seed: of the training of the new policies.
        quiet: print nothing but errors.
    """

    run: Path = argument("run folder whose policies are approved", "RUN")
    out: Path = option(..., "folder of the extended run: new, or stopped and to go on with", metavar="DIR")
    add: int | None = option(None, "how many policies are new, 1 if not given", most=100_000)
    replace: int | None = option(
        None, "the policy that a new one replaces; it stays if welfare would fall", metavar="J"
    )
    transitions: int | None = option(None, "transitions per new policy, as in RUN if not given", most=10**15)
    episodes: int = option(100, "episodes per policy, to assign by and again to judge by", most=1_000_000)
    seed: int = option(0, "decides the training of the new policies", most=2**32)
    quiet: bool = option(False, "print nothing but errors")

    def __post_init__(self) -> None:
        check_options(self)
        if self.replace is not None and self.add not in (None, 1):
            raise PolicyBudgetError(f"--replace takes one new policy; leave --add {self.add} out")


def run(arguments: Sequence[str]) -> None:
    """Train, join, compare; print what changed.

    Args:
        arguments: as typed.
    """
    options = parse("extend", DESCRIPTION, Options, arguments)
    from policybudget.runtime import use_compilation_cache
    from policybudget.studies.extend import begin
    from policybudget.studies.extension import Extension, base_of

    use_compilation_cache()
    given = options.transitions
    transitions = base_of(options.run).transitions if given is None else given
    asked = Extension(
        options.run,
        1 if options.add is None else options.add,
        options.replace,
        transitions,
        options.seed,
        options.episodes,
    )
    begin(asked, options.out)
    go_on(options.out, options.quiet)


def go_on(folder: Path, quiet: bool) -> None:
    """An extension that was begun.

    Args:
        folder: of the extension.
        quiet: print nothing but errors.
    """
    from policybudget.runs.folder import locked
    from policybudget.studies.extend import CHANGE, extend
    from policybudget.studies.extension import Extension

    asked = Extension.load(folder)
    with locked(folder), interrupts.unwinding(folder) as raised:
        found = extend(folder, asked, quiet, [raised])
    if not quiet:
        print(found.comparison.text())
        print(f"folder {folder}; the change control plan is {folder / CHANGE}")
