"""Held-out users who have environments of their own."""

from __future__ import annotations

from pathlib import Path

import jax
import numpy as np
import pytest

from policybudget.assessment.episodes import play_alone, play_tasks
from policybudget.assessment.held_out import tasks_for
from policybudget.assessment.held_out_plan import HeldOutPlan
from policybudget.errors import PolicyBudgetError
from policybudget.policies.normaliser import Normaliser
from policybudget.policies.stacked import Policies, make_actor
from policybudget.problem import RepresentedMDP, make_problem
from policybudget.worlds.interface import World

PENDULUM = "gym:Pendulum-v1"


def problem(tmp_path: Path, table: str) -> RepresentedMDP:
    path = tmp_path / "users.csv"
    path.write_text(table)
    return make_problem(PENDULUM, 1, population=str(path))


def plan(tmp_path: Path, table: str) -> HeldOutPlan:
    path = tmp_path / "held.csv"
    path.write_text(table)
    return HeldOutPlan(population=path)


def policies(world: World) -> Policies:
    actor = make_actor(jax.random.key(0), 2, world.observation_size, world.actions, (4,), "shared", -1.0)
    return Policies(actor, Normaliser.start(world.observation_size))


def test_they_act_in_environments_made_for_them(tmp_path: Path) -> None:
    trained = problem(tmp_path, "name,env.g\nlow,4\nmid,8\nhigh,12\n")
    held = tasks_for(plan(tmp_path, "name,env.g\nnone,0\nmuch,30\n"), Path("run"), PENDULUM, trained)
    assert held.tasks.names == ("none", "much") and held.world.own_dynamics
    np.testing.assert_array_equal(held.tasks.parameters, [[0.0], [30.0]])  # type: ignore[arg-type]
    returns = play_tasks(held.world, held.tasks, policies(held.world), 2, 0)
    assert returns.shape == (2, 2, 2) and (returns[:, 0] != returns[:, 1]).all()
    alone = play_alone(held.world, held.tasks, policies(held.world), np.array([1, 0]), 2, 0)
    assert alone.shape == (2, 2) and len(np.unique(alone)) == 4


@pytest.mark.parametrize(
    ("table", "message"),
    [
        ("name,env.g\na,6\nb,8\n", "1 of the 2 tasks of .* are among those that run was trained for, the first is 'b'"),
        (
            "name,0\na,1\n",
            r"by g \(each with an environment of its own\); got weight 0",
        ),
        ("name,env.g,reset.x_init\na,6,1\n", r"trained for, by g \(each .* own\); got g, x_init \(each"),
        ("name,env.mass\na,6\n", "agent a: the environment refuses env.mass = 6"),
    ],
)
def test_users_who_do_not_fit(table: str, message: str, tmp_path: Path) -> None:
    trained = problem(tmp_path, "name,env.g\nlow,4\nmid,8\n")
    with pytest.raises(PolicyBudgetError, match=message):
        tasks_for(plan(tmp_path, table), Path("run"), PENDULUM, trained)
