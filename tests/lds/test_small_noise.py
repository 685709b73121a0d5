"""Kalman smoother with little or no observation noise, against 60 digits."""

from functools import cache

import mpmath
import numpy as np
import pytest
from test_kalman import (
    Parameters,
    random_covariance,
    recursions,  # noqa: F401
    statistics_by_conditioning,
)

from sklearn_seq.lds.kalman import smooth_states, sufficient_statistics

EPS = np.finfo(float).eps
LENGTHS = (5, 5, 3, 1)
LAYOUTS = {"lone": [0], "equal": [0, 1], "unequal": [2, 0, 3, 1]}


def system(kind, noise, rng):
    """Two outputs, and inputs."""
    n = 4 if kind == "singular" else 2 if kind == "square" else 3
    A = rng.standard_normal((n, n))
    A *= 0.9 / np.abs(np.linalg.eigvals(A)).max()
    C, Q = rng.standard_normal((2, n)), random_covariance(rng, n)
    if kind == "nearly diagonal":
        # outputs see the last states, of whose noise the first one has a trace
        C = np.eye(2, n)[:, ::-1]
        Q = np.diag(Q.diagonal())
        Q[0, 1:] = Q[1:, 0] = [1e-9, -2e-9]
    if kind == "singular":
        # of two outputs, one sees no noise of its row
        Q = np.diag([1.0, 1.0, 0.0, 0.0])
        C = np.eye(n)[[2, 1]]
    P0, R = random_covariance(rng, n), random_covariance(rng, 2)
    B, D = rng.standard_normal((n, 1)), rng.standard_normal((2, 1))
    m0 = rng.standard_normal(n)
    return Parameters(A, C, Q, noise * R, m0, P0, B, D)


def square_root(covariance):
    values, vectors = np.linalg.eigh(covariance)
    return vectors * np.sqrt(np.maximum(values, 0.0))


def simulate(p, n_steps, missing, rng):
    n, m = len(p.transition_matrix), len(p.observation_matrix)
    Q, R, P0 = map(
        square_root,
        (p.transition_covariance, p.observation_covariance, p.initial_state_covariance),
    )
    U = rng.standard_normal((n_steps, 1))
    state = p.initial_state_mean + P0 @ rng.standard_normal(n)
    X = np.empty((n_steps, m))
    for t in range(n_steps):
        X[t] = p.observation_matrix @ state + R @ rng.standard_normal(m)
        X[t] += p.feedthrough_matrix @ U[t]
        state = p.transition_matrix @ state + Q @ rng.standard_normal(n)
        state += p.input_matrix @ U[t]
    X[rng.random(X.shape) < missing] = np.nan
    X[rng.random(n_steps) < missing / 3] = np.nan
    return X, U


def by_exact_conditioning(parameters, X, U):
    """As `by_conditioning`, in 60 digits, where R and Q may be singular.

    And the condition: the largest standard deviation of an output over the smallest of
    what the outputs before it leave open. A change of the model by rounding changes the
    gains by as many roundings.
    """
    with mpmath.workdps(60):
        A, C, Q, R, m0, P0, B, D = (mpmath.matrix(v.tolist()) for v in parameters)
        T, m = X.shape
        n = len(m0)
        size = T * (n + m)
        mean, cov = mpmath.matrix(size, 1), mpmath.zeros(size)
        states = [slice(t * n, (t + 1) * n) for t in range(T)]
        outputs = [slice(T * n + t * m, T * n + (t + 1) * m) for t in range(T)]
        state, marginal = m0, P0
        for t in range(T):
            u = mpmath.matrix(U[t].tolist())
            mean[states[t], 0], mean[outputs[t], 0] = state, C * state + D * u
            block = marginal
            for k in range(t, T):
                block = A * block if k > t else block
                seen = C * block
                for place, value in (
                    ((states[k], states[t]), block),
                    ((outputs[k], states[t]), seen),
                    ((states[k], outputs[t]), block * C.T),
                    ((outputs[k], outputs[t]), seen * C.T + (R if k == t else 0 * R)),
                ):
                    cov[place] = value
                    cov[place[::-1]] = value.T
            state, marginal = A * state + B * u, A * marginal * A.T + Q
        known = [int(i) for i in T * n + np.flatnonzero(~np.isnan(X.ravel()))]
        residual = [mpmath.mpf(X.ravel()[i - T * n]) - mean[i] for i in known]
        # condition on one output after another
        outputs_alone = max(cov[i, i] for i in range(T * n, size))
        least, density = outputs_alone, mpmath.mpf(0)
        for place, i in enumerate(known):
            variance, column = cov[i, i], cov[:, i]
            least, innovation = min(least, variance), residual[place]
            mean += column * (innovation / variance)
            cov -= column * column.T / variance
            for later in range(place + 1, len(known)):
                j = known[later]
                residual[later] -= column[j] / variance * innovation
            density -= innovation**2 / variance + mpmath.log(2 * mpmath.pi * variance)
        return (
            np.array(mean.tolist(), dtype=float).ravel(),
            np.array(cov.tolist(), dtype=float),
            float(density / 2),
            float(mpmath.sqrt(outputs_alone / least)),
        )


@cache
def problem(kind, noise, missing):
    """Model, and four sequences with what is known of each."""
    rng = np.random.default_rng([len(kind), int(100 * missing)])
    parameters = system(kind, noise, rng)
    data = [simulate(parameters, n_steps, missing, rng) for n_steps in LENGTHS]
    exact = [by_exact_conditioning(parameters, X, U) for X, U in data]
    return parameters, data, exact


def largest_deviation(p, n_steps):
    """Of a state before any row is seen."""
    covariance, largest = p.initial_state_covariance, 0.0
    for _ in range(n_steps):
        largest = max(largest, covariance.diagonal().max())
        covariance = p.transition_matrix @ covariance @ p.transition_matrix.T
        covariance = covariance + p.transition_covariance
    return np.sqrt(largest)


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("missing", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("noise", [1e-12, 1e-24, 0.0])
@pytest.mark.parametrize("kind", ["generic", "square", "nearly diagonal", "singular"])
def test_smoother(kind, noise, missing, layout):
    parameters, data, exact = problem(kind, noise, missing)
    chosen = LAYOUTS[layout]
    X, U = (np.concatenate([data[i][j] for i in chosen]) for j in (0, 1))
    offsets = np.concatenate([[0], np.cumsum([LENGTHS[i] for i in chosen])])
    smoothed = smooth_states(parameters, X, offsets, U)
    n, m = len(parameters.transition_matrix), 2
    # a few roundings for each of n terms and each step there and back, as the condition
    # magnifies them, relative to the largest standard deviation that a state ever had
    relative = 8 * n * max(LENGTHS) * EPS * max(exact[i][3] for i in chosen)
    largest = largest_deviation(parameters, max(LENGTHS))
    error = relative * largest

    def assert_covariance(actual, expected, first, second):
        bound = error * (np.sqrt(first)[:, None] + np.sqrt(second)) + error**2
        assert (np.abs(actual - expected) <= bound).all()

    for a, b, i in zip(offsets[:-1], offsets[1:], chosen, strict=True):
        T = b - a
        mean, cov, density, _ = exact[i]
        scale = max(np.abs(mean).max(), largest)
        np.testing.assert_allclose(
            smoothed.means[a:b].ravel(), mean[: T * n], rtol=0, atol=relative * scale
        )
        cov = cov[: T * n, : T * n].reshape(T, n, T, n)
        variances = np.maximum(np.einsum("tata->ta", cov), 0.0)
        for t in range(T):
            assert_covariance(
                smoothed.covariances[a + t], cov[t, :, t], variances[t], variances[t]
            )
            if t + 1 < T:
                assert_covariance(
                    smoothed.lag_one_covariances[a + t],
                    cov[t + 1, :, t],
                    variances[t + 1],
                    variances[t],
                )
        # each value adds a logarithm of a variance and a square of size 1
        n_terms = T * m * (1 + np.log(largest) ** 2)
        assert abs(smoothed.log_likelihood[a:b].sum() - density) <= relative * max(
            abs(density), n_terms
        )


@pytest.mark.parametrize("layout", LAYOUTS)
@pytest.mark.parametrize("missing", [0.0, 0.1, 0.3])
@pytest.mark.parametrize("noise", [1e-12, 1e-24, 0.0])
@pytest.mark.parametrize("kind", ["generic", "square", "nearly diagonal", "singular"])
def test_statistics(kind, noise, missing, layout):
    parameters, data, exact = problem(kind, noise, missing)
    chosen = LAYOUTS[layout]
    X, U = (np.concatenate([data[i][j] for i in chosen]) for j in (0, 1))
    offsets = np.concatenate([[0], np.cumsum([LENGTHS[i] for i in chosen])])
    solutions = iter([exact[i][:3] for i in chosen])
    expected = statistics_by_conditioning(
        parameters, X, offsets, U, lambda *_: next(solutions)
    )
    actual = sufficient_statistics(parameters, X, offsets, U)
    n = len(parameters.transition_matrix)
    relative = 8 * n * max(LENGTHS) * EPS * max(exact[i][3] for i in chosen)
    least = largest_deviation(parameters, max(LENGTHS)) ** 2
    for name in actual._fields:
        ours, theirs = getattr(actual, name), getattr(expected, name)
        scale = max(np.abs(theirs).max(), least)
        np.testing.assert_allclose(
            ours, theirs, rtol=0, atol=relative * scale, err_msg=name
        )
