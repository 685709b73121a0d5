import warnings
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning

from sklearn_seq._core.em_steps import SQUAREM, QuasiNewton
from sklearn_seq.em import expectation_maximization

N = 10  # time steps


def climb(starts, step=0.5, limit=0.0, **params):
    """EM on a toy: the parameter is x, the log-likelihood N times -x²."""

    def e_step(x):
        return x, N * (limit - x * x)

    settings = {"n_timesteps": N, "random_state": None, "n_init": len(starts)}
    return expectation_maximization(
        lambda rng, k: starts[k], e_step, lambda s, x: s * step, **settings | params
    )


def test_converges_by_the_mean_per_time_step():
    result = climb([1.0], tol=1e-3)
    assert result.converged
    bounds = np.array(result.lower_bounds)
    np.testing.assert_allclose(bounds, -(0.25 ** np.arange(len(bounds))))
    rises = np.diff(bounds)
    assert rises[-1] < 1e-3 and (rises[:-1] >= 1e-3).all()
    assert result.lower_bound == bounds[-1] == -(result.parameters**2)
    assert result.n_iter == len(bounds) - 1


def test_the_best_run_is_kept_and_gets_the_random_state():
    seen = []

    def initialize(rng, k):
        seen.append((rng, k))
        return [3.0, 1.0, 2.0][k]

    with pytest.warns(ConvergenceWarning, match="max_iter=2"):
        result = expectation_maximization(
            initialize,
            lambda x: (x, -N * x * x),
            lambda s, x: s / 2,
            n_timesteps=N,
            random_state="rng",
            n_init=3,
            max_iter=2,
            tol=0.0,
        )
    assert seen == [("rng", 0), ("rng", 1), ("rng", 2)]
    assert result.parameters == 0.25
    assert not result.converged and result.n_iter == 2


def test_no_warning_with_convergence_or_without_iterations():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        climb([1.0], tol=1e-3)
        result = climb([1.0], max_iter=0)
        climb([1.0], max_iter=1, tol=0.0, warn=False)
    assert result.n_iter == 0 and not result.converged
    assert result.lower_bounds == [-1.0] and result.parameters == 1.0


@pytest.mark.parametrize("bad", [nan, -inf, inf, -5.0])
def test_a_fall_is_reported_and_the_best_kept(bad):
    values = {1.0: -3.0, 2.0: -2.0, 3.0: bad}
    with pytest.warns(ConvergenceWarning, match="Iteration 2 would have lowered"):
        result = expectation_maximization(
            lambda rng, k: 1.0,
            lambda x: (x, N * values[x]),
            lambda s, x: x + 1,
            n_timesteps=N,
            random_state=None,
            tol=1e-9,
        )
    assert result.parameters == 2.0 and result.lower_bound == -2.0
    assert not result.converged and result.n_iter == 1


def test_a_fall_within_rounding_is_convergence():
    values = [-2.0, -1.0, -1.0 - 1e-12]
    result = expectation_maximization(
        lambda rng, k: 0,
        lambda k: (k, N * values[k]),
        lambda s, k: k + 1,
        n_timesteps=N,
        random_state=None,
        tol=0.0,
    )
    assert result.converged and result.n_iter == 2


def test_impossible_starts_are_passed_over():
    assert climb([inf, 1.0], tol=1e-3).converged
    with pytest.raises(ValueError, match="initial guess is infinite or NaN"):
        climb([nan, inf])


def test_the_hook_sees_every_iteration_and_stops_all_runs():
    seen = []

    def hook(parameters, bound):
        seen.append((parameters, bound))
        return len(seen) == 2

    with warnings.catch_warnings():
        warnings.simplefilter("error")
        result = climb([1.0, 8.0], on_iteration=hook, tol=0.0)
    assert seen == [(0.5, -0.25), (0.25, -0.0625)]
    assert result.parameters == 0.25 and not result.converged


def test_the_cheap_likelihood_ends_a_run():
    e_steps, cheap = [], []

    def e_step(x):
        e_steps.append(x)
        return x, -N * x * x

    def log_likelihood(x):
        cheap.append(x)
        return -N * x * x

    result = expectation_maximization(
        lambda rng, k: 1.0,
        e_step,
        lambda s, x: s / 2,
        n_timesteps=N,
        random_state=None,
        max_iter=3,
        tol=0.0,
        log_likelihood=log_likelihood,
        warn=False,
    )
    assert e_steps == [1.0, 0.5, 0.25] and cheap == [0.125]
    assert result.lower_bounds == [-1.0, -0.25, -0.0625, -0.015625]


class Plain:
    """The vector itself, of which `valley` has the gradient as statistics."""

    def __init__(self, landing=None):
        self.landing = landing

    def to_vector(self, x):
        return x.copy()

    def from_vector(self, vector, x):
        return vector if self.landing is None else self.landing()

    def gradient(self, statistics, x):
        return N * statistics


def squarem(x, **params):
    plain = Plain(**params)
    return SQUAREM(plain.to_vector, plain.from_vector)


def newton(x, **params):
    return QuasiNewton(Plain(**params))


def valley(curvature, longer_steps, **params):
    """EM that creeps: each step is a short step of gradient ascent."""
    evaluated = []

    def e_step(x):
        evaluated.append(x)
        return -curvature * x, -N / 2 * float(x @ (curvature * x))

    result = expectation_maximization(
        lambda rng, k: np.ones(len(curvature)),
        e_step,
        lambda gradient, x: x + gradient / curvature.max(),
        n_timesteps=N,
        random_state=None,
        longer_steps=longer_steps,
        warn=False,
        **params,
    )
    return result, len(evaluated)


@pytest.mark.parametrize("longer_steps", [squarem, newton])
def test_longer_steps_save_steps(longer_steps):
    curvature = np.array([1.0, 0.01, 0.003])
    slow, n_slow = valley(curvature, None, max_iter=5000, tol=1e-10)
    fast, n_fast = valley(curvature, longer_steps, max_iter=5000, tol=1e-10)
    assert fast.converged and slow.converged
    assert fast.n_iter < slow.n_iter / 10 and n_fast < n_slow / 10
    assert fast.lower_bound > slow.lower_bound


def test_quasi_newton_ends_at_the_maximum_where_em_stops_on_the_way():
    curvature = np.array([1.0, 1e-3, 1e-6])
    slow, _ = valley(curvature, None, max_iter=5000, tol=1e-8)
    assert slow.converged and slow.lower_bound < -1e-7
    fast, n_fast = valley(curvature, newton, max_iter=5000, tol=1e-8)
    assert fast.converged and fast.lower_bound > -1e-9
    assert n_fast < 50


@pytest.mark.parametrize("start", [(1.0, 0.1), (1.0, 1e-3), (1.0, 1e-5), (0.0, 1e-4)])
def test_quasi_newton_leaves_a_saddle(start):
    """The log-likelihood is y² - y⁴ / 2 - x², of which y = 0 is a saddle."""

    def e_step(point):
        x, y = point
        return np.array([-2 * x, 2 * y - 2 * y**3]), N * (y**2 - y**4 / 2 - x**2)

    result = expectation_maximization(
        lambda rng, k: np.array(start),
        e_step,
        lambda gradient, point: point + gradient * [0.3, 1e-3],
        n_timesteps=N,
        random_state=None,
        longer_steps=newton,
        tol=1e-8,
    )
    assert result.converged and result.n_iter < 40
    np.testing.assert_allclose(result.parameters, [0.0, 1.0], atol=1e-4)


@pytest.mark.parametrize("longer_steps", [squarem, newton])
@given(st.lists(st.floats(1e-4, 1.0), min_size=1, max_size=5))
def test_longer_steps_never_lower_the_likelihood(longer_steps, curvature):
    result, _ = valley(np.array(curvature), longer_steps, max_iter=40, tol=-1.0)
    assert np.diff(result.lower_bounds).min() >= 0


@pytest.mark.parametrize("longer_steps", [squarem, newton])
@pytest.mark.parametrize("value", [None, 1e6, nan, inf])
def test_refused_and_bad_steps_leave_em_as_it_is(longer_steps, value):
    curvature = np.array([1.0, 0.1])

    def bad(x):
        return longer_steps(x, landing=lambda: value and np.full(2, value))

    expected, _ = valley(curvature, None, max_iter=20, tol=-1.0)
    found, _ = valley(curvature, bad, max_iter=20, tol=-1.0)
    np.testing.assert_array_equal(found.parameters, expected.parameters)


def test_quasi_newton_needs_a_gradient():
    """Where it is not finite, EM goes on, and stops as it would alone."""

    class Undefined(Plain):
        def gradient(self, statistics, x):
            return np.full(len(x), nan)

    curvature = np.array([1.0, 0.1])
    expected, _ = valley(curvature, None, max_iter=200, tol=1e-6)
    found, _ = valley(
        curvature, lambda x: QuasiNewton(Undefined()), max_iter=200, tol=1e-6
    )
    assert found.converged and found.n_iter == expected.n_iter + 1


def test_quasi_newton_ends_with_a_gradient_that_is_wrong():
    class Biased(Plain):
        def to_vector(self, x):
            return x + 1.0

        def from_vector(self, vector, x):
            return vector - 1.0

        def gradient(self, statistics, x):
            return N * (statistics + 1.0)

    curvature = np.array([1.0, 0.1])
    found, _ = valley(
        curvature, lambda x: QuasiNewton(Biased()), max_iter=500, tol=1e-6
    )
    assert found.converged and found.lower_bound > -1e-4


def test_quasi_newton_shortens_steps_that_are_refused():
    class Near(Plain):
        def from_vector(self, vector, x):
            return vector if np.linalg.norm(vector - x) < 0.3 else None

    curvature = np.array([1.0, 1e-3])
    found, n_found = valley(
        curvature, lambda x: QuasiNewton(Near()), max_iter=500, tol=1e-9
    )
    assert found.converged and found.lower_bound > -1e-7 and n_found < 50


def test_quasi_newton_proposes_no_wild_steps():
    """Where the curvature says little, a step is as long as the vector, plus 1."""
    seen = []

    class Watched(Plain):
        def from_vector(self, vector, x):
            seen.append(np.linalg.norm(vector - x) / (1.0 + np.linalg.norm(x)))
            return vector

    def e_step(x):
        return 1 - 2e-6 * x, N * float(x[0] - 1e-6 * x[0] ** 2)

    result = expectation_maximization(
        lambda rng, k: np.zeros(1),
        e_step,
        lambda gradient, x: x + 1e-3,
        n_timesteps=N,
        random_state=None,
        longer_steps=lambda x: QuasiNewton(Watched()),
        max_iter=20,
        warn=False,
    )
    assert max(seen) < 1.0 + 1e-9 and result.parameters[0] > 100.0


@pytest.mark.parametrize("max_iter", [1, 2, 5])
def test_the_cheap_likelihood_ends_a_run_of_longer_steps(max_iter):
    curvature, cheap = np.array([1.0, 0.3]), []

    def log_likelihood(x):
        cheap.append(x)
        return -N / 2 * float(x @ (curvature * x))

    expected, _ = valley(curvature, newton, max_iter=max_iter, tol=-1.0)
    found, _ = valley(
        curvature, newton, max_iter=max_iter, tol=-1.0, log_likelihood=log_likelihood
    )
    assert found.lower_bounds == expected.lower_bounds and 1 <= len(cheap) <= 2
