"""The only training loop. A method is an assignment rule x the learner; everything that is not learning listens.

::

    for phase in phases(rule):                    one; for some rules a universal policy or scouts first, or restarts
        state <- begin(phase)
        repeat: state, report <- iterate(state);  remember episodes, split groups, where the rule does;  tell listeners
    recall the best of what was seen, where the rule remembers
    settle the assignment on episodes of the greedy policies; measure it on fresh ones
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from contextlib import closing
from dataclasses import dataclass, replace
from typing import Protocol, runtime_checkable

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np

from policybudget.assignment.em import EM
from policybudget.assignment.rule import AssignmentRule, Known
from policybudget.errors import PolicyBudgetError
from policybudget.learning import rollout
from policybudget.learning.memory import Memory, remember
from policybudget.learning.sampling import play
from policybudget.learning.settings import PPO
from policybudget.population import Rewards
from policybudget.problem import RepresentedMDP
from policybudget.runs.prototypes import Prototypes
from policybudget.runs.result import Architecture, Result
from policybudget.training import splits
from policybudget.training.phases import SCOUTS, Phase, phases, total_transitions
from policybudget.training.recall import check, recall
from policybudget.training.scouts import go_on
from policybudget.training.state import Report, Task, TrainState, begin, make_task
from policybudget.training.step import Stepper, advance, stepper
from policybudget.worlds.interface import HostWorld

EPISODES, EPISODES_ON_HOST = (32, 100), (8, 20)
"""Greedy episodes per policy at the end of a training: to settle the assignment by, and fresh ones to judge it by."""


SURELY = 2.0
"""Standard errors by which a policy must pass an agent's option outside for it to be served."""


@dataclass(frozen=True)
class Snapshot:
    """A point of a training from which it goes on exactly: the phase, its state, and the seconds it took so far.

    Attributes:
        memory: the episodes seen, in all phases, by a rule that remembers.
    """

    phase: int
    state: TrainState
    seconds: float
    memory: Memory | None = None


@dataclass(frozen=True)
class Event:
    """What listeners hear after every iteration.

    Attributes:
        phase, phases: index and names of the parts of the training.
        iteration, iterations: of this phase.
        transitions, of: over all policies and phases, so far and in the end.
        seconds: wall time of the training so far, over all resumptions.
        report: as NumPy arrays.
        snapshot: the point after this iteration; valid until the next one begins.
    """

    phase: int
    phases: tuple[str, ...]
    iteration: int
    iterations: int
    transitions: int
    of: int
    seconds: float
    report: Report
    snapshot: Snapshot


@runtime_checkable
class Listener(Protocol):
    """Something that follows a training and never changes it."""

    def __call__(self, event: Event) -> None:
        """Hear of an iteration."""


Resume = Callable[[TrainState, int, bool], Snapshot | None]
"""Given a template of a phase's state, the phase's index and whether it remembers: the snapshot to go on from."""


def train(
    problem: RepresentedMDP,
    algorithm: AssignmentRule | None = None,
    *,
    ppo: PPO | None = None,
    transitions: int = 1_000_000,
    seed: int = 0,
    listeners: Iterable[Listener] = (),
    resume: Resume | None = None,
) -> Result:
    """Train a budget of policies.

    Args:
        problem: the r-MDP.
        algorithm: the assignment rule; EM if None.
        ppo: hyperparameters of the learner; the defaults if None.
        transitions: per policy; whole iterations that fit are run, at least one.
        seed: decides everything.
        listeners: called after every iteration.
        resume: where to find a snapshot to go on from.

    Returns:
        The trained committee; its welfare is that of the greedy policies on fresh episodes.

    Raises:
        PolicyBudgetError: a setting is out of range.
    """
    if transitions < 1:
        raise PolicyBudgetError(f"transitions must be at least 1, got {transitions}")
    training = _Training(problem, algorithm or EM(), ppo or PPO(), transitions, seed, tuple(listeners), resume)
    task, state, seconds = training.run()
    began, key = time.perf_counter(), jax.random.fold_in(jax.random.key(seed), 1 << 20)
    if training.memory is not None and len(training.memory.returns):
        state = recall(task, state, training.memory, jax.random.fold_in(key, 1))
    assignment, played = finish(task, state, key)
    returns = task.rewards.agents(played.returns.mean(axis=1))
    social = task.objective.summary(assignment, returns)
    return Result(
        policies=state.policies,
        assignment=np.asarray(assignment),
        returns=np.asarray(returns),
        lengths=np.asarray(played.lengths.mean(axis=1)),
        welfare=social["welfare"],
        social=social,
        agents=problem.population.names,
        architecture=Architecture(
            problem.world.observation_size, problem.world.actions, task.settings.hidden, task.settings.trunk
        ),
        world=problem.origin or {"name": problem.world.name},
        algorithm=training.algorithm.name,
        transitions=training.total,
        wall_seconds=seconds + time.perf_counter() - began,
        prototypes=training.prototypes,
    )


def finish(task: Task, state: TrainState, key: jax.Array) -> tuple[jax.Array, rollout.Played]:
    """The assignment that is deployed, settled on episodes of its own, and fresh episodes to judge it by."""
    settle_key, fresh_key = jax.random.split(key)
    features, policies = task.rewards.features, state.policies
    settle, fresh = EPISODES_ON_HOST if isinstance(task.world, HostWorld) else EPISODES
    known = play(task.world, features, policies, settle_key, settle, True)
    returns = task.rewards.agents(known.returns.mean(axis=1))
    assignment = task.rule.settle(task.objective, state.assignment.assignment, returns)
    if task.objective.outside is not None:  # served are those who are surely better off
        returns = returns - SURELY * _standard_error(task.rewards, known)
    assignment = task.objective.protect(assignment, returns)
    return assignment, play(task.world, features, policies, fresh_key, fresh, True)


def _standard_error(rewards: Rewards, played: rollout.Played) -> jax.Array:
    """Of the mean return of each policy to each agent (k, n)."""
    episodes = jnp.moveaxis(played.returns, 1, 0)
    mean = rewards.agents(episodes.mean(axis=0))
    squares = jax.lax.map(lambda one: (rewards.agents(one) - mean) ** 2, episodes)
    return jnp.sqrt(squares.sum(axis=0) / max(1, len(episodes) * (len(episodes) - 1)))


@dataclass
class _Training:
    problem: RepresentedMDP
    algorithm: AssignmentRule
    ppo: PPO
    transitions: int
    seed: int
    listeners: tuple[Listener, ...]
    resume: Resume | None

    def __post_init__(self) -> None:
        budget, agents = self.problem.budget, self.problem.population.size
        self.phases = phases(self.algorithm, self.ppo, budget, agents, self.transitions)
        self.total = total_transitions(self.phases, self.ppo)
        self.cover = self.algorithm.cover(self.problem.population.parameters, budget, self.seed)
        self.memory: Memory | None = None
        if self.algorithm.recall:
            check(self.problem.world)
            self.memory = Memory.start(agents, self.problem.world.time_limit)

    @property
    def prototypes(self) -> Prototypes | None:
        """Where members stand, if a cover says so."""
        found, names = self.cover, self.problem.population.parameter_names
        return None if found is None else Prototypes.first(found.prototypes, found.scale, names, self.problem.budget)

    def run(self) -> tuple[Task, TrainState, float]:
        """All phases, or what is left of them after the snapshot."""
        seen, scouts = None, None
        seconds, before, snapshot = 0.0, 0, None
        for index in reversed(range(len(self.phases))):
            if self.resume is not None and (snapshot := self._snapshot(index)) is not None:
                break
        for index, phase in enumerate(self.phases):
            task = self._task(phase)
            if snapshot is None or snapshot.phase <= index:
                worlds = stepper(task)
                with closing(worlds):
                    if snapshot is not None and snapshot.phase == index:
                        state, seconds = worlds.restore(snapshot.state), snapshot.seconds
                        self.memory = snapshot.memory
                    else:
                        state = self._start(task, worlds, index, seen, scouts)
                    state, seconds = self._loop(task, worlds, state, index, before, seconds)
                    if phase.name == SCOUTS:
                        scouts = state
                    elif index + 1 < len(self.phases) and self.phases[index + 1].rule.universal_steps:
                        seen = self._see(task, worlds, state, self.phases[index + 1].rule.universal_steps)
            before += phase.iterations(self.ppo) * self.ppo.batch * phase.budget
        return replace(task, objective=self.problem.objective), state, seconds

    def _task(self, phase: Phase) -> Task:
        ppo = phase.learner(self.ppo)
        return make_task(self.problem, phase.rule, ppo, phase.budget, phase.iterations(ppo), phase.fair)

    def _start(
        self, task: Task, worlds: Stepper, index: int, seen: np.ndarray | None, scouts: TrainState | None
    ) -> TrainState:
        assignment_key, world_key, key = jax.random.split(jax.random.fold_in(jax.random.key(self.seed), index), 3)
        tasks = self.problem.population.parameters
        known = Known(task.rewards, task.budget, task.agents, seen, tasks, self.cover)
        first = task.rule.start(known, assignment_key)
        state = begin(task, first, worlds.start(world_key), key)
        if self.memory is not None:
            self.memory = self.memory.in_fresh_worlds(task.budget, task.settings.copies)
        return state if scouts is None else go_on(task, state, scouts, assignment_key)

    def _snapshot(self, index: int) -> Snapshot | None:
        assert self.resume is not None
        return self.resume(self._template(index), index, self.memory is not None)

    def _template(self, index: int) -> TrainState:
        """A state of this phase, its compiled part shapes only."""
        task = self._task(self.phases[index])
        key = jax.random.key(0)
        with closing(stepper(task)) as worlds:
            ongoing = worlds.start(key) if isinstance(task.world, HostWorld) else jax.eval_shape(worlds.start, key)
        blank = jax.ShapeDtypeStruct((task.budget, task.agents), jnp.float32)
        template: TrainState = eqx.filter_eval_shape(
            lambda blank, seen, key: begin(task, blank, rollout.Ongoing(None, seen), key),
            blank,
            ongoing.observation,
            key,
        )
        whole: TrainState = eqx.tree_at(lambda s: s.ongoing, template, ongoing)
        return whole

    def _loop(
        self, task: Task, worlds: Stepper, state: TrainState, index: int, before: int, seconds: float
    ) -> tuple[TrainState, float]:
        began = time.perf_counter() - seconds
        for iteration in range(int(state.iteration), task.iterations):
            state, report, seen = advance(task, worlds, state, iteration + 1)
            if seen is not None and self.memory is not None:
                self.memory = remember(self.memory, seen)
            if splits.due(task, iteration + 1):
                state = splits.split(task, state)
            seconds = time.perf_counter() - began
            event = Event(
                phase=index,
                phases=tuple(phase.name for phase in self.phases),
                iteration=iteration + 1,
                iterations=task.iterations,
                transitions=before + (iteration + 1) * self.ppo.batch * task.budget,
                of=self.total,
                seconds=seconds,
                report=report,
                snapshot=Snapshot(index, state, seconds, self.memory),
            )
            for listener in self.listeners:
                listener(event)
        return state, seconds

    def _see(self, task: Task, worlds: Stepper, state: TrainState, steps: int) -> np.ndarray:
        """Features (steps, m) that the one policy of a finished phase meets."""
        batch = worlds.sample(state, jax.random.fold_in(state.key, 1 << 20), -(-steps // self.ppo.copies))
        features = task.rewards.features(batch.experience)
        return np.asarray(features.reshape(-1, features.shape[-1])[:steps])
