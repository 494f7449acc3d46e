"""A simulator of one's own, as a user brings it: one file, a table of users, and every command."""

from __future__ import annotations

import csv
import json
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

import policybudget as pb
from policybudget.cli.main import main
from policybudget.runs.result import load

EXAMPLES = Path(__file__).parents[2] / "examples"
TINY = ("--copies", "2", "--steps", "48", "--minibatch", "48", "--epochs", "1", "--hidden", "4")
SIZE = (*TINY, "--search", "plain", "--warm-start", "1", "--budget", "2", "--quiet")
WORLD = ("--world", "python:thermostat.py:Room", "--population", "thermostat.csv")
NAMES = ("ann", "bob", "cem", "dee", "eva", "fay")
WEIGHTS = [[1, 1, 1, 0.2, 0.1, 0.05], [0.1, 0.3, 0.5, 1, 1, 1]]
HELD_OUT = "name,energy,comfort\ngus,0.7,0.9\nhal,0.4,0.2\n"
BREAKS = """

class Breaks(Room):
    def step(self, action):
        if Path(__file__).with_name("broken").exists() and self.time == 40:
            raise OSError("the boiler\\nwent out")
        return super().step(action)
"""
OneLine = Callable[[list[str]], str]


@pytest.fixture
def home(empty_place: Path) -> Path:
    """The files of a user who stands beside them."""
    for name in ("thermostat.py", "thermostat.csv"):
        shutil.copy(EXAMPLES / name, empty_place)
    return empty_place


def rows(path: Path) -> list[list[str]]:
    with path.open(newline="") as file:
        return list(csv.reader(file))


def test_the_table_of_users_is_read_by_the_names_that_the_environment_gives(home: Path) -> None:
    problem = pb.make_problem("python:thermostat.py:Room", budget=2, population="thermostat.csv")
    assert problem.world.name == "python:thermostat.py:Room" and problem.world.outcome_size == 2
    assert problem.world.components == ("comfort", "energy")  # type: ignore[attr-defined]
    assert problem.population.names == NAMES
    np.testing.assert_allclose(problem.population.rewards.weights, WEIGHTS, rtol=1e-6)
    assert problem.population.outside is not None
    assert problem.population.outside.tolist() == [-30, -30, -25, -25, -20, -2]


def test_a_day_in_the_room_pays_what_its_equations_say(home: Path) -> None:
    copies = pb.make_problem("python:thermostat.py:Room", 1, population="thermostat.csv").world.copies(2)  # type: ignore[attr-defined]
    degrees = copies.reset(3)[:, 0] * 10.0 + 15.0
    for time in range(1, 49):
        action = np.array([time % 3, 2])
        step = copies.step(action)
        degrees = degrees + 0.05 * (5 - 5 * np.cos(2 * np.pi * time / 48) - degrees) + action
        expected = np.stack([-np.minimum(1.0, abs(degrees - 20) / 10), -action / 2], axis=1)
        np.testing.assert_allclose(step.outcome, expected, atol=1e-5)
    assert step.truncated.tolist() == [True, True] and not step.terminated.any()
    assert copies.step(action).valid.tolist() == [False, False]


def test_train_evaluate_and_generalise_from_any_folder(home: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = (home / "thermostat.csv").read_text()
    (home / "thermostat.csv").write_text(table.replace("dee,0.2,1,1,-25", "dee,0.2,1,1,"))  # dee has no way out
    assert main(["train", *WORLD, *SIZE, "--transitions", "192", "--out", "run"]) == 0
    run = home / "run"
    assert json.loads((run / "config.json").read_text())["world"] == "python:inputs/thermostat.py:Room"
    assert (run / "figures" / "training.png").stat().st_size > 5000
    (home / "held_out.csv").write_text(HELD_OUT)
    (home / "elsewhere").mkdir()
    monkeypatch.chdir(home / "elsewhere")
    assert main(["evaluate", str(run), "--episodes", "4", "--quiet"]) == 0
    header, *measured = rows(run / "returns.csv")
    ann = [float(row[header.index("ann")]) for row in measured]
    result = load(run)
    assert result.agents == NAMES and len(ann) == 2 and all(-48 * 1.1 <= value <= 0 for value in ann)
    for agent, outside in enumerate((-30, -30, -25, -np.inf, -20, -2)):  # nobody has less than without a policy
        served = result.assignment[:, agent]
        assert served.sum() == 0 or served @ result.returns[:, agent] > outside
    held_out = ("--population", str(home / "held_out.csv"))
    assert main(["generalise", str(run), *held_out, "--episodes", "6", "--quiet"]) == 0
    assert json.loads((run / "generalisation.json").read_text())["tasks"] == 2


def test_a_configuration_trains_the_same_again_and_so_does_python(home: Path) -> None:
    assert main(["train", *WORLD, *SIZE, "--transitions", "192", "--out", "run"]) == 0
    assert main(["train", "--config", "run/config.json", "--out", "again", "--quiet"]) == 0
    problem = pb.make_problem("python:thermostat.py:Room", budget=2, population="thermostat.csv")
    ppo = pb.preset(world="python:thermostat.py:Room", search="plain").learner
    learner = pb.PPO(**{**vars(ppo), "copies": 2, "steps": 48, "minibatch": 48, "epochs": 1, "hidden": (4,)})
    trained = pb.train(problem, pb.EM(warm_start=1), search="plain", learner=learner, transitions=192)
    for result in (load("again"), trained):
        np.testing.assert_array_equal(result.returns, load("run").returns)


def test_a_run_that_broke_off_is_resumed_from_another_folder(
    home: Path, one_line: OneLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    text = (home / "thermostat.py").read_text().replace("import sys\n", "import sys\nfrom pathlib import Path\n", 1)
    body, main_part = text.split("\n\nif __name__")
    (home / "thermostat.py").write_text(f"{body}{BREAKS}\n\nif __name__{main_part}")
    (home / "broken").touch()
    world = ("--world", "python:thermostat.py:Breaks", "--population", "thermostat.csv")
    line = one_line(["train", *world, *SIZE, "--transitions", "192", "--out", "run"])
    assert "thermostat.py:Breaks, step 41: the environment raised OSError: the boiler went out" in line
    (home / "broken").unlink()
    run = home / "run"
    (home / "elsewhere").mkdir()
    monkeypatch.chdir(home / "elsewhere")
    assert main(["resume", str(run), "--quiet"]) == 0
    assert json.loads((run / "result.json").read_text())["transitions"] == 384


def test_a_run_folder_is_named_for_the_file(home: Path) -> None:
    assert main(["train", *WORLD, *SIZE, "--transitions", "96"]) == 0
    (run,) = Path("runs").iterdir()
    assert run.name.startswith("python-thermostat.py-Room-k02-em-")


@pytest.mark.parametrize("population", [(), ("--population", "thermostat.csv")])
def test_check_plays_in_it(population: tuple[str, ...], home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "python:thermostat.py:Room", *population]) == 0
    out = capsys.readouterr().out
    assert "66 episodes ended after 48 to 48 steps" in out
    assert out.splitlines()[-1] == "python:thermostat.py:Room: conforms"
    assert ("6 agents are paid from 2 reward features" in out) == bool(population)


def test_modules_beside_the_file_and_in_the_current_folder_are_found(home: Path) -> None:
    (home / "parts").mkdir()
    (home / "parts" / "rooms.py").write_text(
        "import gymnasium\nfrom insulation import Room\ngymnasium.register('Attic-v0', entry_point=Room)\n"
        "def attic():\n    import insulation\n    return insulation.Room()\n"
    )
    shutil.copy(home / "thermostat.py", home / "parts" / "insulation.py")
    shutil.copy(home / "thermostat.py", home / "attics.py")
    with (home / "attics.py").open("a") as file:
        file.write("\n\ngymnasium.register('Attic-v1', entry_point=Room)\n")
    command = [str(Path(sys.executable).with_name("policybudget")), "check"]  # its folder is not the current one
    for world in ("python:parts/rooms.py:attic", "gym:attics:Attic-v1"):
        ran = subprocess.run([*command, world], capture_output=True, text=True, check=False)
        assert ran.returncode == 0 and ran.stdout.splitlines()[-1] == f"{world}: conforms", ran.stderr
        assert "2 outcome components" in " ".join(ran.stdout.split())


FILE = """
import gymnasium
import numpy as np
from gymnasium.spaces import Box, Discrete


class Two(gymnasium.Env):
    observation_space, action_space = Box(-1.0, 1.0, (2,), np.float32), Discrete(3)
    pays, shows, parts = np.zeros(2), np.zeros(2, np.float32), 5

    def reset(self, *, seed=None, options=None):
        return self.shows, {}

    def step(self, action):
        return (self.shows, self.pays, False, False, {})[: self.parts]


class Raises(Two):
    def step(self, action):
        raise KeyError("valve")


def make(**changed):
    return type("Made", (Two,), changed)()


def three(): return make(reward_space=Box(-1, 0, (3,)))
def scalar(): return make(reward_space=Box(-1, 0, (2,)), pays=1.0)
def text(): return make(pays="much")
def ragged(): return make(pays=[[1, 2], [3]])
def matrix(): return make(pays=np.zeros((2, 2)))
def long(): return make(shows=np.zeros(3))
def words(): return make(shows="warm")
def four(): return make(parts=4)
def names(): return make(reward_names=("comfort",))
def digits(): return make(reward_names=("1", "0"))
def choice(): return make(reward_space=Discrete(2))
def spaceless(): return make(observation_space=None)
def nothing(): pass
def fails(): raise ValueError("no\\nlicence")
def asks(room, month): return make()
def several(number=3): return gymnasium.vector.SyncVectorEnv([Two] * number)
def one(number): return Two()
CONSTANT = 3
"""


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("three", "expected a reward that is an array of shape (3,), as its reward_space says, got an array of"),
        ("scalar", "expected a reward that is an array of shape (2,), as its reward_space says, got one number"),
        ("text", "expected a reward that is a number, or an array of one number per component, got 'much'"),
        ("ragged", "expected a reward that is a number, or an array of one number per component, got [[1, 2], [3]]"),
        ("matrix", "expected a reward with one number per component, got an array of shape (2, 2)"),
        ("long", "reset to return an observation of its observation_space, got an array of shape (3,) instead of"),
        ("words", "reset to return an observation of its observation_space, got no number: 'warm'"),
        ("four", "expected step to return (observation, reward, terminated, truncated, info), got a tuple of 4"),
        ("names", "expected reward_names to be 2 different names, one per reward component and none a number"),
        ("digits", "expected reward_names to be 2 different names, one per reward component and none a number"),
        ("choice", "expected reward_space to be gymnasium.spaces.Box(low, high, (m,)) for m reward components, got"),
        ("spaceless", "could not be made: expected Made.observation_space to be one of gymnasium.spaces, got None"),
        ("nothing", "could not be made: expected one gymnasium.Env, got None; return the environment that you made"),
        ("Raises", "mine.py:Raises: its first step raised KeyError: 'valve' ("),
        ("Raises", "mine.py, line 20); correct the environment: it must take a step after reset(seed=0)"),
        ("fails", "mine.py:fails: fails raised ValueError: no licence ("),
        ("asks", "mine.py:asks: it is made by a function of no argument, which gives one environment"),
        ("several", "got SyncVectorEnv(num_envs=3); return the environment that you made; a function that"),
        ("one", "must give a Gymnasium VectorEnv, got Two; a function that makes a single environment takes"),
        ("CONSTANT", "expected CONSTANT in mine.py to be a function that makes an environment, got int"),
        ("Nope", "mine.py has no Nope; its functions are Two, Raises, make, three, scalar"),
    ],
)  # fmt: skip
def test_an_environment_that_is_wrong_is_one_line(
    name: str, message: str, empty_place: Path, one_line: OneLine
) -> None:
    (empty_place / "mine.py").write_text(FILE)
    (empty_place / "users.csv").write_text("0,1\n1,2\n")
    line = one_line(["check", f"python:mine.py:{name}"])
    assert line.startswith(("policybudget: python:mine.py:", "policybudget: world python:mine.py:")) or name == "one"
    assert message in line
    given = ["train", "--world", f"python:mine.py:{name}", "--population", "users.csv", "--out", "run"]
    assert message in one_line(given).replace(f"{empty_place}/mine.py has", "mine.py has").replace(
        f"in {empty_place}/mine.py to", "in mine.py to"
    )
    assert not Path("run").exists()


@pytest.mark.parametrize(
    ("reference", "content", "message"),
    [
        ("mine.py:f", None, "policybudget: python:mine.py:f: file not found: mine.py; give the path of a Python file"),
        ("mine.py:f", "import nowhere_else", "line 1 raised ModuleNotFoundError: No module named 'nowhere_else'"),
        ("mine.py:f", "x = 1\ndef f(:", "mine.py raised SyntaxError: invalid syntax (mine.py, line 2)"),
        ("mine.py:f", "\nraise SystemExit(3)", "mine.py, line 2 raised SystemExit: 3 while it was loaded"),
        ("mine.py:f", "x = 1", "mine.py has no f; it has no functions"),
        ("mine.py", None, "python: must be followed by FILE.py:NAME, a Python file and a name in it, got 'mine.py'"),
        ("mine:f", None, "python: must be followed by FILE.py:NAME"),
        ("mine.py:", None, "python: must be followed by FILE.py:NAME"),
    ],
)  # fmt: skip
def test_a_file_that_is_wrong_is_one_line(
    reference: str, content: str | None, message: str, empty_place: Path, one_line: OneLine
) -> None:
    if content is not None:
        (empty_place / "mine.py").write_text(content)
    assert message in one_line(["check", f"python:{reference}"])


def test_users_who_want_something_else_are_told_the_way(home: Path, one_line: OneLine) -> None:
    line = one_line(["train", "--world", "python:thermostat.py:Room"])
    assert "a row per user, a column per reward component (comfort, energy)" in line
    (home / "rooms.csv").write_text("name,comfort,energy,size\nann,1,1,30\n")
    line = one_line(["train", "--world", "python:thermostat.py:Room", "--population", "rooms.csv"])
    assert (
        "columns that are no reward component and not name, weight or outside: size; columns may be 0 or comfort"
        in line
    )
    assert "env.NAME (an argument of the user's own environment) and reset.NAME" in line
