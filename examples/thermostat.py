"""A simulator of one's own: a heater in winter, and users who weigh comfort against energy."""

import sys

import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete

import policybudget as pb


class Room(gymnasium.Env):
    """Half an hour per step, for a day: the room loses heat to the cold."""

    observation_space = Box(-np.inf, np.inf, (2,), np.float32)
    action_space = Discrete(3)  # the heater is off, at half power, or full on
    reward_space = Box(-np.inf, 0.0, (2,))  # two reward components, ...
    reward_names = ("comfort", "energy")  # ... which are columns of the users' table

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time, self.degrees = 0, self.np_random.uniform(14, 22)
        return self.seen(), {}

    def step(self, action):
        self.time += 1
        outside = 5 - 5 * np.cos(2 * np.pi * self.time / 48)
        self.degrees += 0.05 * (outside - self.degrees) + action
        comfort, energy = -min(1.0, abs(self.degrees - 20) / 10), -action / 2
        return self.seen(), np.array([comfort, energy]), False, self.time == 48, {}

    def seen(self):
        return np.array([(self.degrees - 15) / 10, self.time / 48], np.float32)


if __name__ == "__main__":  # policybudget train --world python:examples/thermostat.py:Room does the same
    problem = pb.make_problem(f"python:{__file__}:Room", budget=2, population=__file__.replace(".py", ".csv"))
    result = pb.train(problem, transitions=int(sys.argv[1]) if len(sys.argv) > 1 else 100_000)
    print(*zip(result.agents, result.assignment.T, strict=True), f"welfare {result.welfare:.2f}", sep="\n")
