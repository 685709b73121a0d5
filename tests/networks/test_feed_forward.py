import warnings
from itertools import product

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.neural_network import MLPClassifier, MLPRegressor
from witnesses import fields, fill, stored

from sklearn_seq.networks import (
    SGD,
    Adam,
    Objective,
    ShuffledBatches,
    train_lbfgs,
    train_minibatches,
)
from sklearn_seq.networks._feed_forward import ACTIVATIONS, FeedForward, Workspace

N_ROWS, N_SYMBOLS = 7, 5
OFFSETS = np.array([0, 3, 4, 7])


def _network(n_outputs=2, hidden=(4, 3), embeds=False, **options):
    if embeds:
        options |= {"n_symbols": N_SYMBOLS, "embedding_dim": 2}
    return FeedForward(3, n_outputs, hidden, **options)


def _parameters(network, dtype=np.float64):
    parameters = network.initialize(np.random.RandomState(0), dtype)
    if network.direct:
        rng = np.random.default_rng(3)
        parameters["direct"][:] = rng.normal(size=parameters["direct"].shape)
    return parameters


def _data(network, pooled=False, weighted=False, seed=1):
    rng = np.random.default_rng(seed)
    n_targets = len(OFFSETS) - 1 if pooled else N_ROWS
    inputs = rng.normal(size=(N_ROWS, 3))
    if network.embedding_dim is not None:
        inputs = rng.integers(N_SYMBOLS + 1, size=(N_ROWS, 3))
    weights = None
    if network.loss == "cross_entropy":
        targets = rng.integers(network.n_outputs, size=n_targets)
        if weighted:
            weights = np.linspace(0.5, 2, n_targets)
            weights[1], targets[1] = 0, -1
    else:
        targets = rng.normal(size=(n_targets, network.n_outputs))
        if weighted:
            weights = rng.uniform(0.5, 2, size=targets.shape)
            weights[1, 0] = weights[2] = 0
            targets[weights == 0] = np.nan
    offsets = OFFSETS if pooled else None
    return {
        "inputs": inputs,
        "targets": targets,
        "weights": weights,
        "offsets": offsets,
    }


def _finite_differences(function, x, step=1e-6):
    slopes = np.empty_like(x)
    for i in range(x.size):
        value = x[i]
        x[i] = value + step
        above = function()
        x[i] = value - step
        below = function()
        x[i] = value
        slopes[i] = (above - below) / (2 * step)
    return slopes


def _check_gradient(network, **case):
    parameters = _parameters(network)
    gradient, ignored = parameters.zeros_like(), parameters.zeros_like()
    gradient.flat[:] = np.nan
    data = _data(network, **case) | {"alpha": 0.3, "normalizer": 4.0}
    work = Workspace(network, np.float64)
    loss = network.loss_and_gradient(parameters, gradient, **data)

    def loss_again():
        return network.loss_and_gradient(parameters, ignored, **data, workspace=work)

    assert loss == loss_again()
    expected = _finite_differences(loss_again, parameters.flat)
    assert_allclose(gradient.flat, expected, rtol=1e-6, atol=1e-8)


@pytest.mark.parametrize("loss", ["squared_error", "cross_entropy"])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_gradient_is_the_finite_difference(activation, loss):
    for embeds, direct, pooled, weighted in product([False, True], repeat=4):
        network = _network(
            activation=activation, loss=loss, embeds=embeds, direct=direct
        )
        _check_gradient(network, pooled=pooled, weighted=weighted)


@pytest.mark.parametrize("hidden", [(), (4,)])
@pytest.mark.parametrize("n_outputs", [1, 3])
def test_gradient_is_the_finite_difference_for_other_depths(hidden, n_outputs):
    for embeds, pooled in product([False, True], repeat=2):
        network = _network(n_outputs, hidden, embeds=embeds, activation="tanh")
        _check_gradient(network, pooled=pooled)


PEER_ALPHA = 0.3
PEER_CASES = list(
    product(
        ACTIVATIONS,
        ["squared_error", "cross_entropy"],
        [False, True],  # pooled
        [False, True],  # embeds
    )
)


def name_of(*case):
    return "-".join(map(str, case))


def peer_problem(activation, loss, pooled, embeds):
    network = _network(activation=activation, loss=loss, embeds=embeds, direct=True)
    return network, _parameters(network), _data(network, pooled=pooled)


@pytest.mark.parametrize("case", PEER_CASES, ids=lambda case: name_of(*case))
def test_loss_and_gradient_are_pytorchs(case):
    witness = stored("feed_forward_networks")[name_of(*case)]
    network, parameters, data = peer_problem(*case)
    fill(parameters, witness["parameters"])
    gradient, data = parameters.zeros_like(), data | fields(witness["data"])
    value = network.loss_and_gradient(parameters, gradient, **data, alpha=PEER_ALPHA)
    assert_allclose(value, witness["loss"], rtol=1e-12)
    for name, array in fields(witness["gradient"]).items():
        assert_allclose(gradient[name], array, rtol=1e-9, atol=1e-12)


def _train(network, X, y, optimizer, batch_size, alpha=0.1, **options):
    random_state = np.random.RandomState(0)
    parameters = network.initialize(random_state)
    gradient = parameters.zeros_like()
    result = train_minibatches(
        Objective(network, parameters, gradient, X, y, alpha=alpha),
        parameters,
        gradient,
        optimizer(parameters.flat),
        ShuffledBatches(len(X), batch_size, random_state),
        **options,
    )
    return parameters, result


def _series(n=150, n_features=4, n_targets=1):
    rng = np.random.default_rng(0)
    X = rng.normal(size=(n, n_features))
    Y = np.sin(X @ rng.normal(size=(n_features, n_targets)))
    return X, Y + 0.1 * rng.normal(size=Y.shape)


def _assert_same_fit(parameters, result, peer):
    assert result.n_iter == peer.n_iter_
    for i, (weights, biases) in enumerate(
        zip(peer.coefs_, peer.intercepts_, strict=True)
    ):
        assert_allclose(parameters[f"weights_{i}"], weights, rtol=1e-6, atol=1e-9)
        assert_allclose(parameters[f"biases_{i}"], biases, rtol=1e-6, atol=1e-9)


@pytest.mark.parametrize("activation", ACTIVATIONS)
@pytest.mark.parametrize("hidden", [(8,), (6, 5)])
def test_training_follows_scikit_learns_regressor(activation, hidden):
    X, Y = _series()
    options = {"max_iter": 60, "tol": 1e-3, "n_iter_no_change": 4}
    peer = MLPRegressor(
        hidden_layer_sizes=hidden,
        activation=activation,
        alpha=0.1,
        batch_size=32,
        random_state=0,
        learning_rate_init=0.01,
        **options,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer.fit(X, Y[:, 0])
        parameters, result = _train(
            FeedForward(4, 1, hidden, activation=activation),
            X,
            Y,
            lambda flat: Adam(flat, learning_rate_init=0.01),
            32,
            **options,
        )
    assert_allclose(result.loss_curve, peer.loss_curve_)
    _assert_same_fit(parameters, result, peer)


def test_training_follows_scikit_learns_classifier():
    X, Y = _series(n_targets=3)
    y = Y.argmax(axis=1)
    options = {"max_iter": 30, "tol": 1e-4, "n_iter_no_change": 5}
    peer = MLPClassifier(
        hidden_layer_sizes=(8,),
        solver="sgd",
        alpha=0.1,
        batch_size=20,
        random_state=0,
        learning_rate_init=0.05,
        **options,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer.fit(X, y)
        parameters, result = _train(
            FeedForward(4, 3, (8,), loss="cross_entropy"),
            X,
            y,
            lambda flat: SGD(flat, learning_rate_init=0.05),
            20,
            **options,
        )
    assert_allclose(result.loss_curve, peer.loss_curve_)
    _assert_same_fit(parameters, result, peer)


def test_lbfgs_follows_scikit_learns_regressor():
    # With one output: with more, scikit-learn's loss is not the one of its gradient.
    X, Y = _series()
    peer = MLPRegressor(
        hidden_layer_sizes=(6,),
        activation="tanh",
        solver="lbfgs",
        alpha=0.1,
        max_iter=15,
        random_state=0,
    )
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        peer.fit(X, Y[:, 0])
    network = FeedForward(4, 1, (6,), activation="tanh")
    parameters = network.initialize(np.random.RandomState(0))
    gradient = parameters.zeros_like()
    objective = Objective(network, parameters, gradient, X, Y, alpha=0.1)
    result = train_lbfgs(objective.full, parameters, gradient, max_iter=15, warn=False)
    assert_allclose(result.loss_curve[-1], peer.loss_, rtol=1e-6)
    _assert_same_fit(parameters, result, peer)


@pytest.mark.parametrize("embeds", [False, True])
@pytest.mark.parametrize("activation", ACTIVATIONS)
def test_single_precision_stays_single_and_agrees(activation, embeds):
    for pooled in (False, True):
        network = _network(activation=activation, embeds=embeds, direct=True)
        double, single = _parameters(network), _parameters(network, np.float32)
        slopes = double.zeros_like(), single.zeros_like()
        data = _data(network, pooled=pooled)
        loss = network.loss_and_gradient(double, slopes[0], **data, alpha=0.1)
        for name in ("inputs", "targets"):
            if data[name].dtype == np.float64:
                data[name] = data[name].astype(np.float32)
        outputs = network.forward(single, data["inputs"], offsets=data["offsets"])
        assert outputs.dtype == np.float32
        assert_allclose(
            network.loss_and_gradient(single, slopes[1], **data, alpha=0.1),
            loss,
            rtol=1e-5,
        )
        assert slopes[1].dtype == np.float32
        assert_allclose(slopes[1].flat, slopes[0].flat, rtol=1e-3, atol=1e-5)


def test_a_workspace_serves_batches_of_changing_size():
    for embeds in (False, True):
        network = _network(embeds=embeds, direct=True)
        parameters = _parameters(network)
        inputs = _data(network)["inputs"]
        work = Workspace(network, np.float64)
        for n_rows in (3, 7, 2, 7, 1):
            fresh = network.forward(parameters, inputs[:n_rows])
            used = network.forward(parameters, inputs[:n_rows], workspace=work)
            assert_array_equal(used, fresh)
            assert np.shares_memory(used, work.outputs)


def test_pooled_outputs_are_means_over_sequences():
    network = _network()
    parameters = _parameters(network)
    inputs = _data(network)["inputs"]
    rows = network.forward(parameters, inputs)
    expected = [part.mean(axis=0) for part in np.split(rows, OFFSETS[1:-1])]
    pooled = network.forward(parameters, inputs, offsets=OFFSETS)
    assert_allclose(pooled, expected)


def test_slots_share_one_embedding():
    network = _network(hidden=(), embeds=True, n_outputs=1)
    parameters = _parameters(network)
    assert parameters["embedding"].shape == (N_SYMBOLS + 1, 2)
    codes = np.array([[0, N_SYMBOLS, 2]])
    concatenated = parameters["embedding"][[0, N_SYMBOLS, 2]].reshape(1, -1)
    expected = concatenated @ parameters["weights_0"] + parameters["biases_0"]
    assert_allclose(network.forward(parameters, codes), expected)


def test_symbols_out_of_range_touch_no_foreign_memory():
    network = _network(embeds=True)
    parameters = _parameters(network)
    gradient, expected = parameters.zeros_like(), parameters.zeros_like()
    data = _data(network)
    far = data | {"inputs": np.where(data["inputs"] == 0, -(10**6), 10**6)}
    near = data | {"inputs": np.where(data["inputs"] == 0, 0, N_SYMBOLS)}
    network.loss_and_gradient(parameters, gradient, **far)
    network.loss_and_gradient(parameters, expected, **near)
    assert_array_equal(gradient.flat, expected.flat)


def test_only_weights_and_embeddings_are_penalized():
    network = _network(embeds=True, direct=True)
    assert set(_parameters(network).penalized) == {
        "weights_0",
        "weights_1",
        "weights_2",
        "direct",
        "embedding",
    }


def test_direct_connections_start_at_zero_and_need_a_hidden_layer():
    direct, plain = _network(direct=True), _network()
    inputs = _data(plain)["inputs"]
    outputs = [
        network.forward(network.initialize(np.random.RandomState(0)), inputs)
        for network in (direct, plain)
    ]
    assert_array_equal(*outputs)
    assert not _network(hidden=(), direct=True).direct


def test_a_network_learns_the_next_symbol_of_a_cycle():
    # After a, b comes c, after c, b comes a: it takes two symbols to tell.
    codes = np.tile([0, 1, 2, 1], 30)
    windows = np.stack([np.r_[3, codes[:-1]], codes], axis=1)[:-1]
    network = FeedForward(
        2,
        3,
        (8,),
        activation="tanh",
        loss="cross_entropy",
        n_symbols=3,
        embedding_dim=2,
    )
    parameters, result = _train(
        network,
        windows,
        codes[1:],
        lambda flat: Adam(flat, learning_rate_init=0.05),
        20,
        alpha=0.0,
        max_iter=60,
        warn=False,
    )
    assert result.loss_curve[-1] < 0.05
    logits = network.forward(parameters, windows)
    assert_array_equal(logits.argmax(axis=1), codes[1:])
