r"""Finite r-MDPs as arrays, and what a policy is worth in them, exactly.

The tuple of Ivanov & Ben-Porat 2024, Section 2.2, with rewards that are linear in features,
:math:`r^i(s, a) = \sum_f \phi_f(s, a) w^i_f`. Values of all features at once:

.. math::

    X^\pi = (I - \gamma P_\pi)^{-1} \Phi_\pi \qquad \text{(infinite horizon)}

    X_t = \Phi_{\pi_t} + \gamma P_{\pi_t} X_{t+1}, \quad X_H = 0 \qquad \text{(horizon H)}

    V^i(\pi) = \sum_f (T_0^\top X^\pi)_f \, w^i_f

Agents may have dynamics of their own, a :math:`P^i` each: then X is an array per agent. Policies see the state and
never whom they serve.

Departures: a finite horizon, which the paper has as the end of an episode; agents may have weights (how many people
each stands for) and outside options, values that they have without any policy.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import numpy as np
from jaxtyping import Float64

from policybudget.errors import PolicyBudgetError
from policybudget.exact import agent_arrays
from policybudget.worlds.finite.tables import check_tables

if TYPE_CHECKING:  # the exact solvers are NumPy; JAX is loaded for the learner's world alone
    from policybudget.problem import RepresentedMDP

Policy = np.ndarray
"""Integers: the action in every state, (S) or (H, S). Floats: probabilities of actions, (S, A) or (H, S, A)."""

UNSEEN = 1e-6
"""Of a discounted value, what the time limit of :meth:`FiniteRMDP.problem` may cut off, if it is not given."""

_FILLED: Any = None  # a default that depends on n; there is an array after construction


@dataclass(frozen=True, eq=False)
class FiniteRMDP:
    """n agents in a finite MDP whose dynamics and rewards are known.

    Args:
        transitions: (S, A, S) probability of the next state, given state and action; or (n, S, A, S), a table for each
            agent. The end of an episode is a state that no action leaves and that has no features.
        features: (S, A, m) expected reward features of taking an action in a state.
        weights: (m, n) column i is agent i's reward per unit of each feature.
        initial: (S,) distribution of the first state.
        discount: gamma, from 0 to below 1; 1 is allowed with a horizon.
        horizon: H, steps of an episode; None for an infinite horizon.
        names: n names; ``agent 0``, ``agent 1``, ... if not given.
        agent_weights: (n,) how many people each agent stands for; one each if not given.
        outside: (n,) the value of each agent's outside option, -inf for none; none if not given.

    Raises:
        PolicyBudgetError: an array or a number is wrong; it names the state and the action, or the agent.
    """

    transitions: Float64[np.ndarray, "*n S A S"]
    features: Float64[np.ndarray, "S A m"]
    weights: Float64[np.ndarray, "m n"]
    initial: Float64[np.ndarray, " S"]
    discount: float = 1.0
    horizon: int | None = None
    names: tuple[str, ...] = ()
    agent_weights: Float64[np.ndarray, " n"] = _FILLED
    outside: Float64[np.ndarray, " n"] = _FILLED

    def __post_init__(self) -> None:
        transitions, features, initial = check_tables(self.transitions, self.features, self.initial)
        weights = agent_arrays.reward_weights(self.weights, features.shape[2])
        if transitions.ndim == 4 and len(transitions) != weights.shape[1]:
            raise PolicyBudgetError(
                f"transitions must be one table, or one for each of the {weights.shape[1]} agents, "
                f"got {len(transitions)} of them"
            )
        _check_time(self.discount, self.horizon)
        checked = {
            "transitions": transitions,
            "features": features,
            "initial": initial,
            "weights": weights,
            "names": agent_arrays.names(self.names, weights.shape[1]),
            "agent_weights": agent_arrays.agent_weights(self.agent_weights, weights.shape[1]),
            "outside": agent_arrays.outside(self.outside, weights.shape[1]),
        }
        for name, value in checked.items():
            object.__setattr__(self, name, value)

    @property
    def states(self) -> int:
        """S."""
        return int(self.features.shape[0])

    @property
    def actions(self) -> int:
        """A."""
        return int(self.features.shape[1])

    @property
    def agents(self) -> int:
        """n."""
        return int(self.weights.shape[1])

    @property
    def own_dynamics(self) -> bool:
        """Whether each agent has transitions of its own."""
        return self.transitions.ndim == 4

    def alone(self, agent: int) -> FiniteRMDP:
        """The r-MDP of a single agent, with the transitions that it lives by.

        Args:
            agent: its index.

        Returns:
            An r-MDP of one agent, whose dynamics are therefore shared.
        """
        who = slice(agent, agent + 1)
        return replace(
            self,
            transitions=self.transitions[agent] if self.own_dynamics else self.transitions,
            weights=self.weights[:, who],
            names=self.names[who],
            agent_weights=self.agent_weights[who],
            outside=self.outside[who],
        )

    def mixture(self, group: Sequence[int] | np.ndarray) -> Float64[np.ndarray, " m"]:
        """What a policy of these agents, in shared dynamics, maximises, in features: the sum of their weights (eq. 7).

        Args:
            group: indices of the agents.

        Returns:
            What a unit of each feature is worth to them together.
        """
        chosen = np.asarray(group)
        mixed: np.ndarray = self.weights[:, chosen] @ self.agent_weights[chosen]
        return mixed

    def feature_values(self, policy: Policy) -> Float64[np.ndarray, "*n S m"]:
        """Expected (discounted) sums of the features from every state at the first step, under a policy.

        Args:
            policy: actions (S) or (H, S) as integers, or probabilities (S, A) or (H, S, A).

        Returns:
            A sum per state and feature; for each agent, if each has dynamics of its own.

        Raises:
            PolicyBudgetError: the policy does not fit the MDP.
        """
        policy = self._checked(policy)
        if self.horizon is None:
            chain, paid = self._under(policy)
            values: np.ndarray = np.linalg.solve(np.eye(self.states) - self.discount * chain, paid)
            return values
        values = np.zeros((*self.transitions.shape[:-2], self.features.shape[2]))
        for chain, paid in self._backwards(policy, self.horizon):
            values = paid + self.discount * chain @ values
        return values

    def feature_returns(self, policy: Policy) -> Float64[np.ndarray, "*n m"]:
        """Expected (discounted) sums of the features from the start, under a policy.

        Args:
            policy: as in :meth:`feature_values`.

        Returns:
            A sum per feature; for each agent, if each has dynamics of its own.

        Raises:
            PolicyBudgetError: the policy does not fit the MDP.
        """
        returns: np.ndarray = self.initial @ self.feature_values(policy)
        return returns

    def returns(self, policy: Policy) -> Float64[np.ndarray, " n"]:
        """What a policy is worth to each agent.

        Args:
            policy: as in :meth:`feature_values`.

        Returns:
            A return per agent.

        Raises:
            PolicyBudgetError: the policy does not fit the MDP.
        """
        returns = self.feature_returns(policy)
        values: np.ndarray = (returns * self.weights.T).sum(axis=-1) if self.own_dynamics else returns @ self.weights
        return values

    def problem(self, budget: int, time_limit: int | None = None) -> RepresentedMDP:
        """The same r-MDP for the learner: a JAX world and a population.

        The discount is played as the chance that an episode goes on (:mod:`policybudget.worlds.finite.world`), so
        train with ``PPO(discount=1.0)``; with a horizon also with ``bootstrap_truncated=False``: it is the end.

        Args:
            budget: k.
            time_limit: steps after which an episode is truncated. If not given: the horizon, or so many that less
                than a millionth of a discounted value is beyond them.

        Returns:
            The problem, with utilitarian welfare.

        Raises:
            PolicyBudgetError: the budget or the time limit does not fit.
        """
        from policybudget.population import Population
        from policybudget.problem import RepresentedMDP
        from policybudget.worlds.finite.world import FiniteWorld

        if self.horizon is not None and time_limit not in (None, self.horizon):
            raise PolicyBudgetError(f"time_limit must be the horizon ({self.horizon}), got {time_limit}; leave it out")
        limit = time_limit if time_limit is not None else self.horizon or _enough_steps(self.discount)
        world = FiniteWorld(self.transitions, self.features, self.initial, limit, self.discount)
        agent_weights = None if (self.agent_weights == 1).all() else self.agent_weights
        outside = self.outside if np.isfinite(self.outside).any() else None
        dynamics = np.arange(self.agents)[:, None] if self.own_dynamics else None  # its row of the world's tables
        users = Population.from_weights(
            self.weights.T, self.names, agent_weights=agent_weights, outside=outside, dynamics=dynamics
        )
        return RepresentedMDP(world, users, budget)

    def _under(self, policy: Policy) -> tuple[np.ndarray, np.ndarray]:
        """Transitions (*n, S, S) and features (S, m) of a step under the actions (S) or probabilities (S, A)."""
        if policy.dtype.kind == "f":
            chain = np.einsum("sa,...sat->...st", policy, self.transitions)
            return chain, np.einsum("sa,sam->sm", policy, self.features)
        every = np.arange(len(policy))
        return self.transitions[..., every, policy, :], self.features[every, policy]

    def _backwards(self, policy: Policy, horizon: int) -> Iterator[tuple[np.ndarray, np.ndarray]]:
        """:meth:`_under` for every step, from the last to the first."""
        if policy.ndim == 1 + (policy.dtype.kind == "f"):
            return iter([self._under(policy)] * horizon)
        return (self._under(step) for step in policy[::-1])

    def _checked(self, policy: Policy) -> Policy:
        """The policy as an array of the right shape and type."""
        policy = np.asarray(policy)
        stochastic = policy.dtype.kind == "f"
        shape = (self.states, self.actions) if stochastic else (self.states,)
        shapes = [shape] if self.horizon is None else [shape, (self.horizon, *shape)]
        if policy.dtype.kind not in "iuf" or policy.shape not in shapes:
            raise PolicyBudgetError(
                f"a policy must be actions or probabilities of shape {' or '.join(map(str, shapes))}, "
                f"got {policy.dtype} of shape {policy.shape}"
            )
        if not stochastic and not (policy.min() >= 0 and policy.max() < self.actions):
            raise PolicyBudgetError(
                f"a policy's actions must be from 0 to {self.actions - 1}, got {policy.min()} to {policy.max()}"
            )
        if stochastic and not (policy.min() >= 0.0 and np.allclose(policy.sum(axis=-1), 1.0, atol=1e-6)):
            raise PolicyBudgetError("a policy's probabilities must not be negative and must sum to 1 in every state")
        return policy


def _enough_steps(discount: float) -> int:
    return 1 if discount <= UNSEEN else math.ceil(math.log(UNSEEN) / math.log(discount))


def _check_time(discount: float, horizon: int | None) -> None:
    if horizon is not None and not (isinstance(horizon, int | np.integer) and horizon >= 1):
        raise PolicyBudgetError(f"horizon must be a whole number of at least 1, got {horizon!r}")
    if not 0.0 <= discount <= 1.0:
        raise PolicyBudgetError(f"discount must be from 0 to 1, got {discount}")
    if horizon is None and discount == 1.0:
        raise PolicyBudgetError(f"discount must be below 1 without a horizon, got {discount}; lower it or set horizon")
