"""Named streams of randomness: every random key of a training is derived here, from one seed, and none is used twice.

A stream is a name. Its key depends on the name alone and not on the order of this list, so that a new stream changes
no other.
"""

from __future__ import annotations

import enum
import zlib

import jax
import numpy as np
from jaxtyping import PRNGKeyArray


class Stream(enum.Enum):
    """What randomness is for."""

    PHASE = "phase of a training"
    FIRST_STATES = "first states of a phase"
    NETWORKS = "first weights of actors and critics"
    FIRST_ASSIGNMENT = "first assignment"
    SHUFFLE = "order of the agents in a phase"
    TAKE_OVER = "ties in what a phase takes over from the one before"
    ROLLOUT = "actions and worlds of an iteration"
    RESTORED = "fresh worlds after a resume"
    ACTOR_MINIBATCHES = "minibatches of the actors"
    CRITIC_MINIBATCHES = "minibatches of the critics"
    E_STEP = "ties and refills of an E-step"
    UNIVERSAL_POLICY = "transitions of the universal policy"
    PROPOSAL = "policies that a search proposes at the end"
    FIRST_POLICIES = "policies that a search begins with"
    TABLE_EPISODES = "episodes that fill the table of returns"
    SELECTION_EPISODES = "episodes that settle the assignment"
    LOOK = "episodes between two looks at an assignment"
    FINAL_EPISODES = "fresh episodes that judge a training"
    EVALUATION = "episodes of an evaluation"
    CHOICE_EPISODES = "episodes that policies are chosen by"
    ASSIGNMENT_EPISODES = "episodes that agents are assigned by"
    JUDGING_EPISODES = "episodes that judge what was chosen and assigned"
    CONFORMANCE = "episodes of a check"


def root(seed: int) -> PRNGKeyArray:
    """The key that all streams of a training are derived from.

    Args:
        seed: from 0 to 2^32 - 1.
    """
    return jax.random.key(seed)


def derive(key: PRNGKeyArray, stream: Stream, index: int | jax.Array = 0) -> PRNGKeyArray:
    """A key of a stream.

    Args:
        key: of a training, or of a part of it.
        stream: what the key is for.
        index: which one of the stream: the iteration, the phase. May be traced.

    Returns:
        A key that no other stream and no other index gives.
    """
    position = np.uint32(index) if isinstance(index, int) else index
    folded: PRNGKeyArray = _folded(key, np.uint32(_NUMBERS[stream]), position)
    return folded


@jax.jit
def _folded(key: PRNGKeyArray, number: jax.Array, index: jax.Array) -> PRNGKeyArray:
    """Compiled: on the host, two calls of ``fold_in`` cost most of a millisecond."""
    return jax.random.fold_in(jax.random.fold_in(key, number), index)


def host_seed(key: PRNGKeyArray) -> int:
    """A seed for software that takes integers (Gymnasium, NumPy, scikit-learn).

    Args:
        key: of a stream, not used for anything else.

    Returns:
        From 0 to 2^31 - 1.
    """
    return int(np.asarray(jax.random.bits(key))) >> 1


_NUMBERS = {stream: zlib.crc32(stream.name.encode()) for stream in Stream}
