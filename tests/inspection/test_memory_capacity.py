"""Memory capacity, against networks whose memory is known."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy import sparse
from sklearn.exceptions import NotFittedError
from sklearn.linear_model import Ridge
from sklearn.pipeline import make_pipeline
from sklearn.preprocessing import StandardScaler

from sklearn_seq.echo_state import EchoStateRegressor
from sklearn_seq.inspection.diagnostics._memory_capacity import memory_capacity
from sklearn_seq.preprocessing import DelayTaps
from sklearn_seq.rnn import RNNRegressor

pytestmark = pytest.mark.filterwarnings("ignore::sklearn.exceptions.ConvergenceWarning")

X = np.random.default_rng(0).uniform(-1, 1, size=(400, 1))


def reservoir(weights, input_weights, **kwargs):
    """An echo state network of the given weights, without biases."""
    esn = EchoStateRegressor(len(weights), bias_scaling=0.0, random_state=0, **kwargs)
    esn.fit(X)
    esn.reservoir_ = esn.reservoir_._replace(
        recurrent_weights=sparse.csr_array(weights),
        input_weights=np.array(input_weights)[np.newaxis],
    )
    return esn


def test_shift_register():
    """Units that hand on their small activities, hardly squashed, to the next."""
    esn = reservoir(np.eye(8, k=-1), np.eye(8)[0])
    memory = memory_capacity(esn, max_lag=12, input_range=(-1e-3, 1e-3), random_state=0)
    assert_allclose(memory.per_lag[:8], 1.0, atol=1e-6)
    assert (memory.per_lag[8:] < 0.01).all()
    assert_allclose(memory.capacity, 8.0, atol=0.02)
    assert_array_equal(memory.lags, np.arange(13))


def test_delay_taps():
    memory = memory_capacity(DelayTaps(n_lags=3).fit(X), max_lag=5, random_state=0)
    assert_allclose(memory.per_lag[:3], 1.0)
    assert (memory.per_lag[3:] < 0.01).all()


def test_one_leaky_unit_by_its_formula():
    """Of x[t] = a x[t-1] + u[t], the squared correlation with u[t-k] is
    ``(1 - a**2) * a**(2 k)``: the capacity of one linear unit is one, whatever a.
    """
    for a in (0.3, 0.8):
        esn = reservoir([[a]], [1.0])
        memory = memory_capacity(
            esn,
            max_lag=15,
            input_range=(-1e-3, 1e-3),
            n_timesteps=100_000,
            random_state=0,
        )
        expected = (1 - a**2) * a ** (2 * memory.lags)
        assert_allclose(memory.per_lag, expected, atol=0.01)
        assert_allclose(memory.capacity, 1.0, atol=0.02)


def test_linear_reservoir_reaches_the_number_of_units():
    """Orthogonal weights, a little damped, drive a linear network near the bound."""
    rng = np.random.default_rng(0)
    orthogonal, _ = np.linalg.qr(rng.normal(size=(10, 10)))
    esn = reservoir(0.9 * orthogonal, rng.normal(size=10))
    memory = memory_capacity(
        esn, max_lag=60, input_range=(-1e-4, 1e-4), n_timesteps=100_000, random_state=0
    )
    assert_allclose(memory.capacity, 10.0, atol=0.1)


@pytest.mark.parametrize("radius", [0.3, 0.9, 1.2])
def test_never_more_than_units(radius):
    esn = EchoStateRegressor(15, spectral_radius=radius, random_state=0).fit(X)
    memory = memory_capacity(esn, max_lag=30, random_state=0)
    assert 0 < memory.capacity < 15
    assert (memory.per_lag >= 0).all() and (memory.per_lag <= 1 + 1e-12).all()


def test_large_inputs_cost_memory():
    esn = EchoStateRegressor(20, random_state=0).fit(X)
    small, large = (
        memory_capacity(esn, input_range=(-a, a), random_state=0).capacity
        for a in (0.05, 5.0)
    )
    assert large < small - 2


def test_against_regression_by_hand():
    """The definition, with one lag and the states of the network itself."""
    net = RNNRegressor((4,), cell="gru", max_iter=2, random_state=0).fit(X)
    memory = memory_capacity(
        net, max_lag=2, n_timesteps=500, washout=20, random_state=7
    )
    u = np.random.RandomState(7).uniform(-1, 1, (500, 1))
    u = X.mean() + X.std() * u  # told in standard deviations
    states, target = net.transform(u)[20:], u[18:-2, 0]
    readout = Ridge(alpha=1e-12).fit(states[:240], target[:240])
    r = np.corrcoef(readout.predict(states[240:]), target[240:])[0, 1]
    assert_allclose(memory.per_lag[2], r**2, rtol=1e-6)


def test_several_features_share_the_capacity():
    Z = np.hstack([X, X[::-1]])
    memory = memory_capacity(DelayTaps(n_lags=2).fit(Z), max_lag=3, random_state=0)
    assert_allclose(memory.per_lag[:2], 2.0)
    assert_allclose(memory.capacity, 4.0, atol=0.05)


def test_no_memory_is_zero_and_not_nan():
    esn = reservoir(np.zeros((3, 3)), np.zeros(3))
    memory = memory_capacity(esn, random_state=0)
    assert_array_equal(memory.per_lag, np.zeros(4))
    assert memory.capacity == 0.0


def test_pipelines():
    pipeline = make_pipeline(StandardScaler(), DelayTaps(n_lags=2)).fit(X)
    memory = memory_capacity(pipeline, random_state=0)
    assert_allclose(memory.per_lag[:2], 1.0)


def test_errors():
    with pytest.raises(TypeError, match="transform"):
        memory_capacity(Ridge())
    with pytest.raises(NotFittedError):
        memory_capacity(EchoStateRegressor())
    taps = DelayTaps(n_lags=5).fit(X)
    for name, value in (("max_lag", -1), ("n_timesteps", 0), ("washout", 0.5)):
        with pytest.raises(ValueError, match=name):
            memory_capacity(taps, **{name: value})
    for wrong in ((1, -1), (0, np.inf), 3):
        with pytest.raises(ValueError, match="input_range"):
            memory_capacity(taps, input_range=wrong)
    with pytest.raises(ValueError, match="n_timesteps=110 leaves 5 rows"):
        memory_capacity(taps, n_timesteps=110)
    needed = 200
    assert memory_capacity(taps, n_timesteps=needed).capacity > 4.9
