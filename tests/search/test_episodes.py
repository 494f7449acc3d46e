"""Episodes in the archive: which, and whether their actions repeat them."""

from __future__ import annotations

import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from policybudget.search import episodes
from policybudget.search.episodes import Archived, Seen, fingerprint, remember


def seen(episodes: list[tuple[list[int], list[float]]], places: list[int] | None = None) -> Seen:
    """One copy, one policy: episodes of actions one after the other, each paid at its end."""
    actions = [action for taken, _ in episodes for action in taken]
    ended = [i + 1 == len(taken) for taken, _ in episodes for i in range(len(taken))]
    returns = [paid for taken, paid in episodes for _ in taken]
    where = list(range(len(actions))) if places is None else places
    return Seen(
        jnp.asarray(returns, jnp.float32)[:, None, None],
        jnp.asarray(actions, jnp.int32)[:, None, None],
        jnp.asarray(where, jnp.uint32)[:, None, None],
        jnp.asarray(ended, bool)[:, None, None],
    )


def blank(agents: int = 2, limit: int = 4) -> Archived:
    return Archived.start(agents, limit).in_fresh_copies(1, 1)


def test_actions_and_returns_of_what_nobody_has_better() -> None:
    archive = remember(blank(), seen([([1, 2], [5.0, 0.0]), ([3], [4.0, 0.0]), ([2, 2, 1], [0.0, 1.0])]))
    order = np.argsort(archive.lengths)
    np.testing.assert_array_equal(archive.returns[order], [[5, 0], [0, 1]])
    np.testing.assert_array_equal(archive.actions[order], [[1, 2, 0, 0], [2, 2, 1, 0]])
    np.testing.assert_array_equal(archive.lengths[order], [2, 3])


def test_a_better_one_replaces_what_it_dominates() -> None:
    archive = remember(blank(), seen([([1], [5.0, 0.0]), ([2], [0.0, 3.0])]))
    archive = remember(archive, seen([([3], [6.0, 0.0]), ([1], [5.0, 0.0])]))
    np.testing.assert_array_equal(archive.returns, [[0, 3], [6, 0]])
    archive = remember(archive, seen([([1], [7.0, 7.0])]))
    np.testing.assert_array_equal(archive.returns, [[7, 7]])


def test_episodes_that_began_in_an_earlier_batch() -> None:
    whole = seen([([1, 2, 3], [1.0, 1.0]), ([4, 5, 6, 7], [2.0, 0.0])])
    archive = blank()
    for begin, end in ((0, 2), (2, 5), (5, 7)):
        part = Seen(*(x[begin:end] for x in (whole.returns, whole.action, whole.place, whole.ended)))
        archive = remember(archive, part)
    np.testing.assert_array_equal(archive.actions[np.argsort(archive.lengths)], [[1, 2, 3, 0], [4, 5, 6, 7]])
    np.testing.assert_array_equal(archive.age, [[0]])


def test_fresh_copies_begin_new_episodes() -> None:
    cut = seen([([1, 2, 3], [1.0, 1.0])])
    archive = remember(blank(), Seen(cut.returns[:2], cut.action[:2], cut.place[:2], cut.ended[:2]))
    archive = remember(archive.in_fresh_copies(1, 1), seen([([3], [1.0, 2.0])]))
    np.testing.assert_array_equal(archive.lengths, [1])


def test_what_no_policy_can_repeat_is_left_out() -> None:
    archive = remember(blank(), seen([([1, 2], [9.0, 9.0]), ([3, 3], [1.0, 1.0])], places=[7, 7, 7, 8]))
    np.testing.assert_array_equal(archive.returns, [[1, 1]])


def test_the_same_returns_by_other_actions_when_the_first_cannot_be_repeated() -> None:
    archive = remember(blank(), seen([([1, 2], [9.0, 9.0])], places=[7, 7]))
    archive = remember(archive, seen([([3, 3], [9.0, 9.0])], places=[7, 8]))
    np.testing.assert_array_equal(archive.actions, [[3, 3, 0, 0]])


@settings(max_examples=50, deadline=None)
@given(st.integers(0, 2**31), st.integers(1, 4))
def test_kept_is_the_pareto_front_of_all_that_was_seen(seed: int, batches: int) -> None:
    draw = np.random.default_rng(seed)
    archive, everything = blank(3), []
    for _ in range(batches):
        paid = draw.integers(0, 4, (12, 3)).astype(float).tolist()
        archive = remember(archive, seen([([1], one) for one in paid]))
        everything += paid
    table = np.unique(np.array(everything), axis=0)
    front = [row for row in table if not ((table >= row).all(axis=1) & (table > row).any(axis=1)).any()]
    np.testing.assert_array_equal(np.unique(archive.returns, axis=0), np.array(front))
    assert len(archive.returns) == len(front)


def test_fingerprints_tell_observations_apart_wherever_they_are() -> None:
    rows = np.array(np.meshgrid(*[np.arange(5.0)] * 2, *[np.arange(2.0)] * 8)).reshape(10, -1).T
    marks = np.asarray(fingerprint(jnp.asarray(rows, jnp.float32)))
    assert len(np.unique(marks)) == len(rows)
    order = np.random.default_rng(0).permutation(len(rows))
    np.testing.assert_array_equal(fingerprint(jnp.asarray(rows[order], jnp.float32)), marks[order])


def test_the_archive_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert episodes.MOST == 20_000
    monkeypatch.setattr(episodes, "MOST", 200)
    many = np.stack([np.arange(250), -np.arange(250)], axis=1).astype(float)
    assert len(remember(blank(), seen([([1], one) for one in many.tolist()])).returns) == 200
