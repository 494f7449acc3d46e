"""check_rule: all rules of the package conform, and rules that were broken on purpose do not."""

from __future__ import annotations

import itertools
from dataclasses import dataclass
from typing import Any, ClassVar, Literal

import jax
import jax.numpy as jnp
import numpy as np
import pytest

import policybudget as pb
from policybudget.assignment.em import EM, best_served
from policybudget.assignment.returns import Returns
from policybudget.assignment.rule import AssignmentRule, Known, even_labels, one_hot
from policybudget.objective import Objective
from policybudget.population import Population
from policybudget.training.method import ALGORITHMS

CHECKS = ["value", "start", "update", "unknown returns", "policies relabelled", "agents relabelled"]
CHECKS += ["finalise", "resume"]
TASKS = np.random.default_rng(1).normal(size=(7, 2))
PEOPLE = Population.from_weights(np.random.default_rng(0).normal(size=(7, 4)), parameters=TASKS)


def wrong(rule: AssignmentRule, population: Population | None = None) -> dict[str, str]:
    """What is not as expected: checks and what they say."""
    findings = pb.check_rule(rule, population)
    assert all("\n" not in finding.text for finding in findings)
    return {finding.check: finding.text for finding in findings if finding.level != "ok"}


@pytest.mark.parametrize("name", ALGORITHMS)
def test_the_rules_of_the_package_conform(name: str) -> None:
    findings = pb.check_rule(ALGORITHMS[name](), PEOPLE)
    assert [(finding.check, finding.level) for finding in findings] == [(check, "ok") for check in CHECKS]


@pytest.mark.parametrize(
    "rule",
    [pb.EndToEnd(signal="literal"), EM(warm_start=0, last_e_step=False), pb.CoverCommittee(learn_from="nearest")],
)
def test_so_do_they_with_other_settings(rule: AssignmentRule) -> None:
    assert wrong(rule, PEOPLE) == {}


@dataclass(frozen=True)
class Own(AssignmentRule):
    """A rule of one's own that conforms: everybody who is known goes to the best of the known."""

    name: ClassVar[str] = "own"
    reassigns: ClassVar[Literal["greedily", "by gradient", "never"]] = "greedily"

    def start(self, known: Known, key: Any) -> Any:
        return one_hot(even_labels(known.agents, known.budget), known.budget)

    def update(self, objective: Objective, returns: Returns, assignment: Any, logits: Any, key: Any) -> Any:
        best = one_hot(jnp.argmax(jnp.where(returns.known, returns.value, -jnp.inf), axis=0), len(assignment))
        return jnp.where(returns.known.any(axis=0), best, assignment)

    def finalise(self, objective: Objective, assignment: Any, returns: Any) -> Any:
        return best_served(objective, returns)


def test_a_rule_of_ones_own_conforms() -> None:
    assert wrong(Own()) == {}


@dataclass(frozen=True)
class ReadsUnknown(Own):
    """The defect of old: what was never measured is read as a number."""

    def update(self, objective: Objective, returns: Returns, assignment: Any, logits: Any, key: Any) -> Any:
        return one_hot(jnp.argmax(returns.value, axis=0), len(assignment))


def test_reading_what_is_unknown_is_found() -> None:
    found = wrong(ReadsUnknown())
    assert list(found) == ["unknown returns"] and "returns.known" in found["unknown returns"]


@dataclass(frozen=True)
class PrefersLowNumbers(Own):
    """Policy 0 gets a present of 15."""

    def update(self, objective: Objective, returns: Returns, assignment: Any, logits: Any, key: Any) -> Any:
        value = returns.value.at[0].add(15.0)
        return super().update(objective, Returns(value, returns.episodes), assignment, logits, key)


def test_looking_at_the_numbers_of_policies_is_found() -> None:
    assert list(wrong(PrefersLowNumbers())) == ["policies relabelled"]


@dataclass(frozen=True)
class FirstAgentStays(Own):
    """Agent 0 is with policy 0 whatever happens."""

    def update(self, objective: Objective, returns: Returns, assignment: Any, logits: Any, key: Any) -> Any:
        after = super().update(objective, returns, assignment, logits, key)
        return after.at[:, 0].set(one_hot(jnp.zeros(1, jnp.int32), len(after))[:, 0])


def test_looking_at_the_numbers_of_agents_is_found() -> None:
    assert "agents relabelled" in wrong(FirstAgentStays())


@dataclass(frozen=True)
class TooMuch(Own):
    """Columns sum to 0.9."""

    def update(self, objective: Objective, returns: Returns, assignment: Any, logits: Any, key: Any) -> Any:
        return 0.9 * super().update(objective, returns, assignment, logits, key)


@dataclass(frozen=True)
class BadStart(Own):
    """Rows sum to one instead of columns."""

    def start(self, known: Known, key: Any) -> Any:
        return jnp.full((known.budget, known.agents), 1.0 / known.agents)


@dataclass(frozen=True)
class BadEnd(Own):
    """Not a number."""

    def finalise(self, objective: Objective, assignment: Any, returns: Any) -> Any:
        return jnp.full_like(assignment, jnp.nan)


@pytest.mark.parametrize(("rule", "check"), [(TooMuch(), "update"), (BadStart(), "start"), (BadEnd(), "finalise")])
def test_columns_that_are_no_distributions_are_found(rule: AssignmentRule, check: str) -> None:
    assert list(wrong(rule)) == [check]


@dataclass(frozen=True)
class WrongShape(Own):
    """Agents first."""

    def start(self, known: Known, key: Any) -> Any:
        return super().start(known, key).T


def test_a_wrong_shape_is_found() -> None:
    assert "of shape (3, 7) (k, n), got (7, 3)" in wrong(WrongShape())["start"]


@dataclass(frozen=True)
class DrawsElsewhere(Own):
    """Groups that no key decides."""

    def start(self, known: Known, key: Any) -> Any:
        key = jax.random.key(next(CALLS))
        return one_hot(jax.random.permutation(key, even_labels(known.agents, known.budget)), known.budget)


CALLS = itertools.count()


def test_draws_without_the_key_are_found() -> None:
    found = wrong(DrawsElsewhere())
    assert list(found) == ["resume"] and "draw from the key alone" in found["resume"]


class Forgotten(Own):
    """A field that the decorator above would have made an option is no value."""

    __hash__ = None  # type: ignore[assignment]


def test_what_is_no_value_is_found() -> None:
    assert "unhashable" in wrong(Forgotten())["value"]


def test_a_population_that_does_not_fit_is_found_in_one_line() -> None:
    assert "these agents have no task parameters" in wrong(pb.CoverCommittee())["start"]


def test_what_is_no_rule_is_found() -> None:
    (finding,) = pb.check_rule(EM)
    assert (finding.check, finding.level) == ("kind", "error") and "expected an AssignmentRule" in finding.text
