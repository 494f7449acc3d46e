"""``policybudget verify``"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from policybudget.cli.options import parse
from policybudget.settings import argument, option

DESCRIPTION = "Whether every file of a bundle is what it was when the bundle was sealed."


@dataclass(frozen=True)
class Options:
    """What the command is asked.

    Attributes:
        bundle: folder of the bundle.
        quiet: print nothing but errors.
    """

    bundle: Path = argument("folder of a bundle", "BUNDLE")
    quiet: bool = option(False, "print nothing but errors")


def run(arguments: Sequence[str]) -> None:
    """Read all of it; whatever is wrong is one line.

    Args:
        arguments: as typed.
    """
    options = parse("verify", DESCRIPTION, Options, arguments)
    from policybudget.deployment.bundle import load

    bundle = load(options.bundle)
    if not options.quiet:
        for policy in bundle.policies:
            approved = policy.record.approved
            by = "not approved" if approved is None else f"approved by {approved.by}, {approved.date}"
            print(f"policy {policy.record.policy}  {policy.record.sha256[:16]}  {by}")
        print(f"{options.bundle} is whole: {len(bundle.record.files) + 1} files match their hashes")
