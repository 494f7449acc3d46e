"""What papers say in words, and what bars say to it."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from policybudget.studies.published import FIGURE_ONLY, Claim, claims, order, side, verdicts
from policybudget.studies.reproduce import names, planned
from policybudget.studies.summary import Row


def row(label: str, welfare: Sequence[float], budget: int = 3, world: str = "w") -> Row:
    return Row({"world": world, "label": label, "budget": budget}, tuple(range(len(welfare))), tuple(welfare), None)


@pytest.mark.parametrize(("value", "expected"), [(83.0, 1), (85.0, 0), (87.0, -1)])
def test_a_number_and_an_interval(value: float, expected: int) -> None:
    assert side(row("EM", [84.5, 85.0, 85.5]), value) == expected  # 85 +- 1.24


def test_a_number_is_rounded() -> None:
    assert side(row("EM", [93.56] * 3), 93.6) == 0 and side(row("EM", [93.4] * 3), 93.6) == -1


def test_the_difference_has_an_interval_of_its_own() -> None:
    best = row("EM", [85.0, 85.2, 85.1])
    assert order(row("random", [70.0, 71.0, 70.5]), best) == -1
    assert order(row("random", [84.0, 86.0, 85.0]), best) == 0
    assert order(best, row("random", [70.0, 71.0, 70.5])) == 1
    assert order(row("random", [70.0] * 3), row("EM", [71.0] * 3)) == -1, "no spread"
    assert order(row("random", [70.0]), row("EM", [71.0])) == -1
    alike = [53.76, 53.76 + 1e-6]
    assert order(row("random", alike), row("EM", [71.0, 71.0 + 1e-6])) == -1, "no spread but rounding"
    assert order(row("random", alike), row("EM", [71.0, 72.0])) == -1, "and no warning"


def test_every_bar_has_a_verdict() -> None:
    said = (
        Claim("w", "EM", (3,), "above", 85.0, "", "page 6"),
        Claim("*", "random", (3,), "less than", None, "EM", "page 7"),
    )
    rows = [row("EM", [88.0, 88.2]), row("random", [70.0, 71.0]), row("random", [70.0], 1), row("other", [1.0, 2.0])]
    found = [(one.row.settings["label"], one.published, one.verdict) for one in verdicts(rows, said)]
    assert found == [
        ("EM", "above 85", "above"),
        ("random", "less than EM", "lower"),
        ("random", "-", FIGURE_ONLY),
        ("other", "-", FIGURE_ONLY),
    ]
    (alone,) = verdicts([row("random", [3.0])], said)
    assert alone.verdict == "nothing to compare with"
    assert verdicts([row("EM", [3.0])], said)[0].verdict == "below (one seed)"


def test_what_is_stated_of_figure_2_has_bars() -> None:
    study = planned("figure-2")
    assert len(study.units) == 5 * 6 * 10 and study.varied == ("label", "budget", "seed")
    bars = {(settings["label"], settings["budget"]) for settings in study.settings}
    for claim in claims("figure-2"):
        assert {(claim.label, budget) for budget in claim.budgets} <= bars
        assert claim.value is not None or claim.other in {label for label, _ in bars}
    assert "quick" in planned("figure-2", quick=True).title


def test_there_is_a_plan_of_every_figure() -> None:
    assert names() == (*(f"figure-{number}" for number in range(1, 6)), "review")
