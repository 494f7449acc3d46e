"""A training as a value: what ``config.json`` records and what it is run again from."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any

from policybudget.assignment.committee import CoverCommittee
from policybudget.assignment.em import EM
from policybudget.assignment.end_to_end import EndToEnd
from policybudget.assignment.fixed import RandomGroups
from policybudget.assignment.rule import AssignmentRule
from policybudget.assignment.task_parameters import with_tasks
from policybudget.assignment.trajectory_clusters import TrajectoryClusters
from policybudget.covers import ENCODERS
from policybudget.errors import PolicyBudgetError, check_seed
from policybudget.learning.settings import PPO
from policybudget.problem import RepresentedMDP, make_problem
from policybudget.runs import files
from policybudget.runs.result import FORMAT, check_format
from policybudget.settings import option
from policybudget.training.phases import Phase, phases
from policybudget.training.recall import check
from policybudget.welfare import parse

ALGORITHMS: dict[str, type[AssignmentRule]] = {
    rule.name: rule for rule in (EM, EndToEnd, TrajectoryClusters, RandomGroups, CoverCommittee)
}
PRESETS = ("default", "plain", "paper")


@dataclass(frozen=True)
class Configuration:
    """Everything that decides a training."""

    world: str = option("resource-gathering", "where the policies act")
    agents: int | None = option(None, "number of users, where the world lets you choose")
    population: str | None = option(None, "users.csv: weights of reward components (gym: worlds) or users' goals")
    tasks: str | None = option(None, "what a committee covers instead of the world's own: a csv with a row per user")
    descriptions: str | None = option(None, "cover column description of --tasks, embedded by tfidf or minilm")
    components: int | None = option(None, "numbers per embedded description, 2 if not given")
    algorithm: str = option("em", "em, end-to-end, trajectory-clusters, random or committee")
    budget: int = option(3, "number of policies")
    welfare: str = option("utilitarian", "utilitarian, egalitarian, nash, p-mean:P (P at most 1) or gini")
    outside: float | None = option(None, "what every user has without any policy, if the users.csv does not say")
    transitions: int = option(1_000_000, "transitions per policy")
    preset: str = option(
        "default", "default (what measures best), plain (no more than EM) or paper (Ivanov & Ben-Porat 2024)"
    )
    seed: int = option(0, "decides everything")
    cores: int | None = option(None, "cores to compute on, all if not given; their number decides the last bits")
    ppo: PPO = PPO()
    rule: AssignmentRule = EM()

    def __post_init__(self) -> None:
        if self.agents is not None and (not isinstance(self.agents, int) or self.agents < 1):
            raise PolicyBudgetError(f"agents must be at least 1, got {self.agents}")
        self._check_tasks()
        if self.transitions < 1:
            raise PolicyBudgetError(f"transitions must be at least 1, got {self.transitions}")
        parse(self.welfare)
        if self.outside is not None and not math.isfinite(self.outside):
            raise PolicyBudgetError(f"outside must be a finite number, got {self.outside}")
        check_seed(self.seed)
        if self.cores is not None and (not isinstance(self.cores, int) or self.cores < 1):
            raise PolicyBudgetError(f"cores must be at least 1, got {self.cores}")

    def _check_tasks(self) -> None:
        """Refuse options of a table of tasks that nobody would read."""
        if self.tasks is not None and self.algorithm != CoverCommittee.name:
            raise PolicyBudgetError(f"tasks are for algorithm committee, got {self.algorithm}; leave --tasks out")
        for given, of in (("descriptions", "tasks"), ("components", "descriptions")):
            if getattr(self, given) is not None and getattr(self, of) is None:
                raise PolicyBudgetError(f"--{given} is for --{of}; leave it out")
        if self.descriptions is not None:
            check_choice("descriptions", self.descriptions, ENCODERS)

    def problem(self) -> RepresentedMDP:
        """The r-MDP that this configuration trains for.

        Raises:
            PolicyBudgetError: a setting is wrong for the world, or the rule does not fit it.
        """
        problem = make_problem(
            self.world, self.budget, self.agents, self.seed, self.population, self.welfare, self.outside
        )
        if self.tasks is not None:
            described = with_tasks(problem.population, Path(self.tasks), self.descriptions, self.components)
            problem = replace(problem, population=described)
        if self.rule.recall:
            check(problem.world)
        self.rule.cover(problem.population.parameters, self.budget, self.seed)  # what cannot be covered is refused now
        return problem

    def phases(self, agents: int) -> tuple[Phase, ...]:
        """The parts of this training for so many agents."""
        return phases(self.rule, self.ppo, self.budget, agents, self.transitions)

    def save(self, folder: Path) -> None:
        """Write config.json."""
        files.write_json(folder / "config.json", {"format": FORMAT, **asdict(self)})

    @staticmethod
    def load(path: Path) -> Configuration:
        """Read a configuration file.

        Raises:
            PolicyBudgetError: it is missing, damaged, of a newer format, or has settings out of range.
        """
        record = files.read_json(path)
        check_format(path, record)
        record.pop("format")
        rule = ALGORITHMS[check_choice("algorithm", record.get("algorithm", "em"), ALGORITHMS)]
        record["rule"] = _build(path, rule, record.get("rule", {}))
        record["ppo"] = _build(path, PPO, record.get("ppo", {}))
        configuration: Configuration = _build(path, Configuration, record)
        return configuration


def preset(name: str, world: str, algorithm: str) -> Configuration:
    """The configuration that options start from.

    Args:
        name: "default": what measured best (docs/findings.md); "plain": the same learner, EM without anything more;
            "paper": Appendix B of the paper with the authors' code where the paper is silent. They sample 2048
            transitions per policy and iteration from many parallel worlds (1024 where the default remembers).
    """
    check_choice("preset", name, PRESETS)
    rule = ALGORITHMS[check_choice("algorithm", algorithm, ALGORITHMS)]()
    ppo = _grid_world(name) if world == "resource-gathering" else _robot(name)
    if name == "paper":
        ppo = replace(ppo, epochs=10, minibatch=64, critic="features", critic_head="shared")
        rule = EndToEnd(assignment_rate=0.002) if isinstance(rule, EndToEnd) else rule
    if name == "default" and isinstance(rule, EM):
        ppo, rule = _searching(ppo, rule, world)
    return Configuration(world=world, algorithm=algorithm, preset=name, ppo=ppo, rule=rule)


def _searching(ppo: PPO, rule: EM, world: str) -> tuple[PPO, EM]:
    """What EM needs to get beyond the local optima where it stops.

    Where episodes can be had again, policies need not end as good as what they found on the way: they may learn fast,
    from few passes over much experience. Elsewhere, twice as many policies at first, and groups that split.
    """
    if world == "resource-gathering":
        quick = replace(ppo, copies=16, epochs=2, learning_rate=(3e-3, 3e-4), discount=1.0)
        quick = replace(quick, normalise_observations=True)
        return quick, replace(rule, recall=True, restarts=8, fair_restarts=True)
    return ppo, replace(rule, scouts=2, warm_start=40, split_every=20)


def _grid_world(name: str) -> PPO:
    """Resource Gathering pays nobody who has not returned in time, and the walker sees no clock.

    Bootstrapping at the time limit would tell it that wandering on is worth what returning is. A critic of all 25
    tiles costs little more than one of their mean, and learns sooner (docs/findings.md).
    """
    ppo = PPO(bootstrap_truncated=False, critic="features", critic_head="shared")
    if name == "paper":
        ppo = replace(ppo, learning_rate=(5e-4, 1e-4), discount=1.0)
    return ppo


def _robot(name: str) -> PPO:
    """MuJoCo, and what users bring: observations of unknown scale, long episodes."""
    ppo = PPO(copies=16, steps=128, normalise_observations=True, entropy=(1e-3, 1e-4), adam_epsilon=1e-5)
    if name == "paper":
        ppo = replace(ppo, learning_rate=(3e-4, 1e-4))
    return ppo


def check_choice(what: str, got: Any, choices: Any) -> str:
    """One of the names, or an error that lists them."""
    if not isinstance(got, str) or got not in choices:
        raise PolicyBudgetError(f"{what} must be one of {', '.join(choices)}, got {got!r}")
    return str(got)


def _build(path: Path, kind: Any, values: Any) -> Any:
    """A dataclass from JSON values; lists become the tuples that the fields hold."""
    known = {field.name: field for field in fields(kind)}
    if not isinstance(values, dict) or (unknown := sorted(set(values) - set(known))):
        what = ", ".join(unknown) if isinstance(values, dict) else repr(values)
        raise PolicyBudgetError(f"{path} has settings that {kind.__name__} does not know: {what}")
    cast = {}
    for name, value in values.items():
        default = known[name].default
        cast[name] = tuple(value) if isinstance(value, list) else value
        if not _fits(cast[name], default):
            raise PolicyBudgetError(f"{path}: {name} must be like {default!r}, got {value!r}")
    return kind(**cast)


def _fits(value: Any, default: Any) -> bool:
    if isinstance(default, bool) or isinstance(value, bool):
        return isinstance(value, bool) and isinstance(default, bool)
    if isinstance(default, float):
        return isinstance(value, int | float)
    if isinstance(default, tuple):
        return isinstance(value, tuple) and all(_fits(v, default[0]) for v in value)
    return default is None or isinstance(value, type(default)) or is_dataclass(default)
