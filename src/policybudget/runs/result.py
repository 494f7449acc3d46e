"""The result of a training: policies, the assignment of agents to them, and its worth.

It is saved without pickle. Saving, loading and acting need NumPy, safetensors and msgspec alone.
"""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from policybudget.errors import PolicyBudgetError, RunFolderError
from policybudget.policies.architecture import Architecture
from policybudget.policies.on_host import HostPolicies
from policybudget.runs import acting, arrays, files, inputs, schemas
from policybudget.runs.csv_file import as_csv
from policybudget.runs.manifest import FORMAT, check_format, libraries
from policybudget.runs.prototypes import Prototypes

if TYPE_CHECKING:
    from policybudget.policies.stacked import Policies
else:
    Policies = Any  # JAX is imported when policies are asked for

PROTOTYPES = "prototypes.safetensors"
SOCIAL = ("function", "welfare", "mean", "worst", "unserved", "below_outside")


@dataclass(frozen=True)
class Result:
    """k trained policies and the agents that they serve.

    Args:
        arrays: of the k policies by name, as :meth:`policybudget.policies.stacked.Policies.arrays` has them.
        assignment: (k, n) α; column i is a distribution over policies, or zeros for an agent that no policy serves.
        returns: (k, n) mean return of each greedy policy to each agent, on fresh episodes.
        lengths: (k) mean length of the episodes of each greedy policy, in steps.
        welfare: the welfare of the agents under this assignment and these returns, in units of return.
        social: the welfare and what explains it, as :meth:`policybudget.objective.Objective.summary` gives it.
        agents: n names.
        architecture: the shapes of the policies' networks.
        world: how the world was made: its name and options, files by their whole paths.
        algorithm: the name of the assignment rule.
        search: the name of the search, with where alone it works.
        transitions: the number of transitions in the training of all policies together.
        wall_seconds: the duration of the training in seconds, summed over all resumptions.
        prototypes: the prototypes of the policies, if a cover of task parameters made the groups; None if not.
        details: further values about the training, as JSON takes them; they are saved in the manifest.
    """

    arrays: dict[str, np.ndarray]
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

    @cached_property
    def policies(self) -> Policies:
        """The k policies for the rest of the package, in JAX."""
        from policybudget.policies.stacked import Policies

        return Policies.from_arrays(self.arrays)

    @cached_property
    def _on_host(self) -> list[HostPolicies]:
        """Each policy in NumPy."""
        actions = self.architecture.actions
        together = HostPolicies(self.arrays, actions.choices, actions.kind == "discrete")
        return [together.of(index) for index in range(self.budget)]

    def policy_of(self, user: str, rng: np.random.Generator | None = None) -> int:
        """The policy that acts for a user.

        Args:
            user: one of the agents.
            rng: to draw one of the user's policies with, in proportion to the assignment; the most likely if None.

        Returns:
            The index of the policy.

        Raises:
            PolicyBudgetError: there is no such user, or the user is left to the outside option.
        """
        return acting.serves(user, self.agents, self.assignment, rng)

    def act(
        self,
        observation: Any,
        user: str | None = None,
        policy: int | None = None,
        stochastic: bool = False,
        rng: np.random.Generator | None = None,
    ) -> Any:
        """What a policy does, in the environment's own units.

        Args:
            observation: (o,) a raw observation, or (B, o) a batch of them.
            user: for whom the policy acts; or
            policy: which one acts, from 0 to k - 1.
            stochastic: whether actions are drawn, and with a user the policy, once for the whole batch; if not, the
                most likely ones are taken.
            rng: what they are drawn with.

        Returns:
            An action: an int if it is one choice, an array of the environment's shape and type if not. For a batch, an
            array with a leading axis B.

        Raises:
            PolicyBudgetError: the observation has another shape, or there is no such user or policy.
        """
        if (user is None) == (policy is None):
            raise PolicyBudgetError("act needs either a user or a policy: act(observation, user=...) or policy=...")
        if stochastic != (rng is not None):
            raise PolicyBudgetError("stochastic=True and rng=numpy.random.default_rng(SEED) go together")
        chosen = acting.numbered(policy, self.budget) if user is None else self.policy_of(user, rng)
        size = self.architecture.observation_size
        return acting.act(self._on_host[chosen], self.architecture.actions, size, observation, rng)

    def save(self, folder: str | Path) -> Path:
        """Write the result into a folder, from which :func:`load` reads it.

        The files are policies.safetensors, assignment.csv, returns.safetensors, result.json, manifest.json and, if
        there are prototypes, prototypes.safetensors. The files that the world was made from are copied into inputs/.

        Args:
            folder: the folder; it is made if it is missing, and files of these names in it are replaced.

        Returns:
            The folder.

        Raises:
            RunFolderError: a file cannot be written.
        """
        folder = Path(folder)
        contents = {
            "policies.safetensors": arrays.dump(self.arrays),
            "assignment.csv": assignment_table(self.agents, self.assignment, self.returns).encode(),
            "returns.safetensors": arrays.dump(
                {"assignment": self.assignment, "returns": self.returns, "lengths": self.lengths}
            ),
            "result.json": files.as_json(
                {**self.social, "transitions": self.transitions, "wall_seconds": self.wall_seconds}
            ),
        }
        if self.prototypes is not None:
            kept = self.prototypes
            places = {"places": kept.places, "scale": kept.scale}
            contents[PROTOTYPES] = arrays.dump(places, names=json.dumps(kept.names))
        for name, content in contents.items():
            files.write(folder / name, content)
        hashes = {name: files.sha256(content) for name, content in contents.items()}
        files.write_json(folder / "manifest.json", self._manifest(hashes, *inputs.keep(folder, self.world)))
        return folder

    def _manifest(self, hashes: dict[str, str], world: dict[str, Any], copies: inputs.Records) -> dict[str, Any]:
        return {
            "format": FORMAT,
            "world": world,
            "algorithm": self.algorithm,
            "search": self.search,
            "budget": self.budget,
            "agents": list(self.agents),
            "architecture": self.architecture.record(),
            "acting": self.architecture.operations(),
            "inputs": copies,
            "sha256": hashes | {name: one["sha256"] for name, one in copies.items()},
            "libraries": libraries(),
            "details": self.details,
        }


def assignment_table(agents: tuple[str, ...], assignment: np.ndarray, returns: np.ndarray) -> str:
    """The assignment as CSV with the columns agent, policy, probability and return.

    Args:
        agents: n names.
        assignment: (k, n) α; what a column lacks of a sum of 1 is the probability of no policy.
        returns: (k, n) mean returns.

    Returns:
        The table with a row per agent: its most likely policy, or ``none`` if no policy is more likely, the
        probability of this choice, and the policy's mean return to the agent; empty for none.
    """
    rows: list[tuple[object, ...]] = [("agent", "policy", "probability", "return")]
    for name, column, paid in zip(agents, assignment.T, returns.T, strict=True):
        chosen, rest = int(column.argmax()), 1.0 - column.sum()
        if column[chosen] >= rest:
            rows.append((name, chosen, f"{column[chosen]:.6g}", f"{paid[chosen]:.6g}"))
        else:
            rows.append((name, "none", f"{rest:.6g}", ""))
    return as_csv(rows)


def load(folder: str | Path) -> Result:
    """The result in a finished run folder or in a folder that :meth:`Result.save` wrote.

    Args:
        folder: the folder.

    Returns:
        The result.

    Raises:
        RunFolderError: the folder is missing, unfinished, of another format, or damaged.
    """
    folder = Path(folder)
    if not folder.is_dir():
        raise RunFolderError(f"run folder not found: {folder}")
    path = folder / "manifest.json"
    record = files.read_json(path)
    check_format(path, record)
    manifest = files.checked(path, record, schemas.Manifest)
    files.checked(path, manifest.world, schemas.WorldRecord)
    outcome = files.checked(folder / "result.json", files.read_json(folder / "result.json"), schemas.Outcome)
    for name, expected in manifest.sha256.items():
        if files.sha256(files.read(folder / name)) != expected:
            raise RunFolderError(f"{folder / name} does not match its hash in manifest.json: changed or damaged")
    budget, agents = manifest.budget, tuple(manifest.agents)
    try:
        architecture = Architecture.from_record(record["architecture"])
    except KeyError as lacking:
        raise RunFolderError(f"{path} is damaged: the actions of its architecture lack {lacking}") from None
    except PolicyBudgetError as error:
        raise RunFolderError(f"{path} is damaged: {error}") from None
    policies, _ = arrays.load(folder / "policies.safetensors")
    arrays.fit(folder / "policies.safetensors", policies, architecture.shapes(budget), exactly=True)
    tables, _ = arrays.load(folder / "returns.safetensors")
    shape = (budget, len(agents))
    arrays.fit(folder / "returns.safetensors", tables, {"assignment": shape, "returns": shape, "lengths": (budget,)})
    return Result(
        arrays=policies,
        assignment=tables["assignment"],
        returns=tables["returns"],
        lengths=tables["lengths"],
        welfare=outcome.welfare,
        social={name: getattr(outcome, name) for name in SOCIAL},
        agents=agents,
        architecture=architecture,
        world=inputs.find(folder, manifest.world),
        algorithm=manifest.algorithm,
        search=manifest.search,
        transitions=outcome.transitions,
        wall_seconds=outcome.wall_seconds,
        prototypes=_prototypes(folder, budget) if PROTOTYPES in manifest.sha256 else None,
        details=manifest.details,
    )


def _prototypes(folder: Path, budget: int) -> Prototypes:
    path = folder / PROTOTYPES
    found, texts = arrays.load(path)
    if not {"places", "scale"} <= set(found) or found["scale"].ndim != 1:
        raise RunFolderError(f"{path} is damaged: expected arrays places and scale")
    places, scale = found["places"], found["scale"]
    if places.shape != (budget, *scale.shape):
        shapes = f"expected places of shape {(budget, *scale.shape)}, got {places.shape}"
        raise RunFolderError(f"{path} does not fit its run: {shapes}")
    kept = files.checked(path, {"names": files.parsed(path, texts.get("names", "").encode())}, schemas.Names)
    return Prototypes(places, scale, tuple(kept.names))
