"""Methods take memory for what they return, and not for what nobody asked for.

Peaks are those of arrays: tracemalloc counts what NumPy allocates.
"""

import tracemalloc

import numpy as np
import pytest
from numpy.testing import assert_allclose

from sklearn_seq.hmm import GaussianHMM, HMMRegressor
from sklearn_seq.lds import LDSRegressor, LinearDynamicalSystem

pytestmark = pytest.mark.filterwarnings(
    "ignore::sklearn.exceptions.ConvergenceWarning", "ignore::UserWarning"
)


def peak(call):
    """Result of a call, and the bytes that it held at most."""
    call()  # what is made once and kept does not count
    tracemalloc.start()
    try:
        result = call()
        return result, tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()


def wide(n_rows=2000, n_features=60, seed=0):
    rng = np.random.default_rng(seed)
    level = rng.normal(size=(n_rows, 2)).cumsum(axis=0) / 10
    return level @ rng.normal(size=(2, n_features)) + rng.normal(
        size=(n_rows, n_features)
    )


def system(n, m, n_inputs=0, seed=0):
    """A stable system of n states and m outputs."""
    rng = np.random.default_rng(seed)
    return {
        "transition_matrix": 0.9 * np.linalg.qr(rng.normal(size=(n, n)))[0],
        "observation_matrix": rng.normal(size=(m, n)),
        "transition_covariance": np.eye(n),
        "observation_covariance": np.eye(m),
        "initial_state_mean": np.zeros(n),
        "initial_state_covariance": np.eye(n),
    }


def test_predictions_of_a_linear_system_hold_no_covariances():
    """60 × 60 numbers for each row would be 60 times X."""
    X = wide()
    model = LDSRegressor(2, max_iter=2).fit(X)
    means, held = peak(lambda: model.predict(X))
    assert held < 8 * X.nbytes
    (again, std), held = peak(lambda: model.predict(X, return_std=True))
    assert held < 8 * X.nbytes
    _, held = peak(lambda: model.score(X))
    assert held < 8 * X.nbytes
    s = model.system_
    states, P = s.filter(X - model.mean_)
    A, C = s.transition_matrix_, s.observation_matrix_
    assert_allclose(means, states @ (C @ A).T + model.mean_, rtol=1e-12, atol=1e-12)
    assert_allclose(again, means, rtol=1e-12, atol=1e-12)
    P = A @ P @ A.T + s.transition_covariance_
    R = s.observation_covariance_
    variances = [np.diagonal(C @ each @ C.T + R) for each in P[::100]]
    assert_allclose(std[::100], np.sqrt(variances), rtol=1e-12)


def test_driven_outputs_hold_no_covariances():
    rng = np.random.default_rng(0)
    U, y = rng.normal(size=(2000, 1)), wide()
    model = LDSRegressor(2, max_iter=2, init="random").fit(U, y)
    means, held = peak(lambda: model.predict(U))
    assert held < 8 * y.nbytes
    (again, std), held = peak(lambda: model.predict(U, return_std=True))
    assert held < 8 * y.nbytes
    assert_allclose(again, means, rtol=1e-12, atol=1e-12)
    s = model.system_
    P, states = s.initial_state_covariance_, s.initial_state_mean_
    A, C, U = s.transition_matrix_, s.observation_matrix_, U - model.input_mean_
    for t in range(20):
        expected = C @ states + s.feedthrough_matrix_ @ U[t] + model.mean_
        variances = np.diagonal(C @ P @ C.T + s.observation_covariance_)
        assert_allclose(means[t], expected, rtol=1e-9, atol=1e-9)
        assert_allclose(std[t], np.sqrt(variances), rtol=1e-9)
        states = A @ states + s.input_matrix_ @ U[t]
        P = A @ P @ A.T + s.transition_covariance_


def test_forecasts_of_a_linear_system_hold_no_covariances_unless_asked():
    model = LinearDynamicalSystem.from_parameters(**system(2, 60))
    X = wide(300).reshape(100, 3, 60)
    means, held = peak(lambda: model.forecast(X, 20))
    assert held < 8 * means.nbytes
    again, covariances = model.forecast(X, 20, return_cov=True)
    assert covariances.shape == (100, 20, 60, 60)
    assert_allclose(again, means, rtol=1e-12, atol=1e-12)


def test_states_of_many_sequences_hold_covariances_of_some():
    """40 × 40 numbers for each row would be 1600 times X."""
    model = LinearDynamicalSystem.from_parameters(**system(40, 1))
    X = np.random.default_rng(0).normal(size=(400, 20, 1))
    expected, _ = model.filter(X)
    one = 8 * X.size * 40 * 40
    states, held = peak(lambda: model.transform(X))
    assert held < one
    assert_allclose(states, expected, rtol=1e-9, atol=1e-9)
    forecast, held = peak(lambda: model.forecast(X))
    assert held < one
    C, A = model.observation_matrix_, model.transition_matrix_
    assert_allclose(forecast[:, 0], expected[:, -1] @ (C @ A).T, rtol=1e-9, atol=1e-9)


@pytest.mark.parametrize("emission", ["gaussian", "gmm"])
def test_predictions_of_a_hidden_markov_model_hold_no_covariances(emission):
    X = wide()
    model = HMMRegressor(3, emission=emission, n_mix=2, max_iter=2, random_state=0)
    model.set_params(covariance_type="diag").fit(X)
    means, held = peak(lambda: model.predict(X))
    assert held < 8 * X.nbytes
    (again, std), held = peak(lambda: model.predict(X, return_std=True))
    assert held < 8 * X.nbytes
    assert_allclose(again, means, rtol=1e-12, atol=1e-12)
    _, covariances = model._distribution(model.read_sequences(X, None))
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    assert_allclose(std, np.sqrt(variances), rtol=1e-9)


@pytest.mark.parametrize("emission", ["gaussian", "gmm"])
def test_targets_of_a_hidden_markov_model_hold_no_covariances(emission):
    """Rows that lack different features have each a covariance of their targets."""
    y = wide()
    X = np.random.default_rng(0).normal(size=(2000, 4)) + y[:, :4]
    X[np.random.default_rng(1).random(X.shape) < 0.3] = np.nan
    model = HMMRegressor(3, emission=emission, n_mix=2, max_iter=1, random_state=0)
    model.set_params(covariance_type="tied").fit(X, y)
    means, held = peak(lambda: model.predict(X))
    assert held < 8 * y.nbytes
    (again, std), held = peak(lambda: model.predict(X, return_std=True))
    # a covariance for each state and each of some rows
    assert held < 8 * y.nbytes + 64 * 8 * 4 * 6 * 60 * 60
    assert_allclose(again, means, rtol=1e-12, atol=1e-12)
    _, covariances = model._distribution(model.read_sequences(X, None))
    variances = np.diagonal(covariances, axis1=1, axis2=2)
    assert_allclose(std, np.sqrt(variances), rtol=1e-9)


def test_forecasts_of_a_hidden_markov_model_hold_no_covariances_unless_asked():
    X = wide()
    model = GaussianHMM(3, covariance_type="diag", max_iter=2, random_state=0).fit(X)
    panel = X.reshape(200, 10, 60)
    means, held = peak(lambda: model.forecast(panel, 20))
    assert held < 8 * means.nbytes
    again, covariances = model.forecast(panel, 20, return_cov=True)
    assert covariances.shape == (200, 20, 60, 60)
    assert_allclose(again, means, rtol=1e-12, atol=1e-12)
