"""A training as a value: what ``config.json`` records and what it is run again from."""

from __future__ import annotations

from dataclasses import Field, asdict, dataclass, fields, is_dataclass, replace
from pathlib import Path
from typing import Any, TypeVar, get_type_hints

import msgspec

from policybudget.assignment.em import EM
from policybudget.assignment.rule import AssignmentRule
from policybudget.assignment.task_parameters import with_tasks
from policybudget.covers import ENCODERS
from policybudget.errors import PolicyBudgetError, check_choice, check_seed
from policybudget.from_file import function_in, reference_of
from policybudget.learning.settings import PPO
from policybudget.problem import RepresentedMDP, make_problem
from policybudget.runs import files, inputs
from policybudget.runs.manifest import FORMAT, check_format
from policybudget.search.plain import Plain
from policybudget.search.search import Search
from policybudget.settings import check_options, option
from policybudget.training.events import Listener
from policybudget.training.listeners import tracking
from policybudget.training.method import PRESETS, Method, kind_of
from policybudget.training.method import preset as method_of
from policybudget.training.train import Training
from policybudget.welfare import parse
from policybudget.worlds.gym.world import GymnasiumWorld

Kind = TypeVar("Kind")

MADE_IN_PYTHON = "made_in_python"
"""The entry of a config.json that says what of a training cannot be made again from it."""


@dataclass(frozen=True)
class Configuration:
    """Everything that decides a training. Every field with a line of help is an option of ``policybudget train``.

    Args:
        rule: who is with whom (``--algorithm`` names it).
        search: how the loop is spent (``--search`` names it).
        learner: how the policies improve.

    Raises:
        PolicyBudgetError: a setting is out of range.
    """

    world: str = option("resource-gathering", "where the policies act: a name, gym:ID or python:FILE.py:NAME")
    agents: int | None = option(None, "number of users, where the world lets you choose", most=1_000_000)
    population: str | None = option(None, "users.csv: weights of reward components (gym: and python: worlds), or goals")
    population_seed: int = option(
        0, "of the draw of the users, where they are drawn; the same for all --seeds", most=2**32
    )
    tasks: str | None = option(None, "what a committee covers instead of the world's own: a csv with a row per user")
    descriptions: str | None = option(None, f"cover column description of --tasks, embedded by {' or '.join(ENCODERS)}")
    components: int | None = option(None, "numbers per embedded description, 2 if not given")
    budget: int = option(3, "number of policies", most=100_000)
    welfare: str = option("utilitarian", "utilitarian, egalitarian, nash, p-mean:P (P at most 1) or gini")
    outside: float | None = option(None, "what every user has without any policy, if the users.csv does not say")
    transitions: int = option(1_000_000, "transitions per policy", most=10**15)
    mixing: float = option(0.05, "lambda of eq. 10, the weight of a finished episode in the table of returns")
    outside_episodes: int = option(
        256, "episodes per policy at most, to settle who is better off without one", most=1_000_000
    )
    evaluation_share: float = option(
        0.1, "where agents have dynamics of their own: share of the transitions that fill the table of returns"
    )
    preset: str = option(
        "default", "default (what measures best), plain (no search) or paper (Ivanov & Ben-Porat 2024)"
    )
    seed: int = option(0, "decides everything but the draw of the users", most=2**32)
    listeners: tuple[str, ...] = option(
        (), "who is told of every iteration: functions or classes of yours, python:FILE.py:NAME"
    )
    log: tuple[str, ...] = option((), "trackers that are told what metrics.csv says, too: wandb, mlflow or both")
    step_timeout: float | None = option(
        None, "seconds that a step of a gym: or python: world may take, no limit if not given", most=1e6
    )
    cores: int | None = option(None, "cores to compute on, all if not given; their number decides the last bits")
    learner: PPO = PPO()
    rule: AssignmentRule = EM()
    search: Search = Plain()

    def __post_init__(self) -> None:
        if self.agents is not None and (not isinstance(self.agents, int) or self.agents < 1):
            raise PolicyBudgetError(f"agents must be at least 1, got {self.agents}")
        self._check_tasks()
        check_options(self)
        _ = self.method  # refuses parts that do not go together
        check_choice("preset", self.preset, PRESETS)
        for name in self.log:
            check_choice("log", name, tracking.HOMES)
        if self.transitions < 1:
            raise PolicyBudgetError(f"transitions must be at least 1, got {self.transitions}")
        parse(self.welfare)
        check_seed(self.seed)
        check_seed(self.population_seed)
        if self.step_timeout is not None and self.step_timeout <= 0:
            raise PolicyBudgetError(f"step-timeout must be above 0, got {self.step_timeout}")
        if self.cores is not None and (not isinstance(self.cores, int) or self.cores < 1):
            raise PolicyBudgetError(f"cores must be at least 1, got {self.cores}")

    def _check_tasks(self) -> None:
        """Refuse options of a table of tasks that nobody would read."""
        if self.tasks is not None and self.rule.name != "committee":
            raise PolicyBudgetError(f"tasks are for algorithm committee, got {self.rule.name}; leave --tasks out")
        for given, of in (("descriptions", "tasks"), ("components", "descriptions")):
            if getattr(self, given) is not None and getattr(self, of) is None:
                raise PolicyBudgetError(f"--{given} is for --{of}; leave it out")
        if self.descriptions is not None:
            check_choice("descriptions", self.descriptions, ENCODERS)

    @property
    def method(self) -> Method:
        """Rule, search and learner."""
        return Method(self.rule, self.search, self.learner, self.mixing, self.outside_episodes, self.evaluation_share)

    def problem(self) -> RepresentedMDP:
        """The r-MDP that this configuration trains for.

        Raises:
            PolicyBudgetError: a setting is wrong for the world.
        """
        problem = make_problem(
            self.world, self.budget, self.agents, self.population_seed, self.population, self.welfare, self.outside
        )
        if self.tasks is not None:
            described = with_tasks(problem.population, Path(self.tasks), self.descriptions, self.components)
            problem = replace(problem, population=described)
        if self.step_timeout is not None:
            if not isinstance(problem.world, GymnasiumWorld):
                raise PolicyBudgetError(f"step-timeout is for gym: and python: worlds, got {self.world}; leave it out")
            problem = replace(problem, world=replace(problem.world, step_timeout=self.step_timeout))
        return problem

    def listening(self) -> tuple[Listener, ...]:
        """The listeners of one's own; of a class an instance.

        Raises:
            PolicyBudgetError: a file or a name in it is missing or wrong.
        """
        found = [function_in(name, "a listener: a function of an event, or a class of such") for name in self.listeners]
        return tuple(one() if isinstance(getattr(one, "__wrapped__", None), type) else one for one in found)

    def training(self) -> Training:
        """The training, everything checked.

        Raises:
            PolicyBudgetError: a setting is wrong for the world, the method does not fit the problem, or a tracker is
                not installed.
        """
        tracking.check(self.log)
        return Training(self.problem(), self.method, self.transitions, self.seed)

    def save(self, folder: Path) -> None:
        """Write config.json, and copy the files that it names into the folder.

        Args:
            folder: the run folder.

        Raises:
            RunFolderError: something cannot be written.
        """
        kept, copies = inputs.keep(folder, self.record())
        files.write_json(folder / "config.json", kept | {"inputs": copies})

    def record(self) -> dict[str, Any]:
        """As config.json has it, files by their whole paths."""
        return {"format": FORMAT} | settings_of(self) | parts_of(self.method)

    @staticmethod
    def load(path: Path) -> Configuration:
        """Read a configuration file. Files that it names are those beside it; they have whole paths from then on.

        Args:
            path: of a config.json.

        Raises:
            PolicyBudgetError: it is missing, damaged, of another format, or has settings out of range; a copy of a
                file that it names was changed; or it records a training of what was made in Python.
        """
        record = files.read_json(path)
        check_format(path, record)
        record.pop("format")
        if made := record.pop(MADE_IN_PYTHON, None):
            raise PolicyBudgetError(f"{path} records a training from Python without what was made there: {made}")
        inputs.check(path.parent, record.pop("inputs", {}))
        record = inputs.find(path.parent, record)
        record["rule"] = _named(path, "algorithm", record.get("rule", {"name": "em"}))
        record["search"] = _named(path, "search", record.get("search", {"name": "plain"}))
        record["learner"] = _build(path, PPO, record.get("learner", {}))
        return _build(path, Configuration, record)

    @staticmethod
    def of(method: Method, world: str, preset: str) -> Configuration:
        """The configuration that options start from.

        Args:
            method: of the preset.
            world: by name.
            preset: by name.
        """
        return Configuration(
            world=world, preset=preset, mixing=method.mixing, rule=method.rule, search=method.search,
            learner=method.learner,
        )  # fmt: skip


def preset(name: str, world: str, algorithm: str = "em", search: str | None = None) -> Configuration:
    """The configuration of a preset.

    Args:
        name: default, plain or paper.
        world: by name.
        algorithm: the name of a rule.
        search: the name of a search; None for that of the preset.

    Raises:
        PolicyBudgetError: there is no such preset, rule or search, or they do not go together.
    """
    return Configuration.of(method_of(name, world, algorithm, search), world, name)


def parts_of(method: Method) -> dict[str, Any]:
    """The parts of a method as config.json records them: names, and what options say.

    Args:
        method: rule, search and learner.
    """
    return {
        "rule": {"name": _name(method.rule)} | settings_of(method.rule),
        "search": {"name": _name(method.search)} | settings_of(method.search),
        "learner": settings_of(method.learner),
    }


def _name(part: AssignmentRule | Search) -> str:
    """That :func:`kind_of` finds it by."""
    return reference_of(type(part)) or part.name


def settings_of(value: Any) -> dict[str, Any]:
    """The fields of a dataclass that are options, as JSON takes them; none of anything else.

    Args:
        value: a dataclass, or a part of a method that has no options.
    """
    if not is_dataclass(value) or isinstance(value, type):
        return {}
    options = {field.name for field in fields(value) if "help" in field.metadata}
    return {name: content for name, content in asdict(value).items() if name in options}


def _named(path: Path, what: str, values: Any) -> Any:
    """One of several kinds, which the record names."""
    if not isinstance(values, dict) or not isinstance(values.get("name", None), str):
        raise PolicyBudgetError(f"{path}: {what} must be a record with a name, got {ascii(values)[:60]}")
    values = dict(values)
    return _build(path, kind_of(what, values.pop("name")), values)


def _build(path: Path, kind: type[Kind], values: Any) -> Kind:
    """A dataclass from JSON values; lists become the tuples that the fields hold."""
    known = {field.name: field for field in fields(kind)}  # type: ignore[arg-type]
    if not isinstance(values, dict) or (unknown := sorted(set(values) - set(known))):
        what = ", ".join(ascii(name)[1:-1] for name in unknown) if isinstance(values, dict) else ascii(values)
        raise PolicyBudgetError(f"{path} has settings that {kind.__name__} does not know: {what[:200]}")
    hints = get_type_hints(kind)
    options = {name: cast(path, known[name], hints[name], value) for name, value in values.items()}
    return kind(**options)


def cast(path: Path, field: Field[Any], hint: Any, value: Any) -> Any:
    """The value of an option, of the type that its field declares.

    Args:
        path: of the file that it is from, for the error.
        field: of a dataclass.
        hint: the type of the field.
        value: as JSON or TOML has it.

    Returns:
        The value; as it is if the field is no option.

    Raises:
        PolicyBudgetError: the value is of another type.
    """
    if "help" not in field.metadata:
        return value
    try:
        return msgspec.convert(value, hint)
    except (msgspec.MsgspecError, RecursionError) as error:
        got = ascii(value)
        shown = got if len(got) < 60 else f"{got[:60]}..."
        raise PolicyBudgetError(f"{path}: {field.name} must be like {field.default!r}, got {shown} ({error})") from None
