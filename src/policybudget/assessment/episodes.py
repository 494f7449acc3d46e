"""Fresh episodes of greedy policies in tasks that had no part in their training.

An episode has a return in every task, so that most questions need each episode once: :func:`play_tasks`, and
:class:`Tape` where it is not known beforehand how many. A certificate may not share. It counts tasks as independent
coins, and they are none if one lucky episode counts for all of them: :func:`play_alone`.
"""

from __future__ import annotations

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Float, Int, PRNGKeyArray

from policybudget.assessment.best_arm import Play
from policybudget.policies.acting import Acting
from policybudget.population import Population
from policybudget.rollouts.sampler import play
from policybudget.worlds.interface import World

BLOCK, TOGETHER = 64, 256
"""Episodes that are played at once: of a tape, and of a task's own."""


def play_tasks(
    world: World, tasks: Population, policies: Acting, episodes: int, seed: int
) -> Float[np.ndarray, "k tasks e"]:
    """Returns of all policies in fresh episodes; an episode of a policy counts for all tasks.

    Args:
        world: where to play.
        tasks: as agents.
        policies: k of them.
        episodes: of each policy.
        seed: of the episodes.

    Returns:
        (k, tasks, episodes) returns.
    """
    key = jax.random.fold_in(jax.random.key(seed), 0x7A5C)
    return np.moveaxis(_returns(world, tasks, policies, key, episodes), -1, 1)


def play_alone(
    world: World,
    tasks: Population,
    policies: Acting,
    serves: Int[np.ndarray, " tasks"],
    episodes: int,
    seed: int,
    stream: int = 0,
) -> Float[np.ndarray, "tasks e"]:
    """Returns of each task's policy in fresh episodes that no other task shares.

    Args:
        world: where to play.
        tasks: as agents.
        policies: k of them.
        serves: (tasks,) the policy of each task.
        episodes: of each task.
        seed: of the episodes.
        stream: of the seed; give other policies in the same tasks another one.

    Returns:
        (tasks, episodes) returns.
    """
    key = jax.random.fold_in(jax.random.fold_in(jax.random.key(seed), 0xA10E), stream)
    found = np.empty((tasks.size, episodes))
    for policy in np.unique(serves):
        if tasks.rewards.own:  # no task shares an episode
            each = jax.random.fold_in(key, int(policy))
            table = _returns(world, tasks, policies.of(jnp.array([int(policy)])), each, episodes)[0]
            found[serves == policy] = table[:, serves == policy].T
            continue
        whose = np.repeat(np.flatnonzero(serves == policy), episodes)
        got = np.empty(len(whose))
        for block, first in enumerate(range(0, len(whose), TOGETHER)):
            part = slice(first, min(first + TOGETHER, len(whose)))
            own = jax.random.fold_in(jax.random.fold_in(key, int(policy)), block)
            table = _returns(world, tasks, policies.of(jnp.array([int(policy)])), own, part.stop - part.start)[0]
            got[part] = table[np.arange(len(table)), whose[part]]
        found[serves == policy] = got.reshape(-1, episodes)
    return found


class Tape:
    """Episodes of each policy one after the other, played when they are first asked for.

    Every task reads each policy's tape from its start. What is on it does not depend on who asks, or when.

    Args:
        world: where to play.
        tasks: as agents.
        policies: k of them.
        seed: of the episodes.
    """

    def __init__(self, world: World, tasks: Population, policies: Acting, seed: int) -> None:
        self.world, self.tasks = world, tasks
        self.key = jax.random.fold_in(jax.random.key(seed), 0x7A9E)
        self.policies = [policies.of(jnp.array([policy])) for policy in range(policies.budget)]
        self.returns = [np.empty((0, tasks.size)) for _ in self.policies]

    def player(self, task: int) -> Play:
        """The ``play`` of :func:`policybudget.assessment.few_shot.select` for one task.

        Args:
            task: its row.

        Returns:
            A function that plays on where it stopped.
        """
        played = np.zeros(len(self.policies), int)

        def play_on(chosen: np.ndarray, number: int) -> np.ndarray:
            rows = [self._read(int(policy), int(played[policy]), number)[:, task] for policy in chosen]
            played[chosen] += number
            return np.stack(rows)

        return play_on

    def _read(self, policy: int, first: int, number: int) -> Float[np.ndarray, "number tasks"]:
        while len(self.returns[policy]) < first + number:
            block = len(self.returns[policy]) // BLOCK
            key = jax.random.fold_in(jax.random.fold_in(self.key, policy), block)
            more = _returns(self.world, self.tasks, self.policies[policy], key, BLOCK)[0]
            self.returns[policy] = np.concatenate([self.returns[policy], more])
        return self.returns[policy][first : first + number]


def _returns(
    world: World, tasks: Population, policies: Acting, key: PRNGKeyArray, episodes: int
) -> Float[np.ndarray, "k e tasks"]:
    played = play(world, tasks.rewards, policies, key, episodes, True)
    each = [np.asarray(tasks.rewards.agents(one)) for one in played.returns]
    return np.stack(each).astype(np.float64)
