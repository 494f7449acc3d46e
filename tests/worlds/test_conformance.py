from __future__ import annotations

from typing import Any

import equinox as eqx
import gymnasium
import jax.numpy as jnp
import numpy as np
import pytest
from gymnasium.vector import AutoresetMode, SyncVectorEnv
from gymnasium_worlds import Counting, Nested, copies_of
from worlds_with_known_answers import Aim, Clock, Levers, mine

from policybudget.cli.main import main
from policybudget.population import Population
from policybudget.users import OwnSettings
from policybudget.worlds import check_world, registry, world_from
from policybudget.worlds.gym.named import world_by_id
from policybudget.worlds.interface import Transition, World


def levels(world: World, population: Population | None = None) -> dict[str, str]:
    return {finding.check: finding.level for finding in check_world(world, population)}


CHECKS = ("description", "reset", "step", "finite", "population", "seeding", "episode ends", "end flags", "autoreset")
CHECKS += ("saved state",)


@pytest.mark.parametrize("name", registry.WORLDS)
def test_every_world_of_ours_conforms(name: str) -> None:
    world, population = registry.make(name)
    findings = check_world(world, population)
    assert [(finding.check, finding.level) for finding in findings] == [(check, "ok") for check in CHECKS]


@pytest.mark.parametrize("world", [Levers(), Clock(), Aim()])
def test_worlds_with_known_answers_conform(world: World) -> None:
    assert set(levels(world).values()) == {"ok"}


@pytest.mark.parametrize("identifier", ["CartPole-v1", "Pendulum-v1", "Blackjack-v1", "mo-reacher-v5", "fruit-tree-v0"])
def test_worlds_of_others_conform(identifier: str) -> None:
    found = levels(world_by_id(identifier))
    assert found.pop("saved state") == "warning"
    assert set(found.values()) == {"ok"}


@pytest.mark.parametrize("mode", tuple(AutoresetMode))
@pytest.mark.parametrize("kind", [Counting, Nested])
def test_every_autoreset_mode_conforms(mode: AutoresetMode, kind: Any) -> None:
    world = world_from(lambda n: SyncVectorEnv([lambda: kind()] * n, autoreset_mode=mode), "counting", time_limit=3)
    found = {finding.check: finding for finding in check_world(world)}
    assert found["autoreset"].level == "ok" and "0 truncated" not in found["autoreset"].text
    assert {finding.check for finding in found.values() if finding.level != "ok"} == {"saved state"}


class Strange(Counting):
    """Counting with something wrong."""

    def __init__(self, wrong: str) -> None:
        super().__init__()
        self.wrong = wrong

    def step(self, action: Any) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        seen, reward, terminated, truncated, info = super().step(action)
        if self.wrong == "random":
            reward += np.random.default_rng().random()
        if self.wrong == "endless":
            terminated = truncated = False
        if self.wrong == "nan" and self.time == 2:
            reward = np.nan
        if self.wrong == "raises":
            raise OSError("unplugged")
        if self.wrong == "silent" and (terminated or truncated):
            seen, _ = self.reset()
            terminated = truncated = False
        return seen, reward, terminated, truncated, info


@pytest.mark.parametrize(
    ("wrong", "check", "message"),
    [
        ("random", "seeding", "expected the same transitions with the same seed and actions, got others in step 1"),
        (
            "endless",
            "episode ends",
            "expected episodes to end within the time limit of 3 steps, got none in 8; truncate them",
        ),
        ("nan", "run", "world strange, step 2: reward, component 0 of copy 0: expected a finite number, got nan"),
        ("raises", "run", "world strange, step 1: the environment raised OSError: unplugged"),
    ],
)
def test_what_is_wrong_is_found(wrong: str, check: str, message: str) -> None:
    findings = check_world(world_from(copies_of(lambda: Strange(wrong)), "strange", time_limit=3))
    found = {finding.check: finding for finding in findings if finding.level == "error"}
    assert message in found[check].text


class Wrong(Clock):
    """A clock with something wrong."""

    wrong: str = eqx.field(static=True, default="")

    def step(self, state: Any, action: Any, key: Any, task: Any = None) -> Transition:
        now = super().step(state, action, key)
        if self.wrong == "shape":
            return now._replace(outcome=now.outcome[:1])
        if self.wrong == "dtype":
            return now._replace(outcome=now.outcome.astype(jnp.int32))
        if self.wrong == "flags":
            return now._replace(terminated=now.truncated)
        if self.wrong == "late":
            return now._replace(truncated=state >= 4)
        if self.wrong == "forgets":
            return now._replace(observation=jnp.where(now.truncated, 0.0, now.observation))
        return now._replace(outcome=now.outcome.at[1].set(jnp.nan))


@pytest.mark.parametrize(
    ("wrong", "check", "message"),
    [
        ("shape", "step", "outcome: expected shape (3, 2) for 3 copies, got (3, 1)"),
        ("dtype", "step", "outcome: expected a float type, got int32; cast it"),
        ("flags", "end flags", "step 3: expected terminated or truncated, got both"),
        ("late", "episode ends", "expected episodes of at most 3 steps, the time limit, got one of 5"),
        ("forgets", "autoreset", "expected next_observation of a truncated step to be the last of its episode"),
        ("nan", "finite", "step 1, outcome, component 1: expected a finite number, got nan"),
    ],
)
def test_what_is_wrong_in_a_jax_world_is_found(wrong: str, check: str, message: str) -> None:
    findings = {finding.check: finding for finding in check_world(Wrong(3, wrong))}
    assert findings[check].level == "error" and message in findings[check].text


def test_a_population_that_does_not_fit() -> None:
    (finding,) = (f for f in check_world(Clock(), Population.from_weights(np.ones((5, 3)))) if f.check == "population")
    assert finding.level == "error"
    assert finding.text.startswith("expected a population that pays for 2 outcome components, got one for 3")
    nan = Population.from_function(lambda seen: jnp.full((*seen.outcome.shape[:-1], 2), jnp.nan), ["a", "b"])
    assert levels(Clock(), nan)["population"] == "error"
    assert levels(Clock(), Population.from_targets([1.0, 2.0, 3.0], 0.5))["population"] == "ok"


def test_something_that_is_no_world() -> None:
    (finding,) = check_world(gymnasium.make("CartPole-v1"))  # type: ignore[arg-type]
    assert finding.level == "error" and finding.text.startswith("expected a JaxWorld or a HostWorld, got")


def test_the_command(capsys: pytest.CaptureFixture[str], tmp_path: Any) -> None:
    assert main(["check", "gym:fruit-tree-v0"]) == 0
    out = capsys.readouterr().out
    assert "gym:fruit-tree-v0: conforms" in out and "6 outcome components" in " ".join(out.split())
    assert max(map(len, out.splitlines())) <= 80
    users = tmp_path / "users.csv"
    users.write_text("0,1,2,3,4,5\n1,2,3,4,5,6\n")
    assert main(["check", "gym:fruit-tree-v0", "--population", str(users)]) == 0
    assert "1 agents are paid from 6 reward features" in " ".join(capsys.readouterr().out.split())


def test_the_command_on_a_world_with_errors(
    capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TROUBLE", "inf reward,4")
    assert main(["check", "gym:gymnasium_worlds:Troubled-v0"]) == 1
    told = " ".join(capsys.readouterr().out.split())
    assert "step 4: reward, component 0 of copy 0: expected a finite number, got inf" in told
    assert "gym:gymnasium_worlds:Troubled-v0: 1 error" in told


@pytest.mark.parametrize("arguments", [["nowhere"], ["gym:Nowhere-v0"], ["resource-gathering", "--agents", "3"], []])
def test_bad_input_of_the_command(arguments: list[str], one_line: Any) -> None:
    one_line(["check", *arguments])


def test_worlds_with_own_dynamics_conform_and_play_for_agents() -> None:
    problem = mine(3)
    assert set(levels(problem.world, problem.population).values()) == {"ok"}
    users = [OwnSettings(f"g {g}", {"g": g}, {}) for g in (4, 12)]
    people = Population.from_weights([[1.0], [1.0]], dynamics=np.zeros((2, 0)))
    found = levels(world_by_id("Pendulum-v1", users), people)
    assert found.pop("saved state") == "warning"
    assert set(found.values()) == {"ok"}
