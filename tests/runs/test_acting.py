"""Trained policies act from their folder, without JAX, as they act in JAX; the manifest alone says how."""

from __future__ import annotations

import json
import subprocess
import sys
from collections import Counter
from pathlib import Path
from typing import Any

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from safetensors.numpy import load_file

import policybudget as pb
from policybudget.policies.architecture import Architecture
from policybudget.policies.normaliser import Normaliser
from policybudget.policies.stacked import Policies, act, make_actor
from policybudget.runs.result import Result, load
from policybudget.units import Units
from policybudget.worlds.interface import ActionSpace, Box, Discrete, MultiDiscrete

USERS = ("ann", "bob", "cyd", "dee")
ALPHA = np.array([[1, 0, 0, 0.25], [0, 1, 0, 0.0], [0, 0, 0, 0.75]], np.float32)
UNITS = {
    "box": Units("box", (2,), (-2.0, 0.0), (2.0, np.inf), stretched=True, shape=(2,), dtype="float32"),
    "choice": Units("discrete", (4,), start=(5,)),
    "choices": Units("multi-discrete", (2, 3), shape=(2,), dtype="int64"),
}
SPACES: dict[str, ActionSpace] = {
    "box": Box(2, (-2.0, 0.0), (2.0, np.inf)), "choice": Discrete(4), "choices": MultiDiscrete((2, 3))
}  # fmt: skip
OBSERVATIONS = (4.0 * np.random.default_rng(0).standard_normal((40, 7)) + 1.0).astype(np.float32)


def made(kind: str, seen: bool = True) -> Result:
    """Three untrained policies, of which the last serves nobody in full."""
    actor = make_actor(jax.random.key(0), 3, 7, SPACES[kind], (8, 6), "biases", -1.0)
    last = actor.network.layers[-1]
    actor = jax.tree.map(lambda x: 100.0 * x if x is last.weight else x, actor)
    normaliser = Normaliser.start(7)
    if seen:
        rows = 3.0 * jax.random.normal(jax.random.key(3), (50, 7)) + 1.0
        normaliser = normaliser.update(rows, jnp.ones(50, bool))
    return Result(
        arrays=Policies(actor, normaliser).arrays(),
        assignment=ALPHA,
        returns=np.arange(12, dtype=np.float32).reshape(3, 4),
        lengths=np.ones(3, np.float32),
        welfare=1.0,
        social={"function": "utilitarian"}
        | dict.fromkeys(("welfare", "mean", "worst"), 0.0)
        | dict.fromkeys(("unserved", "below_outside"), 0),
        agents=USERS,
        architecture=Architecture(7, UNITS[kind], (8, 6), "biases"),
        world={"name": "by hand"},
        algorithm="by hand",
        search="none",
        transitions=0,
        wall_seconds=0.0,
    )


def in_jax(result: Result, kind: str, policy: int) -> Any:
    """Greedy actions of the compiled policies, in the units of the environment."""
    together = jnp.broadcast_to(OBSERVATIONS, (3, *OBSERVATIONS.shape))
    return UNITS[kind](np.asarray(act(result.policies, SPACES[kind], together, None)[policy]))


@pytest.mark.parametrize("kind", UNITS)
@pytest.mark.parametrize("seen", [True, False])
def test_acts_as_in_jax(kind: str, seen: bool, tmp_path: Path) -> None:
    result = load(made(kind, seen).save(tmp_path))
    for user, policy in (("ann", 0), ("bob", 1), ("dee", 2)):
        expected = in_jax(result, kind, policy)
        got = result.act(OBSERVATIONS, user=user)
        assert got.dtype == expected.dtype and len(np.unique(expected)) > 1, "observations make a difference"
        np.testing.assert_allclose(got, expected, rtol=1e-6, atol=1e-6)
        np.testing.assert_array_equal(got, result.act(OBSERVATIONS, policy=policy))
        assert result.policy_of(user) == policy
        one = result.act(OBSERVATIONS[3].tolist(), user=user)
        np.testing.assert_allclose(one, got[3], rtol=1e-6, atol=1e-6)
        assert isinstance(one, int) if kind == "choice" else one.shape == (2,)
    if kind == "choice":
        assert set(result.act(OBSERVATIONS, policy=0).tolist()) <= {5, 6, 7, 8}


WITHOUT_JAX = """
import json, sys

class Refuse:
    def find_spec(self, name, path=None, target=None):
        if name.partition(".")[0] not in sys.stdlib_module_names | {"numpy", "safetensors", "msgspec", "policybudget"}:
            raise ImportError(f"{name} is not there")

sys.meta_path.insert(0, Refuse())
import numpy as np
import policybudget as pb

run = pb.load(sys.argv[1])
batch = np.array(json.load(sys.stdin), np.float32)
sampled = run.act(batch, user="ann", stochastic=True, rng=np.random.default_rng(0))
again = pb.load(run.save(sys.argv[2])).act(batch, policy=2)
print(json.dumps({
    "ann": run.act(batch, user="ann").tolist(), "one": np.asarray(run.act(batch[0], user="bob")).tolist(),
    "again": again.tolist(), "sampled": sampled.tolist(), "agents": run.agents,
    "assignment": run.assignment.tolist(), "returns": run.returns.tolist(),
    "rooms": sorted({name.split(".")[1] for name in sys.modules if name.startswith("policybudget.")}),
    "jax": "jax" in sys.modules,
}))
"""


@pytest.mark.parametrize("kind", UNITS)
def test_numpy_and_safetensors_are_enough(kind: str, tmp_path: Path) -> None:
    result = made(kind)
    result.save(tmp_path / "run")
    command = [sys.executable, "-c", WITHOUT_JAX, str(tmp_path / "run"), str(tmp_path / "again")]
    told = subprocess.run(command, input=json.dumps(OBSERVATIONS.tolist()), capture_output=True, text=True, check=False)
    assert told.returncode == 0, told.stderr
    found = json.loads(told.stdout)
    np.testing.assert_allclose(found["ann"], in_jax(result, kind, 0), rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found["one"], in_jax(result, kind, 1)[0], rtol=1e-6, atol=1e-6)
    np.testing.assert_allclose(found["again"], in_jax(result, kind, 2), rtol=1e-6, atol=1e-6)
    sampled = result.act(OBSERVATIONS, user="ann", stochastic=True, rng=np.random.default_rng(0))
    np.testing.assert_allclose(found["sampled"], sampled, rtol=1e-6)
    assert tuple(found["agents"]) == USERS and found["assignment"] == ALPHA.tolist()
    assert found["returns"] == result.returns.tolist()
    assert found["rooms"] == ["errors", "policies", "runs", "units"] and not found["jax"]


def by_the_manifest(folder: Path, observation: np.ndarray, policy: int) -> np.ndarray:
    """Greedy actions by nothing but manifest.json and policies.safetensors, formula by formula."""
    manifest, arrays = json.loads((folder / "manifest.json").read_text()), load_file(folder / "policies.safetensors")
    x = observation
    for step in manifest["acting"]:
        given = {key: arrays[name] for key, name in step.get("arrays", {}).items()}
        names = {key: a[policy] if a.ndim == 3 else a for key, a in given.items()}
        names |= {key: value for key, value in step.items() if key in ("epsilon", "clip")}
        match step["operation"]:
            case "normalise" if names["count"] > 0:
                limit = names.pop("clip")
                scaled = (x - names["mean"]) / np.sqrt(names["squares"] / max(names["count"], 1) + names["epsilon"])
                x = np.clip(scaled, -limit, limit)
            case "layer":
                x = x @ names["weight"] + names["bias"]
                x = np.tanh(x) if step["activation"] == "tanh" else x
            case "head" if "parts" in step:
                parts = np.split(x, np.cumsum(step["parts"])[:-1], axis=-1)
                x = np.stack([part.argmax(axis=-1) for part in parts], axis=-1)
            case "head":
                x = x.argmax(axis=-1) if "argmax" in step["greedy"] else x
            case "units" if step["kind"] == "box":
                low = [-np.inf if bound is None else bound for bound in step["low"]]
                high = [np.inf if bound is None else bound for bound in step["high"]]
                x = np.clip(np.array(step["offset"]) + np.array(step["scale"]) * x, low, high)
            case "units":
                x = x + np.array(step["start"] or 0, int)
    return x.reshape(-1, *manifest["acting"][-1]["shape"]).astype(manifest["acting"][-1]["dtype"])


@pytest.mark.parametrize("kind", UNITS)
@pytest.mark.parametrize("seen", [True, False])
def test_the_manifest_is_enough(kind: str, seen: bool, tmp_path: Path) -> None:
    result = made(kind, seen)
    result.save(tmp_path)
    for policy in range(3):
        got = by_the_manifest(tmp_path, OBSERVATIONS, policy)
        np.testing.assert_allclose(got, result.act(OBSERVATIONS, policy=policy), rtol=1e-5, atol=1e-5)


def test_sampling() -> None:
    """Actions as often as the softmax says; for a box, with the mean and the deviation of the policy."""
    many, result, rng = np.repeat(OBSERVATIONS[:1], 20_000, axis=0), made("choice"), np.random.default_rng(2)
    actions = result.act(many, policy=1, stochastic=True, rng=np.random.default_rng(1))
    logits = np.asarray(result.policies(jnp.asarray(OBSERVATIONS[None, :1]).repeat(3, axis=0)).out)[1, 0]
    shares = np.exp(logits - logits.max()) / np.exp(logits - logits.max()).sum()
    np.testing.assert_allclose(np.bincount(actions - 5, minlength=4) / 20_000, shares, atol=0.015)
    again = result.act(many, policy=1, stochastic=True, rng=np.random.default_rng(1))
    np.testing.assert_array_equal(actions, again)
    box = made("box")
    greedy = box.act(OBSERVATIONS, policy=0)[:, 1]
    best = int(greedy.argmax())  # farthest from the bound 0
    numbers = box.act(np.repeat(OBSERVATIONS[[best]], 20_000, axis=0), policy=0, stochastic=True, rng=rng)[:, 1]
    assert greedy[best] > 1.5 and numbers.mean() == pytest.approx(greedy[best], abs=0.02)
    assert numbers.std() == pytest.approx(np.exp(-1.0), abs=0.02)


def test_a_user_of_two_policies() -> None:
    result, rng = made("choice"), np.random.default_rng(0)
    drawn = Counter(result.policy_of("dee", rng) for _ in range(2000))
    assert drawn[0] / 2000 == pytest.approx(0.25, abs=0.03) and drawn[1] == 0
    assert result.policy_of("dee") == 2


@pytest.mark.parametrize(
    ("observation", "how", "words"),
    [
        (OBSERVATIONS[0], {}, "either a user or a policy"),
        (OBSERVATIONS[0], {"user": "ann", "policy": 0}, "either a user or a policy"),
        (OBSERVATIONS[0], {"user": "anne"}, "user must be one of the 4 users (did you mean 'ann'?), got 'anne'"),
        (OBSERVATIONS[0], {"user": "xyz"}, "4 users ('ann', 'bob', 'cyd', 'dee'), got 'xyz'"),
        (OBSERVATIONS[0], {"user": "cyd"}, "no policy serves user 'cyd'"),
        (OBSERVATIONS[0], {"policy": 3}, "policy must be a whole number from 0 to 2, got 3"),
        (OBSERVATIONS[0], {"policy": True}, "policy must be a whole number"),
        (OBSERVATIONS[0], {"policy": -1}, "got -1"),
        (OBSERVATIONS[0][:6], {"policy": 0}, "of shape (7,), or (B, 7) for a batch, got shape (6,)"),
        (OBSERVATIONS[None], {"policy": 0}, "got shape (1, 40, 7)"),
        (3, {"policy": 0}, "got shape ()"),
        ({"position": 1.0}, {"policy": 0}, "got dict"),
        ([[1.0], [1.0, 2.0]], {"policy": 0}, "got list"),
        ([np.nan] * 7, {"policy": 0}, "must be finite numbers of shape (7,), or (B, 7) for a batch, got nan"),
        ([1e300] * 7, {"policy": 0}, "got 1e+300"),
        (OBSERVATIONS[0], {"policy": 0, "stochastic": True}, "go together"),
        (OBSERVATIONS[0], {"policy": 0, "rng": np.random.default_rng(0)}, "go together"),
    ],
)
def test_what_is_refused(observation: Any, how: dict[str, Any], words: str) -> None:
    with pytest.raises(pb.PolicyBudgetError) as caught:
        made("choice").act(observation, **how)
    assert words in str(caught.value) and "\n" not in str(caught.value)


def test_an_empty_batch() -> None:
    assert made("box").act(np.zeros((0, 7)), policy=0).shape == (0, 2)


def test_a_finished_run_acts(finished_run: Path) -> None:
    result = pb.load(finished_run)
    size = result.architecture.observation_size
    assert result.act(np.zeros(size), user=result.agents[0]) in range(4)
    assert result.act(np.zeros((5, size)), policy=1).shape == (5,)
