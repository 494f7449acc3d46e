"""An archive of episodes of a deterministic world: their returns, and the actions that repeat them.

Where nothing is drawn, the same actions give the same episode, so the best that sampling ever found need not be lost
while policies learn something else (Ecoffet et al. 2021, "First return, then explore"). The archive keeps the
undominated episodes: an episode is dropped if another is worth at least as much to every agent. It keeps only episodes
that a policy can repeat: if an observation comes twice, a policy that acts by what it observes would never get on.
"""

from __future__ import annotations

from typing import NamedTuple

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, Bool, Float, Int, UInt32

from policybudget.selection.greedy import dominated

MOST = 20_000
"""Episodes that are kept; beyond, those of the highest total return. Resource Gathering has about 3 000."""


class Seen(eqx.Module):
    """What a batch shows of episodes, step by step.

    Attributes:
        returns: to each agent, of the episode up to and including this step.
        action: as sampled.
        place: a number for the observation before the action, equal for equal ones.
        ended: the episode ends with this step.
    """

    returns: Float[Array, "T k E n"]
    action: Int[Array, "T k E"]
    place: UInt32[Array, "T k E"]
    ended: Bool[Array, "T k E"]


def fingerprint(observation: Float[Array, "*batch o"]) -> UInt32[Array, "*batch"]:
    """A number for each observation: of its bits, so that no rounding makes equal ones differ.

    Args:
        observation: raw.
    """
    bits = jax.lax.bitcast_convert_type(observation, jnp.uint32)
    bits = (bits ^ (bits >> 16)) * jnp.uint32(0x85EBCA6B)  # a round of MurmurHash3's finaliser
    bits = (bits ^ (bits >> 13)) * jnp.uint32(0xC2B2AE35)
    weights = jax.random.bits(jax.random.key(0), observation.shape[-1:], jnp.uint32) | jnp.uint32(1)
    return jnp.sum((bits ^ (bits >> 16)) * weights, axis=-1, dtype=jnp.uint32)


class Archived(NamedTuple):
    """The archive. NumPy arrays, never changed in place.

    Attributes:
        returns: (s, n) of s episodes to the agents.
        actions: (s, L) as they were taken; what follows the last is 0.
        lengths: (s,) steps.
        known: ascending fingerprints of all returns ever met, the dominated among them.
        trail: (L, k, E) the last actions in each copy.
        places: (L, k, E) numbers for the observations before them.
        age: (k, E) steps since the episodes under way began.
    """

    returns: np.ndarray
    actions: np.ndarray
    lengths: np.ndarray
    known: np.ndarray
    trail: np.ndarray
    places: np.ndarray
    age: np.ndarray

    @staticmethod
    def start(agents: int, limit: int) -> Archived:
        """Nothing yet.

        Args:
            agents: n.
            limit: L, the longest episode.
        """
        return Archived(
            np.zeros((0, agents), np.float32), np.zeros((0, limit), np.int16), np.zeros(0, np.int32), np.zeros(0),
            np.zeros((limit, 0, 0), np.int16), np.zeros((limit, 0, 0), np.uint32), np.zeros((0, 0), np.int32),
        )  # fmt: skip

    def in_fresh_copies(self, budget: int, copies: int) -> Archived:
        """The same episodes; new ones begin.

        Args:
            budget: k.
            copies: E.
        """
        shape = (self.actions.shape[1], budget, copies)
        trail, places = np.zeros(shape, np.int16), np.zeros(shape, np.uint32)
        return self._replace(trail=trail, places=places, age=np.zeros(shape[1:], np.int32))


def remember(archive: Archived, seen: Seen) -> Archived:
    """The archive after a batch.

    Args:
        archive: as it was.
        seen: what the batch showed.
    """
    ended, limit = np.asarray(seen.ended), archive.actions.shape[1]
    history = np.concatenate([archive.trail, np.asarray(seen.action, np.int16)])
    places = np.concatenate([archive.places, np.asarray(seen.place)])
    lengths, age = _lengths(ended, archive.age)
    when, who, where = np.nonzero(ended)
    returns, steps = np.asarray(seen.returns)[when, who, where], lengths[when, who, where]
    prints = _fingerprints(returns)

    def of(record: np.ndarray, rows: np.ndarray) -> np.ndarray:
        """(rows, L) what was recorded in some of the episodes, from their first step on."""
        at = (limit + when + 1 - steps)[rows, None] + np.arange(limit)
        cut: np.ndarray = record[np.minimum(at, len(record) - 1), who[rows, None], where[rows, None]]
        return cut

    new = np.flatnonzero(~_in(prints, archive.known))
    new = new[_repeatable(of(places, new), steps[new])]
    fresh, first = np.unique(prints[new], return_index=True)
    new = new[first]
    kept, entered = _undominated(archive.returns, returns[new])
    new = new[entered]
    after = (
        np.concatenate([archive.returns[kept], returns[new]]),
        np.concatenate([archive.actions[kept], _until(of(history, new), steps[new], 0)]).astype(np.int16),
        np.concatenate([archive.lengths[kept], steps[new]]).astype(np.int32),
    )
    if len(after[0]) > MOST:
        best = np.sort(np.argsort(-after[0].sum(axis=1), kind="stable")[:MOST])
        after = (after[0][best], after[1][best], after[2][best])
    return Archived(*after, np.union1d(archive.known, fresh), history[-limit:], places[-limit:], age)


def _until(record: np.ndarray, steps: np.ndarray, then: int) -> np.ndarray:
    """(c, L) records, and another number from the end of each episode on."""
    return np.where(np.arange(record.shape[1]) < steps[:, None], record, then)


def _repeatable(places: np.ndarray, steps: np.ndarray) -> np.ndarray:
    """Which episodes meet no observation twice."""
    ordered = np.sort(_until(places.astype(np.int64), steps, -1), axis=1)
    twice = (ordered[:, 1:] == ordered[:, :-1]) & (ordered[:, 1:] >= 0)
    repeatable: np.ndarray = ~twice.any(axis=1)
    return repeatable


def _lengths(ended: np.ndarray, age: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """(T, k, E) steps of each episode up to each step, and the ages after the batch."""
    steps = np.arange(len(ended))[:, None, None]
    last = np.maximum.accumulate(np.where(ended, steps + 1, -age), axis=0)
    began = np.concatenate([-age[None], last[:-1]])
    lengths: np.ndarray = steps + 1 - began
    return lengths, (len(ended) - last[-1]).astype(np.int32)


def _fingerprints(returns: np.ndarray) -> np.ndarray:
    """A number for each vector of returns: equal for equal vectors, and all but surely only for them."""
    prints: np.ndarray = returns.astype(np.float64) @ np.random.default_rng(0).random(returns.shape[1])
    return prints


def _in(values: np.ndarray, ascending: np.ndarray) -> np.ndarray:
    if not len(ascending):
        return np.zeros(len(values), bool)
    found: np.ndarray = ascending[np.minimum(np.searchsorted(ascending, values), len(ascending) - 1)] == values
    return found


def _undominated(old: np.ndarray, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
    """Rows of the old that stay, as a mask, and rows of the new that enter."""
    kept, entered = np.ones(len(old), bool), list[int]()
    for row in np.argsort(-new.sum(axis=1), kind="stable"):
        values = new[row]
        if not dominated(values, old) and not dominated(values, new[entered]):
            entered.append(int(row))
            kept &= ~(values >= old).all(axis=1)
    return kept, np.array(sorted(entered), int)
