"""From a finished run to a sealed bundle: each policy by itself, checked against what was trained, and hashed."""

from __future__ import annotations

import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import msgspec
import numpy as np

from policybudget.assessment.assess import groups_of
from policybudget.assessment.trained_for import problem_of
from policybudget.deployment import agreement, materials
from policybudget.deployment.agreement import ALLOWED
from policybudget.deployment.bundle import Bundle, Numbers, load
from policybudget.deployment.candidates import candidates_csv
from policybudget.deployment.onnx_graph import onnx_bytes
from policybudget.deployment.promises import group_promises, promises, serving
from policybudget.deployment.verify import ASSIGNMENT, CANDIDATES, FORMAT, MATERIALS, NAME
from policybudget.errors import PolicyBudgetError, check_seed
from policybudget.policies.joining import alone
from policybudget.policies.on_host import HostPolicies
from policybudget.population import Population
from policybudget.problem import RepresentedMDP
from policybudget.rollouts.sampler import play
from policybudget.runs import arrays, files, inputs
from policybudget.runs.manifest import libraries
from policybudget.runs.result import Result
from policybudget.runs.result import load as load_run
from policybudget.streams import Stream, derive

EVIDENCE = (
    "assessment.html", "assessment.json", "assessment_policies.csv", "assessment_users.csv", "comparison.json",
    "comparison.csv", "change.md",
)  # fmt: skip
"""Files of a run folder that go with the bundle, where they are there."""


@dataclass(frozen=True)
class Exported:
    """A sealed bundle.

    Attributes:
        bundle: as it was loaded again.
        differences: the largest relative difference of scores from those in JAX, by kind: "numpy", "onnx".
    """

    bundle: Bundle
    differences: dict[str, float]

    def text(self) -> str:
        """What is in it, in lines of at most 80 columns."""
        record = self.bundle.record
        lines = [f"{'policy':>6} {'users':>6}  hash"]
        serves = serving(self.bundle.assignment)
        for one in record.policies:
            lines.append(f"{one.policy:>6} {int((serves == one.policy).sum()):>6}  {one.sha256[:16]}")
        worst = ", ".join(f"{name} {value:.1e}" for name, value in self.differences.items())
        lines.append(f"largest relative difference from what was trained: {worst}")
        return "\n".join([*lines, f"bundle {self.bundle.folder} ({len(record.files) + 1} files, verified)"])


@dataclass(frozen=True)
class Asked:
    """What a bundle is to hold.

    Args:
        floor: the return below which no policy is said to serve a new user; None for none.
        episodes: fresh ones of each policy, for what users may expect.
        seed: of the episodes.
        onnx: whether there is an ONNX graph of each policy.
        groups: a column in which users differ, as :func:`policybudget.assessment.assess.groups_of` takes it: each
            group is promised a mean return of its own. None for no groups.
        candidates: whether the bundle tells what the other policies are worth that a pool keeps, so that it can be told
            when one more is due.
        approvals: folder of a bundle; policies that are in it, by their hashes, stay approved by whoever approved them
            there. None for no approvals.

    Raises:
        PolicyBudgetError: a number is out of range.
    """

    floor: float | None = None
    episodes: int = 100
    seed: int = 1
    onnx: bool = True
    groups: str | None = None
    candidates: bool = False
    approvals: Path | None = None

    def __post_init__(self) -> None:
        if self.episodes < 1:
            raise PolicyBudgetError(f"episodes must be at least 1, got {self.episodes}")
        check_seed(self.seed)


def export(run: Path, out: Path, **settings: Any) -> Exported:
    """Seal a bundle.

    Args:
        run: folder of a finished run.
        out: folder of the bundle; it must not exist. It appears whole or not at all.
        **settings: what it is to hold: fields of :class:`Asked`.

    Returns:
        The bundle and how close its policies are to what was trained.

    Raises:
        PolicyBudgetError: a setting is out of range, the folder is there already, or a policy does not act as it did.
    """
    asked = Asked(**settings)
    if out.exists():
        raise PolicyBudgetError(f"{out} is there already; a bundle is sealed once: give another --out")
    approved = {} if asked.approvals is None else _approved(load(asked.approvals))
    result = load_run(run)
    problem = problem_of(run, result)
    beside = out.with_name(f".{out.name}.{os.getpid()}")
    try:
        differences = _write(beside, run, result, problem, asked, approved)
        load(beside)
        try:
            beside.rename(out)
        except OSError as error:
            raise files.cannot_write(out, error) from error
    finally:
        shutil.rmtree(beside, ignore_errors=True)
    return Exported(load(out), differences)


def _approved(bundle: Bundle) -> dict[str, Any]:
    """Who approved each policy of a bundle, by its hash."""
    return {one.sha256: msgspec.to_builtins(one.approved) for one in bundle.record.policies if one.approved is not None}


def _write(
    folder: Path, run: Path, result: Result, problem: RepresentedMDP, asked: Asked, approved: dict[str, Any]
) -> dict[str, float]:
    """Everything, the record last."""
    digits, records, differences = len(str(result.budget - 1)), list[dict[str, Any]](), dict[str, float]()
    for policy in range(result.budget):
        own, name = alone(result.arrays, policy), f"policies/{policy:0{max(2, digits)}d}"
        host = HostPolicies(own, result.architecture.actions.choices, result.architecture.actions.kind == "discrete")
        graph = (
            onnx_bytes(host, result.architecture.actions, result.architecture.observation_size) if asked.onnx else None
        )
        for kind, value in agreement.differences(result.policies.of(jnp.array([policy])), host, graph, policy).items():
            differences[kind] = max(differences.get(kind, 0.0), value)
        files.write(folder / f"{name}.safetensors", arrays.dump(own))
        if graph is not None:
            files.write(folder / f"{name}.onnx", graph)
        digest = arrays.fingerprint(own, 0)
        records.append({
            "policy": policy, "sha256": digest, "file": f"{name}.safetensors",
            "onnx": None if graph is None else f"{name}.onnx", "approved": approved.get(digest),
        })  # fmt: skip
    if too_far := [kind for kind, value in differences.items() if value > ALLOWED]:
        raise PolicyBudgetError(
            f"{too_far[0]} gives scores that differ by {differences[too_far[0]]:.1e} from those that were trained "
            f"(at most {ALLOWED:g} is allowed); nothing was written"
        )
    tables, promised = _expected(problem, result, asked)
    files.write(folder / ASSIGNMENT, arrays.dump(tables))
    if asked.candidates:
        files.write(folder / CANDIDATES, candidates_csv(run, result, problem, asked.episodes, asked.seed))
    named = {f"policy {one['policy']}": str(one["sha256"]) for one in records}
    files.write_json(folder / MATERIALS, materials.bill(named))
    for name in EVIDENCE:
        if (run / name).is_file():
            files.write(folder / name, files.read(run / name))
    _seal(folder, result, problem, {"floor": asked.floor, **promised, "policies": records})
    return differences


def _seal(folder: Path, result: Result, problem: RepresentedMDP, found: dict[str, Any]) -> None:
    """bundle.json, with the hash of every other file."""
    present = sorted(path for path in folder.rglob("*") if path.is_file())
    record = {
        "format": FORMAT,
        "policybudget": libraries().get("policybudget", "unknown"),
        "world": inputs.short(str(result.world.get("name"))),
        "population": population_hash(problem.population),
        "users": list(result.agents),
        "components": list(getattr(problem.world, "components", ()) or ()),
        "parameters": list(problem.population.parameter_names),
        **found,
        "architecture": result.architecture.record(),
        "files": {str(path.relative_to(folder)): files.sha256(files.read(path)) for path in present},
    }
    files.write_json(folder / NAME, record)


def population_hash(population: Population) -> str:
    """Of names, weights on features, task parameters, dynamics, weights and options outside of the users.

    Args:
        population: the n agents.

    Returns:
        SHA-256 in hexadecimal digits.
    """
    parts: list[bytes] = ["\n".join(population.names).encode()]
    tables = (population.rewards.weights, population.parameters, population.dynamics)
    for table in (*tables, population.agent_weights, population.outside):
        parts.append(b"none" if table is None else np.ascontiguousarray(np.asarray(table, np.float64)).tobytes())
    return files.sha256(b"\0".join(parts))


def _expected(problem: RepresentedMDP, result: Result, asked: Asked) -> tuple[dict[str, Numbers], dict[str, Any]]:
    """Who is served, what policies are worth on fresh episodes, and what mean each is shown to reach at least."""
    rewards, episodes = problem.population.rewards, asked.episodes
    key = derive(jax.random.key(asked.seed), Stream.JUDGING_EPISODES)
    played = play(problem.world, rewards, result.policies, key, episodes, True)
    mean = played.returns.mean(axis=1)
    tables = {
        "assignment": np.asarray(result.assignment, np.float32),
        "returns": np.asarray(rewards.agents(mean), np.float32),
    }
    population, each = problem.population, np.asarray(played.returns, np.float64)
    if population.parameters is not None and population.parameter_names:
        tables["parameters"] = np.asarray(population.parameters, np.float32)
    if rewards.weigh_outcome:
        tables["features"] = np.asarray(mean, np.float32)
        apart = each - each.mean(axis=1, keepdims=True)
        many = max(1, episodes - 1) * episodes
        tables["covariance"] = (np.einsum("kea,keb->kab", apart, apart) / many).astype(np.float32)
    promised: dict[str, Any] = {"promises": promises(population, tables["assignment"], each)}
    if asked.groups is not None:
        column = f"{asked.groups.rpartition(':')[2]} "
        parts = {name.removeprefix(column): of for name, of in groups_of(problem, result, asked.groups).items()}
        promised["groups"] = group_promises(population, tables["assignment"], each, parts)
    return tables, promised
