"""``policybudget reassign``"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from policybudget.cli.options import parse
from policybudget.errors import PolicyBudgetError
from policybudget.settings import argument, check_options, option

DESCRIPTION = "Who moves to another policy, now that users have changed; and whether one more policy is due."
ONE_MORE = "is one more policy due?"


@dataclass(frozen=True)
class Options:
    """What the command is asked.

    Attributes:
        bundle: folder of the bundle.
        users: table of the users as they are now.
        before: table of where they stood; None if all are new.
        switching_cost: what moving costs.
        patience: in how many tables moving must pay.
        cost_per_policy: in units of welfare.
        candidates: table of policies that might be added.
        curve: folder of a budget curve.
        out: the file to write.
        quiet: print nothing but errors.
    """

    bundle: Path = argument("folder of a bundle", "BUNDLE")
    users: Path = argument("a row per user as it is now, as for enrol", "USERS.csv")
    switching_cost: float = option(..., "how much more per episode a policy must be worth to move to it", metavar="C")
    before: Path | None = option(None, "where users stood: what enrol or reassign wrote; all are new if not given")
    patience: int = option(1, "in how many tables in a row it must be", metavar="P", most=1_000_000)
    out: Path = option(Path("reassigned.csv"), "the file to write", metavar="FILE")
    cost_per_policy: float | None = option(None, "in units of welfare (mean return of the users)", group=ONE_MORE)
    candidates: Path | None = option(
        None, "what policies that might be added return; those in the bundle if not given", group=ONE_MORE
    )
    curve: Path | None = option(
        None, "folder of policybudget curve, for the users it was made for", metavar="DIR", group=ONE_MORE
    )
    quiet: bool = option(False, "print nothing but errors")

    def __post_init__(self) -> None:
        check_options(self)
        if (self.candidates is not None or self.curve is not None) and self.cost_per_policy is None:
            raise PolicyBudgetError("--candidates and --curve say what one more policy brings: give --cost-per-policy")
        read = (self.users, self.before, self.candidates)
        if any(self.out.resolve() == each.resolve() for each in read if each is not None):
            raise PolicyBudgetError(f"--out would overwrite {self.out}; give another file")


def run(arguments: Sequence[str]) -> None:
    """Write a row per user.

    Args:
        arguments: as typed.
    """
    options = parse("reassign", DESCRIPTION, Options, arguments)
    from policybudget.deployment.bundle import load
    from policybudget.deployment.due import Due, by_curve, tally_of
    from policybudget.deployment.reassign import Rule
    from policybudget.deployment.reassign_file import reassign_file

    bundle, tally, cost = load(options.bundle), None, options.cost_per_policy
    rule, due = Rule(options.switching_cost, options.patience, bundle.record.floor), list[Due]()
    if cost is not None:
        tally = tally_of(bundle, options.candidates, rule.cost)
        if options.curve is not None:
            due.append(by_curve(options.curve, len(bundle.policies), cost))
        elif tally is None:
            raise PolicyBudgetError(
                "--cost-per-policy needs --candidates, --curve, or a bundle of export --candidates: policies alone do "
                "not tell what one more would bring"
            )
    found = reassign_file(bundle, options.users, rule, options.out, options.before, tally)
    if tally is not None and cost is not None:
        due.append(tally.due(cost))
    if not options.quiet:
        print("\n".join([found.text(options.out), *(one.text(len(bundle.policies)) for one in due)]))
