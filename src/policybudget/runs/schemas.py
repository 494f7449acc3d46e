"""What the JSON files of a run folder must hold, as declared schemas: types, ranges, lengths, and no unknown entries.

:func:`policybudget.runs.files.checked` reads by them; what does not fit is one line, and nothing is allocated for it.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal

from msgspec import Meta, Struct

MOST_POLICIES, MOST_AGENTS, MOST_NUMBERS = 100_000, 1_000_000, 1_000_000
MOST_SEEDS = 100_000

Text = Annotated[str, Meta(max_length=1000, pattern=r"^[^\x00-\x1f\x7f]*$")]
"""One line; no control characters."""
Name = Annotated[str, Meta(max_length=10_000)]
"""Of a user, as the users' table has it."""
Relative = Annotated[str, Meta(max_length=1000, pattern=r"^(?!/)(?!.*\.\.)[^\x00-\x1f\x7f\\]+$")]
"""A path below the run folder."""
Digest = Annotated[str, Meta(pattern="^[0-9a-f]{64}$")]
Seed = Annotated[int, Meta(ge=0, lt=2**32)]
Agents = Annotated[int, Meta(ge=1, le=MOST_AGENTS)]
Size = Annotated[int, Meta(ge=1, le=MOST_NUMBERS)]
Count = Annotated[int, Meta(ge=0, le=2**53)]
Number = Annotated[float, Meta(ge=-1e30, le=1e30)]
Width = Annotated[float, Meta(ge=0, le=1e30)]
"""Half of an interval."""
Whole = Annotated[int, Meta(ge=-(2**53), le=2**53)]


class WorldRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """How a world and its users were made: the arguments of :func:`policybudget.problem.make_problem`."""

    name: Text
    agents: Agents | None = None
    population_seed: Seed = 0
    population: Text | None = None
    welfare: Text = "utilitarian"
    outside: Number | None = None


class UnitsRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """The units of actions, as :meth:`policybudget.units.Units.record` writes them."""

    kind: Literal["discrete", "multi-discrete", "box"]
    sizes: Annotated[list[Size], Meta(min_length=1, max_length=MOST_NUMBERS)]
    shape: Annotated[list[Count], Meta(max_length=32)]
    dtype: Literal[
        "bool",
        "int8",
        "int16",
        "int32",
        "int64",
        "uint8",
        "uint16",
        "uint32",
        "uint64",
        "float16",
        "float32",
        "float64",
    ]
    formula: Text
    low: list[float | None] = []
    high: list[float | None] = []
    stretched: bool = False
    offset: list[float] = []
    scale: list[float] = []
    start: list[Whole] = []


class ArchitectureRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """The shapes of networks, as :meth:`policybudget.policies.architecture.Architecture.record` writes them."""

    observation_size: Size
    actions: UnitsRecord
    hidden: Annotated[list[Size], Meta(max_length=100)]
    trunk: Literal["shared", "biases", "separate"]
    normaliser: Literal["shared", "separate"] = "shared"


class Manifest(Struct, frozen=True, forbid_unknown_fields=True):
    """manifest.json."""

    format: int
    world: dict[str, Any]
    algorithm: Text
    search: Text
    budget: Annotated[int, Meta(ge=1, le=MOST_POLICIES)]
    agents: Annotated[list[Name], Meta(min_length=1, max_length=MOST_AGENTS)]
    architecture: ArchitectureRecord
    acting: list[dict[str, Any]]
    inputs: dict[Relative, dict[str, Text]]
    sha256: dict[Relative, Digest]
    libraries: dict[str, Text]
    details: dict[str, Any]


class Outcome(Struct, frozen=True, forbid_unknown_fields=True):
    """result.json."""

    function: Text
    welfare: float
    mean: float
    worst: float
    unserved: Count
    below_outside: Count
    transitions: Count
    wall_seconds: float


class UnitRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """A unit in study.json."""

    folder: Relative
    label: Text
    transitions: Count
    sha256: Digest


class StudyRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """study.json."""

    format: int
    title: Text
    units: Annotated[list[UnitRecord], Meta(min_length=1, max_length=MOST_SEEDS)]
    cores: Annotated[int, Meta(ge=1, le=100_000)] | None = None


class CurveRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """plan.json of a budget curve."""

    format: int
    budgets: Annotated[list[Annotated[int, Meta(ge=1, le=MOST_POLICIES)]], Meta(min_length=1, max_length=10_000)]
    seeds: Annotated[list[Seed], Meta(min_length=1, max_length=MOST_SEEDS)]
    dedicated: bool
    episodes: Annotated[int, Meta(ge=1, le=1_000_000)]
    floor: Number | None = None


class PointRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """A budget of one training, judged: :class:`policybudget.assessment.curve.Point`."""

    budget: Annotated[int, Meta(ge=1, le=MOST_POLICIES)]
    welfare: Number
    chosen_on: Number
    worst: Number
    chosen: list[Count]
    ci95: Width | None = None
    above_floor: Annotated[float, Meta(ge=0, le=1)] | None = None
    any_welfare: Annotated[float, Meta(ge=0, le=1e6)] | None = None


class PointsRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """points/*.json of a budget curve: one training, judged."""

    episodes: int
    floor: Number | None
    points: list[PointRecord]


class ExtensionRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """extension.json: which policies were added to which run, and how."""

    format: int
    run: Text
    add: Annotated[int, Meta(ge=1, le=MOST_POLICIES)]
    without: Count | None
    transitions: Annotated[int, Meta(ge=1)]
    seed: Seed
    episodes: Annotated[int, Meta(ge=2, le=1_000_000)]
    policies: list[Digest]


class Mean(Struct, frozen=True, forbid_unknown_fields=True):
    """A mean with half of its interval."""

    mean: Number
    ci95: Width | None


class RowRecord(Struct, frozen=True, forbid_unknown_fields=True):
    """A budget over all seeds: :class:`policybudget.assessment.curve.Row`."""

    budget: Annotated[int, Meta(ge=1, le=MOST_POLICIES)]
    welfare: Mean
    seeds: Count
    worst: Mean
    above_floor: Number | None
    optimum: Number | None
    one_more: Mean | None
    chosen_on: Number
    any_welfare: Number | None
    net: Number | None


class CurveFound(Struct, frozen=True):
    """curve.json, as far as it is shown."""

    reference: Text
    target: Number | None
    best: int | None
    rows: Annotated[list[RowRecord], Meta(min_length=1, max_length=10_000)]


class Seeded(Struct, frozen=True):
    """config.json, as far as a report shows it."""

    seed: Seed


class Names(Struct, frozen=True, forbid_unknown_fields=True):
    """Of the parameters that prototypes stand in."""

    names: list[Text]
