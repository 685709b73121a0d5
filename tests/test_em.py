import warnings
from math import inf, nan

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from sklearn.exceptions import ConvergenceWarning

from sklearn_seq.em import (
    expectation_maximization,
)

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


def valley(curvature, coordinates, **params):
    """EM that creeps: each step is a short step of gradient ascent."""

    def e_step(x):
        return -curvature * x, -N / 2 * float(x @ (curvature * x))

    return expectation_maximization(
        lambda rng, k: np.ones(len(curvature)),
        e_step,
        lambda gradient, x: x + gradient / curvature.max(),
        n_timesteps=N,
        random_state=None,
        coordinates=coordinates,
        warn=False,
        **params,
    )


PLAIN = (lambda x: x.copy(), lambda vector, x: vector)


def test_leaps_save_steps():
    curvature = np.array([1.0, 0.01, 0.003])
    slow = valley(curvature, None, max_iter=5000, tol=1e-10)
    fast = valley(curvature, PLAIN, max_iter=5000, tol=1e-10)
    assert fast.converged and slow.converged
    assert fast.n_iter < slow.n_iter / 10
    assert fast.lower_bound > slow.lower_bound


@given(st.lists(st.floats(1e-4, 1.0), min_size=1, max_size=5))
def test_leaps_never_lower_the_likelihood(curvature):
    result = valley(np.array(curvature), PLAIN, max_iter=40, tol=-1.0)
    assert np.diff(result.lower_bounds).min() >= 0


def test_refused_and_bad_leaps_leave_em_as_it_is():
    curvature = np.array([1.0, 0.1])
    expected = valley(curvature, None, max_iter=20, tol=-1.0)
    for landing in (None, np.full(2, 1e6), np.full(2, nan), np.full(2, inf)):
        found = valley(
            curvature,
            (PLAIN[0], lambda vector, x, landing=landing: landing),
            max_iter=20,
            tol=-1.0,
        )
        np.testing.assert_array_equal(found.parameters, expected.parameters)
