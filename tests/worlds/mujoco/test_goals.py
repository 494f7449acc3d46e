"""Goal velocities and directions: rewards by hand and by Gymnasium's v5 tasks, draws, users' own goals."""

from __future__ import annotations

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import jax.numpy as jnp
import numpy as np
import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.population import Experience, Population
from policybudget.problem import make_problem
from policybudget.worlds import registry
from policybudget.worlds.mujoco.goals import (
    FASTEST,
    GOALS,
    POINTS,
    STEPS,
    goal_population,
    goal_task,
    goal_world,
    goals_table,
)
from policybudget.worlds.mujoco.vector import MujocoVectorEnv

pytest.importorskip("mujoco")
pytest.importorskip("imageio")
gymnasium = pytest.importorskip("gymnasium")

CHEETAH, ANT, HUMANOID = GOALS
THEIRS: dict[str, dict[str, Any]] = {
    CHEETAH: {"id": "HalfCheetah-v5", "ctrl_cost_weight": 0.05},
    ANT: {"id": "Ant-v5", "include_cfrc_ext_in_observation": False},
    HUMANOID: {"id": "Humanoid-v5"},
}
SIZES = {CHEETAH: (17, 6, 2), ANT: (27, 8, 3), HUMANOID: (348, 17, 3)}


def rewards(population: Population, outcome: object) -> np.ndarray:
    """Of n agents, (T, n), for outcomes (T, d)."""
    outcomes = jnp.asarray(outcome, jnp.float32)
    blank = jnp.zeros((len(outcomes), 1))
    paid = population.rewards
    return np.asarray(paid.agents(paid.features(Experience(blank, blank, outcomes, blank))))


def users(tmp_path: Path, content: str) -> Path:
    path = tmp_path / "tasks.csv"
    path.write_text(content)
    return path


@pytest.mark.parametrize("name", GOALS)
def test_worlds_by_name(name: str) -> None:
    world, population = registry.make(name, agents=7, population_seed=3)
    assert (world.name, world.time_limit) == (name, 200)
    assert (world.observation_size, world.actions.size, world.outcome_size) == SIZES[name]
    assert population.size == 7 and population.num_features == (7 if name == CHEETAH else 3)
    assert registry.make(name)[1].size == 100
    problem = make_problem(name, 2, agents=7, population_seed=3)
    np.testing.assert_array_equal(problem.population.parameters, population.parameters)


@pytest.mark.parametrize("name", GOALS)
def test_200_steps_are_gymnasiums_with_its_reward_for_an_agent(name: str) -> None:
    """A direction of 0 is Gymnasium's own reward; a goal velocity beyond reach differs from it by a constant."""
    options = dict(THEIRS[name])
    if name != CHEETAH:
        options["terminate_when_unhealthy"] = False
    theirs = gymnasium.make(**options, max_episode_steps=STEPS)
    bounds = theirs.action_space.high
    task = replace(goal_task(name), terminate_when_unhealthy=False)
    ours = MujocoVectorEnv(task, 1, num_threads=1, dtype=np.float64)
    np.testing.assert_array_equal(ours.reset(seed=5)[0][0], theirs.reset(seed=5)[0])
    outcome_of = goal_world(name).outcome
    assert outcome_of is not None
    agent = _told(name, [1000.0] if name == CHEETAH else [0.0, 90.0])
    outcomes, expected_rewards = [], []
    actions = bounds * np.random.default_rng(2).uniform(-1, 1, (STEPS, len(bounds)))
    for step, action in enumerate(actions.astype(np.float32)):
        observation, reward, terminated, truncated, info = ours.step(action[None])
        expected, paid, _, cut, told = theirs.step(action)
        assert truncated[0] == cut == (step == STEPS - 1) and not terminated[0]
        if step < 40:  # later, the two drift apart like any two floating-point runs of a chaotic body
            np.testing.assert_allclose(observation[0], expected, rtol=1e-6, atol=1e-6)
            outcomes.append(outcome_of(reward, info)[0])
            side = None if name == CHEETAH else paid + (told["y_velocity"] - told["x_velocity"]) * _weight(name)
            expected_rewards.append([paid - 1000.0] if name == CHEETAH else [paid, side])
    np.testing.assert_allclose(rewards(agent, outcomes), expected_rewards, rtol=1e-5, atol=1e-4)


@pytest.mark.parametrize("name", [ANT, HUMANOID])
def test_single_steps_autoresets_and_falls_are_gymnasiums(name: str) -> None:
    options = THEIRS[name]
    mode = gymnasium.vector.AutoresetMode.NEXT_STEP
    theirs = gymnasium.vector.SyncVectorEnv(
        [lambda: gymnasium.make(**options, forward_reward_weight=0.0, max_episode_steps=30)] * 3, autoreset_mode=mode
    )
    task = replace(goal_task(name), time_limit=30)
    ours = MujocoVectorEnv(task, 3, autoreset_mode=mode, dtype=np.float64)
    np.testing.assert_array_equal(ours.reset(seed=1)[0], theirs.reset(seed=1)[0])
    bound, ends = theirs.single_action_space.high, 0
    for actions in np.random.default_rng(0).uniform(-1, 1, (70, 3, len(bound))):
        given = (bound * actions).astype(np.float32)
        observation, reward, terminated, truncated, info = ours.step(given)
        expected = theirs.step(given)
        np.testing.assert_allclose(observation, expected[0], rtol=1e-6, atol=1e-6)
        np.testing.assert_allclose(reward, expected[1], rtol=0, atol=1e-6)
        np.testing.assert_array_equal(terminated, expected[2])
        np.testing.assert_array_equal(truncated, expected[3])
        for key in ("x_velocity", "y_velocity"):
            where = info[f"_{key}"]
            np.testing.assert_allclose(info[key][where], expected[4][key][where], rtol=0, atol=1e-6)
            assert not info[key][~where].any()
        ends += int((terminated | truncated).sum())
    assert ends >= 5
    theirs.close()


@pytest.mark.parametrize("name", GOALS)
def test_copies_go_on_exactly_from_a_saved_state(name: str) -> None:
    world = goal_world(name, threads=1)
    first, second = world.copies(3), world.copies(3)
    actions = np.random.default_rng(0).uniform(-1, 1, (40, 3, world.actions.size))
    first.reset(9)
    for action in actions[:25]:
        first.step(action)
    second.reset(0)
    second.restore({key: np.array(value) for key, value in first.state().items()})
    for action in actions[25:]:
        for one, other in zip(first.step(action), second.step(action), strict=True):
            np.testing.assert_array_equal(one, other)
    first.close()
    second.close()


def test_rewards_by_hand() -> None:
    """Outcomes (v, -cost) and (v_x, v_y, bonus less costs)."""
    paid = rewards(_told(CHEETAH, [0.0, 1.5, 3.0]), [[2.0, -0.25], [-1.0, 0.0]])
    np.testing.assert_allclose(paid, [[-2.25, -0.75, -1.25], [-1.0, -2.5, -4.0]])
    outcome = [[2.0, -1.0, 0.5]]
    ways = [0.0, 90.0, 180.0, 270.0, 360.0]
    np.testing.assert_allclose(rewards(_told(ANT, ways), outcome), [[2.5, -0.5, -1.5, 1.5, 2.5]], atol=1e-6)
    np.testing.assert_allclose(rewards(_told(HUMANOID, ways), outcome), [[3.0, -0.75, -2.0, 1.75, 3.0]], atol=1e-6)


def test_costs_by_hand() -> None:
    env = MujocoVectorEnv(goal_task(CHEETAH), 1)
    env.reset(seed=0)
    action = np.array([[1.0, -0.5, 0.0, 0.0, 0.25, 0.0]])
    assert env.step(action)[1][0] == pytest.approx(-0.05 * (1 + 0.25 + 0.0625))
    for name, bonus in ((ANT, 1.0), (HUMANOID, 5.0)):
        env = MujocoVectorEnv(goal_task(name), 1)
        env.reset(seed=0)
        assert env.step(np.zeros((1, SIZES[name][1])))[1][0] == pytest.approx(bonus, abs=0.01)


@pytest.mark.parametrize("name", GOALS)
def test_goals_are_uniform_and_depend_on_the_seed_alone(name: str) -> None:
    population, again = goal_population(name, 4000, 1), goal_population(name, 4000, 1)
    assert population.names == again.names and len(set(population.names)) == 4000
    parameters, other = _parameters(population), _parameters(goal_population(name, 4000, 2))
    np.testing.assert_array_equal(parameters, _parameters(again))
    assert abs(parameters - other).max() > 0.1
    np.testing.assert_array_equal(_parameters(goal_population(name, 50, 1)), parameters[:50])
    assert len(population.parameter_names) == parameters.shape[1]
    if name == CHEETAH:
        shares = parameters[:, 0] / 3.0
    else:
        np.testing.assert_allclose(np.linalg.norm(parameters, axis=1), 1.0, rtol=1e-6)
        shares = np.arctan2(parameters[:, 1], parameters[:, 0]) / (2 * np.pi) % 1.0
    assert shares.min() >= 0.0 and shares.max() < 1.0
    np.testing.assert_allclose(np.quantile(shares, [0.25, 0.5, 0.75]), [0.25, 0.5, 0.75], atol=0.03)


@pytest.mark.parametrize("name", GOALS)
def test_held_out_goals_are_of_no_training_draw(name: str) -> None:
    training = {seed: _rows(registry.make(name, 3000, seed)[1]) for seed in (0, 1)}
    testing = {seed: _rows(registry.held_out(name, 3000, seed)) for seed in (0, 1)}
    for seed in (0, 1):
        assert len(testing[seed]) > 2990
        for goals in training.values():
            assert not goals & testing[seed]
    assert len(testing[0] & testing[1]) < 30
    few = _parameters(registry.held_out(name, 10, 0))
    np.testing.assert_array_equal(few, _parameters(registry.held_out(name, 3000, 0))[:10])


@pytest.mark.parametrize("name", GOALS)
def test_held_out_goals_go_through_a_file(name: str, tmp_path: Path) -> None:
    drawn = registry.held_out(name, 300, 5)
    path = tmp_path / "heldout.csv"
    path.write_text(goals_table(name, drawn))
    read = registry.make(name, population=str(path))[1]
    assert read.names == drawn.names and path.read_text().splitlines()[0] == f"name,{GOALS[name]}"
    tolerance = 0.0 if name == CHEETAH else 3e-7  # angles are read in single precision
    np.testing.assert_allclose(_parameters(read), _parameters(drawn), rtol=0, atol=tolerance)
    assert not _rows(read) & _rows(registry.make(name, 3000, 5)[1])


def test_neighbouring_goals_stay_apart_in_single_precision() -> None:
    """What keeps training and test goals apart: points next to each other differ as float32, all around."""
    points = np.arange(POINTS)
    assert (np.diff((FASTEST * points / POINTS).astype(np.float32)) > 0).all()
    angles = np.deg2rad(360.0 * points / POINTS)
    cosine, sine = np.cos(angles).astype(np.float32), np.sin(angles).astype(np.float32)
    assert ((np.diff(cosine) != 0) | (np.diff(sine) != 0)).all()


def test_directions_next_to_each_other_over_the_seam() -> None:
    around = _parameters(_told(ANT, [0.0, 359.0, 1.0, 180.0]))
    assert np.abs(around[1] - around[2]).max() < 0.04 and np.abs(around[0] - around[3]).max() == pytest.approx(2.0)


def test_units_of_return() -> None:
    scales = {name: goal_population(name, 3, 0).return_scale for name in GOALS}
    assert scales == {CHEETAH: 300.0, ANT: 400.0, HUMANOID: 1250.0}
    assert goal_population(CHEETAH, 3, 0).highest_return == 0.0
    assert goal_population(ANT, 3, 0).highest_return is None


@pytest.mark.parametrize("welfare", ["nash", "p-mean:-1", "p-mean:0.5"])
def test_welfare_that_needs_positive_returns_is_refused(welfare: str) -> None:
    with pytest.raises(
        PolicyBudgetError, match=r"needs returns above 0, and those in half-cheetah-goal-velocity are 0"
    ):
        make_problem(CHEETAH, 2, agents=3, welfare=welfare)
    assert make_problem(ANT, 2, agents=3, welfare=welfare).budget == 2


@pytest.mark.parametrize("welfare", ["utilitarian", "egalitarian", "gini", "p-mean:1"])
def test_welfare_of_negative_returns(welfare: str) -> None:
    objective = make_problem(CHEETAH, 2, agents=3, welfare=welfare).objective
    told = objective.welfare(jnp.array([-300.0, -30.0, -3.0]))
    assert -300.0 <= float(told) <= -30.0


def test_users_own_goals(tmp_path: Path) -> None:
    path = users(tmp_path, "name,speed,weight,outside\nann,0.5,2,-40\nbob,-1,1,\n")
    population = registry.make(CHEETAH, population=str(path))[1]
    assert population.names == ("ann", "bob")
    np.testing.assert_array_equal(_parameters(population), [[0.5], [-1.0]])
    np.testing.assert_array_equal(population.agent_weights, [2.0, 1.0])
    np.testing.assert_array_equal(population.outside, [-40.0, -np.inf])
    ways = make_problem(ANT, 1, population=str(users(tmp_path, "direction\n0\n-90\n"))).population
    assert ways.names == ("0.000 degrees #0", "-90.000 degrees #1")
    np.testing.assert_allclose(_parameters(ways), [[1, 0], [0, -1]], atol=1e-6)


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        (CHEETAH, "direction\n1\n", "must have a column speed and may have name, weight, outside, each once; "),
        (ANT, "direction,direction\n1,2\n", "its columns are direction, direction"),
        (ANT, "direction,age\n1,2\n", "its columns are direction, age"),
        (ANT, "direction\nnorth\n", "line 2, column direction: expected a finite number, got 'north'"),
        (CHEETAH, "speed,weight\n1,0\n", "line 2, column weight: expected a positive number, got '0'"),
    ],
)
def test_goals_that_are_wrong(name: str, content: str, message: str, tmp_path: Path) -> None:
    with pytest.raises(PolicyBudgetError) as error:
        registry.make(name, population=str(users(tmp_path, content)))
    assert message in str(error.value) and "\n" not in str(error.value)


def test_options_that_do_not_fit() -> None:
    with pytest.raises(PolicyBudgetError, match="as many agents as --population has rows"):
        registry.make(ANT, agents=3, population="tasks.csv")
    with pytest.raises(PolicyBudgetError, match="held out in half-cheetah-goal-velocity, .* only, got 'ant-velocity'"):
        registry.held_out("ant-velocity", 3)
    with pytest.raises(PolicyBudgetError, match=r"got 'gym:Taxi-v4'; bring users that were held out from training"):
        registry.held_out("gym:Taxi-v4", 3)
    with pytest.raises(PolicyBudgetError, match="agents must be at least 1, got 0"):
        registry.held_out(ANT, 0)
    with pytest.raises(PolicyBudgetError, match="world must be one of half-cheetah-goal-velocity"):
        goal_world("ant")


def _told(name: str, goals: list[float]) -> Population:
    """A population with these goals, through a file."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "tasks.csv"
        path.write_text("\n".join([GOALS[name], *map(str, goals)]) + "\n")
        return registry.make(name, population=str(path))[1]


def _weight(name: str) -> float:
    return 1.25 if name == HUMANOID else 1.0


def _parameters(population: Population) -> np.ndarray:
    assert population.parameters is not None
    return population.parameters


def _rows(population: Population) -> set[tuple[float, ...]]:
    return set(map(tuple, _parameters(population).tolist()))
