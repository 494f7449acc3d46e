"""``policybudget enrol``"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from policybudget.cli.options import parse
from policybudget.errors import PolicyBudgetError
from policybudget.settings import argument, option

DESCRIPTION = "Who serves new users, without training: from their weights or task parameters."


@dataclass(frozen=True)
class Options:
    """What the command is asked.

    Attributes:
        bundle: folder of the bundle.
        users: table of the new users.
        out: the file to write.
        quiet: print nothing but errors.
    """

    bundle: Path = argument("folder of a bundle", "BUNDLE")
    users: Path = argument("a row per user, a column per weight or parameter, and name", "USERS.csv")
    out: Path = option(Path("enrolled.csv"), "the file to write", metavar="FILE")
    quiet: bool = option(False, "print nothing but errors")


def run(arguments: Sequence[str]) -> None:
    """Write a row per user.

    Args:
        arguments: as typed.
    """
    options = parse("enrol", DESCRIPTION, Options, arguments)
    from policybudget.deployment.bundle import load
    from policybudget.deployment.enrol_file import enrol_file

    if options.out.resolve() == options.users.resolve():
        raise PolicyBudgetError(f"--out would overwrite {options.users}; give another file")
    found = enrol_file(load(options.bundle), options.users, options.out)
    if not options.quiet:
        print(found.text(options.out))
