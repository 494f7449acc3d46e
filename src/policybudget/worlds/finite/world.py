r"""A finite MDP as a JAX world, so that what is learned in it can be compared with what is exact.

* one-hot observation of the state, discrete actions, outcome :math:`\phi(s, a)`, the expected features;
* entering a state that no action leaves and that pays nothing ends the episode; a time limit truncates it;
* a discount is played as the chance that the episode goes on after a step: the expected undiscounted return is then
  the discounted value. The learner's Q-table holds undiscounted returns of episodes, so that training with a discount
  of 1 in this world maximises the discounted objective in both of its steps.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, PRNGKeyArray

from policybudget.errors import PolicyBudgetError
from policybudget.worlds.finite.tables import absorbing, check_tables
from policybudget.worlds.interface import Discrete, JaxWorld, Transition


class Place(NamedTuple):
    """State of one episode.

    Attributes:
        state: index of the state, 0 to S - 1.
        time: steps so far.
    """

    state: Int[Array, ""]
    time: Int[Array, ""]


class FiniteWorld(JaxWorld):
    """The world above.

    Attributes:
        cumulative: (S, A, S) running sums of the transition probabilities over next states; (n, S, A, S) where each of
            n agents has transitions of its own. The world is then told the number of the agent.
        features: (S, A, m) what a step pays.
        first: (S,) running sums of the distribution of the first state.
        end: (S,) states that end the episode when they are entered.
        limit: steps after which an episode is truncated.
        survival: chance that the episode goes on after a step.
    """

    cumulative: Float[Array, "*n S A S"]
    features: Float[Array, "S A m"]
    first: Float[Array, " S"]
    end: Bool[Array, " S"]
    limit: int
    survival: float

    def __init__(self, transitions: Any, features: Any, initial: Any, time_limit: int, survival: float = 1.0) -> None:
        """Take the tables of a finite MDP.

        Args:
            transitions: (S, A, S) probability of the next state, given state and action; or (n, S, A, S), a table for
                each agent. A state that ends the episode does so in all of them.
            features: (S, A, m) expected reward features.
            initial: (S,) distribution of the first state.
            time_limit: steps after which an episode is truncated.
            survival: chance that the episode goes on after a step, from 0 to 1.

        Raises:
            PolicyBudgetError: a table is wrong, or a number is out of range.
        """
        chances, paid, start = check_tables(transitions, features, initial)
        if time_limit < 1:
            raise PolicyBudgetError(f"time_limit must be at least 1, got {time_limit}")
        if not 0.0 <= survival <= 1.0:
            raise PolicyBudgetError(f"survival must be between 0 and 1, got {survival}")
        self.cumulative = _running(chances)
        self.features = jnp.asarray(paid, jnp.float32)
        self.first = _running(start)
        self.end = jnp.asarray(absorbing(chances, paid))
        self.limit = int(time_limit)
        self.survival = float(survival)

    @property
    def name(self) -> str:
        """For messages; it is no name for the command line."""
        return "finite"

    @property
    def observation_size(self) -> int:
        """S, one-hot."""
        return int(self.first.shape[0])

    @property
    def outcome_size(self) -> int:
        """m."""
        return int(self.features.shape[2])

    @property
    def actions(self) -> Discrete:
        """A actions."""
        return Discrete(int(self.features.shape[1]))

    @property
    def time_limit(self) -> int:
        """As given."""
        return self.limit

    @property
    def own_dynamics(self) -> bool:
        """Whether each agent has a table of its own."""
        return self.cumulative.ndim == 4

    @property
    def without_chance(self) -> bool:
        """Whether all probabilities are 0 or 1."""
        sure = self.survival in (0.0, 1.0)
        return sure and all(bool(jnp.isin(sums, jnp.array([0.0, 1.0])).all()) for sums in (self.cumulative, self.first))

    def reset(self, key: PRNGKeyArray, task: Array | None = None) -> tuple[Place, Float[Array, " o"]]:
        """A first state."""
        state = _draw(self.first, key)
        return Place(state, jnp.asarray(0, jnp.int32)), self._observe(state)

    def step(self, state: Place, action: Array, key: PRNGKeyArray, task: Array | None = None) -> Transition:
        """Pay for state and action, then draw the next state."""
        moving, living = jax.random.split(key)
        chances = self.cumulative if task is None else self.cumulative[task[0].astype(jnp.int32)]
        after, time = _draw(chances[state.state, action], moving), state.time + 1
        terminated = self.end[after] | ~jax.random.bernoulli(living, self.survival)
        truncated = ~terminated & (time >= self.limit)
        outcome = self.features[state.state, action]
        return Transition(Place(after, time), self._observe(after), outcome, terminated, truncated)

    def _observe(self, state: Int[Array, ""]) -> Float[Array, " o"]:
        return jax.nn.one_hot(state, self.observation_size, dtype=jnp.float32)


def _running(chances: np.ndarray) -> Float[Array, "*batch S"]:
    """Running sums; exactly 1 from the last possible state on, so that no impossible one is ever drawn."""
    sums = np.cumsum(chances, axis=-1)
    return jnp.asarray(sums / sums[..., -1:], jnp.float32)


def _draw(running: Float[Array, " S"], key: PRNGKeyArray) -> Int[Array, ""]:
    """Inverse CDF; a draw of 0 skips states of probability 0."""
    return jnp.sum(running[:-1] <= jax.random.uniform(key), dtype=jnp.int32)
