"""The end of a training that remembers: the best k of all episodes seen, chosen exactly, and policies that repeat them.

Which policies are learned and which groups they serve is then no matter of where EM came to rest: every episode of
every beginning is a candidate, and k of thousands are chosen for everybody at once
(:mod:`policybudget.selection.subset`).
"""

from __future__ import annotations

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import PRNGKeyArray

from policybudget.assignment.em import best_served
from policybudget.errors import PolicyBudgetError
from policybudget.learning.imitation import compiled_imitate
from policybudget.learning.memory import Memory
from policybudget.learning.sampling import play
from policybudget.policies.stacked import make_actor
from policybudget.selection.choice import choose
from policybudget.training.state import Task, TrainState
from policybudget.worlds.interface import Discrete, JaxWorld, World


def check(world: World) -> None:
    """Whether episodes of this world can be had again.

    Raises:
        PolicyBudgetError: they cannot.
    """
    if not (isinstance(world, JaxWorld) and world.without_chance and isinstance(world.actions, Discrete)):
        raise PolicyBudgetError(
            f"recall needs a world in JAX without chance and with discrete actions, which {world.name} is not; "
            "use --no-recall --restarts 1"
        )


def recall(task: Task, state: TrainState, memory: Memory, key: PRNGKeyArray, method: str = "auto") -> TrainState:
    """The state with policies that repeat the best k episodes, or as it was, if that is worth more.

    Args:
        memory: with one episode at least.
        method: of choosing, as in :func:`policybudget.selection.choice.choose`.
    """
    assert isinstance(task.world, JaxWorld)
    found = len(memory.returns)
    chosen = choose(task.objective, memory.returns.astype(np.float64), min(task.budget, found), method)
    chosen = chosen[np.arange(task.budget) % len(chosen)]
    settings = task.settings
    beginner = make_actor(
        key, task.budget, task.world.observation_size, task.world.actions, settings.hidden, settings.trunk,
        settings.log_std,
    )  # fmt: skip
    taken, lengths = jnp.asarray(memory.actions[chosen], jnp.int32), jnp.asarray(memory.lengths[chosen])
    actor = compiled_imitate(task.world, beginner, state.normaliser, taken, lengths)
    recalled: TrainState = eqx.tree_at(lambda s: s.learned.actor, state, actor)
    settled = (_settled(task, recalled, key), _settled(task, state, key))
    return max(settled, key=lambda one: one[1])[0]


def _settled(task: Task, state: TrainState, key: jax.Array) -> tuple[TrainState, float]:
    """With everybody at the policy that is best for them when it is greedy, and what that is worth."""
    played = play(task.world, task.rewards.features, state.policies, key, 1, True)
    returns = task.rewards.agents(played.returns.mean(axis=1))
    assignment = best_served(task.objective, returns)
    settled: TrainState = eqx.tree_at(lambda s: s.assignment.assignment, state, assignment)
    return settled, float(task.objective.value(assignment, returns))
