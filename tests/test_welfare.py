from __future__ import annotations

from functools import partial

import jax
import jax.numpy as jnp
import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from policybudget import welfare
from policybudget.errors import PolicyBudgetError
from policybudget.welfare import Egalitarian, Gini, Nash, PMean, Utilitarian, Welfare

ALL = [Utilitarian(), Egalitarian(), Egalitarian(5.0), Nash(), PMean(-2.0), PMean(0.5), PMean(1.0), Gini()]
CURVED = [w for w in ALL if w not in (Utilitarian(), PMean(1.0))]
each = pytest.mark.parametrize("w", ALL, ids=str)
N = 5

value = jax.jit(lambda w, u, a=None: w(u, a), static_argnums=0)
smooth = jax.jit(lambda w, u, a=None, scale=None: w.smooth(u, a, scale), static_argnums=0)
gradient = jax.jit(lambda w, u, a=None, scale=None: w.gradient(u, a, scale), static_argnums=0)
by_autodiff = jax.jit(lambda w, u, a, scale: jax.grad(w.smooth)(u, a, scale), static_argnums=0)


def vectors(least: float, most: float, size: int = N) -> st.SearchStrategy[np.ndarray]:
    numbers = st.floats(least, most, width=32)
    return st.lists(numbers, min_size=size, max_size=size).map(partial(np.array, dtype=np.float32))


some_weights = st.just(np.ones(N, np.float32)) | vectors(0.125, 8.0)


def test_utility_is_the_expectation_over_policies() -> None:
    assignment = jnp.array([[1.0, 0.25, 0.0], [0.0, 0.75, 1.0]])
    returns = jnp.array([[10.0, 4.0, 7.0], [99.0, 8.0, 5.0]])
    utilities = welfare.utilities(assignment, returns)
    np.testing.assert_allclose(utilities, [10.0, 7.0, 5.0], rtol=1e-6)
    assert float(welfare.Utilitarian()(utilities)) == np.float32(22.0 / 3.0)
    assert float(welfare.Utilitarian()(utilities, jnp.array([1.0, 2.0, 1.0]))) == 7.25


def test_what_a_column_leaves_goes_to_the_outside_option() -> None:
    assignment = jnp.array([[0.0, 0.25, 1.0, 0.5, 0.0], [0.0, 0.25, 0.0, 0.5 + 1e-7, 0.0]])
    returns = jnp.full((2, 5), 8.0)
    outside = jnp.array([3.0, -2.0, 100.0, -jnp.inf, -jnp.inf])
    np.testing.assert_allclose(welfare.utilities(assignment, returns, outside), [3.0, 3.0, 8.0, 8.0, 0.0], rtol=1e-6)
    np.testing.assert_allclose(welfare.utilities(assignment, returns), [0.0, 4.0, 8.0, 8.0, 0.0], rtol=1e-6)
    slope = jax.grad(lambda alpha: welfare.utilities(alpha, returns, outside).sum())(assignment)
    np.testing.assert_allclose(slope[:, [0, 1, 3, 4]], [[5.0, 10.0, 8.0, 8.0]] * 2, rtol=1e-6)


@pytest.mark.parametrize(
    ("text", "equal", "weighted"),  # of 1, 2, 4; with weights 1, 1, 2
    [
        ("utilitarian", 7 / 3, 2.75),
        ("egalitarian", 1.0, 1.0),
        ("nash", 2.0, 2**1.25),
        ("p-mean:1", 7 / 3, 2.75),
        ("p-mean:0", 2.0, 2**1.25),
        ("p-mean:-1", 3 / 1.75, 2.0),
        ("p-mean:0.5", ((3 + 2**0.5) / 3) ** 2, ((5 + 2**0.5) / 4) ** 2),
        ("gini", (5 * 1 + 3 * 2 + 1 * 4) / 9, (1 * 7 + 2 * 5 + 4 * 4) / 16),
    ],
)
def test_values_by_hand(text: str, equal: float, weighted: float) -> None:
    w, u = welfare.parse(text), jnp.array([2.0, 4.0, 1.0])
    np.testing.assert_allclose(w(u), equal, rtol=1e-6)
    np.testing.assert_allclose(w(u, jnp.array([3.0, 6.0, 3.0])), weighted, rtol=1e-6)


def test_softmin_and_gini_gradients_by_hand() -> None:
    u = jnp.array([0.0, np.log(2.0)])
    np.testing.assert_allclose(Egalitarian(1.0).smooth(u), np.log(4 / 3), rtol=1e-6)
    np.testing.assert_allclose(Egalitarian(1.0).gradient(u), [2 / 3, 1 / 3], rtol=1e-6)
    np.testing.assert_allclose(Egalitarian().gradient(u * 10, scale=100.0), [2 / 3, 1 / 3], rtol=1e-6)
    np.testing.assert_allclose(Gini().gradient(jnp.array([3.0, 5.0, 3.0])), np.array([4, 1, 4]) / 9, rtol=1e-6)


def test_nash_beyond_its_floor_by_hand() -> None:
    """The floor is 1: k(0) = -1, k(e) = 1; k(-3) = -4, k(1) = 0."""
    np.testing.assert_allclose(Nash().smooth(jnp.array([0.0, np.e]), scale=100.0), 1.0, rtol=1e-6)
    np.testing.assert_allclose(Nash().gradient(jnp.array([0.0, np.e]), scale=100.0), [0.5, 0.5 / np.e], rtol=1e-6)
    np.testing.assert_allclose(Nash().smooth(jnp.array([-3.0, 1.0]), scale=100.0), -1.0, rtol=1e-6)
    np.testing.assert_allclose(Nash().gradient(jnp.array([-3.0, 1.0]), scale=100.0), [0.5, 0.5], rtol=1e-6)


@pytest.mark.parametrize("u", [[0.0, 9.0], [-1.0, 9.0], [-1.0, -9.0]])
def test_what_is_reported_where_a_mean_is_not_defined(u: list[float]) -> None:
    for w in (Nash(), PMean(0.0), PMean(-2.0), PMean(-100.0)):
        assert float(w(jnp.array(u))) == 0.0
    np.testing.assert_allclose(PMean(0.5)(jnp.array(u)), max(u[1], 0) / 4, rtol=1e-6)
    np.testing.assert_allclose(PMean(1.0)(jnp.array(u)), np.mean(u), rtol=1e-6)


@given(vectors(0.125, 100.0), some_weights)
def test_limits_of_the_p_mean(u: np.ndarray, a: np.ndarray) -> None:
    np.testing.assert_allclose(value(PMean(1.0), u, a), value(Utilitarian(), u, a), rtol=1e-5)
    np.testing.assert_allclose(smooth(PMean(1.0), u, a), value(Utilitarian(), u, a), rtol=1e-5)
    for p, tolerance in ((1e-3, 1e-2), (-1e-3, 1e-2), (1e-6, 1e-5), (0.0, 1e-6)):
        np.testing.assert_allclose(value(PMean(p), u, a), value(Nash(), u, a), rtol=tolerance)
    share = 0.125 / (0.125 + 8 * (N - 1))
    assert 1 - 1e-5 <= float(value(PMean(-50.0), u, a)) / u.min() <= share ** (-1 / 50) + 1e-5


@each
@given(vectors(0.125, 100.0), some_weights, st.sampled_from([100.0, 1e3]))
def test_with_nobody_below_the_floor_the_smooth_form_is_the_welfare(
    w: Welfare, u: np.ndarray, a: np.ndarray, scale: float
) -> None:
    if not isinstance(w, Egalitarian):
        u = np.maximum(u, np.float32(scale * welfare.FLOOR))
        np.testing.assert_allclose(smooth(w, u, a, scale), value(w, u, a), rtol=1e-5)
        return
    tau = w.temperature or welfare.TEMPERATURE * scale
    assert u.min() - 1e-4 <= float(smooth(w, u, a, scale)) <= u.min() + tau * np.log(N * 64) + 1e-4


@each
@given(vectors(-50.0, 100.0), some_weights)
def test_gradients(w: Welfare, u: np.ndarray, a: np.ndarray) -> None:
    np.testing.assert_allclose(gradient(w, u, a, 100.0), by_autodiff(w, u, a, 100.0), rtol=1e-2, atol=1e-6)
    u = np.where(np.abs(u - 1) < 1e-3, 2.0, u).astype(float)  # not at the floor, nor (for gini) at a tie
    u += np.arange(N) * 1e-4
    with jax.enable_x64(True):
        ends = [[float(smooth(w, u + sign * 1e-5 * row, a, 100.0)) for sign in (1, -1)] for row in np.eye(N)]
        by_differences = np.array([(up - down) / 2e-5 for up, down in ends])
        if not isinstance(w, Gini) or np.diff(np.sort(u)).min() > 3e-5:
            np.testing.assert_allclose(gradient(w, u, a, 100.0), by_differences, rtol=1e-4, atol=1e-8)


@each
@given(vectors(-50.0, 100.0), some_weights, st.integers(0, N - 1), st.floats(0.0, 100.0))
def test_raising_one_utility_never_lowers_welfare(
    w: Welfare, u: np.ndarray, a: np.ndarray, who: int, gain: float
) -> None:
    assert w.monotone
    richer = u + np.float32(gain) * np.eye(N, dtype=np.float32)[who]
    assert value(w, richer, a) >= value(w, u, a) - 1e-4
    assert smooth(w, richer, a, 100.0) >= smooth(w, u, a, 100.0) - 1e-3


@each
@given(vectors(-50.0, 100.0), some_weights, st.floats(0.125, 8.0))
def test_welfare_is_in_units_of_return(w: Welfare, u: np.ndarray, a: np.ndarray, factor: float) -> None:
    scaled = u * np.float32(factor)
    np.testing.assert_allclose(value(w, scaled, a), factor * value(w, u, a), rtol=1e-4, atol=1e-4)
    if w != Egalitarian(5.0):  # its temperature stays
        known = smooth(w, scaled, a, 100.0 * factor)
        np.testing.assert_allclose(known, factor * smooth(w, u, a, 100.0), rtol=1e-3, atol=1e-3)
        np.testing.assert_allclose(smooth(w, scaled, a), factor * smooth(w, u, a), rtol=1e-3, atol=1e-3)
    same = np.full(N, u[0])
    np.testing.assert_allclose(smooth(w, same, a, 100.0), u[0], atol=1e-3)


@each
@given(vectors(-50.0, 100.0), some_weights, st.permutations(range(N)))
def test_relabelling_agents_relabels_the_gradient(w: Welfare, u: np.ndarray, a: np.ndarray, names: list[int]) -> None:
    np.testing.assert_allclose(value(w, u[names], a[names]), value(w, u, a), rtol=1e-4, atol=1e-4)
    np.testing.assert_allclose(smooth(w, u[names], a[names], 100.0), smooth(w, u, a, 100.0), rtol=1e-4, atol=1e-4)
    slope = gradient(w, u, a, 100.0)
    np.testing.assert_allclose(gradient(w, u[names], a[names], 100.0), slope[np.array(names)], rtol=1e-3, atol=1e-6)


@each
@given(vectors(-50.0, 100.0, 3))
def test_an_agent_of_weight_two_is_two_agents(w: Welfare, u: np.ndarray) -> None:
    a, doubled, one = np.array([1.0, 2.0, 2.0], np.float32), np.repeat(u, [1, 2, 2]), np.ones(N, np.float32)
    np.testing.assert_allclose(value(w, u, a), value(w, doubled, one), rtol=1e-5, atol=1e-4)
    np.testing.assert_allclose(smooth(w, u, a, 100.0), smooth(w, doubled, one, 100.0), rtol=1e-4, atol=1e-4)
    shares, slope = gradient(w, doubled, one, 100.0), gradient(w, u, a, 100.0)
    np.testing.assert_allclose(slope, [shares[0], shares[1:3].sum(), shares[3:].sum()], rtol=1e-3, atol=1e-6)
    np.testing.assert_allclose(gradient(w, u, 1e37 * a, 100.0), slope, rtol=1e-5)


@each
@given(vectors(-50.0, 100.0), vectors(-50.0, 100.0), some_weights)
def test_concavity_at_midpoints(w: Welfare, u: np.ndarray, v: np.ndarray, a: np.ndarray) -> None:
    assert w.concave
    middle = (u + v) / 2
    if isinstance(w, Nash | PMean):
        ends = [smooth(w, end, a, 100.0) for end in (u, v)]
        assert smooth(w, middle, a, 100.0) >= min(ends) - 1e-3  # quasi-concave for all utilities
        u, v, middle = np.abs(u), np.abs(v), (np.abs(u) + np.abs(v)) / 2  # concave where it is defined
    else:
        assert smooth(w, middle, a, 100.0) >= (smooth(w, u, a, 100.0) + smooth(w, v, a, 100.0)) / 2 - 1e-3
    assert value(w, middle, a) >= (value(w, u, a) + value(w, v, a)) / 2 - 1e-3


EXTREMES = [
    [-1e3, 1e5, 50.0, 0.0],
    [1e-6, 1e5, 1e5, 1e5],
    [1e5, 1e5, 1e5, 1e5],
    [-1e3, -1e3, -1e3, -1e3],
    [0.0, 0.0, 0.0, 0.0],
    [1.0, 100.0, 1e-30, 1e-45],
]


@pytest.mark.parametrize("w", [*ALL, Egalitarian(1e-30), *map(PMean, (-100.0, -1e-7, 1e-7, 0.999))], ids=str)
def test_extremes_are_finite_in_float32(w: Welfare) -> None:
    def everything(case: tuple[jax.Array, ...]) -> list[jax.Array]:
        u, a, scale = case
        return [w(u, a), w.smooth(u, a, scale), w.gradient(u, a, scale), jax.grad(w.smooth)(u, a, scale)]

    weights = [[1.0] * 4, [1e-3, 1.0, 1e9, 1e3]]
    cases = [(u, a, s) for u in EXTREMES for a in weights for s in (max(map(abs, u)), 1e-3, 100.0, 1e5)]
    u, a, scale = (jnp.asarray(np.array(column, np.float32)) for column in zip(*cases, strict=True))
    reported, learned, slope, automatic = jax.jit(lambda cases: jax.lax.map(everything, cases))((u, a, scale))
    assert all(np.isfinite(x).all() for x in (reported, learned, slope, automatic)) and (slope > 0).all()
    rounding = 1e-5 * jnp.maximum(jnp.abs(u).max(axis=1), scale)
    assert ((u.min(axis=1) - rounding <= learned) & (learned <= u.max(axis=1) + rounding)).all()


@each
@given(vectors(-50.0, 100.0, 3 * N), vectors(0.0, 1.0, 3 * N), vectors(-100.0, 100.0), some_weights)
def test_the_e_step_never_lowers_any_welfare(
    w: Welfare, returns: np.ndarray, soft: np.ndarray, outside: np.ndarray, a: np.ndarray
) -> None:
    """Greedy against any soft assignment; odd agents have an outside option, the columns of the others sum to one."""
    returns, soft = jnp.asarray(returns.reshape(3, N)), soft.reshape(3, N) + 1e-3
    outside = np.where(np.arange(N) % 2, outside, -np.inf).astype(np.float32)
    least = np.where(np.arange(N) % 2, 1.0, soft.sum(axis=0))
    before = jnp.asarray(soft / np.maximum(least, soft.sum(axis=0)))
    choice = jnp.argmax(jnp.concatenate([returns, outside[None]]), axis=0)
    greedy = welfare.utilities(jax.nn.one_hot(choice, 4, axis=0)[:3], returns, jnp.asarray(outside))
    other = welfare.utilities(before, returns, jnp.asarray(outside))
    assert value(w, greedy, a) >= value(w, other, a) - 1e-4
    assert smooth(w, greedy, a, 100.0) >= smooth(w, other, a, 100.0) - 1e-3


OPPOSED = jnp.eye(2)  # what two policies are worth to two agents, who share one


def best_for(w: Welfare, u: jax.Array, scale: float = 1.0) -> jax.Array:
    """A full linearised M-step: the policy that is worth most by the gradient at u."""
    return OPPOSED[jnp.argmax(OPPOSED @ w.gradient(u, None, scale))]


@pytest.mark.parametrize("w", CURVED, ids=str)
def test_a_full_m_step_may_lower_a_curved_welfare_and_a_small_one_raises_it(w: Welfare) -> None:
    w = Egalitarian(0.1) if w == Egalitarian(5.0) else w  # returns are 0 to 1 here
    start = jnp.array([0.9, 0.1])
    full = best_for(w, start)
    np.testing.assert_array_equal(full, [0.0, 1.0])
    assert w(full) < w(start) - 0.01 and w.smooth(full, None, 1.0) < w.smooth(start, None, 1.0) - 0.01
    assert w.smooth(start + 0.05 * (full - start), None, 1.0) > w.smooth(start, None, 1.0) + 1e-3


def test_at_a_tie_even_a_small_step_may_lower_gini() -> None:
    tie, policy = jnp.array([0.5, 0.5]), jnp.array([1.0, 0.1])
    assert jnp.dot(Gini().gradient(tie), policy - tie) > 0.04
    assert Gini()(tie + 0.01 * (policy - tie)) < Gini()(tie) - 1e-3


@given(vectors(-50.0, 100.0, 2 * N), some_weights)
def test_a_full_m_step_is_exact_for_the_utilitarian(worths: np.ndarray, a: np.ndarray) -> None:
    first, second = worths.reshape(2, N)
    by_gradient = np.dot(gradient(Utilitarian(), second, a), first - second)
    np.testing.assert_allclose(by_gradient, value(Utilitarian(), first, a) - value(Utilitarian(), second, a), atol=1e-3)


@pytest.mark.parametrize("w", CURVED, ids=str)
def test_frank_wolfe_steps_reach_the_fair_mixture(w: Welfare) -> None:
    tau = 0.1
    w = Egalitarian(tau) if isinstance(w, Egalitarian) else w

    def step(u: jax.Array, t: jax.Array) -> tuple[jax.Array, jax.Array]:
        u = u + 2.0 / (t + 2.0) * (best_for(w, u) - u)
        return u, w.smooth(u, None, 1.0)

    steps = jnp.arange(1.0, 400.0)
    end, seen = jax.lax.scan(step, jnp.array([1.0, 0.0]), steps)
    np.testing.assert_allclose(end, [0.5, 0.5], atol=0.01)
    assert abs(seen[-1] - 0.5) < 0.01
    if isinstance(w, Egalitarian):  # Jaggi 2013, theorem 1: curvature (diameter 1)^2 / tau
        assert (0.5 - seen <= 2.0 / tau / (steps + 2.0)).all()


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("utilitarian", Utilitarian()),
        ("egalitarian", Egalitarian()),
        ("egalitarian:5", Egalitarian(5.0)),
        ("egalitarian:0.25", Egalitarian(0.25)),
        ("nash", Nash()),
        ("p-mean:-2", PMean(-2.0)),
        ("p-mean:0.5", PMean(0.5)),
        ("gini", Gini()),
    ],
)
def test_a_welfare_is_a_value_with_a_text(text: str, expected: Welfare) -> None:
    parsed = welfare.parse(f" {text} ")
    assert parsed == expected and str(parsed) == text and hash(parsed) == hash(expected)
    assert {form.partition(":")[0] for form in welfare.NAMES} == {w.name for w in ALL}


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (
            "rawls",
            "welfare must be one of utilitarian, egalitarian, egalitarian:TAU, nash, p-mean:P, gini, got 'rawls'",
        ),
        ("", "got ''"),
        ("nash:2", "got 'nash:2'"),
        ("p-mean", "got 'p-mean'"),
        ("p-mean:", "got 'p-mean:'"),
        ("egalitarian:hot", "got 'egalitarian:hot'"),
        ("egalitarian:0", "TAU of egalitarian:TAU must be a positive number, in units of return, got 0.0"),
        ("egalitarian:nan", "TAU of egalitarian:TAU must be a positive number, in units of return, got nan"),
        ("p-mean:2", "P of p-mean:P must be from -100 to 1 (further down, use egalitarian), got 2.0"),
        ("p-mean:-inf", "(further down, use egalitarian), got -inf"),
        ("p-mean:nan", "got nan"),
    ],
)
def test_texts_that_name_no_welfare(text: str, message: str) -> None:
    with pytest.raises(PolicyBudgetError) as error:
        welfare.parse(text)
    assert message in str(error.value) and "\n" not in str(error.value)
