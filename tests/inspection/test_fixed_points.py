"""Fixed points, against equations solved by other means and known attractors."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import brentq
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_seq.autoregressive import ARRegressor, MLPSequenceRegressor
from sklearn_seq.echo_state import EchoStateClassifier, EchoStateRegressor
from sklearn_seq.inspection.diagnostics._fixed_points import fixed_points
from sklearn_seq.rnn import RNNClassifier, RNNRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")


def net_of(recurrent, input_weights=None, bias=0.0, cell="tanh"):
    """A network of simple units with given weights, for a y of its own."""
    n = len(recurrent)
    net = RNNRegressor((n,), cell=cell, max_iter=1, random_state=0)
    net.fit(np.zeros((3, 1)), np.zeros(3))
    net.recurrent_weights_[0][:] = np.transpose(recurrent)
    net.input_weights_[0][:] = 0.0 if input_weights is None else input_weights
    net.biases_[0][:] = bias
    return net


@pytest.mark.parametrize("weight", [1.2, 2.0, 5.0])
def test_one_unit_with_two_memories(weight):
    found = fixed_points(net_of([[weight]]), random_state=0)
    root = brentq(lambda h: np.tanh(weight * h) - h, 1e-3, 1.0, xtol=1e-14)
    assert_allclose(np.sort(found.points[:, 0]), [-root, 0.0, root], atol=1e-9)
    assert_array_equal(found.stable, [True, True, False])
    slope = weight * (1 - root**2)
    assert_allclose(found.eigenvalues[:, 0], [slope, slope, weight], rtol=1e-8)
    assert found.n_starts.sum() == 100
    assert (found.residuals <= 1e-8).all()


def test_one_unit_that_forgets():
    found = fixed_points(net_of([[0.8]]), random_state=0)
    assert_allclose(found.points, [[0.0]], atol=1e-9)
    assert found.stable.all()


def test_constant_input_moves_the_fixed_point():
    net = net_of([[0.5]], input_weights=1.0, bias=0.1)
    for value in (-0.7, 0.0, 2.0):
        found = fixed_points(net, x=[value], random_state=0)
        root = brentq(lambda h, v=value: np.tanh(0.5 * h + v + 0.1) - h, -1, 1)
        assert_allclose(found.points, [[root]], atol=1e-9)
        assert_allclose(found.outputs, root * net.coef_ + net.intercept_[:, None])
        # Default: an input of zeros.
        if value == 0.0:
            default = fixed_points(net, random_state=0)
            assert_allclose(default.points, found.points)


def test_associative_memory():
    """Orthogonal patterns stored by Hebb's rule are attractors, up to a factor.

    A pattern is an eigenvector of the weights with eigenvalue g: with all units of
    the same modulus m, ``m = tanh(g m)``.
    """
    from scipy.linalg import hadamard

    patterns = hadamard(8)[1:3]
    gain = 1.5
    net = net_of(gain * patterns.T @ patterns / 8)
    found = fixed_points(net, n_starts=200, random_state=0)
    modulus = brentq(lambda m: np.tanh(gain * m) - m, 0.1, 1.0)
    stable = found.points[found.stable]
    expected = modulus * np.concatenate([patterns, -patterns])
    assert len(stable) == 4
    for pattern in expected:
        assert np.abs(stable - pattern).max(axis=1).min() < 1e-8
    # The origin is between them all.
    at_zero = np.abs(found.points).max(axis=1) < 1e-8
    assert at_zero.sum() == 1 and not found.stable[at_zero].any()
    assert_allclose(found.eigenvalues[at_zero][0, :2], gain)


@pytest.mark.parametrize("cell", ["tanh", "relu", "lstm", "gru"])
@pytest.mark.parametrize("sizes", [(4,), (4, 3)])
def test_networks_stay_where_they_are(cell, sizes):
    """The network itself says so: started there, it is there many steps later."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(5, 8, 2)), rng.normal(size=(5, 8))
    net = RNNRegressor(sizes, cell=cell, max_iter=3, random_state=0).fit(X, y)
    x = np.array([0.3, -0.2])
    found = fixed_points(net, x=x, random_state=0)
    assert len(found.points) > 0
    for point, output in zip(found.points, found.outputs, strict=True):
        predicted, states = net.predict(
            np.tile(x, (1, 5, 1)), initial_states=[point], return_state=True
        )
        assert_allclose(states[0], point, atol=1e-6)
        assert_allclose(predicted[0, -1], output[0], atol=1e-6)
    assert found.eigenvalues.shape == (len(found.points), net.initial_state_.size)


def test_stability_is_what_perturbed_states_do():
    net = net_of([[1.4, 0.3], [0.2, 1.3]])
    found = fixed_points(net, n_starts=200, random_state=0)
    assert 0 < found.stable.sum() < len(found.points)
    rng = np.random.default_rng(0)
    for point, stable in zip(found.points, found.stable, strict=True):
        starts = point + 1e-4 * rng.normal(size=(1, 2))
        end = net.transform(np.zeros((1, 300, 1)), initial_states=starts)[0, -1]
        assert (np.linalg.norm(end - point) < 1e-5) == stable


def test_linear_closed_loop():
    rng = np.random.default_rng(0)
    X = np.zeros((400, 2))
    for t in range(2, 400):
        X[t] = 2 + 0.5 * X[t - 1] - 0.3 * X[t - 2, ::-1] + rng.normal(size=2)
    model = ARRegressor(2).fit(X)
    found = fixed_points(model, random_state=0)
    point = np.linalg.solve(np.eye(2) - model.coef_.sum(axis=1), model.intercept_)
    assert_allclose(found.points, [np.tile(point, 2)], rtol=1e-8)
    assert_allclose(found.outputs, [point], rtol=1e-8)
    assert_allclose(
        np.sort(np.abs(found.eigenvalues[0])), np.sort(1 / np.abs(model.roots_))
    )
    assert found.stable.all() and found.n_starts[0] == 100


def test_unstable_linear_loop():
    X = 1.5 ** np.arange(12)[:, None]
    found = fixed_points(ARRegressor(1).fit(X), X)
    assert_allclose(found.eigenvalues, [[1.5]])
    assert not found.stable[0]


def test_no_fixed_point():
    """What rises by one at every step stays nowhere."""
    model = ARRegressor(1).fit(np.arange(9.0)[:, None])
    model.coef_[:], model.intercept_[:] = 1.0, 1.0
    found = fixed_points(model, random_state=0)
    assert found.points.shape == (0, 1) and found.eigenvalues.shape == (0, 1)
    assert found.stable.shape == (0,) and found.outputs.shape == (0, 1)


def test_closed_loops_repeat_their_row():
    """The forecast that starts at the fixed point of a learned map stays there."""
    rng = np.random.default_rng(0)
    X = rng.uniform(0, 1, size=(200, 1, 1))
    X = np.concatenate([X, 3.2 * X * (1 - X)], axis=1)
    mlp = MLPSequenceRegressor(
        1, (12,), activation="tanh", solver="lbfgs", max_iter=500, random_state=0
    ).fit(X)
    found = fixed_points(mlp, random_state=0)
    inside = found.points[np.abs(found.points[:, 0] - 0.7) < 0.1]
    assert_allclose(inside, [[1 - 1 / 3.2]], atol=0.01)
    assert_allclose(mlp.forecast(inside, n_steps=1), inside, atol=1e-7)


@pytest.mark.parametrize("direct", [True, False])
def test_echo_state_networks(direct):
    X = np.random.default_rng(0).normal(0.5, 1.0, size=(300, 1))
    esn = EchoStateRegressor(
        20, spectral_radius=0.5, direct_connections=direct, random_state=0
    ).fit(X)
    found = fixed_points(esn, X, n_starts=20, random_state=0)
    assert found.points.shape[1] == 20 + direct
    row = found.outputs[0]
    settled = np.tile(row, (200, 1))
    assert_allclose(esn.transform(settled)[-1], found.points[0, :20], atol=1e-7)
    assert_allclose(esn.predict(settled)[-1], row, atol=1e-7)
    driven = fixed_points(esn, x=[0.4], n_starts=20, random_state=0)
    assert len(driven.points) == 1 and driven.stable[0]
    settled = np.full((200, 1), 0.4)
    assert_allclose(esn.transform(settled)[-1], driven.points[0], atol=1e-7)
    assert_allclose(esn.predict(settled)[-1], driven.outputs[0], atol=1e-7)


@pytest.mark.parametrize("embedding_dim", [None, 2])
def test_classifiers_are_given_a_symbol(embedding_dim):
    letters = np.array(list("abcab" * 6))[:, None]
    net = RNNClassifier((3,), embedding_dim=embedding_dim, max_iter=2, random_state=0)
    net.fit(letters)
    found = fixed_points(net, x=["b"], random_state=0)
    assert len(found.points) == 1
    same, start = np.full((9, 1), "b"), {"initial_states": found.points}
    stayed = np.tile(found.points, (9, 1))
    assert_allclose(net.transform(same, **start), stayed, atol=1e-5)
    logits = found.outputs[0] - np.log(np.exp(found.outputs[0]).sum())
    assert_allclose(net.predict_log_proba(same, **start)[-1], logits, atol=1e-5)
    esn = EchoStateClassifier(5, spectral_radius=0.5, random_state=0).fit(letters)
    found = fixed_points(esn, x=["c"], random_state=0)
    settled = esn.transform(np.full((100, 1), "c"))[-1]
    assert_allclose(found.points[0], settled, atol=1e-5)
    for model in (net, esn):
        with pytest.raises(ValueError, match="reads symbols"):
            fixed_points(model)


def test_slow_points():
    """Where a tangent bifurcation is near, a larger tol shows what remains of it."""
    net = net_of([[2.0]], bias=0.0)
    critical = np.sqrt(0.5)
    net.biases_[0][:] = -(np.arctanh(critical) - 2 * critical) + 1e-4
    strict = fixed_points(net, random_state=0, n_starts=300)
    slow = fixed_points(net, random_state=0, n_starts=300, tol=1e-3, merge_distance=0.1)
    assert len(strict.points) == 1
    assert len(slow.points) == 2
    assert_allclose(slow.points.min(), -critical, atol=0.02)


def test_starts_from_data():
    net = net_of([[2.0]], input_weights=3.0)
    X = np.ones((30, 1))
    found = fixed_points(net, X, n_starts=10, random_state=0)
    assert found.n_starts.sum() == 10
    assert (found.points > 0.9).all()


def test_pipelines_and_repeatability():
    X = np.random.default_rng(0).normal(5.0, 2.0, size=(100, 1))
    y = np.tanh(X[:, 0] - 5)
    net = RNNRegressor((3,), max_iter=2, random_state=0)
    pipeline = make_pipeline(StandardScaler(), net).fit(X, y)
    found = fixed_points(pipeline, X, x=[6.0], random_state=0)
    x = pipeline[0].transform([[6.0]])[0]
    direct = fixed_points(pipeline[-1], pipeline[0].transform(X), x=x, random_state=0)
    assert_array_equal(found.points, direct.points)


def test_errors():
    X = np.random.default_rng(0).normal(size=(30, 2))
    with pytest.raises(TypeError, match="RNNRegressor.*ARRegressor"):
        fixed_points(Ridge().fit([[0.0]], [0.0]))
    with pytest.raises(NotFittedError):
        fixed_points(RNNRegressor())
    ar = ARRegressor(1).fit(X)
    with pytest.raises(ValueError, match="Leave x=None"):
        fixed_points(ar, x=[0.0, 0.0])
    with pytest.raises(ValueError, match="fitted without y"):
        fixed_points(ARRegressor(1).fit(X, X[:, 0]))
    driven = RNNRegressor((2,), exogenous=[1], max_iter=1, random_state=0).fit(X)
    with pytest.raises(ValueError, match="needs x"):
        fixed_points(driven)
    assert fixed_points(driven, x=[0.0, 1.0]).points.shape[1] == 2
    with pytest.raises(ValueError, match="one row"):
        fixed_points(driven, x=[[0.0, 1.0]])
    with pytest.raises(ValueError, match="3 features"):
        fixed_points(driven, x=[0.0, 1.0, 2.0])
    for name, value in (
        ("n_starts", 0),
        ("max_iter", 1.5),
        ("tol", -1.0),
        ("merge_distance", np.nan),
    ):
        with pytest.raises(ValueError, match=name):
            fixed_points(ar, **{name: value})
