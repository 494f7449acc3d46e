"""Does a world do what training relies on? Checks that users run on a world of their own, and this project on its own.

Learning fails silently in a world that restarts without saying so, or whose seeds mean nothing. ``check_world`` plays
some episodes with random actions and reports what it finds in sentences.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import jax.numpy as jnp
import numpy as np

from policybudget.errors import PolicyBudgetError
from policybudget.population import Experience, Outcome, Population
from policybudget.worlds.interface import Box, Copies, Discrete, HostStep, HostWorld, JaxWorld, MultiDiscrete, World
from policybudget.worlds.random_play import COPIES, SEED, Played, copies_of, play

Level = Literal["ok", "warning", "error"]
STEPS = 1_100
"""Steps that are played at most; a time limit beyond it is not waited for."""
REPEATED = 20
"""Steps that are played again, to compare."""


@dataclass(frozen=True)
class Finding:
    """The outcome of a check.

    Attributes:
        check: its name.
        level: ok, warning or error.
        text: what was expected, what came, and what to do.
    """

    check: str
    level: Level
    text: str


class _NotAsExpectedError(Exception):
    """Becomes a finding of level "error"."""


def check_world(world: World, population: Population | None = None, steps: int = STEPS) -> list[Finding]:
    """Play with random actions and check what :mod:`policybudget.worlds.interface` asks for.

    Args:
        world: a JAX world, or one stepped on the host.
        population: whose rewards are computed as well, if given.
        steps: how many are played at most.

    Returns:
        A finding per check, in order. The world conforms if none is an error; checks stop after one that makes the
        rest pointless.
    """
    if not isinstance(world, HostWorld | JaxWorld):
        return [Finding("kind", "error", f"expected a JaxWorld or a HostWorld, got {type(world).__name__}")]
    findings = [_finding("description", lambda: _description(world))]
    if findings[0].level != "error":
        try:
            findings.extend(_play_and_check(world, population, steps))
        except PolicyBudgetError as error:
            findings.append(Finding("run", "error", str(error)))
        except Exception as error:
            raised = " ".join(f"{type(error).__name__}: {error}".split())[:300]
            findings.append(Finding("run", "error", f"expected no exception, got {raised}"))
    return findings


def _play_and_check(world: HostWorld | JaxWorld, population: Population | None, steps: int) -> Iterator[Finding]:
    if world.own_dynamics and population is None:
        raise PolicyBudgetError(f"{world.name} must be told whom it plays for: give the population")
    make = partial(copies_of, world, None if population is None else population.dynamics)
    copies, whom = make(), playing_for(world, population)
    try:
        first = copies.reset(SEED, whom)
        yield (finding := _finding("reset", lambda: _reset(world, first)))
        if finding.level == "error":
            return
        played = play(world, copies, first, min(steps, 2 * world.time_limit + 2))
        yield (finding := _finding("step", lambda: _shapes(world, played)))
        if finding.level == "error":
            return
        yield _finding("finite", lambda: _finite(played))
        if population is not None:
            yield _finding("population", lambda: _population(world, population, played))
        yield _finding("seeding", lambda: _seeding(make, whom, played))
        yield _episode_ends(world, played)
        yield _finding("end flags", lambda: _flags(played))
        yield _autoreset(played)
        yield _saved_state(world, make, copies, played)
    finally:
        copies.close()


def playing_for(world: World, population: Population | None) -> np.ndarray | None:
    """The agents that copies play for in a check; None where all share a dynamics.

    Args:
        world: that is checked.
        population: its agents.
    """
    return np.arange(COPIES) % population.size if population is not None and world.own_dynamics else None


def _finding(name: str, check: Callable[[], str]) -> Finding:
    try:
        return Finding(name, "ok", check())
    except _NotAsExpectedError as error:
        return Finding(name, "error", str(error))


def _expect(holds: bool, text: str) -> None:
    if not holds:
        raise _NotAsExpectedError(text)


def _description(world: World) -> str:
    for what in ("observation_size", "outcome_size", "time_limit"):
        value = getattr(world, what)
        _expect(isinstance(value, int) and value >= 1, f"{what}: expected a whole number of at least 1, got {value!r}")
    space = world.actions
    known = isinstance(space, Discrete | MultiDiscrete | Box)
    _expect(known, f"actions: expected a Discrete, MultiDiscrete or Box, got {space!r}")
    _expect(space.size >= 1, f"actions: expected at least one, got {space!r}")
    if isinstance(space, Box):
        fits = len(space.low) == len(space.high) == space.size
        _expect(fits, f"actions: expected {space.size} bounds, got {len(space.low)} lower and {len(space.high)} upper")
        ordered = all(low <= high for low, high in zip(space.low, space.high, strict=True))
        _expect(ordered, "actions: expected low <= high in every component")
    sizes = f"{world.observation_size} observed numbers, {world.outcome_size} outcome components"
    return f"{sizes}, {type(space).__name__} actions of size {space.size}, at most {world.time_limit} steps"


def _expect_array(what: str, value: Any, shape: tuple[int, ...], kind: type) -> None:
    given = np.asarray(value)
    _expect(given.shape == shape, f"{what}: expected shape {shape} for {COPIES} copies, got {given.shape}")
    named = "bool" if kind is np.bool_ else "a float type"
    _expect(np.issubdtype(given.dtype, kind), f"{what}: expected {named}, got {given.dtype}; cast it")


def _reset(world: World, first: np.ndarray) -> str:
    _expect_array("the observation after reset", first, (COPIES, world.observation_size), np.floating)
    _expect(bool(np.isfinite(first).all()), "the observation after reset: expected finite numbers, got NaN or infinity")
    return f"gives {world.observation_size} finite numbers"


def _shapes(world: World, played: Played) -> str:
    for step in played.after[:REPEATED]:
        for what in ("observation", "next_observation"):
            _expect_array(what, getattr(step, what), (COPIES, world.observation_size), np.floating)
        _expect_array("outcome", step.outcome, (COPIES, world.outcome_size), np.floating)
        for what in ("terminated", "truncated", "valid"):
            _expect_array(what, getattr(step, what), (COPIES,), np.bool_)
    return "shapes and dtypes are as described"


def _finite(played: Played) -> str:
    for number, step in enumerate(played.after, 1):
        for what in ("outcome", "observation", "next_observation"):
            bad = np.argwhere(~np.isfinite(getattr(step, what)))
            if len(bad):
                value = getattr(step, what)[tuple(bad[0])]
                _expect(False, f"step {number}, {what}, component {bad[0][1]}: expected a finite number, got {value}")
    return f"no NaN and no infinity in {len(played.after)} steps of {COPIES} copies"


def _population(world: World, population: Population, played: Played) -> str:
    features, paid = population.rewards.features, population.num_features
    if isinstance(features, Outcome):
        expected = f"expected a population that pays for {world.outcome_size} outcome components"
        _expect(paid == world.outcome_size, f"{expected}, got one for {paid}; its table needs a column for each")
    step = played.after[0]
    parts = (played.seen[0], played.actions[0], step.outcome, step.next_observation)
    seen = Experience(*(jnp.asarray(part) for part in parts))
    whom = playing_for(world, population)
    if whom is None:
        rewards = np.asarray(population.rewards.agents(features(seen)))
        shape = (COPIES, population.size)
        _expect(rewards.shape == shape, f"rewards: expected shape {shape} (copies, agents), got {rewards.shape}")
    else:
        rewards = np.asarray(population.rewards.paid(seen, jnp.asarray(whom)))[:, None]
    bad = np.argwhere(~np.isfinite(rewards))
    _expect(len(bad) == 0, f"rewards: expected finite numbers, got another for agent {bad[0][1] if len(bad) else ''}")
    return f"{population.size} agents are paid from {paid} reward features"


def _seeding(make: Callable[[], Copies], whom: np.ndarray | None, played: Played) -> str:
    again = make()
    try:
        now = again.reset(SEED, whom)
        for number, (seen, action, step) in enumerate(zip(played.seen, played.actions, played.after, strict=True), 1):
            expected = "expected the same transitions with the same seed and actions"
            _expect(
                np.array_equal(now, seen), f"{expected}, got other observations before step {number}; seed all of it"
            )
            if number > REPEATED:
                break
            now = _same(again.step(action), step, f"{expected}, got others in step {number}; seed every generator")
    finally:
        again.close()
    return f"the same seed gives the same {min(REPEATED, len(played.after))} transitions"


def _same(got: HostStep, expected: HostStep, complaint: str) -> np.ndarray:
    alike = all(np.array_equal(ours, theirs) for ours, theirs in zip(got, expected, strict=True))
    _expect(alike, complaint)
    return got.observation


def _episode_ends(world: World, played: Played) -> Finding:
    name, limit, steps = "episode ends", world.time_limit, len(played.after)
    if played.lengths and max(played.lengths) > limit:
        text = f"expected episodes of at most {limit} steps, the time limit, got one of {max(played.lengths)}"
        return Finding(name, "error", text)
    if played.lengths:
        lengths = f"{min(played.lengths)} to {max(played.lengths)}"
        return Finding(name, "ok", f"{len(played.lengths)} episodes ended after {lengths} steps (time limit {limit})")
    if steps > limit:
        text = f"expected episodes to end within the time limit of {limit} steps, got none in {steps}; truncate them"
        return Finding(name, "error", text)
    advice = (
        "without ends there are no returns to assign users by; wrap it in gymnasium.wrappers.TimeLimit if none come"
    )
    return Finding(name, "warning", f"no episode ended in {steps} steps (time limit {limit}); {advice}")


def _flags(played: Played) -> str:
    for number, step in enumerate(played.after, 1):
        both = step.terminated & step.truncated
        _expect(not both.any(), f"step {number}: expected terminated or truncated, got both; terminated goes first")
        reset = ~step.valid & (step.terminated | step.truncated)
        _expect(not reset.any(), f"step {number}: expected no end in a step that is a reset, got one")
    return "terminated and truncated exclude each other"


def _autoreset(played: Played) -> Finding:
    """Transitions chain within an episode; the last one of it leads to its true end, not to the next beginning."""
    name, ends, mistaken = "autoreset", 0, 0
    for number, step in enumerate(played.after, 1):
        inside = step.valid & ~step.terminated & ~step.truncated
        broken = inside & (step.next_observation != step.observation).any(axis=1)
        if broken.any():
            text = f"step {number}: expected the next step to go on from next_observation, got another observation"
            return Finding(name, "error", f"{text}; an episode that begins anew must be reported as ended")
        for copy in np.flatnonzero(step.truncated):
            begins = _next_beginning(played, number, int(copy))
            if begins is not None:
                ends += 1
                mistaken += np.array_equal(begins, step.next_observation[copy])
    varies = any((seen != played.seen[0][:1]).any() for seen in played.seen)
    if ends and mistaken == ends and varies:
        text = "expected next_observation of a truncated step to be the last of its episode, got the first of the next"
        return Finding(name, "error", f"{text} ({ends} times); values would be bootstrapped from the wrong state")
    return Finding(
        name, "ok", f"episodes begin anew by themselves; {ends} truncated ones showed their last observation"
    )


def _next_beginning(played: Played, number: int, copy: int) -> np.ndarray | None:
    """The observation that the episode after step ``number`` (counted from 1) begins with."""
    for seen, step in zip(played.seen[number:], played.after[number:], strict=True):
        if step.valid[copy]:
            beginning: np.ndarray = seen[copy]
            return beginning
    return None


def _saved_state(world: HostWorld | JaxWorld, make: Callable[[], Copies], copies: Copies, played: Played) -> Finding:
    name = "saved state"
    if isinstance(world, JaxWorld):
        return Finding(name, "ok", "a JAX world's state is saved by the sampler; resume is exact")
    state = {key: np.array(value) for key, value in copies.state().items()}
    if not state:
        text = "the environment has no get_state and set_state: a resumed training starts with fresh episodes"
        return Finding(name, "warning", text)
    actions = played.actions[:REPEATED]
    onward = [copies.step(action) for action in actions]

    def repeat() -> str:
        complaint = "expected a restored state to go on as the saved one did, got other transitions in step"
        other = make()
        try:
            for going in (copies, other):
                going.restore(state)
                for number, (action, step) in enumerate(zip(actions, onward, strict=True), 1):
                    _same(going.step(action), step, f"{complaint} {number}; save all that the future depends on")
        finally:
            other.close()
        return f"goes on exactly from a saved state, here and in other copies ({len(actions)} steps)"

    return _finding(name, repeat)
