"""``policybudget monitor``"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from policybudget.cli.options import parse
from policybudget.errors import PolicyBudgetError
from policybudget.settings import argument, check_options, option

DESCRIPTION = "Is what is realised inside what was promised? An alarm may be looked for after every return."


@dataclass(frozen=True)
class Options:
    """What the command is asked.

    Attributes:
        bundle: folder of the bundle.
        returns: table of realised returns.
        range: no return is outside of it.
        level: probability of ever raising a false alarm.
        quiet: print nothing but errors.
    """

    bundle: Path = argument("folder of a bundle", "BUNDLE")
    returns: Path = argument("columns policy and return, and group; - for standard input, as it comes", "FILE")
    range: tuple[float, float] = option(..., "no return is ever outside of it", metavar=("LOW", "HIGH"))
    level: float = option(0.05, "probability of ever raising a false alarm, over all policies and groups")
    quiet: bool = option(False, "print nothing but errors and alarms")

    def __post_init__(self) -> None:
        check_options(self)


def run(arguments: Sequence[str]) -> int:
    """Watch, and print what was seen.

    Args:
        arguments: as typed.

    Returns:
        The exit status: 1 if a policy is shown not to keep its promise.
    """
    options = parse("monitor", DESCRIPTION, Options, arguments)
    from policybudget.deployment.bundle import load
    from policybudget.deployment.monitor import Watch
    from policybudget.deployment.monitor_file import Key, monitor, named
    from policybudget.runs.csv_file import lines

    bundle = load(options.bundle)

    def alarmed(key: Key, watch: Watch) -> None:
        line = f"promised {watch.promised:.4g}, mean {watch.mean:.4g} of {watch.returns} returns"
        print(f"{named(key)}: {line}, {watch.lost_at_alarm:.4g} short", file=sys.stderr, flush=True)

    low, high = options.range
    if options.returns == Path("-"):
        found = monitor(bundle, lines(sys.stdin.readline), low, high, options.level, alarmed)
    else:
        try:
            with options.returns.open(encoding="utf-8-sig", newline="") as rows:
                found = monitor(bundle, lines(rows.readline), low, high, options.level, alarmed)
        except OSError as error:
            reason = (error.strerror or str(error)).lower()
            raise PolicyBudgetError(f"cannot read {options.returns}: {reason}") from None
    if not options.quiet:
        print(found.text())
    return 1 if found.alarms else 0
