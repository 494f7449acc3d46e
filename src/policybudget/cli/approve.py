"""``policybudget approve``"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from policybudget.cli.options import parse
from policybudget.errors import PolicyBudgetError
from policybudget.settings import argument, check_options, option

DESCRIPTION = "Write into a sealed bundle who approved which policies, or take it back."


@dataclass(frozen=True)
class Options:
    """What the command is asked.

    Attributes:
        bundle: folder of the bundle.
        policy: numbers of the policies.
        by: who approves.
        date: of the approval.
        reference: of a document.
        withdraw: take approvals back.
        quiet: print nothing but errors.
    """

    bundle: Path = argument("folder of a bundle", "BUNDLE")
    policy: tuple[int, ...] = option(..., "numbers of the policies", metavar="J")
    by: str | None = option(None, "who approves them")
    date: str | None = option(None, "of the approval, such as 2026-11-22; today if not given", metavar="DATE")
    reference: str = option("", "of a document, such as the number of a minute", metavar="TEXT")
    withdraw: bool = option(False, "take back that they were approved")
    quiet: bool = option(False, "print nothing but errors")

    def __post_init__(self) -> None:
        check_options(self)
        if self.withdraw == (self.by is not None):
            raise PolicyBudgetError("give either --by NAME, or --withdraw")


def run(arguments: Sequence[str]) -> None:
    """Write bundle.json anew, and print who approved what.

    Args:
        arguments: as typed.
    """
    options = parse("approve", DESCRIPTION, Options, arguments)
    from policybudget.deployment import signature, verify
    from policybudget.deployment.approve import approve, withdraw

    if options.by is None:
        record = withdraw(options.bundle, options.policy)
    else:
        record = approve(options.bundle, options.policy, options.by, options.date, options.reference)
    if not options.quiet:
        print(verify.approvals(record))
        if (options.bundle / signature.NAME).exists():
            print(f"{signature.NAME} does not fit any more; sign the bundle again")
