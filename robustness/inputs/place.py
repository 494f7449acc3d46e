"""What is valid: a finished run made without training, its checkpoint, its metrics, and tables of users."""

from __future__ import annotations

import json
import math
from functools import cache
from pathlib import Path
from typing import Any

import jax
import numpy as np

from policybudget.policies.architecture import Architecture
from policybudget.problem import RepresentedMDP
from policybudget.runs import arrays, files
from policybudget.runs.prototypes import Prototypes
from policybudget.runs.result import Result
from policybudget.training import checkpoint
from policybudget.training.configuration import Configuration, preset
from policybudget.training.events import Event
from policybudget.training.state import TrainState
from policybudget.training.step import Stepper
from policybudget.training.train import _Run
from policybudget.units import Units

WORLD = "resource-gathering"
BUDGET, AGENTS = 3, 25
USERS = "name,0,1,weight,outside\nann,0.5,1,2,\nbob,-1,0.25,1,-3\n"
ENVIRONMENT = """
import gymnasium
import numpy as np

class Env(gymnasium.Env):
    observation_space = gymnasium.spaces.Box(-1.0, 1.0, (2,), np.float32)
    action_space = gymnasium.spaces.Discrete(3)
    reward_space = gymnasium.spaces.Box(-10.0, 10.0, (2,), np.float32)

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        return self.observation_space.low * 0, {}

    def step(self, action):
        self.time += 1
        return self.observation_space.low * 0, np.array([1.0, float(action)]), self.time > 4, False, {}

def policy(observations):
    return np.zeros(len(observations), int)

def listener(event):
    pass
"""


def configuration(algorithm: str = "em", search: str | None = None) -> Configuration:
    """A tiny training.

    Args:
        algorithm: of the training.
        search: of the training; that of the preset if None.
    """
    return preset("default", WORLD, algorithm, search)


def run_folder(folder: Path, problem: RepresentedMDP | None = None) -> Path:
    """A finished run with all its files, though nobody trained it.

    Args:
        folder: to write.
        problem: that it was trained for; that of ``configuration()`` if None.
    """
    usual = configuration()
    usual.save(folder)
    result(problem or usual.problem()).save(folder)
    files.write(folder / checkpoint.NAME, arrays.dump(checkpoint_arrays(), phase="0", seconds="1.5", best="nan"))
    return folder


def bundle(folder: Path) -> Path:
    """A bundle with all its files, though nobody trained what is in it: two policies for three users.

    Args:
        folder: to write.
    """
    units = Units("multi-discrete", (2, 3), shape=(2,), dtype="int64", start=(0, 1))
    architecture, rng = Architecture(3, units, (4,), "separate"), np.random.default_rng(0)

    def numbers(shape: tuple[int, ...]) -> np.ndarray:
        return np.asarray(rng.uniform(0.1, 1.0, shape), np.float32)

    policies = []
    for policy in range(2):
        own, name = {key: numbers(shape) for key, shape in architecture.shapes(1).items()}, f"policies/0{policy}"
        files.write(folder / f"{name}.safetensors", arrays.dump(own))
        files.write(folder / f"{name}.onnx", b"a graph")
        about = {"policy": policy, "sha256": arrays.fingerprint(own, 0), "approved": None}
        policies.append(about | {"file": f"{name}.safetensors", "onnx": f"{name}.onnx"})
    assignment = np.array([[1, 0, 0], [0, 1, 0]], np.float32)
    tables = {"assignment": assignment, "returns": numbers((2, 3)), "parameters": numbers((3, 2))}
    tables |= {"features": numbers((2, 2)), "covariance": numbers((2, 2, 2))}
    files.write(folder / "assignment.safetensors", arrays.dump(tables))
    files.write_json(folder / "sbom.json", {"bomFormat": "CycloneDX"})
    named = sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())
    files.write_json(folder / "bundle.json", {
        "format": 1, "policybudget": "0", "world": WORLD, "population": "0" * 64, "users": ["ann", "bob", "cem"],
        "components": ["0", "1"], "parameters": ["x", "y"], "floor": 0.1, "promises": [1.0, None],
        "policies": policies, "architecture": architecture.record(),
        "files": {name: files.sha256((folder / name).read_bytes()) for name in named},
    })  # fmt: skip
    return folder


def keys(folder: Path) -> Path:
    """A private and a public key.

    Args:
        folder: gets ``private.pem`` and ``public.pem``.

    Returns:
        The public one.
    """
    from cryptography.hazmat.primitives import serialization as forms
    from cryptography.hazmat.primitives.asymmetric import ec

    private = ec.generate_private_key(ec.SECP256R1())
    (folder / "private.pem").write_bytes(
        private.private_bytes(forms.Encoding.PEM, forms.PrivateFormat.PKCS8, forms.NoEncryption())
    )
    (folder / "public.pem").write_bytes(
        private.public_key().public_bytes(forms.Encoding.PEM, forms.PublicFormat.SubjectPublicKeyInfo)
    )
    return folder / "public.pem"


def result(problem: RepresentedMDP) -> Result:
    """A result whose policies do nothing.

    Args:
        problem: that they were trained for.
    """
    agents, budget = problem.population.size, min(BUDGET, problem.population.size)
    world = problem.world
    architecture = Architecture(world.observation_size, world.units, (4,), "shared")
    weights = {name: np.zeros(shape, np.float32) for name, shape in architecture.shapes(budget).items()}
    assignment = np.zeros((budget, agents), np.float32)
    assignment[np.arange(agents) % budget, np.arange(agents)] = 1.0
    means = dict.fromkeys(("welfare", "mean", "worst"), 0.0)
    return Result(
        arrays=weights,
        assignment=assignment,
        returns=np.zeros((budget, agents), np.float32),
        lengths=np.ones(budget, np.float32),
        welfare=0.0,
        social={"function": "utilitarian"} | means | dict.fromkeys(("unserved", "below_outside"), 0),
        agents=problem.population.names,
        architecture=architecture,
        world=dict(problem.origin),
        algorithm="em",
        search="archive",
        transitions=100,
        wall_seconds=1.0,
        prototypes=Prototypes(np.zeros((budget, 2)), np.ones(2), ("row", "column")),
    )


@cache
def template() -> tuple[TrainState, Any]:
    """The shapes of a checkpoint of ``configuration()``, and what its search remembers."""
    run = _Run(configuration().training(), (), None)
    with Stepper(run._task(0)) as step:
        return step.template(), run.memory


def checkpoint_arrays() -> dict[str, np.ndarray]:
    """The arrays of a valid checkpoint of ``configuration()``."""
    found = {}
    for path, leaf in jax.tree_util.tree_leaves_with_path(template()):
        if hasattr(leaf, "dtype") and jax.numpy.issubdtype(leaf.dtype, jax.dtypes.prng_key):
            leaf = jax.eval_shape(jax.random.key_data, leaf)
        if hasattr(leaf, "shape"):
            found[jax.tree_util.keystr(path, simple=True, separator=".")] = np.zeros(leaf.shape, leaf.dtype)
    return found


def event(policies: int, transitions: int) -> Event:
    """An iteration, as listeners hear of it.

    Args:
        policies: of the phase.
        transitions: so far.
    """
    from policybudget.training.iteration import Report
    from policybudget.training.listeners.metrics import PER_POLICY

    each = dict.fromkeys(PER_POLICY, np.zeros(policies))
    known: dict[str, Any] = {name: 0.0 for name in Report.__annotations__ if name not in each}
    about: dict[str, Any] = {"phase": 0, "phases": ("training",), "iteration": 4, "iterations": 9}
    about |= {"transitions": transitions, "of": 1000, "each": 4, "each_of": 9, "seconds": 2.0, "best": math.nan}
    return Event(**about, report=Report(**known | each), snapshot=None)  # type: ignore[arg-type]


def read_json(path: Path) -> Any:
    """A JSON file.

    Args:
        path: of the file.
    """
    return json.loads(path.read_text())


def forged(folder: Path, name: str, content: bytes) -> None:
    """Put a file into a run folder, and its hash into the manifest.

    Args:
        folder: of the run.
        name: of the file.
        content: of the file.
    """
    (folder / name).write_bytes(content)
    manifest = read_json(folder / "manifest.json")
    manifest["sha256"][name] = files.sha256(content)
    (folder / "manifest.json").write_text(json.dumps(manifest, indent=2))
