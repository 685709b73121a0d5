import pickle

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.neural_network._stochastic_optimizers import AdamOptimizer, SGDOptimizer
from witnesses import stored

from sklearn_seq.networks import OPTIMIZERS, SGD, Adam, RMSprop, clip_norm

SETTINGS = {
    "adam": {
        "learning_rate_init": 0.01,
        "beta_1": 0.8,
        "beta_2": 0.95,
        "epsilon": 1e-3,
    },
    "sgd": {"learning_rate_init": 0.1, "momentum": 0.7},
    "rmsprop": {"learning_rate_init": 0.01, "rho": 0.8, "epsilon": 1e-3},
}


def gradients_of_steps(n_steps=30, dtype=np.float64):
    rng = np.random.default_rng(0)
    scales = np.array([1e-6, 1e-2, 1, 1, 100])
    return (rng.normal(size=(n_steps, 5)) * scales).astype(dtype)


def _path(optimizer, parameters, gradients):
    path = []
    for gradient in gradients:
        optimizer.update(parameters, gradient)
        path.append(parameters.copy())
    return np.array(path)


def _peer_path(optimizer, parameters, gradients):
    path = []
    for gradient in gradients:
        optimizer.update_params([parameters], [gradient])
        path.append(parameters.copy())
    return np.array(path)


def test_adam_takes_scikit_learns_steps():
    for settings in (SETTINGS["adam"], {}):
        parameters, peer = np.ones(5), np.ones(5)
        ours = _path(Adam(parameters, **settings), parameters, gradients_of_steps())
        theirs = _peer_path(
            AdamOptimizer([peer], **settings), peer, gradients_of_steps()
        )
        assert_allclose(ours, theirs, rtol=1e-12)


@pytest.mark.parametrize("momentum", [0.0, 0.9])
@pytest.mark.parametrize("nesterov", [True, False])
def test_sgd_takes_scikit_learns_steps(momentum, nesterov):
    parameters, peer = np.ones(5), np.ones(5)
    ours = SGD(
        parameters,
        learning_rate_init=0.1,
        momentum=momentum,
        nesterovs_momentum=nesterov,
    )
    theirs = SGDOptimizer(
        [peer], learning_rate_init=0.1, momentum=momentum, nesterov=nesterov
    )
    assert_allclose(
        _path(ours, parameters, gradients_of_steps()),
        _peer_path(theirs, peer, gradients_of_steps()),
        rtol=1e-12,
    )


def test_rmsprop_divides_by_the_weighted_root_mean_square():
    # The running mean written out as one weighted sum over all past gradients.
    gradients, rho = gradients_of_steps(), 0.8
    parameters = np.ones(5)
    path = _path(RMSprop(parameters, **SETTINGS["rmsprop"]), parameters, gradients)
    expected = np.ones(5)
    for t, gradient in enumerate(gradients):
        past = gradients[: t + 1] ** 2
        mean_square = (1 - rho) * rho ** np.arange(t, -1, -1) @ past
        expected = expected - 0.01 * gradient / (np.sqrt(mean_square) + 1e-3)
        assert_allclose(path[t], expected, rtol=1e-12)


def test_rmsprop_takes_pytorchs_steps():
    witness = stored("optimizers")["rmsprop"]
    parameters = np.ones(5)
    optimizer = RMSprop(parameters, **SETTINGS["rmsprop"])
    path = _path(optimizer, parameters, witness["gradients"])
    assert_allclose(path, witness["path"], rtol=1e-12)


@pytest.mark.parametrize("name", OPTIMIZERS)
@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_updates_are_in_place_and_keep_the_precision(name, dtype):
    parameters = np.ones(5, dtype)
    gradients = gradients_of_steps(dtype=dtype)
    before = gradients.copy()
    optimizer = OPTIMIZERS[name](parameters, **SETTINGS[name])
    path = _path(optimizer, parameters, gradients)
    assert parameters.dtype == dtype
    assert_array_equal(gradients, before)
    for value in vars(optimizer).values():
        if isinstance(value, np.ndarray):
            assert value.dtype == dtype
    double = np.ones(5)
    expected = _path(
        OPTIMIZERS[name](double, **SETTINGS[name]), double, gradients_of_steps()
    )
    assert_allclose(path, expected, rtol=1e-4 if dtype == np.float32 else 1e-12)


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_a_pickled_optimizer_continues_where_it_was(name):
    gradients = gradients_of_steps()
    straight, parameters = np.ones(5), np.ones(5)
    path = _path(OPTIMIZERS[name](straight, **SETTINGS[name]), straight, gradients)
    optimizer = OPTIMIZERS[name](parameters, **SETTINGS[name])
    _path(optimizer, parameters, gradients[:11])
    optimizer = pickle.loads(pickle.dumps(optimizer))
    assert_array_equal(_path(optimizer, parameters, gradients[11:]), path[11:])


@pytest.mark.parametrize("name", OPTIMIZERS)
def test_optimizers_descend(name):
    target = np.linspace(-1, 1, 5)
    parameters = np.zeros(5)
    optimizer = OPTIMIZERS[name](parameters, learning_rate_init=0.01)
    for _ in range(500):
        optimizer.update(parameters, parameters - target)
    assert_allclose(parameters, target, atol=0.02)


def test_clip_norm_shortens_only_what_is_longer():
    gradient = np.array([3.0, -4.0])
    assert clip_norm(gradient, 6.0) == 5
    assert_array_equal(gradient, [3, -4])
    assert clip_norm(gradient, 1.0) == 5
    assert_allclose(gradient, [0.6, -0.8])
    assert clip_norm(np.zeros(2), 1.0) == 0
