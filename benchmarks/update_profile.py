"""Where the time of an update goes: the matrix products of its shapes, what lies between them, the optimiser, and the
shuffling of minibatches.

Prints one JSON object. Every part is a compiled scan over the minibatches of all epochs of actors and critics, as the
update runs them, on one core; the parts are timed in turn, round by round, medians are printed.

* ``matmul``: the rate of large square products on the same core.
* ``products``: the products alone that forward and backward passes need, from arrays of the same shapes.
* ``passes``: forward and backward passes, with activations and losses.
* ``steps``: the same with gradient clipping and Adam.
* ``update``: the same with shuffling and gathering of minibatches; what training does.

``shares`` are of the update; ``products_to_matmul`` is what these shapes allow at best, as a part of the rate of large
products.
"""

from __future__ import annotations

import argparse
import json
import os
from collections.abc import Callable
from typing import Any

from throughput import interleave


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--budget", type=int, default=5)
    parser.add_argument("--preset", default="default")
    parser.add_argument("--minibatch", type=int, default=None, help="the preset's if not given")
    parser.add_argument("--repeats", type=int, default=15)
    settings = parser.parse_args()
    os.sched_setaffinity(0, sorted(os.sched_getaffinity(0))[:1])
    print(json.dumps(measure(settings), indent=2))


def known(task: Any) -> Any:
    """What a rule may look at."""
    from policybudget.assignment.rule import Known

    return Known(task.rewards, task.budget, task.agents)


def measure(settings: argparse.Namespace) -> dict[str, Any]:
    """All parts, interleaved."""
    from dataclasses import replace

    import equinox as eqx
    import jax
    import jax.numpy as jnp
    from jax.flatten_util import ravel_pytree

    import policybudget as pb
    from policybudget.learning import optimiser as optimiser_of
    from policybudget.learning.losses import actor_loss, critic_loss
    from policybudget.search.phases import Phase
    from policybudget.training import iteration
    from policybudget.training.method import preset
    from policybudget.training.state import begin, make_task
    from policybudget.training.step import Stepper

    method = preset(settings.preset, "resource-gathering")
    learner = replace(method.learner, kl_limit=0.0)
    learner = replace(learner, minibatch=settings.minibatch) if settings.minibatch else learner
    problem = pb.make_problem("resource-gathering", settings.budget)
    phase = Phase("profile", method.rule, learner, settings.budget, 1000 * learner.batch)
    task = make_task(problem, phase, method.mixing, keeps_episodes=False)
    step = Stepper(task)
    first = pb.RandomGroups().start(known(task), jax.random.key(0))
    state = begin(task, first, step.start(jax.random.key(1), first), 0, jax.random.key(2))
    ongoing, batch = step.sampler.rollout(state.policies, state.ongoing, jax.random.key(3), learner.steps)
    lesson = eqx.filter_jit(iteration.study)(task, state, ongoing.observation, batch)
    rows, space = lesson.rows, task.world.actions
    number = learner.epochs * learner.batch // learner.minibatch
    part = jax.tree.map(lambda x: x[:, : learner.minibatch], rows)
    actor, unravel_actor = ravel_pytree(state.learned.actor)
    critic, unravel_critic = ravel_pytree(state.learned.critic)
    optimiser, active = optimiser_of.adam(learner), jnp.ones(settings.budget)
    networks = (state.learned.actor.network, state.learned.critic)

    def gradients(actor: Any, critic: Any, part: Any) -> tuple[Any, Any]:
        bonus = jnp.asarray(0.01)
        act = jax.grad(lambda x: actor_loss(x, part, space, learner, bonus, active)[0])
        return act(unravel_actor(actor)), jax.grad(critic_loss)(unravel_critic(critic), part)

    @jax.jit
    def products(part: Any) -> Any:
        def once(bias: Any, _: Any) -> tuple[Any, None]:
            total = bias
            for network in networks:
                x = part.observation + bias
                for index, layer in enumerate(network.layers):
                    weight = layer.weight
                    y = x @ weight  # forward; y stands for its gradient as well
                    step = jnp.swapaxes(x, 1, 2) @ y  # weights
                    total = total + 1e-30 * step[0, 0, 0]
                    if index:  # inputs; the first layer needs none
                        total = total + 1e-30 * (y @ jnp.swapaxes(weight, -1, -2))[0, 0, 0]
                    x = y
            return total, None

        return jax.lax.scan(once, jnp.zeros(()), None, length=number)[0]

    @jax.jit
    def passes(actor: Any, critic: Any, part: Any) -> Any:
        def once(carry: Any, _: Any) -> tuple[Any, None]:
            found = tuple(ravel_pytree(gradient)[0] for gradient in gradients(*carry, part))
            return jax.tree.map(lambda value, gradient: value + 1e-30 * gradient, carry, found), None

        return jax.lax.scan(once, (actor, critic), None, length=number)[0]

    @jax.jit
    def steps(actor: Any, critic: Any, part: Any) -> Any:
        def once(carry: Any, _: Any) -> tuple[Any, None]:
            values, states = carry
            moved = [
                optimiser_of.step(optimiser, 1e-9, value, optimiser_of.clipped_flat(gradient, learner), state)
                for value, gradient, state in zip(values, gradients(*values, part), states, strict=True)
            ]
            return (tuple(value for value, _ in moved), tuple(state for _, state in moved)), None

        begin = ((actor, critic), (optimiser.init(actor), optimiser.init(critic)))
        return jax.lax.scan(once, begin, None, length=number)[0]

    improve_actors, improve_critics = (
        eqx.filter_jit(iteration.improve_actors),
        eqx.filter_jit(iteration.improve_critics),
    )
    side = 2048
    matrix, product = jnp.ones((side, side), jnp.float32), jax.jit(lambda x: x @ x)
    parts: dict[str, Callable[[], Any]] = {
        "matmul": lambda: product(matrix),
        "products": lambda: products(part),
        "passes": lambda: passes(actor, critic, part),
        "steps": lambda: steps(actor, critic, part),
        "update": lambda: (improve_actors(task, state, lesson), improve_critics(task, state, lesson)),
    }
    jax.block_until_ready([part() for part in parts.values()])  # compiles
    seconds = interleave(parts, settings.repeats)
    transitions = learner.minibatch * task.budget * number
    all_weights = sum(network.multiplications for network in networks)
    first_layers = sum(network.layers[0].weight.shape[-2] * network.layers[0].weight.shape[-1] for network in networks)
    rate = 2 * side**3 / seconds["matmul"]
    counted, needed = 6 * all_weights * transitions, (6 * all_weights - 2 * first_layers) * transitions
    whole = seconds["update"]
    return {
        "preset": settings.preset,
        "budget": settings.budget,
        "minibatch": learner.minibatch,
        "epochs": learner.epochs,
        "matmul_gflops": round(rate / 1e9, 1),
        "update_to_matmul": round(counted / whole / rate, 3),
        "products_to_matmul": round(needed / seconds["products"] / rate, 3),
        "shares": {
            "products": round(seconds["products"] / whole, 3),
            "activations_and_losses": round((seconds["passes"] - seconds["products"]) / whole, 3),
            "clipping_and_adam": round((seconds["steps"] - seconds["passes"]) / whole, 3),
            "shuffling_and_gathering": round((whole - seconds["steps"]) / whole, 3),
        },
    }


if __name__ == "__main__":
    main()
