"""Methods and presets: rule x search x learner."""

from __future__ import annotations

from dataclasses import replace

import pytest
from worlds_with_known_answers import QUICK, wishes

import policybudget as pb
from policybudget.assignment.em import EM
from policybudget.assignment.end_to_end import EndToEnd
from policybudget.assignment.fixed import RandomGroups
from policybudget.assignment.trajectory_clusters import TrajectoryClusters
from policybudget.errors import PolicyBudgetError
from policybudget.learning.settings import PPO
from policybudget.search.archive import Archive
from policybudget.search.plain import Plain
from policybudget.search.pool import Pool
from policybudget.search.pretrained import Pretrained
from policybudget.search.representatives import Representatives
from policybudget.search.search import Search
from policybudget.search.splitting import Splitting
from policybudget.training.method import PRESETS, SEARCHES, Method, preset
from policybudget.worlds import registry

GRID, ROBOT, GYM, OWN = "resource-gathering", "half-cheetah-velocity", "gym:CartPole-v1", ""


@pytest.mark.parametrize(
    ("world", "search"),
    [
        (GRID, Archive()),
        (f"{GRID}:slip=0.1,side=3", Pool(within="representatives", pool_size=9, refine=0.7)),
        (ROBOT, Representatives(alone=1.0)),
        (GYM, Splitting()),
        (OWN, Splitting()),
    ],
)
def test_what_measures_best_is_the_default(world: str, search: Search) -> None:
    method = preset("default", world)
    assert method == preset(world=world)
    assert (method.rule, method.search, method.mixing) == (EM(), search, 0.05)
    assert method.learner == replace(PPO(), **registry.entry(world).learner["default"])


def test_a_search_that_asks_for_another_learner_has_it_from_its_name_and_in_python() -> None:
    hopper = registry.entry("hopper-velocity")
    for search in ("representatives", Representatives(alone=0.5)):
        method = preset("default", "hopper-velocity", search=search)
        assert method.learner == replace(PPO(), **hopper.with_search["representatives"])
        assert method.learner.discount == 0.995
    assert preset("default", "hopper-velocity", search="splitting").learner == replace(PPO(), **hopper.learner["plain"])
    assert (
        preset("paper", "hopper-velocity", search="representatives").learner
        == preset("paper", "hopper-velocity").learner
    )


@pytest.mark.parametrize("world", ["hopper-velocity", ROBOT, GRID, GYM, OWN, "glucose"])
def test_who_names_a_search_has_it_whatever_the_usual_one_is_built_upon(world: str) -> None:
    for name, kind in SEARCHES.items():
        assert type(preset("default", world, search=name).search) is kind


@pytest.mark.parametrize("name", ["plain", "paper"])
@pytest.mark.parametrize("world", [GRID, ROBOT, GYM, OWN])
def test_the_others_do_not_search(name: str, world: str) -> None:
    method = preset(name, world)
    assert (method.rule, method.search) == (EM(warm_start=50), Plain())
    assert method.learner == replace(PPO(), **registry.entry(world).learner[name])


def test_the_papers_end_to_end() -> None:
    assert preset("paper", GRID, "end-to-end").rule == EndToEnd(assignment_rate=0.002)
    assert preset("default", GRID, "end-to-end").rule == EndToEnd()


@pytest.mark.parametrize("rule", ["end-to-end", "random", RandomGroups()])
def test_rules_that_do_not_move_agents_greedily_have_no_search(rule: str | RandomGroups) -> None:
    method = preset("default", GRID, rule)
    assert method.search == Plain()
    assert method.learner == preset("plain", GRID).learner != preset("default", GRID).learner


@pytest.mark.parametrize("name", PRESETS)
def test_trajectory_clusters_come_with_a_universal_policy(name: str) -> None:
    assert preset(name, GRID, "trajectory-clusters").search == Pretrained(begin_with="fresh")


def test_a_rule_of_ones_own_settings_is_left_as_it_is() -> None:
    assert preset("paper", GRID, EM(warm_start=3)).rule == EM(warm_start=3)


def test_searches_by_name() -> None:
    assert preset("default", GRID, search="archive") == preset("default", GRID)
    assert preset("default", GRID, search="splitting").search == Splitting()
    assert preset("default", ROBOT, search="plain").search == Plain()
    assert preset("default", GRID, search="pretrained").search == Pretrained(begin_with="copies")
    assert preset("default", GRID, search=Archive(restarts=2)).search == Archive(restarts=2)


def test_the_tuned_learner_goes_with_the_worlds_own_search_alone() -> None:
    tuned, plain = (preset(name, GRID).learner for name in ("default", "plain"))
    assert tuned != plain
    assert preset("default", GRID, search=Archive(restarts=2)).learner == tuned
    for search in ("plain", "splitting", "pretrained"):
        assert preset("default", GRID, search=search).learner == plain
    slips = f"{GRID}:slip=0.1"
    assert preset("default", slips, search=Pool(within="representatives")).learner == preset("default", slips).learner
    assert preset("default", slips, search=Pool(within="splitting")).learner == plain
    assert preset("paper", GRID, search="archive").learner == preset("paper", GRID).learner


def test_a_learner_of_ones_own_is_taken_as_it_is() -> None:
    assert preset("default", GRID, learner=QUICK).learner == QUICK


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        ({"name": "fast"}, "preset must be one of default, plain, paper, got 'fast'"),
        ({"rule": "sarsa"}, "algorithm must be one of em, end-to-end, trajectory-clusters, random, committee, got"),
        (
            {"search": "luck"},
            "search must be one of plain, pretrained, archive, splitting, growing, "
            "representatives, constants, pool, "
            "got 'luck'",
        ),
        (
            {"rule": "trajectory-clusters", "search": "plain"},
            "algorithm trajectory-clusters looks at a universal policy, which search plain does not train; "
            "use --search pretrained",
        ),
    ],
)
def test_what_does_not_go_together_is_refused_in_one_line(arguments: dict[str, str], message: str) -> None:
    with pytest.raises(PolicyBudgetError) as error:
        preset(**arguments)  # type: ignore[arg-type]
    assert message in str(error.value) and "\n" not in str(error.value)


@pytest.mark.parametrize("search", [Plain(), Archive(), Splitting()])
def test_trajectory_clusters_need_a_universal_policy(search: Search) -> None:
    with pytest.raises(PolicyBudgetError, match="use --search pretrained"):
        Method(TrajectoryClusters(), search, PPO())


def test_rewards_without_targets_are_not_widened() -> None:
    with pytest.raises(PolicyBudgetError, match="only rewards around targets .* can be widened"):
        pb.train(wishes([0, 1], 2), learner=replace(QUICK, widen=4.0), transitions=256)


@pytest.mark.parametrize("world", [GRID, GYM])
def test_episodes_are_staggered_where_the_clock_is_told(world: str) -> None:
    told, untold = (registry.entry(name).world for name in (ROBOT, world))
    assert told and untold and told().tells_clock and not untold().tells_clock


def test_who_keeps_its_clock_to_itself_is_not_staggered() -> None:
    with pytest.raises(PolicyBudgetError, match="stagger needs a world that tells its clock, got .*; leave it out"):
        pb.train(wishes([0, 1], 2), learner=replace(QUICK, stagger=True), transitions=256)


@pytest.mark.parametrize("mixing", [0.0, -0.1, 1.5, float("nan")])
def test_mixing_out_of_range(mixing: float) -> None:
    with pytest.raises(PolicyBudgetError, match="mixing must be above 0 and at most 1"):
        Method(EM(), Plain(), PPO(), mixing)


def test_training_by_names_is_training_by_values() -> None:
    problem = wishes([0, 1, 0], 2)
    by_name = pb.train(problem, "em", search="splitting", learner=QUICK, transitions=256)
    by_value = pb.train(problem, EM(), search=Splitting(), learner=QUICK, transitions=256)
    assert (by_name.returns == by_value.returns).all() and by_name.search == by_value.search == "splitting"
