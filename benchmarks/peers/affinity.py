"""Groups of users by the affinity of their gradients, after PolicyGradEx (AAAI 2026, arXiv 2511.12779).

::

    train one policy θ for all n users (meta-training)
    G <- gradient at θ of each reward component's policy objective;  g_i = w_i G for a user with weights w_i
    repeat: draw a subset S of users;  Δ <- a step of unit length along the mean of g_j over S (their adaptation of θ)
            f_i(S) <- g_i · Δ  for i in S                                     (first order: no training, no episodes)
    T_ij <- mean of f_i(S) over the subsets with both i and j                 (affinity)
    k groups that maximise  Σ_groups Σ_{i, j in group} T_ij / size of group
    train a policy per group, from θ (fine-tuning)

The network, PPO and the loop are this package's, so that what differs from its own rows is the groups. Departures from
the paper, whose code was not used: the adaptation is a gradient step, not a regression on randomly projected gradients;
rewards are linear, so that m gradients serve all n users and nothing needs projecting; groups are found by exchanges
from many random starts, not by rounding a semidefinite programme; and the table assigns users once more, by selection
episodes, as it does for every method.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, ClassVar

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from common import clock, judge, make, parser, result_path, save, users
from jax.flatten_util import ravel_pytree
from ours import policies_of, problem_of

import policybudget as pb
from policybudget.assignment.fixed import FixedAssignment
from policybudget.assignment.rule import one_hot
from policybudget.policies import actions
from policybudget.search.pretrained import Pretrained

SUBSETS, SIZE, STARTS = 2000, 10, 50
EPISODES = {"mo-halfcheetah-v5": 4, "mo-reacher-v5": 40}
DISCOUNT = 0.99


class Latest:
    """A listener that keeps the policies as they are."""

    def __init__(self) -> None:
        self.policies: Any = None

    def __call__(self, event: Any) -> None:
        self.policies = event.snapshot.state.policies


@dataclass(frozen=True, eq=False)  # compared by identity: the loop is compiled for a rule, and arrays have no hash
class AffinityGroups(FixedAssignment):
    """Groups of users whom the same steps of a universal policy help.

    Args:
        world: whose episodes the gradients are of.
        weights: (n, m) of the users.
        seed: of those episodes, of subsets and starts.
        latest: keeps the universal policy.
        steps: filled with the number of transitions that the gradients took.
    """

    name: ClassVar[str] = "affinity"
    world: str = ""
    weights: Any = None
    seed: int = 0
    latest: Any = None
    steps: list[int] = field(default_factory=list)

    def start(self, known: Any, key: Any) -> Any:
        if known.budget == 1:
            return jnp.ones((1, known.agents))
        rng = np.random.default_rng(self.seed)
        kernel, steps = gradients(self.latest.policies, self.world, rng)
        self.steps.append(steps)
        labels = groups(affinity(self.weights, kernel, rng), known.budget, rng)
        return one_hot(jnp.asarray(labels), known.budget)


def gradients(policies: Any, world: str, rng: np.random.Generator) -> tuple[np.ndarray, int]:
    """G Gᵀ (m, m) of the gradients of the m components' policy objectives, from episodes of sampled actions."""
    from policybudget.worlds.gym.named import world_by_id

    described = world_by_id(world)
    space, env, episodes = described.actions, make(world), []
    act = eqx.filter_jit(lambda seen, noise: actions.sample(space, policies(seen[None, None]), noise)[0, 0])
    for _ in range(EPISODES[world]):
        seen, over, rows = env.reset(seed=int(rng.integers(2**31)))[0], False, []
        while not over:
            noise = actions.noise(space, jax.random.key(int(rng.integers(2**31))), (1, 1))
            action = np.asarray(act(jnp.asarray(seen, jnp.float32), noise))
            after, reward, terminated, truncated, _ = env.step(described.units(action[None])[0])
            rows.append((seen, action, reward))
            seen, over = after, terminated or truncated
        episodes.append([np.stack(column).astype(np.float32) for column in zip(*rows, strict=True)])
    env.close()
    seen, action = (np.concatenate([one[part] for one in episodes])[None] for part in (0, 1))
    gains = jnp.asarray(np.concatenate(advantages([one[2] for one in episodes])))

    def objective(actor: Any, component: int) -> Any:
        logs = actions.log_prob(space, actor(policies.normaliser(jnp.asarray(seen))), jnp.asarray(action))
        return jnp.mean(logs[0] * gains[:, component])

    each = [ravel_pytree(eqx.filter_grad(objective)(policies.actor, c))[0] for c in range(gains.shape[1])]
    stacked = np.asarray(jnp.stack(each), np.float64)
    return stacked @ stacked.T, len(gains)


def advantages(rewards: list[np.ndarray]) -> list[np.ndarray]:
    """Discounted rewards to come (T, m) of each episode, less their mean over episodes at the same step."""
    to_come = []
    for paid in rewards:
        left = np.zeros_like(paid)
        for t in reversed(range(len(paid))):
            left[t] = paid[t] + (DISCOUNT * left[t + 1] if t + 1 < len(paid) else 0.0)
        to_come.append(left)
    longest = max(map(len, to_come))
    padded = np.full((len(to_come), longest, to_come[0].shape[1]), np.nan)
    for row, left in zip(padded, to_come, strict=True):
        row[: len(left)] = left
    mean = np.nanmean(padded, axis=0)
    return [left - mean[: len(left)] for left in to_come]


def affinity(weights: np.ndarray, kernel: np.ndarray, rng: np.random.Generator) -> np.ndarray:
    """T (n, n)."""
    number = len(weights)
    total, times = np.zeros((number, number)), np.zeros((number, number))
    for _ in range(SUBSETS):
        chosen = rng.choice(number, min(SIZE, number), replace=False)
        step = weights[chosen].mean(axis=0)
        length = np.sqrt(step @ kernel @ step)
        gains = weights[chosen] @ kernel @ step / max(length, 1e-12)
        total[np.ix_(chosen, chosen)] += gains[:, None]
        times[np.ix_(chosen, chosen)] += 1
    return total / np.maximum(times, 1)


def groups(scores: np.ndarray, k: int, rng: np.random.Generator) -> np.ndarray:
    """Labels (n) of k groups: the best of many local optima, in which no user's move to another group helps."""

    def worth(labels: np.ndarray) -> float:
        member = np.eye(k)[labels]
        return float(np.sum(np.einsum("ic,ij,jc->c", member, scores, member) / np.maximum(member.sum(axis=0), 1)))

    best: tuple[float, np.ndarray] | None = None
    for _ in range(STARTS):
        labels, now = rng.integers(k, size=len(scores)), -np.inf
        while (reached := worth(labels)) > now + 1e-12:
            now = reached
            for user in rng.permutation(len(scores)):
                options = [worth(np.where(np.arange(len(labels)) == user, group, labels)) for group in range(k)]
                labels[user] = int(np.argmax(options))
        if best is None or now > best[0]:
            best = (now, labels.copy())
    assert best is not None
    return best[1]


def main() -> None:
    options = parser(__doc__)
    options.add_argument("--k", type=int, required=True)
    settings = options.parse_args()
    world, k, seed, taken, latest = settings.world, settings.k, settings.seed, {}, Latest()
    path = result_path(settings, "affinity-groups", k)
    rule = AffinityGroups(world=world, weights=users(world), seed=seed, latest=latest)
    longest = {"mo-halfcheetah-v5": 1000, "mo-reacher-v5": 50}[world]
    each = (settings.transitions - EPISODES[world] * longest) // (k + 1)
    with clock(taken):
        result = pb.train(
            problem_of(world, k), rule, search=Pretrained(universal_steps=1, begin_with="copies"), preset="plain",
            transitions=each, seed=seed, quiet=True, listeners=[latest],
        )  # fmt: skip
    groups_of = np.bincount(result.assignment.argmax(axis=0), minlength=k)
    record = {
        "method": "affinity groups", "world": world, "k": k, "seed": seed, "sizes": groups_of.tolist(),
        "transitions": result.transitions + sum(rule.steps), **taken,
    }  # fmt: skip
    packages = ("jax", "policybudget", "mo-gymnasium", "mujoco")
    save(path, record, judge(world, policies_of(result)), packages)


if __name__ == "__main__":
    main()
