from __future__ import annotations

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from metaworld.utils import reward_utils as package

from policybudget.worlds.metaworld.rewards.shaping import (
    above,
    both,
    distance,
    floor,
    length,
    tolerance,
    upright,
    within,
)

SHARES = st.floats(0, 1, allow_subnormal=False)
NUMBERS = st.floats(-10, 10, allow_subnormal=False)


def test_a_tolerance_is_1_within_its_bounds_and_a_tenth_at_the_margin() -> None:
    x = np.array([0.1, 0.5, 1.0, 1.5, 0.1 - 0.5, 1.5 + 1e9])
    for gaussian in (False, True):
        value = tolerance(x, 1.0, 0.5, lower=0.1, gaussian=gaussian)
        np.testing.assert_allclose(value, [1, 1, 1, 0.1, 0.1, 0], atol=1e-15)


def test_a_tolerance_without_margin_is_0_beyond_its_bounds() -> None:
    np.testing.assert_array_equal(tolerance(np.array([-1e-9, 0, 1, 1 + 1e-9]), 1.0, 0.0), [0, 1, 1, 0])


@given(NUMBERS, st.floats(0, 1), st.floats(0, 1), st.one_of(st.just(0.0), st.floats(1e-6, 10)), st.booleans())
def test_tolerances_are_those_of_the_package(x: float, low: float, wide: float, margin: float, bell: bool) -> None:
    ours = tolerance(np.array([x]), low + wide, np.array([margin]), lower=low, gaussian=bell)
    sigmoid = "gaussian" if bell else "long_tail"
    theirs = package.tolerance(x, (low, low + wide), margin, sigmoid)
    assert ours[0] == pytest.approx(theirs, rel=1e-14, abs=0)


def test_both_by_hand() -> None:
    value = both(np.array([0.0, 1.0, 1.0, 0.5, 0.0]), np.array([0.0, 1.0, 0.3, 0.5, 1.0]))
    np.testing.assert_allclose(value, [0, 1, 0.3, 1 / 3, 0], rtol=1e-15)


@given(SHARES, SHARES)
def test_both_is_that_of_the_package_and_at_most_the_lesser(one: float, other: float) -> None:
    value = both(np.array([one]), np.array([other]))[0]
    assert value == package.hamacher_product(one, other)
    assert 0 <= value <= min(one, other) * (1 + 1e-12)


@given(st.lists(NUMBERS, min_size=3, max_size=3))
def test_lengths_have_the_bits_of_numpys_norm(vector: list[float]) -> None:
    assert length(np.array([vector]))[0] == np.linalg.norm(np.array(vector))


def test_distances_with_a_scale() -> None:
    one, other = np.array([[1.0, 2.0, 2.0], [0.0, 0.0, 0.0]]), np.zeros(3)
    np.testing.assert_array_equal(distance(one, other), [3, 0])
    np.testing.assert_array_equal(distance(one, other, (2.0, 0.5, 1.0)), [3, 0])
    np.testing.assert_array_equal(distance(one, other, (0.0, 0.0, 2.0)), [4, 0])


def test_a_funnel_is_open_in_its_mouth_and_rises_outside() -> None:
    np.testing.assert_allclose(floor(np.array([0.0, 0.03, 1.03, 0.03 + np.e]), 0.03, 0.02, 0.2), [0, 0, 0.2, 0.22])
    np.testing.assert_array_equal(above(np.array([0.2, 0.2, 0.2]), np.array([0.2, 0.3, 0.195]), 0.05), 1)
    np.testing.assert_allclose(above(np.array([0.2]), np.array([0.14]), 0.05), 0.1)


def test_turns_and_bounds() -> None:
    turns = np.array([[1.0, 0, 0, 0], [0.8, 0, 0, 0], [-1.0, 0, 0, 0]])
    np.testing.assert_allclose(upright(turns, (1.0, 0, 0, 0), slack=0.4), [1, 0.5, 0])
    np.testing.assert_array_equal(within(np.array([0.0, 0.5, 1.0]), 0.0, 1.0), [False, True, False])
