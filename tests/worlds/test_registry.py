from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from pkgutil import resolve_name

import numpy as np
import pytest

from policybudget.errors import PolicyBudgetError
from policybudget.learning.settings import PPO
from policybudget.worlds import registry
from policybudget.worlds.entry import ANY_LEARNER

PRESETS = ("default", "plain", "paper")
MADE_IN_PYTHON = "a world of mine"


def test_resource_gathering() -> None:
    world, population = registry.make("resource-gathering")
    assert world.name == "resource-gathering" and population.size == world.outcome_size == 25
    assert registry.make("resource-gathering", agents=25)[1].size == 25


@pytest.mark.parametrize("name", registry.WORLDS)
def test_every_name_makes_the_world_of_that_name(name: str) -> None:
    world, population = registry.make(name)
    assert world.name == registry.entry(name).name == name
    assert population.size == {"resource-gathering": 25, "glucose": 30, "savers": 30}.get(name, 100)


def test_the_seed_of_the_population_decides_who_is_served() -> None:
    first, again, other = (registry.make("ant-velocity", 5, population_seed=seed)[1].names for seed in (0, 0, 1))
    assert first == again != other


@pytest.mark.parametrize("name", [*registry.WORLDS, "gym:CartPole-v1", MADE_IN_PYTHON])
@pytest.mark.parametrize("preset", PRESETS)
def test_every_preset_is_a_setting_of_the_learner(name: str, preset: str) -> None:
    known = registry.entry(name)
    settings = PPO(**known.learner[preset])
    if preset == "paper":
        critic = "mixture" if name in ("glucose", "savers") else "features"  # agents have dynamics of their own there
        assert (settings.epochs, settings.minibatch, settings.critic, settings.critic_head) == (
            10, 64, critic, "shared",
        )  # fmt: skip
    searches = ("plain", "archive", "splitting", "growing", "representatives", "constants", "pool")
    assert known.search[preset].name in searches


def test_presets_of_resource_gathering() -> None:
    known = registry.entry("resource-gathering")
    default, plain, paper = (PPO(**known.learner[preset]) for preset in PRESETS)
    assert not any(settings.bootstrap_truncated for settings in (default, plain, paper))
    assert (default.copies, default.epochs, default.learning_rate) == (16, 2, (3e-3, 3e-4))
    assert default.normalise_observations and default.discount == 1.0
    assert plain == PPO(bootstrap_truncated=False, critic="features", critic_head="shared")
    assert (paper.learning_rate, paper.discount, paper.copies) == ((5e-4, 1e-4), 1.0, 32)
    assert known.search["default"].name == "archive"
    assert known.search["default"].options == {"restarts": 8, "egalitarian_restarts": True}
    assert [known.search[preset].name for preset in ("plain", "paper")] == ["plain", "plain"]
    slips = registry.entry("resource-gathering:slip=0.1,side=3")
    assert (
        PPO(**slips.learner["default"]) == replace(plain, discount=1.0)
        and slips.learner["plain"] == known.learner["plain"]
    )
    assert slips.search["default"].options == {"within": "representatives", "pool_size": 9, "refine": 0.7}


def test_presets_of_all_other_worlds() -> None:
    known = registry.entry("half-cheetah-velocity")
    robot = PPO(
        copies=16, steps=128, least_iterations=128, normalise_observations=True, entropy=(1e-3, 1e-4), adam_epsilon=1e-5
    )
    assert PPO(**known.learner["plain"]) == robot
    assert PPO(**known.learner["default"]) == replace(robot, widen=20.0, trunk="separate", epochs=5, stagger=True)
    assert PPO(**known.learner["paper"]).learning_rate == (3e-4, 1e-4)
    assert known.search["default"].name == "representatives" and known.search["default"].options == {"alone": 1.0}
    falling = replace(robot, widen=20.0, epochs=10, learning_rate=(3e-4, 1e-4), log_std=0.0, least_log_std=-1.0)
    alone = replace(falling, widen_until=0.8, trunk="separate", discount=0.995)
    walking = replace(falling, trunk="separate", final_log_std=-2.5)
    for task, learner in (("hopper", falling), ("walker2d", walking), ("ant", falling)):
        known = registry.entry(f"{task}-velocity")
        assert (known.search["default"].name, known.search["plain"].name) == ("growing", "plain")
        assert (PPO(**known.learner["default"]), PPO(**known.learner["plain"])) == (learner, robot)
        assert {name: PPO(**settings) for name, settings in known.with_search.items()} == {"representatives": alone}
    assert registry.entry("gym:CartPole-v1").learner is registry.entry(MADE_IN_PYTHON).learner is ANY_LEARNER


@pytest.mark.parametrize("name", registry.WORLDS)
def test_references_lead_to_functions(name: str) -> None:
    known = registry.entry(name)
    for reference in (*known.pictures, known.sketch, known.optimum):
        assert reference is None or callable(resolve_name(reference))


def test_a_name_that_is_in_no_register() -> None:
    known = registry.entry(MADE_IN_PYTHON)
    assert known.world is known.draw is known.sketch is known.optimum is None and known.pictures == ()
    with pytest.raises(PolicyBudgetError, match="world must be one of"):
        registry.make(MADE_IN_PYTHON)


def test_a_table_is_read_back(tmp_path: Path) -> None:
    known = registry.entry("ant-direction")
    assert known.world and known.draw and known.table and known.from_file
    drawn = known.draw(4, 7)
    path = tmp_path / "users.csv"
    path.write_text(known.table(drawn))
    read = known.from_file(known.world(), path)
    assert read.names == drawn.names and read.parameters is not None and drawn.parameters is not None
    np.testing.assert_allclose(read.parameters, drawn.parameters, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "agents", "message"),
    [
        ("nowhere", None, "world must be one of .*resource-gathering.*, got 'nowhere'"),
        ("resource-gathering", 24, r"an agent per tile \(25\), got --agents 24"),
        ("resource-gathering", 0, "agents must be at least 1, got 0"),
        ("gym:CartPole-v1", 3, "gym:CartPole-v1 has as many agents as --population has rows; leave --agents out"),
        ("gym:CartPole-v1", None, "gym:CartPole-v1 needs --population users.csv: a row per user"),
    ],
)
def test_bad_worlds(name: str, agents: int | None, message: str) -> None:
    with pytest.raises(PolicyBudgetError, match=message):
        registry.make(name, agents)
