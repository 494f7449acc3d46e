"""Who is served: n agents, each with a reward function that is linear in m reward features.

``rewards (.., n) = features (.., m) @ weights (m, n)``

A world reports an *outcome* per transition, an array of d numbers. A :class:`FeatureMap` turns it into m features.
Multi-objective environments report the features themselves, and the weights are the agents' preferences. Where each
agent has a reward function of its own (resource tiles, target velocities), m = n and the weights are the identity,
which is never stored.
"""

from __future__ import annotations

from policybudget.population.population import Population
from policybudget.population.rewards import Experience, FeatureMap, Function, Outcome, Rewards, Targets

__all__ = ["Experience", "FeatureMap", "Function", "Outcome", "Population", "Rewards", "Targets"]
