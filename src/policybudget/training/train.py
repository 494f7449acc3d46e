"""The only training loop. A method is an assignment rule x a search x a learner; what is not learning listens.

::

    for phase in search.phases:
        state <- begin(phase);  policies become copies of those of the phase before, where the search says so
        repeat: state, report <- iterate(state);  search remembers, and may make copies;  tell listeners
    keep the trained policies, or those that the search proposes, whichever are worth more
    finalise the assignment on episodes of the greedy policies; measure it on fresh ones
"""

from __future__ import annotations

import math
import time
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

import equinox as eqx
import jax
import numpy as np

from policybudget.assignment.rule import AssignmentRule, Known
from policybudget.errors import PolicyBudgetError, check_seed
from policybudget.learning.settings import PPO
from policybudget.policies.architecture import Architecture
from policybudget.problem import RepresentedMDP
from policybudget.runs.result import Result
from policybudget.search.phases import Phase, Plan, spanned
from policybudget.search.search import Search, Standing
from policybudget.streams import Stream, derive, root
from policybudget.training.events import Event, Listener, Resume, Snapshot
from policybudget.training.finish import finish
from policybudget.training.method import Method
from policybudget.training.method import preset as method_of
from policybudget.training.report import Report
from policybudget.training.state import Task, TrainState, begin, carried, changed, make_task
from policybudget.training.step import Stepper

LOOK_EPISODES = 1
"""Of every policy for every agent, when agents have dynamics of their own and the table of returns is looked after."""
LOOK = 20
"""Iterations between two looks at what the search remembers is worth."""


class Training:
    """A training that can be run: everything was checked, and what the rule needs to know was worked out once.

    Args:
        problem: the r-MDP.
        method: rule, search and learner.
        transitions: per policy.
        seed: decides everything but the population.

    Raises:
        PolicyBudgetError: a setting is out of range, or the method does not fit the problem.
    """

    def __init__(self, problem: RepresentedMDP, method: Method, transitions: int, seed: int) -> None:
        if transitions < 1:
            raise PolicyBudgetError(f"transitions must be at least 1, got {transitions}")
        check_seed(seed)
        self.problem, self.method, self.seed, self.transitions = problem, method, seed, transitions
        method.check(problem)
        self.prepared = method.rule.prepare(problem.population, problem.budget, seed)
        own, limit = problem.population.dynamics is not None, problem.world.time_limit
        learner = method.learner.shortened(transitions)
        self.plan = Plan(method.rule, learner, problem.budget, problem.population.size, transitions, limit, own)
        self.spent_before = method.search.spends(self.plan)
        self.spent_after = method.search.spends_after(self.plan)
        phases = method.search.phases(self.plan)
        phases = phases if problem.population.dynamics is None else tuple(map(self._looking, phases))
        self.phases = tuple(spanned(phases)) if learner.watches_the_clock else phases

    @staticmethod
    def of(
        problem: RepresentedMDP,
        rule: AssignmentRule | str = "em",
        *,
        search: Search | str | None = None,
        learner: PPO | None = None,
        preset: str = "default",
        transitions: int = 1_000_000,
        seed: int = 0,
    ) -> Training:
        """A training whose parts may be named, and come from a preset where they are not given.

        Args:
            problem: the r-MDP.
            rule: who is with whom: an assignment rule, or the name of one.
            search: how the loop is spent: a search, or the name of one; that of the preset if None.
            learner: settings of the learner; those of the preset if None.
            preset: what is not given comes from it: "default", "plain" or "paper" (:func:`policybudget.preset`).
            transitions: per policy; whole iterations that fit are run, at least one.
            seed: decides everything but the population.

        Raises:
            PolicyBudgetError: a setting is out of range, or the parts do not go together.
        """
        method = method_of(preset, str(problem.origin.get("name", "")), rule, search, learner)
        return Training(problem, method, transitions, seed)

    def _looking(self, phase: Phase) -> Phase:
        """A phase with evaluation episodes for the cells of the table that training does not fill."""
        cost = LOOK_EPISODES * self.problem.population.size * self.problem.world.time_limit
        share = self.method.evaluation_share
        every = math.ceil(cost * (1 - share) / share / phase.learner.batch)
        return replace(phase, look_every=every, look_cost=cost)

    @property
    def total(self) -> int:
        """Transitions of all policies and phases, and those that the search spends before and, at most, after."""
        return self.spent_before + sum(phase.total for phase in self.phases) + self.spent_after

    @property
    def most_policies(self) -> int:
        """Policies of the phase that has most."""
        return max(phase.budget for phase in self.phases)

    def run(self, listeners: Iterable[Listener] = (), resume: Resume | None = None) -> Result:
        """Train from the start, or from a snapshot.

        Args:
            listeners: called after every iteration.
            resume: where to find a snapshot to go on from.

        Returns:
            The trained policies, judged on fresh episodes.

        Raises:
            WorldError: the world raised, or gave something that is not finite.
        """
        task, state, memory, seconds = _Run(self, tuple(listeners), resume).all_phases()
        began = time.perf_counter()
        problem, method, world = self.problem, self.method, self.problem.world
        of = Architecture(world.observation_size, world.units, method.learner.hidden, method.learner.trunk)
        state, assignment, played = finish(problem, method, task, state, memory, root(self.seed))
        returns = task.paid.agents(played.returns.mean(axis=1))
        social = problem.objective.summary(assignment, returns)
        return Result(
            arrays=state.policies.arrays(),
            assignment=np.asarray(assignment),
            returns=np.asarray(returns),
            lengths=np.asarray(played.lengths.mean(axis=1)),
            welfare=social["welfare"],
            social=social,
            agents=problem.population.names,
            architecture=of if state.normaliser.shared else of.separate,
            world=problem.origin or {"name": world.name},
            algorithm=method.rule.name,
            search=method.search.title,
            transitions=self.total,
            wall_seconds=seconds + time.perf_counter() - began,
            prototypes=method.rule.prototypes(problem.population, problem.budget, self.prepared),
        )


class _Run:
    """One pass through the phases of a training, from a snapshot if there is one."""

    def __init__(self, training: Training, listeners: tuple[Listener, ...], resume: Resume | None) -> None:
        self.training, self.listeners, self.resume = training, listeners, resume
        self.problem, self.search, self.phases = training.problem, training.method.search, training.phases
        self.memory = self.search.memory(self.problem)
        self.seconds, self.best = 0.0, math.nan

    def all_phases(self) -> tuple[Task, TrainState, Any, float]:
        """All phases, or what is left of them after the snapshot: how it ended, what is remembered, and seconds."""
        snapshot, first = self._snapshot(), 0
        if snapshot is not None:
            first, self.memory = snapshot.phase, snapshot.memory
            self.seconds, self.best = snapshot.seconds, snapshot.best
        ended: tuple[Task, TrainState] | None = None
        seen: np.ndarray | None = None
        for index in range(first, len(self.phases)):
            task = self._task(index)
            with Stepper(task, self.problem.population.names) as step:
                if snapshot is not None and index == first:
                    state = step.restore(snapshot.state)
                else:
                    state = self._begin(index, task, step, ended, seen)
                state = self._loop(index, task, step, state)
                seen = self._see(index, task, step, state)
            ended = (task, state)
        assert ended is not None
        return *ended, self.memory, self.seconds

    def _task(self, index: int) -> Task:
        return make_task(self.problem, self.phases[index], self.training.method.mixing, self.search.keeps_episodes)

    def _snapshot(self) -> Snapshot | None:
        """The latest that there is."""
        for index in reversed(range(len(self.phases))) if self.resume is not None else ():
            task = self._task(index)
            with Stepper(task) as step:
                template = step.template()
            assert self.resume is not None
            if (found := self.resume(template, index, self.memory)) is not None:
                return found
        return None

    def _begin(
        self, index: int, task: Task, step: Stepper, ended: tuple[Task, TrainState] | None, seen: np.ndarray | None
    ) -> TrainState:
        phase, key = self.phases[index], derive(root(self.training.seed), Stream.PHASE, index)
        known = Known(task.rewards, task.budget, task.agents, self.training.prepared, seen)
        first = task.rule.start(known, derive(key, Stream.FIRST_ASSIGNMENT))
        if phase.shuffle:
            first = jax.random.permutation(derive(key, Stream.SHUFFLE), first, axis=1)
        fresh = begin(task, first, step.start(key, first), phase.hold, key)
        if index == 0:
            fresh = self._from_search(fresh, step, key)
        before = None if ended is None else standing(*ended)
        change, self.memory = self.search.begin(phase, before, self.memory, derive(key, Stream.TAKE_OVER))
        return fresh if change is None or ended is None else carried(task, fresh, ended[1], change)

    def _from_search(self, fresh: TrainState, step: Stepper, key: Any) -> TrainState:
        """The first phase with what the search begins with, if it does."""
        training, own = self.training, derive(key, Stream.FIRST_POLICIES)
        proposed = self.search.first_policies(self.problem, training.plan, fresh.learned.actor, own)
        if proposed is None:
            return fresh
        parts = (proposed.actor, proposed.assignment, step.start(key, proposed.assignment))
        state: TrainState = eqx.tree_at(lambda s: (s.learned.actor, s.assignment.assignment, s.ongoing), fresh, parts)
        return state

    def _loop(self, index: int, task: Task, step: Stepper, state: TrainState) -> TrainState:
        began, before, phase = time.perf_counter() - self.seconds, self.phases[:index], self.phases[index]
        for iteration in range(int(state.iteration) + 1, task.iterations + 1):
            state, report, seen = step(state)
            if seen is not None:
                self.memory = self.search.remember(self.memory, seen)
            if phase.look_every and iteration % phase.look_every == 0:
                state = step.look(state, LOOK_EPISODES)
            if phase.keeps_at(iteration):
                self.memory = self.search.keep(self.memory, state.policies)
            if (change := self.search.change(standing(task, state, iteration))) is not None:
                state = changed(state, change)
            self._look(phase, iteration, report)
            self.seconds = time.perf_counter() - began
            event = Event(
                phase=index,
                phases=tuple(phase.name for phase in self.phases),
                iteration=iteration,
                iterations=task.iterations,
                transitions=self.training.spent_before
                + sum(one.total for one in before)
                + phase.after(iteration) * task.budget,
                of=self.training.total,
                each=sum(one.each for one in before) + phase.after(iteration),
                each_of=sum(one.each for one in self.phases),
                seconds=self.seconds,
                best=self.best,
                report=report,
                snapshot=Snapshot(index, state, self.seconds, self.memory, self.best),
            )
            for listener in self.listeners:
                listener(event)
        return state

    def _look(self, phase: Phase, iteration: int, report: Report) -> None:
        """The best welfare so far: of the trained policies by the table, now and then of what the search remembers."""
        if phase.budget <= self.problem.budget:
            self.best = float(np.fmax(self.best, float(report.welfare)))
        if iteration % LOOK == 0 or iteration == phase.iterations:
            self.best = float(np.fmax(self.best, self.search.worth(self.problem, self.memory)))

    def _see(self, index: int, task: Task, step: Stepper, state: TrainState) -> np.ndarray | None:
        """Features (steps, m) that the policies of a finished phase meet, if the search wants to show them.

        Where agents have dynamics of their own, what each is paid (steps, n) in episodes of its own: whole ones, and no
        fewer steps of all agents together.
        """
        wanted, rows = self.search.sees(index), np.zeros((0, task.features), np.float32)
        if not wanted or index + 1 == len(self.phases):
            return None
        if task.rewards.own:
            steps = max(-(-wanted // task.agents), task.world.time_limit)
            return step.sample_each(state, derive(state.key, Stream.UNIVERSAL_POLICY), steps)
        copies, number = task.settings.copies * task.budget, 0
        while len(rows) < wanted:  # some steps on the host are resets
            key = derive(state.key, Stream.UNIVERSAL_POLICY, number)
            batch = step.sample(state, key, -(-wanted // copies))
            features = np.asarray(task.rewards.features(batch.experience))[np.asarray(batch.valid)]
            rows, number = np.concatenate([rows, features]), number + 1
        return rows[:wanted]


def standing(task: Task, state: TrainState, iteration: int | None = None) -> Standing:
    """What a search may look at.

    Args:
        task: of the phase.
        state: of the phase.
        iteration: of the phase, from 1; the last if None.
    """
    count = task.iterations if iteration is None else iteration
    return Standing(task.objective, task.rewards, state.assignment, count, task.iterations)
