"""A policy that nobody trained, to compare with: full power below 18 degrees, half below 20, else off.

``policybudget evaluate RUN --beside python:examples/rule_of_thumb.py:thermostat``
"""

import numpy as np


def thermostat(observations):
    """From (B, 2) observations of examples/thermostat.py to (B,) actions."""
    degrees = 15 + 10 * observations[:, 0]
    return np.where(degrees < 18, 2, np.where(degrees < 20, 1, 0))
