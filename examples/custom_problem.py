"""A problem of one's own: three users of a pendulum, who like it upright, still, or lazy."""

import sys

import gymnasium
import jax.numpy as jnp

from policybudget import PPO, Population, RepresentedMDP, check_world, train, world_from


def likes(step):  # step.observation is (.., cosine, sine, angular velocity); a reward for each user on the last axis
    upright, speed = step.next_observation[..., 0], step.next_observation[..., 2]
    return jnp.stack([upright, -jnp.abs(speed), -jnp.abs(step.action[..., 0])], axis=-1)


world = world_from(lambda: gymnasium.make("Pendulum-v1"), "pendulum")
users = Population.from_function(likes, names=["upright", "still", "lazy"])
print(*(f"{finding.level:<8}{finding.text}" for finding in check_world(world, users)), sep="\n")
ppo = PPO(copies=4, steps=64, minibatch=64, normalise_observations=True)
transitions = int(sys.argv[1]) if len(sys.argv) > 1 else 20_000
result = train(RepresentedMDP(world, users, budget=2), learner=ppo, transitions=transitions)
print(result.assignment, result.returns, f"welfare {result.welfare:.2f}", sep="\n")
