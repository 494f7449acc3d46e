r"""A stream of realised returns beside what a bundle promises: a line per return, from a file or as they come.

Watched is each policy, and where the stream has a column ``group``, each group that the bundle promises something (a
mean can hold for all users of a policy while one group of them pays for it). The level α is shared by all of them, so
that the probability of ever raising any false alarm is at most α (union bound):

* without groups, or without a floor: α / w for each of w promises;
* with groups and a floor: α / 2w for each of w promises; the i-th group that comes without a promise is held to the
  floor, below which nobody was to be served, at :math:`\frac{\alpha}{2} \cdot \frac{6}{\pi^2 i^2}`, and these sum to
  α/2 however many come.
"""

from __future__ import annotations

import csv
import math
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, field
from typing import Any

from policybudget.deployment.bundle import Bundle
from policybudget.deployment.monitor import Watch
from policybudget.errors import PolicyBudgetError

Key = tuple[int, str | None]
"""A policy, and a group of its users; None for all of them."""
SHOWN = 12
"""Characters of the name of a group in the table."""


@dataclass(frozen=True)
class Watched:
    """What a stream came to.

    Attributes:
        watches: of each policy that promises something, by its number.
        groups: of each policy and group that is promised something, or is held to the floor.
        unpromised: returns of each policy and group that is promised nothing; they count for the policy alone.
        level: the probability of ever raising a false alarm, over all watches together.
    """

    watches: dict[int, Watch]
    groups: dict[tuple[int, str], Watch] = field(default_factory=dict)
    unpromised: dict[tuple[int, str], int] = field(default_factory=dict)
    level: float = 0.05

    @property
    def alarms(self) -> list[Key]:
        """Policies, and groups of their users, to whom what was promised is not kept."""
        return [key for key, watch in self._all() if watch.alarm_at is not None]

    def _all(self) -> Iterator[tuple[Key, Watch]]:
        """Each policy, followed by its groups."""
        for policy, watch in self.watches.items():
            yield (policy, None), watch
            yield from (((j, group), own) for (j, group), own in self.groups.items() if j == policy)

    def text(self) -> str:
        """A line per policy and group, at most 80 columns."""
        group = f" {'group':<{SHOWN}}" if self.groups else ""
        lines = [
            f"{'policy':>6}{group} {'promised':>9} {'mean':>9} {'returns':>8} {'lost <=':>9} {'evidence':>9}  alarm"
        ]
        for (policy, name), watch in self._all():
            group = f" {('all' if name is None else name)[:SHOWN]:<{SHOWN}}" if self.groups else ""
            mean = "-" if math.isnan(watch.mean) else f"{watch.mean:.2f}"
            alarm = "no" if watch.alarm_at is None else f"at {watch.alarm_at}"
            lines.append(
                f"{policy:>6}{group} {watch.promised:>9.2f} {mean:>9} {watch.returns:>8} {watch.lost[1]:>9.4g} "
                f"{watch.evidence:>9.3g}  {alarm}"
            )
        lines.append(f"lost <=: below what was promised, by now; wrong for any row with {self.level:g} at most")
        lines += [
            f"{named(key)[:40]}: {watch.lost_at_alarm:.4g} short at the alarm, after {watch.alarm_at} returns"
            for key, watch in self._all()
            if watch.alarm_at is not None
        ]
        if self.unpromised:
            lines.append(f"{sum(self.unpromised.values())} returns are of groups that are promised nothing")
        return "\n".join(lines)


def named(key: Key) -> str:
    """A policy, or a group of its users, in words.

    Args:
        key: of it.
    """
    return f"policy {key[0]}" + ("" if key[1] is None else f", group {key[1]}")


class _Watches:
    """All that is watched, and those that come late."""

    def __init__(self, bundle: Bundle, low: float, high: float, level: float, grouped: bool) -> None:
        promised = {j: promise for j, promise in enumerate(bundle.record.promises) if promise is not None}
        groups = {(one.policy, one.group): one.promise for one in bundle.record.groups} if grouped else {}
        floor = bundle.record.floor if grouped else None
        self.floor = floor if floor is not None and floor > low else None  # no return can be below one that is lower
        self.low, self.high, self.late, self.rest = low, high, 0, level / 2 if self.floor is not None else 0.0
        each = (level - self.rest) / max(1, len(promised) + len(groups))
        self.found = Watched(
            {j: Watch(promise, low, high, each) for j, promise in promised.items()},
            {key: Watch(promise, low, high, each) for key, promise in groups.items()},
            level=level,
        )

    def of(self, policy: int, group: str) -> Watch | None:
        """That of a group; None if nothing is promised to it."""
        key = (policy, group)
        if (watch := self.found.groups.get(key)) is not None:
            return watch
        if self.floor is None:
            self.found.unpromised[key] = self.found.unpromised.get(key, 0) + 1
            return None
        self.late += 1
        level = self.rest * 6.0 / (math.pi * self.late) ** 2
        return self.found.groups.setdefault(key, Watch(self.floor, self.low, self.high, level))


def monitor(
    bundle: Bundle,
    rows: Iterable[str],
    low: float,
    high: float,
    level: float = 0.05,
    alarmed: Callable[[Key, Watch], None] = lambda key, watch: None,
) -> Watched:
    """Watch realised returns.

    Args:
        bundle: whose policies promise a mean return each (``promises`` in bundle.json), and to groups (``groups``).
        rows: lines of comma-separated values, a header with ``policy`` and ``return`` first, and ``group`` if groups
            are watched; read as they come. Those of a policy that promises nothing, since it serves nobody, are passed
            over.
        low: no return is below it.
        high: no return is above it.
        level: the probability of ever raising a false alarm, over all policies and groups together.
        alarmed: called when a promise is shown not to be kept, with the policy and the group, None for all its users.

    Returns:
        What was seen of every policy and group.

    Raises:
        PolicyBudgetError: the range or a line is wrong.
    """
    reader = csv.reader(rows)
    try:
        return _watch(reader, bundle, (low, high, level), alarmed)
    except (csv.Error, UnicodeDecodeError) as error:
        raise PolicyBudgetError(f"the returns are no table of comma-separated values in UTF-8: {error}") from None


def _watch(
    reader: Any, bundle: Bundle, asked: tuple[float, float, float], alarmed: Callable[[Key, Watch], None]
) -> Watched:
    """Row by row, as they come."""
    header = [cell.strip() for cell in next(reader, [])]
    if lacking := [name for name in ("policy", "return") if name not in header]:
        raise PolicyBudgetError(f"returns need the columns policy and return; there is no {lacking[0]}")
    which, what = header.index("policy"), header.index("return")
    whose = header.index("group") if "group" in header else None
    watches, promises = _Watches(bundle, *asked, whose is not None), bundle.record.promises
    for row in reader:
        if not row:
            continue
        try:
            policy, value = int(row[which]), float(row[what])
            group = "" if whose is None else row[whose].strip()
            good = 0 <= policy < len(promises)
        except (ValueError, IndexError):
            good = False
        if not good:
            raise PolicyBudgetError(
                f"line {reader.line_num} of the returns: expected a policy from 0 to {len(promises) - 1} and a number, "
                f"got {','.join(row)[:60]!r}"
            )
        if (own := watches.found.watches.get(policy)) is None:
            continue
        if own.see(value):
            alarmed((policy, None), own)
        if group and (part := watches.of(policy, group)) is not None and part.see(value):
            alarmed((policy, group), part)
    return watches.found
