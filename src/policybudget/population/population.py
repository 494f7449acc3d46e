"""A population: named agents, their reward functions, weights, outside options and task parameters."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import jax.numpy as jnp
import numpy as np

from policybudget.errors import PolicyBudgetError
from policybudget.objective import Objective
from policybudget.population.rewards import Experience, Function, Outcome, Rewards, Targets
from policybudget.welfare import Welfare


@dataclass(frozen=True)
class Population:
    """n named agents and their reward functions.

    The static methods make common populations. They take what follows ``num_features`` as keywords.

    Args:
        names: n names.
        rewards: the agents' reward functions.
        num_features: m, the number of reward features.
        parameters: (n, p) task parameters that distinguish the agents (a tile, a target velocity), for figures and
            covers; None if there are none.
        parameter_names: p names.
        return_scale: the return of a perfectly served agent, the unit that learning works in. If None (not known),
            the largest returns seen so far take its place.
        highest_return: an upper bound on every agent's return under any policy; None if none is known.
        agent_weights: (n) how many people each agent stands for, positive; None for one each.
        outside: (n) outside options: what each agent has without any policy, in units of return; -inf where there is
            no such option; None if no agent has one.
        dynamics: (n, p) what a world with own dynamics is told of each agent (p may be 0 where it knows them by their
            number); None where all agents share a dynamics.

    Raises:
        PolicyBudgetError: agent_weights, outside or dynamics are not one fitting number, or row, per agent.
    """

    names: tuple[str, ...]
    rewards: Rewards
    num_features: int
    parameters: np.ndarray | None = None
    parameter_names: tuple[str, ...] = ()
    return_scale: float | None = None
    highest_return: float | None = None
    agent_weights: np.ndarray | None = None
    outside: np.ndarray | None = None
    dynamics: np.ndarray | None = None

    def __post_init__(self) -> None:
        if self.dynamics is not None:
            self._told()
        if self.agent_weights is not None:
            weights = _per_agent("agent_weights", "positive finite", self.agent_weights, self.names, _positive)
            object.__setattr__(self, "agent_weights", weights)
        if self.outside is not None:
            outside = _per_agent("outside", "finite (or -inf: no option)", self.outside, self.names, _below_inf)
            object.__setattr__(self, "outside", outside)

    def _told(self) -> None:
        """Hand the dynamics to the rewards; critics may be told what differs of them, standardised."""
        table = np.asarray(self.dynamics, dtype=np.float32)
        if table.ndim != 2 or len(table) != self.size or not np.isfinite(table).all():
            raise PolicyBudgetError(
                f"dynamics must be a row of finite numbers per agent ({self.size}), got an array of shape {table.shape}"
            )
        object.__setattr__(self, "dynamics", table)
        tables = [table] if self.parameters is None else [table, np.asarray(self.parameters, np.float32)]
        known = np.concatenate(tables, axis=1)
        spread = known.std(axis=0)
        differs = spread > 1e-6 * np.abs(known).max(axis=0, initial=0.0)
        standard = ((known - known.mean(axis=0)) / np.where(differs, spread, 1.0))[:, differs]
        rewards = replace(self.rewards, dynamics=jnp.asarray(table), told=jnp.asarray(standard))
        object.__setattr__(self, "rewards", rewards)

    @property
    def table_width(self) -> int:
        """Columns of what is remembered of episodes: m features, or n agents where they have dynamics of their own."""
        return self.num_features if self.dynamics is None else self.size

    def objective(self, welfare: Welfare) -> Objective:
        """What a budget of policies for these agents is spent for.

        Args:
            welfare: the social welfare function.

        Returns:
            The objective, with these agents' weights, outside options and return scale.
        """
        agent_weights, outside = (None if x is None else jnp.asarray(x) for x in (self.agent_weights, self.outside))
        return Objective(welfare, agent_weights, outside, self.return_scale)

    @property
    def size(self) -> int:
        """The number of agents n."""
        return len(self.names)

    @staticmethod
    def from_features(names: Sequence[str], **details: object) -> Population:
        """A population in which the reward of agent i is number i of the outcome (m = n, identity weights).

        Args:
            names: n names.
            **details: keywords of :class:`Population`, from ``parameters`` on.

        Returns:
            The population.

        Raises:
            PolicyBudgetError: agent_weights or outside are not one fitting number per agent.
        """
        return Population(tuple(names), Rewards(Outcome(), None), len(names), **details)  # type: ignore[arg-type]

    @staticmethod
    def from_weights(weights: object, names: Sequence[str] | None = None, **details: object) -> Population:
        """A population with linear preferences over the m rewards that a world reports as its outcome.

        Args:
            weights: (n, m) a row of weights per agent.
            names: n names; None for ``agent 0``, ``agent 1``, ...
            **details: keywords of :class:`Population`, from ``parameters`` on.

        Returns:
            The population.

        Raises:
            PolicyBudgetError: the weights are not a table of finite numbers, the names are not as many as its rows, or
                agent_weights or outside are not one fitting number per agent.
        """
        table = np.asarray(weights, dtype=np.float32)
        if table.ndim != 2 or 0 in table.shape:
            raise PolicyBudgetError(f"weights must be a table (agents, features), got an array of shape {table.shape}")
        if not np.isfinite(table).all():
            agent = int(np.argwhere(~np.isfinite(table))[0, 0])
            raise PolicyBudgetError(f"weights must be finite, got {table[agent].tolist()} for agent {agent}")
        names = tuple(names) if names is not None else tuple(f"agent {i}" for i in range(len(table)))
        if len(names) != len(table):
            raise PolicyBudgetError(f"names must be as many as the agents ({len(table)}), got {len(names)}")
        rewards = Rewards(Outcome(), jnp.asarray(table.T))
        return Population(names, rewards, table.shape[1], **details)  # type: ignore[arg-type]

    @staticmethod
    def from_targets(
        targets: object, half_width: float, scale: float = 1.0, names: Sequence[str] | None = None, **details: object
    ) -> Population:
        """A population in which each agent has a target for the first number of the outcome (:class:`Targets`).

        Args:
            targets: (n) target values, in the unit of the outcome.
            half_width: the distance from its target at which an agent's reward is 0, in the unit of the targets.
            scale: the reward of a step exactly on target.
            names: n names; None for ``agent 0``, ``agent 1``, ...
            **details: keywords of :class:`Population`, from ``parameters`` on.

        Returns:
            The population.

        Raises:
            PolicyBudgetError: the targets are not a list of finite numbers, the half-width is not positive, or
                agent_weights or outside are not one fitting number per agent.
        """
        values = np.asarray(targets, dtype=np.float32)
        if values.ndim != 1 or values.size == 0 or not np.isfinite(values).all():
            raise PolicyBudgetError(f"targets must be a list of finite numbers, got an array of shape {values.shape}")
        if not half_width > 0:
            raise PolicyBudgetError(f"half_width must be positive, got {half_width}")
        names = tuple(names) if names is not None else tuple(f"agent {i}" for i in range(len(values)))
        features = Targets(jnp.asarray(values), jnp.float32(half_width), jnp.float32(scale))
        details = {"parameters": values[:, None], "parameter_names": ("target",)} | details
        return Population(names, Rewards(features, None), len(values), **details)  # type: ignore[arg-type]

    @staticmethod
    def from_function(
        function: Callable[[Experience], Any], names: Sequence[str], numpy: bool = False, **details: object
    ) -> Population:
        """A population whose rewards are any function of the transition.

        Args:
            function: takes an :class:`Experience` with any leading axes and gives rewards (.., n).
            names: n names.
            numpy: whether the function is written in NumPy; it is then called back on the host, which is slower.
            **details: keywords of :class:`Population`, from ``parameters`` on.

        Returns:
            The population.

        Raises:
            PolicyBudgetError: agent_weights or outside are not one fitting number per agent.
        """
        return Population(tuple(names), Rewards(Function(function, len(names), numpy), None), len(names), **details)  # type: ignore[arg-type]


def _per_agent(
    what: str, kind: str, values: object, names: tuple[str, ...], fits: Callable[[np.ndarray], np.ndarray]
) -> np.ndarray:
    """One number per agent, as float32."""
    try:
        with np.errstate(over="ignore"):
            array = np.array(values, dtype=np.float32)
    except (TypeError, ValueError):
        raise PolicyBudgetError(f"{what} must be {kind} numbers, one per agent ({len(names)})") from None
    if array.shape != (len(names),):
        raise PolicyBudgetError(
            f"{what} must be {kind} numbers, one per agent ({len(names)}), got an array of shape {array.shape}"
        )
    if not (fit := fits(array)).all():
        agent = int(np.argmin(fit))
        raise PolicyBudgetError(f"{what} must be {kind} numbers, got {array[agent]} for {names[agent]}")
    return array


def _positive(values: np.ndarray) -> np.ndarray:
    fit: np.ndarray = (values >= np.finfo(np.float32).tiny) & (values < np.inf)
    return fit


def _below_inf(values: np.ndarray) -> np.ndarray:
    fit: np.ndarray = values < np.inf  # nor is NaN
    return fit
