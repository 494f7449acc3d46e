"""Does an assignment rule do what the training loop relies on? ``check_rule`` tries a rule of anybody's.

A rule is called on random tables of returns. What is checked: columns of α sum to one or to zero, everything is finite,
unknown returns decide nothing, the same key gives the same bits, and numbers of agents and of policies mean nothing:
relabelled, they give the relabelled α (where no ties are broken by the order).
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import fields, is_dataclass
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from policybudget.assignment.returns import Returns
from policybudget.assignment.rule import AssignmentRule, Known
from policybudget.errors import PolicyBudgetError
from policybudget.objective import Objective
from policybudget.population import Population
from policybudget.worlds.conformance import Finding

AGENTS, BUDGET, TRIALS = 7, 3, 5
TOLERANCE = 1e-5


class _NotAsExpectedError(Exception):
    """Becomes a finding of level "error"."""


def check_rule(rule: Any, population: Population | None = None) -> list[Finding]:
    """Try a rule on random tables of returns.

    Args:
        rule: to be tried.
        population: its agents, such as those with task parameters for a rule that wants them; seven agents with
            preferences of their own if None.

    Returns:
        A finding per check, in order. The rule conforms if none is an error.
    """
    if not isinstance(rule, AssignmentRule):
        return [Finding("kind", "error", f"expected an AssignmentRule, got {type(rule).__name__}")]
    agents = population or Population.from_weights(np.random.default_rng(0).normal(size=(AGENTS, 4)))
    trial = _Trial(rule, agents)
    checks: list[tuple[str, Callable[[], str]]] = [
        ("value", trial.is_a_value),
        ("start", trial.starts),
        ("update", trial.updates),
        ("unknown returns", trial.ignores_the_unknown),
        ("policies relabelled", trial.does_not_see_numbers_of_policies),
        ("agents relabelled", trial.does_not_see_numbers_of_agents),
        ("finalise", trial.finalises),
        ("resume", trial.repeats),
    ]
    return [_finding(name, check) for name, check in checks]


def _finding(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, "ok", check())
    except _NotAsExpectedError as error:
        return Finding(name, "error", str(error))
    except PolicyBudgetError as error:
        return Finding(name, "error", str(error))
    except Exception as error:
        text = " ".join(f"{type(error).__name__}: {error}".split())[:300]
        return Finding(name, "error", f"expected no exception, got {text}")


class _Trial:
    """A rule and what it is tried on."""

    def __init__(self, rule: AssignmentRule, population: Population) -> None:
        self.rule, self.population = rule, population
        self.agents, self.budget = population.size, min(BUDGET, population.size)
        self.objective = Objective()
        self._updated = eqx.filter_jit(rule.update)

    def is_a_value(self) -> str:
        """A frozen dataclass that names itself."""
        if not is_dataclass(self.rule) or not self.rule.__dataclass_params__.frozen:  # type: ignore[attr-defined]
            raise _NotAsExpectedError("expected a frozen dataclass; write @dataclass(frozen=True) above the class")
        if not isinstance(getattr(self.rule, "name", None), str) or not hasattr(self.rule, "reassigns"):
            raise _NotAsExpectedError("expected class variables name and reassigns")
        hash(self.rule)
        return f"{self.rule.name}, {len(fields(self.rule))} options"

    def starts(self) -> str:
        """The first α."""
        _columns("start", self._start(jax.random.key(0)), self.budget, self.agents)
        return f"α of shape ({self.budget}, {self.agents}), columns sum to one or zero"

    def updates(self) -> str:
        """α after an update of the policies."""
        for _, returns, alpha, key in self._tables():
            _columns("update", self._update(returns, alpha, key), self.budget, self.agents)
        return f"{TRIALS} random tables of returns: finite, columns sum to one or zero"

    def ignores_the_unknown(self) -> str:
        """What is unknown may hold any number."""
        for rng, returns, alpha, key in self._tables():
            known = rng.random(returns.value.shape) < 0.5
            found = [
                self._update(Returns(jnp.where(known, returns.value, junk), jnp.where(known, 1.0, 0.0)), alpha, key)
                for junk in (0.0, 1e6, -1e6)
            ]
            if not all(np.allclose(found[0], other, atol=TOLERANCE) for other in found[1:]):
                raise _NotAsExpectedError(
                    "expected the same α whatever stands in unknown cells of V, got others; read returns.value where "
                    "returns.known alone, or returns.neutral"
                )
        return "cells that were never measured decide nothing"

    def does_not_see_numbers_of_policies(self) -> str:
        """Relabelled policies."""
        for rng, returns, alpha, key in self._tables():
            order = rng.permutation(self.budget)
            moved = self._update(Returns(*(part[order] for part in returns)), alpha[order], key)
            _same("policies", moved, self._update(returns, alpha, key)[order])
        return "relabelled policies give the relabelled α"

    def does_not_see_numbers_of_agents(self) -> str:
        """Relabelled agents."""
        for rng, returns, alpha, key in self._tables():
            order = rng.permutation(self.agents)
            moved = self._update(Returns(*(part[:, order] for part in returns)), alpha[:, order], key)
            _same("agents", moved, self._update(returns, alpha, key)[:, order])
        return "relabelled agents give the relabelled α"

    def finalises(self) -> str:
        """α as it is deployed."""
        for _, returns, alpha, _ in self._tables():
            final = np.asarray(self.rule.finalise(self.objective, alpha, returns.value))
            _columns("finalise", final, self.budget, self.agents)
        return "finite, columns sum to one or zero"

    def repeats(self) -> str:
        """The same bits from the same key, as a resumed training needs them."""
        for _, returns, alpha, key in self._tables():
            if not np.array_equal(self._update(returns, alpha, key), self._update(returns, alpha, key)):
                raise _NotAsExpectedError("expected the same bits from the same key; draw from the key alone")
        if not np.array_equal(self._start(jax.random.key(1)), self._start(jax.random.key(1))):
            raise _NotAsExpectedError("expected the same first α from the same key; draw from the key alone")
        return "the same key gives the same bits"

    def _start(self, key: jax.Array) -> np.ndarray:
        rewards, prepared = self.population.rewards, self.rule.prepare(self.population, self.budget, 0)
        seen = None
        if self.rule.needs_universal_policy:
            seen = np.random.default_rng(2).normal(size=(50, self.population.num_features)).astype(np.float32)
        return np.asarray(self.rule.start(Known(rewards, self.budget, self.agents, prepared, seen), key))

    def _tables(self) -> Iterator[tuple[np.random.Generator, Returns, jax.Array, jax.Array]]:
        """Random returns, all known and all different; a hard α with no empty policy; a key."""
        for trial in range(TRIALS):
            rng = np.random.default_rng(trial)
            value = jnp.asarray(rng.normal(size=(self.budget, self.agents)), jnp.float32)
            best = np.arange(self.agents) % self.budget  # every policy is best for somebody: nothing to refill
            value = value.at[best, np.arange(self.agents)].add(10.0)
            alpha = jax.nn.one_hot(rng.permutation(np.arange(self.agents) % self.budget), self.budget, axis=0)
            yield rng, Returns(value, jnp.ones_like(value)), alpha, jax.random.key(trial)

    def _update(self, returns: Returns, alpha: Any, key: jax.Array) -> np.ndarray:
        logits = self.rule.logits(self.budget, self.agents)
        return np.asarray(self._updated(self.objective, returns, alpha, logits, key))


def _columns(what: str, alpha: np.ndarray, budget: int, agents: int) -> None:
    if alpha.shape != (budget, agents):
        raise _NotAsExpectedError(f"expected {what} to give α of shape {(budget, agents)} (k, n), got {alpha.shape}")
    if not np.isfinite(alpha).all() or alpha.min() < 0:
        raise _NotAsExpectedError(f"expected {what} to give finite shares of 0 or more, got {alpha.min()}")
    sums = alpha.sum(axis=0)
    if not np.all((np.abs(sums - 1) < TOLERANCE) | (np.abs(sums) < TOLERANCE)):
        raise _NotAsExpectedError(f"expected columns of α from {what} to sum to one or to zero, got {sums.tolist()}")


def _same(whose: str, got: np.ndarray, expected: np.ndarray) -> None:
    if not np.allclose(got, expected, atol=TOLERANCE):
        raise _NotAsExpectedError(
            f"expected relabelled {whose} to give the relabelled α, got another: the rule looks at their numbers"
        )
