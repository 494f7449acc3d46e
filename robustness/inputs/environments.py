"""Environments with faults: whatever they do, ``check`` and what comes before a training say it in a line."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from random import Random

from policybudget.errors import PolicyBudgetError
from policybudget.worlds import registry
from policybudget.worlds.conformance import check_world
from robustness.judge import Case, Reader

USERS = "name,0,1\nann,1,0\nbob,0,1\n"
TEMPLATE = """
import gymnasium
import numpy as np
from gymnasium import spaces

class Odd(Exception):
    def __str__(self): return "a\\nb\\x00" * 500
class Mute(Exception):
    def __str__(self): raise ValueError
class Base(BaseException):
    pass
class Shy:
    def __repr__(self): raise ValueError

class Env(gymnasium.Env):
    observation_space = {observed}
    action_space = {acts}
    {declares}

    def __init__(self):
        self.time = 0
        {made}

    def reset(self, *, seed=None, options=None):
        super().reset(seed=seed)
        self.time = 0
        {begun}
        return {first}, {info}

    def step(self, action):
        self.time += 1
        {stepped}
        return {seen}, {reward}, {terminated}, {truncated}, {info}

    def close(self):
        {closed}
"""
RAISED = (
    *("1 / 0", "raise Odd", "raise Mute", "raise Base", "raise SystemExit(7)", "raise SystemExit", "raise MemoryError"),
    *("raise StopIteration", "raise OSError(28, 'No space left')", "raise RecursionError", "exit()", "quit(3)"),
    *("raise Exception(Shy())", "raise BaseExceptionGroup('x', [Base()])", "raise GeneratorExit", "self.nothing"),
    *("print('x' * 10000)", "import warnings; warnings.warn('odd')", "raise UnicodeDecodeError('x', b'x', 0, 1, 'y')"),
    *("np.zeros(10**13)", "raise gymnasium.error.Error('odd')", "raise type('X' * 2000, (Exception,), {{}})"),
)
SOON = tuple(f"if self.time == 3: {text}" for text in RAISED if ";" not in text)
SPACES = (
    *("None", "1", "Shy()", "spaces.Discrete(10**9)", "spaces.Discrete(1)", "spaces.Discrete(3, start=-5)"),
    *("spaces.Box(-1, 1, (0,))", "spaces.Box(-1, 1, ())", "spaces.Box(-np.inf, np.inf, (2,))", "spaces.Tuple(())"),
    *("spaces.Box(0, 255, (300, 300, 3), np.uint8)", "spaces.Text(5)", "spaces.Dict({})", "spaces.MultiBinary(4)"),
    *(
        "spaces.MultiDiscrete([2, 10**7])",
        "spaces.MultiDiscrete([[2, 3], [4, 5]])",
        "spaces.Sequence(spaces.Discrete(2))",
    ),
    *("spaces.Box(np.array([1, np.nan]), np.array([2, 3]))", "spaces.Box(-1, 1, (2,), np.float64)", "spaces.Box"),
    *("spaces.Dict({'a': spaces.Discrete(3), 'b': spaces.Box(-1, 1, (2,))})", "spaces.Box(-1, 1, (10**6,))"),
    *("spaces.Box(-1, 1, (2,), np.float16)", "spaces.Graph(spaces.Discrete(2), None)", "spaces.Box(1, 1, (2,))"),
)
SEEN = (
    *("None", "1", "'x'", "[]", "np.zeros(3)", "np.full(2, np.nan)", "np.full(2, np.inf)", "np.zeros((2, 1))", "Shy()"),
    *(
        "[0, 'x']",
        "np.zeros(2, object)",
        "np.array(['a', 'b'])",
        "{'a': 1}",
        "np.full(2, 1e300)",
        "np.zeros(2, complex)",
    ),
    *("(0, 0)", "np.zeros(2, np.float64)", "np.zeros(0)", "np.zeros(10**7)", "object", "iter([0, 0])", "b'xx'"),
)
REWARDS = (
    *("None", "'x'", "np.nan", "np.inf", "1e308", "[]", "[1]", "[1, 2, 3]", "np.zeros((2, 2))", "np.array(1.0)", "1"),
    *("[1, 2] if self.time < 3 else 1", "[1, None]", "Shy()", "10**400", "1j", "True", "{}", "np.array(['x', 'y'])"),
)
FLAGS = (
    "None",
    "'x'",
    "1",
    "np.True_",
    "np.array([True])",
    "Shy()",
    "[]",
    "np.nan",
    "2",
    "self.time > 3",
    "True",
    "object()",
)
INFOS = (
    "None",
    "[]",
    "{1: 2}",
    "'x'",
    "{'final_info': 3}",
    "{'a': Shy()}",
    "{'_a': 1, 'a': [1, 2]}",
    "{'x' * 99: np.zeros(5)}",
    "()",
)
DECLARED = (
    *(
        "reward_space = None",
        "reward_space = spaces.Discrete(3)",
        "reward_space = spaces.Box(0, 1, (5,))",
        "metadata = 3",
    ),
    *("reward_space = spaces.Box(0, 1, (10**6,))", "reward_names = 'x'", "reward_names = [1, 2]", "spec = 5"),
    *("reward_names = ['name', 'weight']", "reward_names = ['a', 'a']", "render_mode = Shy()", "reward_names = Shy()"),
    *("reward_space = Shy()", "reward_dim = 'x'", "unwrapped = None", "reward_names = ['a\\n', '\\x00']"),
)
VALID = {
    "observed": "spaces.Box(-1.0, 1.0, (2,), np.float32)", "acts": "spaces.Discrete(3)",
    "declares": "reward_space = spaces.Box(-10.0, 10.0, (2,), np.float32)",
    "made": "pass", "begun": "pass", "stepped": "pass", "closed": "pass",
    "first": "np.zeros(2, np.float32)", "seen": "np.full(2, self.time / 10, np.float32)", "info": "{}",
    "reward": "np.array([1.0, self.time])", "terminated": "self.time > 4", "truncated": "False",
}  # fmt: skip
FAULTS = {
    "observed": SPACES, "acts": SPACES, "declares": DECLARED, "made": RAISED, "begun": RAISED,
    "stepped": RAISED + SOON, "closed": RAISED, "first": SEEN, "seen": SEEN, "info": INFOS, "reward": REWARDS,
    "terminated": FLAGS, "truncated": FLAGS,
}  # fmt: skip


def environments(folder: Path) -> Callable[[Random], Case]:
    """A Gymnasium environment in a file, with a fault or two."""
    path, users = folder / "own.py", folder / "users.csv"
    users.write_text(USERS)

    def call() -> None:
        for finding in check_world(*registry.make(f"python:{path}:Env", None, 0, str(users)), steps=40):
            if finding.level == "error":
                raise PolicyBudgetError(finding.text)

    def make(rng: Random) -> Case:
        parts = dict(VALID)
        valid = rng.random() < 0.05
        for name in () if valid else rng.sample(sorted(FAULTS), rng.choice([1, 1, 1, 2])):
            parts[name] = rng.choice(FAULTS[name])
        path.write_text(TEMPLATE.format(**parts))
        faults = ", ".join(f"{name}: {text}" for name, text in parts.items() if text != VALID[name])
        return Case(f"environment with {faults}", call, valid, ("place/__pycache__",))

    return make


READERS = (Reader("environments", 40, environments),)
