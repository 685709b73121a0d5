"""Gradients by past states, against finite differences and another library."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pandas as pd
import pytest
from numpy.testing import assert_allclose
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.model_selection import GridSearchCV
from sklearn.pipeline import Pipeline, make_pipeline
from sklearn.preprocessing import StandardScaler
from witnesses import fill, stored

from sklearn_seq.autoregressive import ARRegressor
from sklearn_seq.inspection.diagnostics._gradient_flow import gradient_flow
from sklearn_seq.preprocessing import PerTimestep
from sklearn_seq.rnn import RNNClassifier, RNNRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

CELLS = ["tanh", "relu", "lstm", "gru"]


def net_and_data(cell="tanh", sizes=(4,), n_timesteps=7, **kwargs):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(3, n_timesteps, 2))
    y = rng.normal(size=(3, n_timesteps))
    net = RNNRegressor(
        sizes, cell=cell, max_iter=3, standardize=False, random_state=0, **kwargs
    )
    return net.fit(X, y), X, y


def final_loss(net, X, y, states=None):
    """Half the squared error of the last step of one sequence."""
    predicted = net.predict(
        X[None], initial_states=None if states is None else [states]
    )
    return 0.5 * float((predicted[0, -1] - y[-1]) ** 2)


def states_after(net, x):
    return net.predict(x[None], return_state=True)[1][0]


def numerical_gradient(function, x, step=1e-5):
    gradient = np.empty_like(x)
    for i, direction in enumerate(np.eye(len(x)) * step):
        gradient[i] = (function(x + direction) - function(x - direction)) / (2 * step)
    return gradient


@pytest.mark.parametrize("readout", ["linear", "units"])
@pytest.mark.parametrize("cell", CELLS)
def test_finite_differences(cell, readout):
    """A step further on, states are initial states of the rest of the sequence."""
    net, X, y = net_and_data(cell, readout=readout)
    x, target = X[0], y[0]
    flow = gradient_flow(net, x, target)
    assert_allclose(flow.lags, np.arange(7))
    for lag in range(1, 7):
        t = len(x) - lag
        states = states_after(net, x[:t])
        gradient = numerical_gradient(
            lambda s, t=t: final_loss(net, x[t:], target[t:], s), states
        )
        by_h = gradient[:4]
        assert_allclose(flow.norms[0, lag], np.linalg.norm(by_h), rtol=1e-6)


def stacked_tanh(net, X, shift=None):
    """Outputs of a network of simple units, its states shifted after a step."""
    ends = np.cumsum([len(b) for b in net.biases_])
    states = np.split(net.initial_state_, ends[:-1])
    for t, x in enumerate(X):
        for i, (W, U, b) in enumerate(
            zip(net.input_weights_, net.recurrent_weights_, net.biases_, strict=True)
        ):
            x = np.tanh(x @ W + states[i] @ U + b)
            if shift is not None and shift[:2] == (t, i):
                x = x + shift[2]
            states[i] = x
    return net.coef_ @ x + net.intercept_


def test_layers_by_finite_differences():
    """The derivative by a lower layer is total: also by way of the layer above."""
    net, X, y = net_and_data(sizes=(4, 3))
    x, target = X[1], y[1, -1]
    assert_allclose(stacked_tanh(net, x)[0], net.predict(X)[1, -1])
    flow = gradient_flow(net, x, y[1])
    assert flow.norms.shape == (2, 7)
    for layer, n_units in enumerate((4, 3)):
        for lag in range(7):

            def loss(shift, where=(6 - lag, layer)):
                return 0.5 * (stacked_tanh(net, x, (*where, shift))[0] - target) ** 2

            gradient = numerical_gradient(loss, np.zeros(n_units))
            assert_allclose(
                flow.norms[layer, lag], np.linalg.norm(gradient), rtol=1e-6, atol=1e-10
            )


@pytest.mark.parametrize("cell", ["lstm", "gru"])
def test_automatic_differentiation(cell):
    """That of PyTorch, of which `norms` are those of all states, by lag."""
    witness = stored("gradient_flows")[cell]
    net, _, _ = net_and_data(cell, (4, 3))
    fill(net._parameters, witness["parameters"])
    X, y = witness["X"], witness["y"]
    assert_allclose(witness["outputs"], net.predict(X)[:, -1])
    flow = gradient_flow(net, X, y)
    assert_allclose(flow.norms, witness["norms"][:2], rtol=1e-9)
    assert ("memory_norms" in flow) == (cell == "lstm")
    if cell == "lstm":
        assert_allclose(flow.memory_norms, witness["norms"][2:], rtol=1e-9)


def test_linear_units_follow_a_geometric_law():
    """Of rectified units that stay positive, the gradient is a power of the weight."""
    X = np.ones((20, 1))
    net = RNNRegressor(
        (1,),
        cell="relu",
        init="identity",
        max_iter=1,
        standardize=False,
        random_state=0,
    )
    net.fit(X)
    net.recurrent_weights_[0][:], net.input_weights_[0][:] = 0.8, 1.0
    flow = gradient_flow(net, X)
    assert_allclose(flow.norms[0, 1:] / flow.norms[0, :-1], 0.8)
    assert flow.norms[0, 0] > 0


def test_ragged_sequences_are_averaged_over_those_that_reach_back():
    net, X, y = net_and_data("gru")
    lengths = [7, 3, 5]
    ragged = [x[:n] for x, n in zip(X, lengths, strict=True)]
    targets = [values[:n] for values, n in zip(y, lengths, strict=True)]
    flow = gradient_flow(net, ragged, targets)
    alone = [
        gradient_flow(net, x, values).norms[0]
        for x, values in zip(ragged, targets, strict=True)
    ]
    for lag in range(7):
        squares = [norms[lag] ** 2 for norms in alone if lag < len(norms)]
        assert flow.n_sequences[lag] == len(squares)
        assert_allclose(flow.norms[0, lag], np.sqrt(np.mean(squares)), rtol=1e-12)


def test_blocks_of_sequences_make_no_difference(monkeypatch):
    net, X, y = net_and_data("lstm")
    ragged, targets = [X[0], X[1][:4], X[2][:5]], [y[0], y[1][:4], y[2][:5]]
    whole = gradient_flow(net, ragged, targets)
    monkeypatch.setattr(
        "sklearn_seq.inspection.diagnostics._gradient_flow.BLOCK_VALUES", 1
    )
    single = gradient_flow(net, ragged, targets)
    assert_allclose(single.norms, whole.norms)
    assert_allclose(single.memory_norms, whole.memory_norms)


def test_the_last_target_that_is_known_counts():
    net, X, y = net_and_data()
    cut = y[0].copy()
    cut[5:] = np.nan
    flow = gradient_flow(net, X[0], cut)
    assert_allclose(flow.norms, gradient_flow(net, X[0][:5], y[0][:5]).norms)


def test_next_step_loss_is_that_of_the_last_row():
    """The last row has no successor: the last output that counts is one earlier."""
    rng = np.random.default_rng(1)
    X = rng.normal(size=(9, 1))
    net = RNNRegressor((3,), max_iter=2, standardize=False, random_state=0).fit(X)
    flow = gradient_flow(net, X)
    assert_allclose(flow.lags, np.arange(8))
    error = net.predict(X)[-2] - X[-1]
    assert_allclose(flow.norms[0, 0], np.linalg.norm(error @ net.coef_))


@pytest.mark.parametrize("embedding_dim", [None, 2])
def test_classifiers(embedding_dim):
    """At lag 0 the gradient is the error of the probabilities, by the readout."""
    letters = np.array(list("abcab" * 6))[:, None]
    net = RNNClassifier((3,), embedding_dim=embedding_dim, max_iter=2, random_state=0)
    net.fit(letters)
    flow = gradient_flow(net, letters)
    delta = net.predict_proba(letters)[-2] - (net.classes_ == letters[-1, 0])
    assert_allclose(flow.norms[0, 0], np.linalg.norm(delta @ net.coef_), rtol=1e-6)

    def loss(states):
        log_proba = net.predict_log_proba(letters[25:29], initial_states=[states])
        return -log_proba[-1, net.classes_ == letters[-1, 0]][0]

    states = net.transform(letters[:25])[-1]
    gradient = numerical_gradient(loss, states, step=0.01)  # in single precision
    assert_allclose(flow.norms[0, 4], np.linalg.norm(gradient), rtol=1e-3)


def test_one_target_for_each_sequence():
    rng = np.random.default_rng(2)
    X, y = rng.normal(size=(6, 5, 1)), rng.normal(size=6)
    net = RNNRegressor((3,), max_iter=2, standardize=False, random_state=0).fit(X, y)
    flow = gradient_flow(net, X, y)
    errors = net.predict(X) - y
    norms = np.abs(errors) * np.linalg.norm(net.coef_)
    assert_allclose(flow.norms[0, 0], np.sqrt(np.mean(norms**2)))
    with pytest.raises(ValueError, match="one for each sequence"):
        gradient_flow(net, X[0, :1], y[:1])


def test_pipelines():
    rng = np.random.default_rng(3)
    X = rng.normal(3.0, 2.0, size=(4, 6, 1))
    scaler = PerTimestep(StandardScaler())
    pipeline = make_pipeline(scaler, RNNRegressor((3,), max_iter=2, random_state=0))
    pipeline.fit(X)
    flow = gradient_flow(pipeline, X)
    direct = gradient_flow(pipeline[-1], pipeline[:-1].transform(X))
    assert_allclose(flow.norms, direct.norms)
    search = GridSearchCV(pipeline, {"rnnregressor__alpha": [1e-4]}, cv=2)
    with pytest.raises(NotFittedError):
        gradient_flow(search, X)
    found = gradient_flow(search.fit(X), X)
    assert_allclose(found.norms, gradient_flow(search.best_estimator_, X).norms)


def test_groups_reach_the_steps_of_a_pipeline():
    """Rows and groups mean the same as a panel."""
    X = np.random.default_rng(3).normal(size=(4, 6, 1))
    rows, groups = X.reshape(24, 1), np.repeat(np.arange(4), 6)
    net = RNNRegressor((3,), max_iter=2, random_state=0).fit(X)
    pipeline = Pipeline([("scale", StandardScaler().fit(rows)), ("net", net)])
    flow = gradient_flow(pipeline, rows, groups=groups)
    scaled = StandardScaler().fit_transform(rows).reshape(X.shape)
    assert_allclose(flow.norms, gradient_flow(net, scaled).norms)
    assert flow.n_sequences[0] == 4


def test_max_lag():
    net, X, y = net_and_data()
    whole, cut = gradient_flow(net, X, y), gradient_flow(net, X, y, max_lag=3)
    assert_allclose(cut.lags, [0, 1, 2, 3])
    assert_allclose(cut.norms, whole.norms[:, :4])
    assert len(gradient_flow(net, X, y, max_lag=100).lags) == 7
    for wrong in (-1, 1.5):
        with pytest.raises(ValueError, match="max_lag"):
            gradient_flow(net, X, y, max_lag=wrong)


def test_float32_is_computed_in_float64():
    net, X, y = net_and_data("gru")
    single = RNNRegressor((4,), cell="gru", max_iter=3, random_state=0)
    single.fit(X.astype(np.float32), y)
    flow = gradient_flow(single, X.astype(np.float32), y)
    assert flow.norms.dtype == np.float64


def test_explosion_is_an_error():
    X = np.ones((400, 1))
    net = RNNRegressor((1,), cell="relu", initial_state=0.0, max_iter=1, random_state=0)
    net.fit(X).recurrent_weights_[0][:] = 4.0
    net.input_weights_[0][:] = 1e-200
    net.biases_[0][:] = 1e-300
    with pytest.raises(ValueError, match=r"explodes.*max_lag=\d+ or smaller") as error:
        gradient_flow(net, X)
    lag = int(str(error.value).split("max_lag=")[1].split()[0])
    assert np.isfinite(gradient_flow(net, X, max_lag=lag).norms).all()


def test_outputs_beyond_floating_point_are_an_error():
    X = np.ones((800, 1))
    net = RNNRegressor((1,), cell="relu", max_iter=1, random_state=0).fit(X)
    net.recurrent_weights_[0][:], net.input_weights_[0][:] = 4.0, 1.0
    with pytest.raises(ValueError, match="unstable"):
        gradient_flow(net, X)


def test_holes_in_time_end_a_sequence():
    X = np.random.default_rng(0).normal(size=(12, 1))
    frame = pd.DataFrame(X, index=[*range(5), *range(50, 57)], columns=["x"])
    net = RNNRegressor((3,), max_iter=1, random_state=0).fit(frame)
    flow = gradient_flow(net, frame)
    net = net.__class__(**net.get_params()).fit([X[:5], X[5:]])
    parts = gradient_flow(net, [X[:5], X[5:]])
    assert_allclose(flow.norms, parts.norms)
    assert_allclose(flow.n_sequences, [2, 2, 2, 2, 1, 1])


def test_label_that_was_never_seen():
    """Its probability is zero: the error is that of all other classes."""
    rng = np.random.default_rng(0)
    X, y = rng.normal(size=(8, 4, 1)), np.array(["a", "b"] * 4)
    net = RNNClassifier((3,), max_iter=2, random_state=0).fit(X, y)
    flow = gradient_flow(net, X[:1], ["c"])
    expected = np.linalg.norm(net.predict_proba(X[:1])[0] @ net.coef_)
    assert_allclose(flow.norms[0, 0], expected)


def test_errors():
    X = np.zeros((5, 1))
    with pytest.raises(TypeError, match="RNNRegressor, RNNClassifier"):
        gradient_flow(ARRegressor(1).fit(np.arange(9.0)[:, None]), X)
    with pytest.raises(TypeError, match="gradient_flow"):
        gradient_flow(make_pipeline(Ridge().fit([[0.0]], [0.0])), X)
    with pytest.raises(NotFittedError):
        gradient_flow(RNNRegressor(), X)
    net, X, y = net_and_data()
    with pytest.raises(ValueError, match="requires y"):
        gradient_flow(net, X)
    with pytest.raises(ValueError, match="NaN"):
        gradient_flow(net, X * np.nan, y)
