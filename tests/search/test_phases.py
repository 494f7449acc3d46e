"""Phases that know which part of a training is theirs."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from worlds_with_known_answers import QUICK, Aim, wishes

from policybudget.assignment.em import EM
from policybudget.population import Population
from policybudget.problem import RepresentedMDP
from policybudget.search.growing import Growing
from policybudget.search.phases import Phase, spanned
from policybudget.training.train import Training


def test_phases_know_which_part_of_the_transitions_is_theirs() -> None:
    problem = wishes([0, 1, 2, 0, 1, 2], 3)
    phases = Training.of(problem, search=Growing(), learner=QUICK, transitions=6400).phases
    assert [phase.span for phase in phases] == [(0.0, 1.0)] * 3, "nobody asks"
    starts, ends = zip(*(phase.span for phase in spanned(phases)), strict=True)
    np.testing.assert_allclose((starts, ends), ([0, 0.25, 0.5], [0.25, 0.5, 1]), atol=0.02)


def test_only_learners_who_widen_rewards_ask_for_it() -> None:
    problem = RepresentedMDP(Aim(), Population.from_targets([-1.0, -2.0], half_width=0.5), 2)
    asking = Training.of(problem, search=Growing(), learner=replace(QUICK, widen=2.0), transitions=6400)
    np.testing.assert_allclose([phase.span for phase in asking.phases], [(0, 0.5), (0.5, 1)], atol=0.02)


@given(st.integers(1, 60), st.integers(0, 80))
def test_policies_are_kept_evenly_and_at_the_end(iterations: int, keep: int) -> None:
    phase = Phase("em", EM(), QUICK, 2, iterations * QUICK.batch, keep=keep)
    at = [iteration for iteration in range(1, iterations + 1) if phase.keeps_at(iteration)]
    assert len(at) == min(keep, iterations)
    if at:
        gaps = np.diff([0, *at])
        assert at[-1] == iterations and max(gaps) - min(gaps) <= 1
