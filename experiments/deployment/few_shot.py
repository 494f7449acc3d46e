"""Few-shot enrolment of simulated users: how often it errs, and how many episodes it takes.

``python experiments/deployment/few_shot.py [--users 2000]`` draws users with weights on four components of a reward and
five policies: one for each component, and one for all. The returns of a user with a policy are beta distributed on
[0, 1] around the mean that its weights give. Nobody knows the weights. Episodes are played until the answer is decided
within 0.05 of the best at α = 5 %, at most 2 000 for each user; users are looked at whenever a tenth more was played.
Policies are tried as enrolment says (``next``), or all equally often; what is expected before any return comes from the
weights, from the mean over users, or is upside down. Users of a second table get half as much, so that few of them
have a policy that reaches the floor of 0.4. Beside it: how many episodes a number that is fixed beforehand takes.
"""

from __future__ import annotations

import argparse

import numpy as np

from policybudget.assessment.few_shot import episodes_needed
from policybudget.deployment.few_shot import Identified, Question, identify, measure

POLICIES, MOST, GROWTH, SPREAD = 5, 2000, 1.1, 8.0
FLOOR = 0.4
FEATURES = np.concatenate([0.25 + 0.6 * np.eye(4), np.full((1, 4), 0.55)])
"""Mean returns of each policy in each component."""


class Users:
    """Users who try policies.

    Args:
        rng: of the returns.
        means: (u, k) mean return of each policy.
        prior: (u, k) or (k,) what is expected of them.
        question: what is asked.
        equally: whether all policies are tried equally often.
    """

    def __init__(
        self, rng: np.random.Generator, means: np.ndarray, prior: np.ndarray, question: Question, equally: bool
    ) -> None:
        self.rng, self.means, self.prior, self.question, self.equally = rng, means, prior, question, equally
        self.user, self.policy, self.value = np.empty(0, int), np.empty(0, int), np.empty(0)

    def play(self, user: np.ndarray, policy: np.ndarray) -> None:
        """An episode each."""
        mean = self.means[user, policy]
        self.user, self.policy = np.concatenate([self.user, user]), np.concatenate([self.policy, policy])
        self.value = np.concatenate([self.value, self.rng.beta(SPREAD * mean, SPREAD * (1 - mean))])

    def look(self, users: np.ndarray) -> Identified:
        """What follows for some users by now."""
        row = np.full(len(self.means), -1)
        row[users] = np.arange(len(users))
        of = row[self.user] >= 0
        cells = row[self.user[of]], self.policy[of], self.value[of]
        prior = self.prior if self.prior.ndim == 1 else self.prior[users]
        return identify(measure(*cells, len(users), POLICIES, self.question), prior, self.question)

    def run(self) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
        """Until all are decided, or have played the most: policies, episodes, whether each is decided."""
        policy, episodes = np.zeros(len(self.means), int), np.zeros(len(self.means), int)
        decided, open_, played = np.zeros(len(self.means), bool), np.arange(len(self.means)), 0
        while len(open_):
            found = self.look(open_)
            policy[open_], episodes[open_], decided[open_] = found.policy, played, found.decided
            open_, following = open_[~found.decided], found.next[~found.decided]
            if played >= MOST:
                break
            for _ in range(max(1, int(played * (GROWTH - 1)))):
                self.play(open_, np.full(len(open_), played % POLICIES) if self.equally else following)
                played += 1
        return policy, episodes, decided


def report(name: str, means: np.ndarray, found: tuple[np.ndarray, np.ndarray, np.ndarray], question: Question) -> None:
    """A line of the table."""
    policy, episodes, decided = found
    got = np.where(policy < 0, -np.inf, means[np.arange(len(means)), policy])
    wrong = decided & np.where(policy < 0, means.max(axis=1) >= FLOOR, got < means.max(axis=1) - question.beta)
    by = " ".join(f"{100 * (decided & (episodes <= many)).mean():>6.1f} %" for many in (100, 300, 1000, MOST))
    print(f"{name:<34} {by} {100 * wrong.mean():>7.2f} % {np.median(episodes):>8.0f} {episodes.mean():>8.0f}")


def main() -> None:
    """Simulate and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--users", type=int, default=2000)
    number, rng = parser.parse_args().users, np.random.default_rng(2026)
    means = rng.dirichlet(np.full(4, 0.5), number) @ FEATURES.T
    print(f"{number} users, {POLICIES} policies, within 0.05 of the best at 5 %\n")
    header = " ".join(f"{f'by {many}':>8}" for many in (100, 300, 1000, MOST))
    print(f"{'tried, and begun with':<34} {header} {'wrong':>9} {'median':>8} {'mean':>8}")
    question = Question(0.0, 1.0, 0.05, 0.05)
    for equally, start, prior in (
        (False, "the weights", means),
        (False, "the mean over users", means.mean(axis=0)),
        (False, "the weights upside down", 1.0 - means),
        (True, "the mean over users", means.mean(axis=0)),
    ):
        users = Users(np.random.default_rng(7), means, prior, question, equally)
        report(f"{'equally' if equally else 'next'}, {start}", means, users.run(), question)
    fixed = POLICIES * episodes_needed(POLICIES, 1.0, question.beta, question.alpha)
    print(f"a number that is fixed beforehand, for the same (Hoeffding): {fixed} episodes")
    poor, question = 0.5 * means, Question(0.0, 1.0, 0.05, 0.05, FLOOR)
    reached = 100 * (poor.max(axis=1) >= FLOOR).mean()
    print(f"\nusers of whom {reached:.1f} % have a policy that reaches the floor of {FLOOR}")
    for equally in (False, True):
        users = Users(np.random.default_rng(8), poor, means.mean(axis=0), question, equally)
        report(f"{'equally' if equally else 'next'}, the mean over users", poor, users.run(), question)


if __name__ == "__main__":
    main()
