"""A stream of realised returns beside what a bundle promises: a line per return, from a file or as they come."""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from policybudget.deployment.bundle import Bundle
from policybudget.deployment.monitor import Watch
from policybudget.errors import PolicyBudgetError


@dataclass(frozen=True)
class Watched:
    """What a stream came to.

    Attributes:
        watches: of each policy that promises something, by its number.
    """

    watches: dict[int, Watch]

    @property
    def alarms(self) -> list[int]:
        """Policies that do not keep what was promised."""
        return [policy for policy, watch in self.watches.items() if watch.alarm_at is not None]

    def text(self) -> str:
        """A line per policy, at most 80 columns."""
        lines = [f"{'policy':>6} {'promised':>10} {'mean':>10} {'returns':>8} {'evidence':>10}  alarm"]
        for policy, watch in self.watches.items():
            mean = "-" if math.isnan(watch.mean) else f"{watch.mean:.2f}"
            alarm = "no"
            if watch.alarm_at is not None:
                alarm = f"after {watch.alarm_at} returns, {watch.lost_at_alarm:.4g} short"
            lines.append(
                f"{policy:>6} {watch.promised:>10.2f} {mean:>10} {watch.returns:>8} {watch.evidence:>10.3g}  {alarm}"
            )
        return "\n".join(lines)


def monitor(
    bundle: Bundle,
    rows: Iterable[str],
    low: float,
    high: float,
    level: float = 0.05,
    alarmed: Callable[[int, Watch], None] = lambda policy, watch: None,
) -> Watched:
    """Watch realised returns.

    Args:
        bundle: whose policies promise a mean return each (``promises`` in bundle.json).
        rows: lines of comma-separated values, a header with ``policy`` and ``return`` first; read as they come. Those
            of a policy that promises nothing, since it serves nobody, are passed over.
        low: no return is below it.
        high: no return is above it.
        level: the probability of ever raising a false alarm, over all policies together.
        alarmed: called when a policy is shown not to keep its promise, with its number.

    Returns:
        What was seen of every policy.

    Raises:
        PolicyBudgetError: the range or a line is wrong.
    """
    promised = {j: promise for j, promise in enumerate(bundle.record.promises) if promise is not None}
    watches = {j: Watch(promise, low, high, level / len(promised)) for j, promise in promised.items()}
    reader = csv.reader(rows)
    try:
        _watch(reader, watches, len(bundle.record.promises), alarmed)
    except (csv.Error, UnicodeDecodeError) as error:
        raise PolicyBudgetError(f"the returns are no table of comma-separated values in UTF-8: {error}") from None
    return Watched(watches)


def _watch(
    reader: Any,
    watches: Mapping[int, Watch],
    policies: int,
    alarmed: Callable[[int, Watch], None],
) -> None:
    """Row by row, as they come."""
    header = [cell.strip() for cell in next(reader, [])]
    if lacking := [name for name in ("policy", "return") if name not in header]:
        raise PolicyBudgetError(f"returns need the columns policy and return; there is no {lacking[0]}")
    which, what = header.index("policy"), header.index("return")
    for row in reader:
        if not row:
            continue
        try:
            policy, value = int(row[which]), float(row[what])
            known = 0 <= policy < policies
        except (ValueError, IndexError):
            known = False
        if not known:
            raise PolicyBudgetError(
                f"line {reader.line_num} of the returns: expected a policy from 0 to {policies - 1} and a number, got "
                f"{','.join(row)[:60]!r}"
            )
        if policy in watches and watches[policy].see(value):
            alarmed(policy, watches[policy])
