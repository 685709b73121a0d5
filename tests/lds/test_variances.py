"""Variances learned with known matrices, against statsmodels, and their gradients."""

import numpy as np
import pytest
from scipy import optimize
from statsmodels.tsa.statespace import structural
from test_learning import random_system, simulate

from sklearn_seq.lds import LinearDynamicalSystem
from sklearn_seq.lds._gradient import FactorCoordinates, gradients
from sklearn_seq.lds._m_step import Floors, covariance_floors
from sklearn_seq.lds.kalman import Parameters, log_likelihood, sufficient_statistics

NAMES = Parameters._fields
DIFFUSE = {
    "transition_matrix": [[1, 1], [0, 1]],
    "observation_matrix": [[1, 0]],
    "initial_state_mean": [0, 0],
    "initial_state_covariance": 1e6 * np.eye(2),
}


def trend(seed, level=1.0, slope=0.1, n_rows=100):
    """A series whose level and slope change with these standard deviations."""
    rng = np.random.default_rng(seed)
    slopes = np.cumsum(rng.normal(0, slope, n_rows))
    levels = np.cumsum(slopes + rng.normal(0, level, n_rows))
    return levels + rng.normal(0, 1, n_rows)


def by_statsmodels(x):
    model = structural.UnobservedComponents(x, "lltrend")
    model.ssm.initialize_known(np.zeros(2), 1e6 * np.eye(2))
    model.loglikelihood_burn = model.ssm.loglikelihood_burn = 0
    return model.fit(disp=0, maxiter=2000)


def fit_trend(x, **params):
    settings = {"fixed": DIFFUSE, "max_iter": 3000, "tol": 1e-8} | params
    return LinearDynamicalSystem(2, **settings).fit(x[:, None])


def few_and_more(few, more):
    return [*few, *(pytest.param(seed, marks=pytest.mark.slow) for seed in more)]


@pytest.mark.parametrize("seed", few_and_more(range(3), range(3, 20)))
def test_local_linear_trend_against_statsmodels(seed):
    x = trend(seed)
    found, expected = fit_trend(x), by_statsmodels(x)
    assert found.converged_ and found.n_iter_ < 100
    likelihood = found.score_samples(x[:, None]).sum()
    assert likelihood == pytest.approx(expected.llf, abs=0.01)
    noise, _, slope = expected.params
    assert found.observation_covariance_.item() == pytest.approx(noise, 0.02)
    # the level's noise is not told apart from its correlation with the slope's
    Q = found.transition_covariance_
    assert Q[1, 1] == pytest.approx(slope, 0.02, abs=1e-5)


@pytest.mark.parametrize("seed", few_and_more([5], range(5)))
@pytest.mark.parametrize(
    ("level", "slope"), [(1.0, 0.01**0.5), (1.0, 0.01), (0.0, 0.1), (0.0, 0.01)]
)
def test_variances_that_are_nothing_or_nearly(seed, level, slope):
    """Noises may be correlated, so that the likelihood may exceed statsmodels'."""
    x = trend(seed, level, slope)
    found, expected = fit_trend(x), by_statsmodels(x)
    assert found.converged_ and found.n_iter_ < 300
    likelihood = found.score_samples(x[:, None]).sum()
    assert -0.01 < likelihood - expected.llf < 0.1


@pytest.mark.parametrize("seed", few_and_more(range(2), range(2, 7)))
def test_default_settings_come_near(seed):
    """EM alone ended up to 8 nats below the maximum."""
    x = trend(seed)
    found = fit_trend(x, max_iter=100, tol=1e-4)
    assert found.converged_
    likelihood = found.score_samples(x[:, None]).sum()
    assert likelihood == pytest.approx(by_statsmodels(x).llf, abs=0.1)


def test_vector_autoregression_seen_in_noise():
    """A matrix is learned too, where the others fix the basis of the state."""
    rng = np.random.default_rng(0)
    system = random_system(rng, 2, 2)._replace(observation_matrix=np.eye(2))
    X, _, _ = simulate(system, rng, [300])
    names = ("observation_matrix", "initial_state_mean", "initial_state_covariance")
    fixed = {name: getattr(system, name) for name in names}
    settings = {"fixed": fixed, "max_iter": 3000, "tol": 1e-9}
    found = LinearDynamicalSystem(2, **settings).fit(X)
    assert found.converged_ and found.n_iter_ < 300

    def unpack(vector):
        Q, R = np.zeros((2, 2)), np.zeros((2, 2))
        Q[np.tril_indices(2)], R[np.tril_indices(2)] = vector[4:7], vector[7:]
        return system._replace(
            transition_matrix=vector[:4].reshape(2, 2),
            transition_covariance=Q @ Q.T,
            observation_covariance=R @ R.T + 1e-9 * np.eye(2),
        )

    def loss(vector):
        return -log_likelihood(unpack(vector), X, np.array([0, 300])).mean()

    roots = [
        np.linalg.cholesky(covariance)[np.tril_indices(2)]
        for covariance in (found.transition_covariance_, found.observation_covariance_)
    ]
    start = np.concatenate([found.transition_matrix_.ravel(), *roots])
    best = optimize.minimize(loss, start, method="BFGS").fun
    assert found.lower_bound_ == pytest.approx(-best, abs=1e-6)


@pytest.mark.parametrize("covariance_type", ["full", "diag", "spherical"])
@pytest.mark.parametrize(
    "fixed", [(), ("transition_matrix", "observation_covariance"), ("input_matrix",)]
)
@pytest.mark.parametrize("n_inputs", [0, 1])
def test_gradient_against_finite_differences(covariance_type, fixed, n_inputs):
    rng = np.random.default_rng(0)
    data = simulate(random_system(rng, 2, 3, n_inputs), rng, [15, 8, 1, 20], 0.1)
    point = random_system(rng, 2, 3, n_inputs)
    if covariance_type != "full":
        shape = np.ones(3) if covariance_type == "spherical" else np.arange(1.0, 4.0)
        point = point._replace(observation_covariance=np.diag(shape))
    floors = Floors(*(np.full(k, 1e-3) for k in (2, 3, 2)))
    sizes = Floors(*(rng.uniform(0.5, 2.0, k) for k in (2, 3, 2)))
    coordinates = FactorCoordinates(point, fixed, covariance_type, floors, sizes)
    vector = coordinates.to_vector(point)
    again = coordinates.from_vector(vector, point)
    for name, a, b in zip(NAMES, point, again, strict=True):
        if a is not None:
            np.testing.assert_allclose(a, b, atol=1e-12, err_msg=name)
        if name in fixed:
            assert a is b

    X, offsets, U = data

    def value(vector):
        moved = coordinates.from_vector(vector, point)
        return log_likelihood(moved, X, offsets, U).sum()

    found = coordinates.gradient(sufficient_statistics(point, *data), point)
    steps = 1e-5 * np.eye(len(vector))
    expected = [(value(vector + h) - value(vector - h)) / 2e-5 for h in steps]
    np.testing.assert_allclose(found, expected, rtol=1e-5, atol=1e-5)


def test_gradient_without_noise_in_a_direction():
    rng = np.random.default_rng(1)
    system = random_system(rng, 2, 1)._replace(
        transition_matrix=np.array([[0.5, 0.3], [1.0, 0.0]]),
        transition_covariance=np.diag([1.0, 0.0]),
        initial_state_covariance=np.zeros((2, 2)),
    )
    X, offsets = rng.standard_normal((50, 1)), np.array([0, 50])
    slopes = gradients(sufficient_statistics(system, X, offsets), system)

    def value(step, entry):
        A = system.transition_matrix.copy()
        A[0, entry] += step
        moved = system._replace(transition_matrix=A)
        return log_likelihood(moved, X, offsets).sum()

    for entry in (0, 1):
        expected = (value(1e-5, entry) - value(-1e-5, entry)) / 2e-5
        assert slopes["transition_matrix"][0, entry] == pytest.approx(expected, 1e-5)
    np.testing.assert_array_equal(slopes["transition_matrix"][1], 0.0)
    np.testing.assert_array_equal(slopes["initial_state_mean"], 0.0)


def test_covariances_at_their_floor_have_a_way_up():
    """At no variance above the floor the derivative by the factor would be zero."""
    system = random_system(np.random.default_rng(0), 2, 2)
    sizes = Floors(*(np.ones(2) for _ in range(3)))
    floors = Floors(*(0.5 * np.ones(2) for _ in range(3)))
    point = system._replace(
        transition_covariance=0.5 * np.eye(2), observation_covariance=0.5 * np.eye(2)
    )
    for kind in ("full", "diag", "spherical"):
        coordinates = FactorCoordinates(point, (), kind, floors, sizes)
        again = coordinates.from_vector(coordinates.to_vector(point), point)
        for name in ("transition_covariance", "observation_covariance"):
            above = getattr(again, name) - getattr(point, name)
            assert 0 < np.linalg.eigvalsh(above)[0] < 1e-6


def test_vectors_that_are_no_system():
    system = random_system(np.random.default_rng(0), 2, 2)
    floors = covariance_floors(system, np.ones(2), np.array([50]), 1e-6)
    sizes = covariance_floors(system, np.ones(2), np.array([50]), 1.0)
    coordinates = FactorCoordinates(system, (), "full", floors, sizes)
    vector = coordinates.to_vector(system)
    assert coordinates.from_vector(vector * np.nan, system) is None
    vector[:4] *= 100
    assert coordinates.from_vector(vector, system) is None
