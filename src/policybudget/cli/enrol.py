"""``policybudget enrol``"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from policybudget.cli.options import parse
from policybudget.errors import PolicyBudgetError
from policybudget.settings import argument, check_options, option

DESCRIPTION = "Who serves new users, without training: from their weights, task parameters, or realised returns."
FEW_SHOT = "from realised returns"


@dataclass(frozen=True)
class Options:
    """What the command is asked.

    Attributes:
        bundle: folder of the bundle.
        users: table of the new users; None for those of the returns alone.
        returns: table of realised returns; None for none.
        range: no return is outside of it.
        alpha: probability that the answer for a user is wrong.
        beta: precision that is good enough.
        out: the file to write.
        quiet: print nothing but errors.
    """

    bundle: Path = argument("folder of a bundle", "BUNDLE")
    users: Path | None = argument("a row per user, a column per weight or parameter, and name", "USERS.csv", None)
    out: Path = option(Path("enrolled.csv"), "the file to write", metavar="FILE")
    returns: Path | None = option(None, "columns name, policy and return, a row per episode", group=FEW_SHOT)
    range: tuple[float, float] | None = option(
        None, "no return is ever outside of it", metavar=("LOW", "HIGH"), group=FEW_SHOT
    )
    alpha: float = option(0.05, "chance that the answer for a user is wrong", metavar="A", group=FEW_SHOT)
    beta: float = option(0.0, "a policy so far from the best is good enough", metavar="B", group=FEW_SHOT)
    quiet: bool = option(False, "print nothing but errors")

    def __post_init__(self) -> None:
        check_options(self)
        if self.users is None and self.returns is None:
            raise PolicyBudgetError("enrol needs USERS.csv, --returns FILE, or both: of whom something is known")
        if (self.returns is None) != (self.range is None):
            raise PolicyBudgetError("--returns and --range LOW HIGH (no return may be outside) go together: give both")
        if any(self.out.resolve() == each.resolve() for each in (self.users, self.returns) if each is not None):
            raise PolicyBudgetError(f"--out would overwrite {self.out}; give another file")


def run(arguments: Sequence[str]) -> None:
    """Write a row per user.

    Args:
        arguments: as typed.
    """
    options = parse("enrol", DESCRIPTION, Options, arguments)
    from policybudget.deployment.bundle import load
    from policybudget.deployment.enrol_file import enrol_file
    from policybudget.deployment.few_shot import Question
    from policybudget.deployment.few_shot_file import enrol_returns

    bundle = load(options.bundle)
    if options.returns is not None and options.range is not None:
        question = Question(*options.range, options.alpha, options.beta, bundle.record.floor)
        text = enrol_returns(bundle, options.returns, question, options.out, options.users).text(options.out)
    else:
        assert options.users is not None
        text = enrol_file(bundle, options.users, options.out).text(options.out)
    if not options.quiet:
        print(text)
