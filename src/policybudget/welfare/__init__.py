r"""Social welfare: one number for the utilities of n agents, and its gradient, which weighs the agents in learning.

Ivanov & Ben-Porat 2024 maximise the utilitarian sum (eq. 2). It is reported here as a mean, as in the paper's figures.
The paper names other welfare functions for where fairness matters (Section 2.2, Limitations). Each of them is a
function of utilities :math:`u_i = V^i`, in units of return, and of agent weights :math:`a_i`. An agent weight is the
number of people that an agent stands for; the agent's share is :math:`p_i = a_i / \sum_l a_l`.

Theorem 1 says that EM reaches a local maximum of utilitarian welfare. This much of it holds for a welfare W:

* **E-step.** The greedy choice gives every agent the most that any column of α can give. It never lowers a monotone W.
* **M-step, linear W** (utilitarian, any agent weights). Maximising :math:`\sum_i \frac{\partial W}{\partial u_i} V^i`
  maximises W, and the theorem holds.
* **M-step, another concave W.** The same maximisation gives a direction of ascent, not a maximum. A *full* step may
  lower W: where two agents with opposed rewards share one policy, the other agent becomes the worst-off one. Small
  steps (a policy gradient) raise the smooth form. Steps of 2 / (t + 2) towards the maximiser, which mix policies,
  converge to the maximum over mixtures (Frank & Wolfe 1956; Jaggi 2013; for MDPs Zahavy et al. 2021). The theorem's
  argument holds with that maximum as the M-step. Gini has kinks where utilities are equal: there, neither holds.
"""

from __future__ import annotations

from policybudget.welfare.egalitarian import TEMPERATURE, Egalitarian
from policybudget.welfare.gini import Gini
from policybudget.welfare.interface import Scale, Utilities, Value, Weights, Welfare, utilities
from policybudget.welfare.parsing import NAMES, parse
from policybudget.welfare.power_mean import FLOOR, LEAST_POWER, Nash, PMean, PowerMean
from policybudget.welfare.utilitarian import Utilitarian

__all__ = [
    "FLOOR",
    "LEAST_POWER",
    "NAMES",
    "TEMPERATURE",
    "Egalitarian",
    "Gini",
    "Nash",
    "PMean",
    "PowerMean",
    "Scale",
    "Utilitarian",
    "Utilities",
    "Value",
    "Weights",
    "Welfare",
    "parse",
    "utilities",
]
