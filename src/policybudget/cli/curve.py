"""``policybudget curve``"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from policybudget.cli import interrupts
from policybudget.cli.options import Parser, declare, filled
from policybudget.errors import PolicyBudgetError
from policybudget.runs.folder import locked, new_folder
from policybudget.settings import check_options, option

DESCRIPTION = "What k policies are worth, for every budget k: one training of a pool, of which any k are chosen."
BEYOND = """All options of policybudget train say what is trained (policybudget train --help). A pool takes twice the
transitions of one training with the largest budget. A folder is gone on with: policybudget curve --out DIR."""


@dataclass(frozen=True)
class Options:
    """What the command is asked besides the options of train.

    Attributes:
        budgets: each k; those of the folder if none are given.
        dedicated: whether every budget is trained by itself.
        episodes: of each policy.
        floor: the return that an agent should have.
        target: welfare that is wanted.
        cost_per_policy: in units of welfare.
    """

    budgets: str | None = option(None, "such as 1-10 or 1,2,5", metavar="K")
    dedicated: bool = option(False, "train every budget by itself, for comparison")
    episodes: int = option(50, "episodes per policy, to choose by, to assign by, and to judge by", most=1_000_000)
    floor: float | None = option(None, "return that a user should have: reports the share of users that do")
    target: float | None = option(None, "welfare that is wanted: reports the smallest budget that reaches it")
    cost_per_policy: float | None = option(None, "in units of welfare: reports the budget of most welfare after cost")
    out: Path = option(Path(), "folder of the curve, new or to go on with", metavar="DIR")

    def __post_init__(self) -> None:
        check_options(self)


def run(arguments: Sequence[str]) -> None:
    """Train what is missing, judge it, and print the curve.

    Args:
        arguments: as typed.
    """
    parser = Parser("curve", DESCRIPTION, epilog=BEYOND)
    declare(parser, Options)
    parser.add_argument("--quiet", action="store_true", help="print nothing but errors")
    parsed, rest = parser.parse_known_args(arguments)
    if not rest:
        parsed = parser.parse_args(arguments)
    options: Options = filled(Options, parsed)
    if options.out == Path():
        raise PolicyBudgetError("curve needs --out DIR: a new folder, or that of a curve to go on with")
    from policybudget.studies import curve as curves

    begun = (options.out / curves.PLAN).exists()
    if begun and (rest or options.budgets or options.dedicated):
        raise PolicyBudgetError(
            f"{options.out} is a curve already and goes on as it began; give --out and --target, --cost-per-policy "
            "alone, or another --out"
        )
    if not begun and options.budgets is None:
        raise PolicyBudgetError(f"curve needs --budgets such as 1-10 ({options.out} is no folder of a curve)")
    if not begun:
        from policybudget.cli.train import asked

        words = [*rest, "--budget", options.budgets or "", *(["--quiet"] if parsed.quiet else [])]
        configuration, budgets, seeds, _ = asked(words)
        asked_for = curves.Curve.of(configuration, budgets, seeds, options.dedicated, options.episodes, options.floor)
        new_folder(options.out)
    with locked(options.out) as folder, interrupts.unwinding(folder):
        if begun:
            asked_for = curves.Curve.load(folder)
        else:
            asked_for.save(folder)
        found = curves.compute(folder, asked_for, options.target, options.cost_per_policy, parsed.quiet)
    if not parsed.quiet:
        from policybudget.cli import show

        show.curve(options.out, found)
