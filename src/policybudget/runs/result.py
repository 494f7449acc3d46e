"""The result of a training: policies, the assignment of agents to them, and its worth. It is saved without pickle."""

from __future__ import annotations

import csv
import io
import json
import sys
from dataclasses import asdict, dataclass, field
from importlib.metadata import version
from pathlib import Path
from typing import Any

import equinox as eqx
import jax
import numpy as np

from policybudget.errors import RunFolderError
from policybudget.policies.networks import Sharing
from policybudget.policies.normaliser import Normaliser
from policybudget.policies.stacked import Policies, make_actor
from policybudget.runs import files, tensors
from policybudget.runs.prototypes import Prototypes
from policybudget.worlds.interface import ActionSpace, Box, Discrete, MultiDiscrete

FORMAT = 2
PROTOTYPES = "prototypes.safetensors"
SOCIAL = ("function", "welfare", "mean", "worst", "unserved", "below_outside")
LIBRARIES = ("policybudget", "jax", "jaxlib", "equinox", "optax", "numpy")


@dataclass(frozen=True)
class Architecture:
    """The shapes of the policies' networks, which are built before their weights are loaded.

    Args:
        observation_size: o, the components of an observation.
        actions: the action space.
        hidden: the sizes of the hidden layers.
        trunk: what the hidden layers share, as in :func:`policybudget.policies.stacked.make_actor`.
    """

    observation_size: int
    actions: ActionSpace
    hidden: tuple[int, ...]
    trunk: Sharing

    def policies(self, budget: int) -> Policies:
        """Policies of this shape without numbers: a template for :func:`policybudget.runs.tensors.load`.

        Args:
            budget: k, the number of policies.

        Returns:
            Policies whose leaves are shapes and types of arrays.
        """

        def build() -> Policies:
            key = jax.random.key(0)
            actor = make_actor(key, budget, self.observation_size, self.actions, self.hidden, self.trunk, 0.0)
            return Policies(actor, Normaliser.start(self.observation_size))

        shape: Policies = eqx.filter_eval_shape(build)
        return shape

    def record(self) -> dict[str, Any]:
        """The architecture as JSON takes it; :meth:`from_record` reads it.

        Returns:
            A dictionary of plain values; infinite bounds of actions are None.
        """
        kind = {Box: "box", MultiDiscrete: "multi-discrete", Discrete: "discrete"}[type(self.actions)]
        space: dict[str, Any] = asdict(self.actions)
        for side in ("low", "high") if isinstance(self.actions, Box) else ():  # JSON has no infinity
            space[side] = [bound if np.isfinite(bound) else None for bound in space[side]]
        return {**asdict(self), "actions": {"kind": kind, **space}}

    @staticmethod
    def from_record(record: dict[str, Any]) -> Architecture:
        """The architecture that :meth:`record` wrote.

        Args:
            record: the dictionary.

        Returns:
            The architecture.

        Raises:
            KeyError: an entry is missing.
        """
        space = dict(record["actions"])
        actions: ActionSpace
        if (kind := space.pop("kind")) == "box":
            low = tuple(-np.inf if bound is None else bound for bound in space["low"])
            actions = Box(space["size"], low, tuple(np.inf if bound is None else bound for bound in space["high"]))
        elif kind == "multi-discrete":
            actions = MultiDiscrete(tuple(space["sizes"]))
        else:
            actions = Discrete(space["size"])
        return Architecture(record["observation_size"], actions, tuple(record["hidden"]), record["trunk"])


@dataclass(frozen=True)
class Result:
    """k trained policies and the agents that they serve.

    Args:
        policies: the k policies.
        assignment: (k, n) α; column i is a distribution over policies, or zeros for an agent that no policy serves.
        returns: (k, n) mean return of each greedy policy to each agent, on fresh episodes.
        lengths: (k) mean length of the episodes of each greedy policy, in steps.
        welfare: the welfare of the agents under this assignment and these returns, in units of return.
        social: the welfare and what explains it, as :meth:`policybudget.objective.Objective.summary` gives it.
        agents: n names.
        architecture: the shapes of the policies' networks.
        world: how the world was made: its name and options.
        algorithm: the name of the assignment rule.
        search: the name of the search, with where alone it works.
        transitions: the number of transitions in the training of all policies together.
        wall_seconds: the duration of the training in seconds, summed over all resumptions.
        prototypes: the prototypes of the policies, if a cover of task parameters made the groups; None if not.
        details: further values about the training, as JSON takes them; they are saved in the manifest.
    """

    policies: Policies
    assignment: np.ndarray
    returns: np.ndarray
    lengths: np.ndarray
    welfare: float
    social: dict[str, Any]
    agents: tuple[str, ...]
    architecture: Architecture
    world: dict[str, Any]
    algorithm: str
    search: str
    transitions: int
    wall_seconds: float
    prototypes: Prototypes | None = None
    details: dict[str, Any] = field(default_factory=dict)

    @property
    def budget(self) -> int:
        """k, the number of policies."""
        return int(self.assignment.shape[0])

    def save(self, folder: str | Path) -> Path:
        """Write the result into a folder, from which :func:`load` reads it.

        The files are policies.safetensors, assignment.csv, returns.safetensors, result.json, manifest.json and, if
        there are prototypes, prototypes.safetensors.

        Args:
            folder: the folder; it is made if it is missing, and files of these names in it are replaced.

        Returns:
            The folder.

        Raises:
            RunFolderError: a file cannot be written.
        """
        folder = Path(folder)
        contents = {
            "policies.safetensors": tensors.dump(self.policies),
            "assignment.csv": assignment_table(self.agents, self.assignment).encode(),
            "returns.safetensors": tensors.dump(
                {"assignment": self.assignment, "returns": self.returns, "lengths": self.lengths}
            ),
            "result.json": files.as_json(
                {**self.social, "transitions": self.transitions, "wall_seconds": self.wall_seconds}
            ),
        }
        if self.prototypes is not None:
            kept = self.prototypes
            arrays = {"places": kept.places, "scale": kept.scale}
            contents[PROTOTYPES] = tensors.dump(arrays, names=json.dumps(kept.names))
        for name, content in contents.items():
            files.write(folder / name, content)
        files.write_json(folder / "manifest.json", self._manifest({n: files.sha256(c) for n, c in contents.items()}))
        return folder

    def _manifest(self, hashes: dict[str, str]) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "world": self.world,
            "algorithm": self.algorithm,
            "search": self.search,
            "budget": self.budget,
            "agents": list(self.agents),
            "architecture": self.architecture.record(),
            "sha256": hashes,
            "libraries": {name: version(name) for name in LIBRARIES} | {"python": sys.version.split()[0]},
            "details": self.details,
        }


def assignment_table(agents: tuple[str, ...], assignment: np.ndarray) -> str:
    """The assignment as CSV with the columns agent, policy and probability.

    Args:
        agents: n names.
        assignment: (k, n) α; what a column lacks of a sum of 1 is the probability of no policy.

    Returns:
        The table with a row per agent: its most likely policy, or ``none`` if no policy is more likely, and the
        probability of this choice.
    """
    text = io.StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(["agent", "policy", "probability"])
    for name, column in zip(agents, assignment.T, strict=True):
        chosen, rest = int(column.argmax()), 1.0 - column.sum()
        likely = (chosen, column[chosen]) if column[chosen] >= rest else ("none", rest)
        writer.writerow([name, likely[0], f"{likely[1]:.6g}"])
    return text.getvalue()


def load(folder: str | Path) -> Result:
    """The result in a finished run folder or in a folder that :meth:`Result.save` wrote.

    Args:
        folder: the folder.

    Returns:
        The result.

    Raises:
        RunFolderError: the folder is missing, unfinished, of a newer format, or damaged.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RunFolderError(f"run folder not found: {folder}")
    manifest = files.read_json(folder / "manifest.json")
    check_format(folder / "manifest.json", manifest)
    try:
        for name, expected in manifest["sha256"].items():
            if files.sha256(files.read(folder / name)) != expected:
                raise RunFolderError(f"{folder / name} does not match its hash in manifest.json: changed or damaged")
        budget, agents = manifest["budget"], tuple(manifest["agents"])
        architecture = Architecture.from_record(manifest["architecture"])
        outcome = files.read_json(folder / "result.json")
        policies, _ = tensors.load(folder / "policies.safetensors", architecture.policies(budget))
        table, length = np.zeros((budget, len(agents)), np.float32), np.zeros(budget, np.float32)
        like = {"assignment": table, "returns": table, "lengths": length}
        arrays, _ = tensors.load(folder / "returns.safetensors", like)
        return Result(
            policies=policies,
            assignment=np.asarray(arrays["assignment"]),
            returns=np.asarray(arrays["returns"]),
            lengths=np.asarray(arrays["lengths"]),
            welfare=outcome["welfare"],
            social={name: outcome[name] for name in SOCIAL},
            agents=agents,
            architecture=architecture,
            world=manifest["world"],
            algorithm=manifest["algorithm"],
            search=manifest["search"],
            transitions=outcome["transitions"],
            wall_seconds=outcome["wall_seconds"],
            prototypes=_prototypes(folder, budget) if PROTOTYPES in manifest["sha256"] else None,
            details=manifest["details"],
        )
    except (KeyError, TypeError, AttributeError) as error:
        raise RunFolderError(f"{folder} is damaged: {error!r} in its manifest or result") from None


def _prototypes(folder: Path, budget: int) -> Prototypes:
    found, texts = tensors.load(folder / PROTOTYPES, dict.fromkeys(("places", "scale"), tensors.ANY))
    places, scale = np.asarray(found["places"]), np.asarray(found["scale"])
    if places.shape != (budget, *scale.shape):
        shapes = f"expected places of shape {(budget, *scale.shape)}, got {places.shape}"
        raise RunFolderError(f"{folder / PROTOTYPES} does not fit its run: {shapes}")
    return Prototypes(places, scale, tuple(json.loads(texts["names"])))


def check_format(path: Path, record: dict[str, Any]) -> None:
    """Refuse a record of a format that this version does not read.

    Args:
        path: the file of the record, for the message.
        record: the JSON object in the file.

    Raises:
        RunFolderError: the record has a newer format, or none.
    """
    found = record.get("format")
    if not isinstance(found, int):
        raise RunFolderError(f"{path} is damaged: it names no format version")
    if found > FORMAT:
        raise RunFolderError(
            f"{path} has format {found}, newer than this version reads ({FORMAT}); upgrade policybudget"
        )
