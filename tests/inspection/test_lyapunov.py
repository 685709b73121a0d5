"""Lyapunov exponents, against formulas, known maps and trajectories that part."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from itertools import repeat

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_seq.autoregressive import ARRegressor, MLPSequenceRegressor
from sklearn_seq.echo_state import EchoStateClassifier, EchoStateRegressor
from sklearn_seq.hmm import GaussianHMM
from sklearn_seq.inspection.diagnostics._dynamics import closed_loop, visited_states
from sklearn_seq.inspection.diagnostics._lyapunov import (
    lyapunov_exponents,
    tangent_growth,
)
from sklearn_seq.rnn import RNNClassifier, RNNRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def exponents_of_map(function, jacobian, start, n_steps, n_exponents):
    """Of a map in n dimensions, given for single states."""

    def step(states):
        matrices = np.stack([jacobian(state) for state in states])
        new = np.stack([function(state) for state in states])
        return new, lambda d: d @ matrices.swapaxes(1, 2)

    rng = np.random.RandomState(0)
    sums, counts = tangent_growth(
        repeat(step, n_steps + 100), np.array([start]), n_exponents, 100, rng
    )
    return sums[0] / counts[0]


def henon(state):
    return np.array([1 - 1.4 * state[0] ** 2 + state[1], 0.3 * state[0]])


def henon_jacobian(state):
    return np.array([[-2.8 * state[0], 1.0], [0.3, 0.0]])


def logistic_series(n, x=0.3):
    series = np.empty((n, 1))
    for t in range(n):
        series[t] = x
        x = 4 * x * (1 - x)
    return series


# The core, on known maps


def test_linear_map():
    matrix = np.array([[0.5, 1.0, 0.0], [0.0, -1.2, 2.0], [0.0, 0.0, 0.1]])
    found = exponents_of_map(lambda x: x * 0, lambda x: matrix, np.zeros(3), 300, 3)
    assert_allclose(found, np.log([1.2, 0.5, 0.1]), atol=1e-6)


def test_logistic_map():
    found = exponents_of_map(
        lambda x: 4 * x * (1 - x), lambda x: np.diag(4 - 8 * x), [0.3], 20_000, 1
    )
    assert_allclose(found, np.log(2), atol=0.01)


@pytest.mark.slow
def test_henon_map():
    found = exponents_of_map(henon, henon_jacobian, [0.1, 0.1], 20_000, 2)
    assert_allclose(found, [0.419, -1.623], atol=0.01)
    assert_allclose(found.sum(), np.log(0.3), atol=1e-9)


def test_direction_that_vanishes():
    found = exponents_of_map(
        lambda x: x, lambda x: np.diag([2.0, 0.0]), np.zeros(2), 10, 2
    )
    assert_allclose(found[0], np.log(2))
    assert found[1] == -np.inf


# Jacobians of fitted models, against finite differences


def numerical_jacobian(step, state, epsilon=1e-6):
    columns = [
        (step(state + d)[0] - step(state - d)[0]) / (2 * epsilon)
        for d in epsilon * np.eye(len(state))[:, np.newaxis]
    ]
    return np.concatenate(columns).T


def loops():
    X = 0.5 * np.random.default_rng(0).normal(size=(60, 2))
    for cell in ("tanh", "relu", "lstm", "gru"):
        net = RNNRegressor((4, 3), cell=cell, max_iter=2, random_state=0)
        yield cell, net.fit(X), X
    units = RNNRegressor((4,), readout="units", max_iter=2, random_state=0)
    yield "units", units.fit(X), X
    for direct in (True, False):
        esn = EchoStateRegressor(
            9, leak_rate=0.6, direct_connections=direct, random_state=0
        )
        yield f"esn-{direct}", esn.fit(X), X
    yield "ar", ARRegressor(3).fit(X), X
    for activation in ("relu", "tanh", "logistic", "identity"):
        mlp = MLPSequenceRegressor(
            2, (5, 4), activation=activation, max_iter=2, random_state=0
        )
        yield activation, mlp.fit(X), X


@pytest.fixture(scope="module")
def fitted_loops():
    return {name: (model, X) for name, model, X in loops()}


NAMES = [
    *("tanh", "lstm", "gru", "units", "esn-True", "esn-False", "ar"),
    *("logistic", "identity"),
]


@pytest.mark.parametrize("name", NAMES)
def test_jacobians(fitted_loops, name):
    model, _ = fitted_loops[name]
    loop = closed_loop(model, "test")
    state = 0.7 * np.random.default_rng(1).normal(size=loop.n_states)
    _, tangent = loop.step(state[None])
    jacobian = tangent(np.eye(loop.n_states)[None])[0].T
    assert_allclose(jacobian, numerical_jacobian(loop.step, state), atol=1e-8)


@pytest.mark.parametrize("name", [*NAMES, "relu"])
def test_free_runs_are_forecasts(fitted_loops, name):
    """The system that is linearised is the one that the model itself runs."""
    model, X = fitted_loops[name]
    loop = closed_loop(model, "test")
    sequences = model.read_sequences(X, None)
    state = visited_states(model, loop, sequences)[-1:]
    for row in model.forecast(X, n_steps=5):
        output = loop.outputs(state)[0]
        if getattr(model, "standardize", False) and name != "units":
            output = X.mean(axis=0) + X.std(axis=0) * output
        assert_allclose(output, row, rtol=1e-6, atol=1e-9)
        state, _ = loop.step(state)


# Fitted models


def test_autoregressive_models_have_the_eigenvalues_of_their_companion():
    X = np.random.default_rng(0).normal(size=(200, 2)).cumsum(axis=0)
    model = ARRegressor(2).fit(X)
    found = lyapunov_exponents(model, X, n_exponents=4, n_steps=2000).exponents
    expected = np.sort(np.log(1 / np.abs(model.roots_)))[::-1]
    assert_allclose(found, expected, atol=2e-3)


def test_logistic_map_that_was_learned():
    X = logistic_series(1000)
    model = MLPSequenceRegressor(
        1, (20,), activation="tanh", solver="lbfgs", alpha=1e-6, tol=1e-6,
        max_iter=2000, random_state=4,
    ).fit(X)  # fmt: skip
    assert model.score(X) > 1 - 2e-6
    result = lyapunov_exponents(model, [X[:10], X[:99], X[:300]], n_steps=3000)
    assert_allclose(result.exponents, np.log(2), atol=0.05)
    assert result.per_sequence.shape == (3, 1)
    assert_allclose(result.per_sequence.mean(axis=0), result.exponents)


@pytest.mark.slow
def test_henon_map_that_was_learned():
    states = [np.array([0.1, 0.1])]
    for _ in range(1500):
        states.append(henon(states[-1]))
    X = np.array(states)[100:, :1]
    settings = {"alpha": 1e-8, "solver": "lbfgs", "max_iter": 2000, "tol": 1e-7}
    mlp = MLPSequenceRegressor(
        2, (8,), activation="tanh", random_state=0, **settings
    ).fit(X)
    found = lyapunov_exponents(mlp, X, n_exponents=2, n_steps=4000).exponents
    assert_allclose(found, [0.419, -1.623], atol=0.05)
    # A reservoir has memories of its own, and with them further exponents below zero.
    esn = EchoStateRegressor(
        100, spectral_radius=0.3, alpha=1e-10, burn_in=50, random_state=0
    ).fit(X)
    found = lyapunov_exponents(esn, X, n_exponents=2, n_steps=4000).exponents
    assert_allclose(found[0], 0.419, atol=0.05)
    assert found[1] < 0


def test_growth_of_a_small_difference():
    """Driven, the states of two runs approach each other at the largest exponent."""
    rng = np.random.default_rng(0)
    X = 0.3 * rng.normal(size=(100, 1))
    net = RNNRegressor((6,), cell="gru", max_iter=2, random_state=0).fit(X)
    _, states = net.predict(X[:40], return_state=True)
    starts = np.concatenate([states, states + 0.01 * rng.normal(size=states.shape)])
    runs = net.transform(np.stack([X[40:], X[40:]]), initial_states=starts)
    distances = np.linalg.norm(runs[1] - runs[0], axis=1)
    rate = np.log(distances[-1] / distances[19]) / 40
    found = lyapunov_exponents(net, X, driven=True, washout=60).exponents[0]
    assert_allclose(found, rate, atol=0.01)
    assert found < 0


def test_echo_state_property():
    """Without inputs and leak, the largest exponent is that of the recurrent weights.

    Inputs then drive units into saturation, and make the memory shorter.
    """
    rng = np.random.default_rng(0)
    X = rng.normal(size=(600, 1))
    for radius in (0.5, 1.5):
        esn = EchoStateRegressor(
            30, spectral_radius=radius, bias_scaling=0.0, standardize=False,
            random_state=0,
        ).fit(X)  # fmt: skip
        silent = lyapunov_exponents(esn, 0 * X, driven=True).exponents[0]
        assert_allclose(silent, np.log(radius), atol=0.02)
        assert lyapunov_exponents(esn, X, driven=True).exponents[0] < silent


def test_sequences_of_unequal_length_count_by_their_steps():
    rng = np.random.default_rng(0)
    X = [rng.normal(size=(n, 1)) for n in (50, 30, 10, 80)]
    esn = EchoStateRegressor(10, random_state=0).fit(X)
    result = lyapunov_exponents(esn, X, driven=True, washout=20, n_exponents=10)
    assert result.per_sequence.shape == (3, 10)
    # The sum of all exponents is the mean log determinant: directions do not matter.
    alone = [
        lyapunov_exponents(esn, x, driven=True, washout=20, n_exponents=10)
        for x in (X[3], X[0], X[1])
    ]
    sums = np.array([single.exponents.sum() for single in alone])
    assert_allclose(result.per_sequence.sum(axis=1), sums, rtol=1e-8)
    steps = np.array([60, 30, 10])
    assert_allclose(result.exponents.sum(), sums @ steps / steps.sum(), rtol=1e-8)


@pytest.mark.parametrize("embedding_dim", [None, 2])
def test_classifiers_are_driven_by_symbols(embedding_dim):
    letters = np.array(list("abcab" * 30))[:, None]
    net = RNNClassifier((4,), embedding_dim=embedding_dim, max_iter=2, random_state=0)
    net.fit(letters)
    found = lyapunov_exponents(net, letters, driven=True, n_exponents=4).exponents
    # The sum is the mean log determinant of the Jacobians of simple units.
    slopes = 1 - net.transform(letters)[100:].astype(float) ** 2
    determinant = np.linalg.det(net.recurrent_weights_[0].astype(float))
    expected = np.log(slopes).sum(axis=1).mean() + np.log(abs(determinant))
    assert_allclose(found.sum(), expected, rtol=1e-4)
    esn = EchoStateClassifier(5, random_state=0).fit(letters)
    assert lyapunov_exponents(esn, letters, driven=True).exponents[0] < 0


def test_pipelines_and_repeatability():
    X = np.random.default_rng(0).normal(3.0, 2.0, size=(150, 1))
    esn = EchoStateRegressor(10, random_state=0)
    pipeline = make_pipeline(StandardScaler(), esn).fit(X)
    found = lyapunov_exponents(pipeline, X, driven=True)
    scaled = pipeline[:-1].transform(X)
    direct = lyapunov_exponents(pipeline[-1], scaled, driven=True)
    assert_array_equal(found.exponents, direct.exponents)


def test_unstable_run_is_an_error():
    X = 3.0 ** np.arange(20)[:, None]
    model = ARRegressor(1).fit(X)
    with pytest.raises(ValueError, match="unstable: at step .* Take fewer steps"):
        lyapunov_exponents(model, X)
    found = lyapunov_exponents(model, X, n_steps=10, washout=0).exponents
    assert_allclose(found, np.log(3.0))


def test_errors():
    X = np.random.default_rng(0).normal(size=(50, 1))
    ar = ARRegressor(1).fit(X)
    with pytest.raises(TypeError, match="RNNRegressor.*ARRegressor"):
        lyapunov_exponents(GaussianHMM(2).fit(X), X)
    with pytest.raises(TypeError, match="driven=True"):
        lyapunov_exponents(ar, X, driven=True)
    with pytest.raises(TypeError, match="Ridge"):
        lyapunov_exponents(make_pipeline(Ridge().fit([[0.0]], [0.0])), X)
    with pytest.raises(NotFittedError):
        lyapunov_exponents(ARRegressor(1), X)
    with pytest.raises(ValueError, match="fitted without y"):
        lyapunov_exponents(ARRegressor(1).fit(X, X[:, 0]), X)
    both = np.hstack([X, X])
    with pytest.raises(ValueError, match="exogenous"):
        lyapunov_exponents(ARRegressor(1, exogenous=[1]).fit(both), both)
    with pytest.raises(ValueError, match="n_exponents=2"):
        lyapunov_exponents(ar, X, n_exponents=2)
    for name, value in (("n_steps", 0), ("washout", -1), ("n_exponents", 1.0)):
        with pytest.raises(ValueError, match=name):
            lyapunov_exponents(ar, X, **{name: value})
    esn = EchoStateRegressor(5).fit(X)
    with pytest.raises(ValueError, match="smaller washout"):
        lyapunov_exponents(esn, X, driven=True)
