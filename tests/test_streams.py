"""Named streams: every key of a training comes from one seed, and none is used twice."""

from __future__ import annotations

from typing import Any

import jax
import numpy as np
import pytest
from trainings import train

from policybudget import streams
from policybudget.assignment.em import EM
from policybudget.learning.settings import PPO
from policybudget.problem import RepresentedMDP
from policybudget.search.archive import Archive
from policybudget.streams import Stream, derive, host_seed, root
from policybudget.training import finish, iteration, state, step
from policybudget.training import train as training_module
from policybudget.worlds.grid.resource_gathering import ResourceGathering


def bits(key: Any) -> tuple[int, ...]:
    return tuple(np.asarray(jax.random.key_data(key)).tolist())


def test_every_stream_and_every_index_of_every_phase_gives_another_key() -> None:
    number, indices = len(Stream), np.arange(40)

    def keys(parent: Any) -> list[tuple[int, ...]]:
        return [
            tuple(row)
            for stream in Stream
            for row in np.asarray(
                jax.random.key_data(jax.vmap(lambda i, s=stream: derive(parent, s, i))(indices))
            ).tolist()
        ]

    parents = [root(seed) for seed in (0, 1, 2)]
    parents += [derive(parent, Stream.PHASE, index) for parent in parents for index in (50, 51)]
    found = [key for parent in parents for key in keys(parent)] + [bits(parent) for parent in parents]
    assert len(found) == len(parents) * (number * len(indices) + 1)
    assert len(set(found)) == len(found)


def test_what_used_to_share_a_key_does_not() -> None:
    key = root(0)
    chosen, settle, judge = (
        bits(derive(key, stream)) for stream in (Stream.PROPOSAL, Stream.SELECTION_EPISODES, Stream.FINAL_EPISODES)
    )
    assert len({chosen, settle, judge, bits(derive(key, Stream.SELECTION_EPISODES, 1))}) == 4
    rollout, actors, critics = (
        bits(derive(key, stream, 5)) for stream in (Stream.ROLLOUT, Stream.ACTOR_MINIBATCHES, Stream.CRITIC_MINIBATCHES)
    )
    assert len({rollout, actors, critics}) == 3


def test_a_key_depends_on_the_name_of_its_stream_alone(monkeypatch: pytest.MonkeyPatch) -> None:
    before = bits(derive(root(3), Stream.ROLLOUT, 7))
    monkeypatch.setattr(streams, "_NUMBERS", dict(reversed(streams._NUMBERS.items())))
    assert bits(derive(root(3), Stream.ROLLOUT, 7)) == before
    assert len(set(streams._NUMBERS.values())) == len(Stream)


def test_traced_indices_give_the_same_key() -> None:
    traced = jax.jit(lambda index: derive(root(1), Stream.E_STEP, index))(9)
    assert bits(traced) == bits(derive(root(1), Stream.E_STEP, 9))


def test_host_seeds_fit_into_31_bits() -> None:
    seeds = {host_seed(derive(root(0), Stream.FIRST_STATES, index)) for index in range(50)}
    assert len(seeds) == 50 and min(seeds) >= 0 and max(seeds) < 2**31


def test_no_key_is_used_twice_in_a_training(monkeypatch: pytest.MonkeyPatch) -> None:
    used: list[tuple[str, tuple[int, ...]]] = []

    def recorded(key: Any, stream: Stream, index: Any = 0) -> Any:
        given = derive(key, stream, index)
        jax.debug.callback(lambda data: used.append((stream.name, tuple(data.tolist()))), jax.random.key_data(given))
        return given

    for module in (finish, iteration, state, step, training_module):
        monkeypatch.setattr(module, "derive", recorded)
    problem = RepresentedMDP(ResourceGathering(), ResourceGathering().population(), 12)
    learner = PPO(copies=3, steps=25, minibatch=25, epochs=1, hidden=(5,))  # of shapes that no other test compiles
    train(problem, EM(warm_start=1), search=Archive(restarts=2), learner=learner, transitions=75 * 50)
    jax.effects_barrier()
    assert {name for name, _ in used} == {
        "PHASE", "FIRST_STATES", "FIRST_POLICIES", "NETWORKS", "FIRST_ASSIGNMENT", "SHUFFLE", "TAKE_OVER", "ROLLOUT",
        "ACTOR_MINIBATCHES", "CRITIC_MINIBATCHES", "E_STEP", "PROPOSAL", "SELECTION_EPISODES", "LOOK", "FINAL_EPISODES",
    }  # fmt: skip
    assert sum(name == "ROLLOUT" for name, _ in used) == 2 * 25, "two restarts of 25 iterations"
    assert sum(name == "SELECTION_EPISODES" for name, _ in used) == 2, "the trained policies and those of the archive"
    keys = [key for _, key in used]
    assert len(set(keys)) == len(keys)
