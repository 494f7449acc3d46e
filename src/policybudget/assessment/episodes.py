"""Fresh episodes of a committee's greedy members in tasks that had no part in its training.

An episode has a return in every task, so that most questions need each episode once: :func:`play_tasks`, and
:class:`Tape` where it is not known beforehand how many. A certificate may not share. It counts tasks as independent
coins, and they are none if one lucky episode counts for all of them: :func:`play_alone`.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray

from policybudget.assessment.race import Play
from policybudget.policies.stacked import Policies
from policybudget.population import Population
from policybudget.rollouts.sampler import play
from policybudget.worlds.interface import World

BLOCK, TOGETHER = 64, 256
"""Episodes that are played at once: of a tape, and of a task's own."""


def play_tasks(
    world: World, tasks: Population, policies: Policies, episodes: int, seed: int
) -> Float[np.ndarray, "K tasks e"]:
    """Returns of all members in fresh episodes; an episode of a member counts for all tasks."""
    key = jax.random.fold_in(jax.random.key(seed), 0x7A5C)
    return np.moveaxis(_returns(world, tasks, policies, key, episodes), -1, 1)


def play_alone(
    world: World,
    tasks: Population,
    policies: Policies,
    members: Int[np.ndarray, " tasks"],
    episodes: int,
    seed: int,
    stream: int = 0,
) -> Float[np.ndarray, "tasks e"]:
    """Returns of each task's member in fresh episodes that no other task shares.

    Args:
        members: who serves each task.
        episodes: of each task.
        stream: of the seed; those of another committee in the same tasks should be others.
    """
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), 0xA10E), stream)
    found = np.empty((tasks.size, episodes))
    for member in np.unique(members):
        whose = np.repeat(np.flatnonzero(members == member), episodes)
        got = np.empty(len(whose))
        for block, first in enumerate(range(0, len(whose), TOGETHER)):
            part = slice(first, min(first + TOGETHER, len(whose)))
            own = jax.random.fold_in(jax.random.fold_in(key, int(member)), block)
            table = _returns(world, tasks, _only(policies, int(member)), own, part.stop - part.start)[0]
            got[part] = table[np.arange(len(table)), whose[part]]
        found[members == member] = got.reshape(-1, episodes)
    return found


class Tape:
    """Episodes of each member one after the other, played when they are first asked for.

    Every task reads each member's tape from its start. What is on it does not depend on who asks, or when.
    """

    def __init__(self, world: World, tasks: Population, policies: Policies, seed: int) -> None:
        self.world, self.tasks = world, tasks
        self.key = jax.random.fold_in(jax.random.key(seed), 0x7A9E)
        self.members = [_only(policies, member) for member in range(policies.budget)]
        self.returns = [np.empty((0, tasks.size)) for _ in self.members]

    def player(self, task: int) -> Play:
        """The ``play`` of :func:`policybudget.assessment.few_shot.select` for one task."""
        played = np.zeros(len(self.members), int)

        def play_on(chosen: np.ndarray, number: int) -> np.ndarray:
            rows = [self._read(int(member), int(played[member]), number)[:, task] for member in chosen]
            played[chosen] += number
            return np.stack(rows)

        return play_on

    def _read(self, member: int, first: int, number: int) -> Float[np.ndarray, "number tasks"]:
        while len(self.returns[member]) < first + number:
            block = len(self.returns[member]) // BLOCK
            key = jax.random.fold_in(jax.random.fold_in(self.key, member), block)
            more = _returns(self.world, self.tasks, self.members[member], key, BLOCK)[0]
            self.returns[member] = np.concatenate([self.returns[member], more])
        return self.returns[member][first : first + number]


def _only(policies: Policies, member: int) -> Policies:
    """A committee of one."""
    return Policies(policies.actor.of(jnp.array([member])), policies.normaliser)


def _returns(
    world: World, tasks: Population, policies: Policies, key: PRNGKeyArray, episodes: int
) -> Float[np.ndarray, "K e tasks"]:
    played = play(world, tasks.rewards.features, policies, key, episodes, True)
    each = [np.asarray(tasks.rewards.agents(one)) for one in played.returns]
    return np.stack(each).astype(np.float64)
