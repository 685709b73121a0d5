import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from scipy.optimize import approx_fprime
from sklearn.metrics import log_loss, mean_squared_error

from sklearn_seq.networks import LOSSES, cross_entropy, squared_error


def _problem(name, seed=0, n_rows=5, n_outputs=3):
    rng = np.random.default_rng(seed)
    outputs = rng.normal(size=(n_rows, n_outputs))
    if name == "squared_error":
        return outputs, rng.normal(size=(n_rows, n_outputs))
    return outputs, rng.integers(n_outputs, size=n_rows)


def test_squared_error_is_half_of_scikit_learns_per_output():
    outputs, targets = _problem("squared_error")
    loss = squared_error(outputs, targets, np.empty_like(outputs))
    assert_allclose(loss, 0.5 * 3 * mean_squared_error(targets, outputs))


def test_cross_entropy_is_scikit_learns_log_loss():
    outputs, targets = _problem("cross_entropy")
    weights = np.array([1, 0, 2, 0.5, 1])
    probabilities = np.exp(outputs)
    probabilities /= probabilities.sum(axis=1, keepdims=True)
    for w in (None, weights):
        loss = cross_entropy(outputs, targets, np.empty_like(outputs), w)
        expected = log_loss(targets, probabilities, labels=range(3), sample_weight=w)
        assert_allclose(loss, expected)


@pytest.mark.parametrize(
    "name, weights_shape",
    [
        ("squared_error", None),
        ("squared_error", 5),
        ("squared_error", (5, 3)),
        ("cross_entropy", None),
        ("cross_entropy", 5),
    ],
)
@pytest.mark.parametrize("normalizer", [None, 7.0])
def test_derivative_is_the_finite_difference(name, weights_shape, normalizer):
    outputs, targets = _problem(name)
    rng = np.random.default_rng(1)
    weights = None
    if weights_shape is not None:
        weights = rng.integers(3, size=weights_shape).astype(float)

    def loss(flat):
        flat = flat.reshape(outputs.shape)
        work = np.empty_like(outputs)
        return LOSSES[name](flat, targets, work, weights, normalizer)

    derivative = np.empty_like(outputs)
    LOSSES[name](outputs, targets, derivative, weights, normalizer)
    expected = approx_fprime(outputs.ravel(), loss, 1e-7)
    assert_allclose(derivative.ravel(), expected, atol=1e-6)


@pytest.mark.parametrize("name", LOSSES)
def test_integer_weights_repeat_rows(name):
    outputs, targets = _problem(name)
    weights = np.array([2.0, 0, 1, 3, 1])
    repeated = np.repeat(np.arange(5), weights.astype(int))
    loss = LOSSES[name](outputs, targets, np.empty_like(outputs), weights)
    again = LOSSES[name](outputs[repeated], targets[repeated], np.empty((7, 3)))
    assert_allclose(loss, again)


@pytest.mark.parametrize("name", LOSSES)
def test_the_derivative_may_replace_the_outputs(name):
    outputs, targets = _problem(name)
    apart = np.empty_like(outputs)
    loss = LOSSES[name](outputs, targets, apart)
    assert LOSSES[name](outputs, targets, outputs) == loss
    assert_array_equal(outputs, apart)


def test_missing_targets_of_weight_zero_count_for_nothing():
    outputs, targets = _problem("squared_error")
    missing = np.zeros_like(targets, dtype=bool)
    missing[0, 1] = missing[3] = True
    derivative = np.empty_like(outputs)
    loss = squared_error(
        outputs,
        np.where(missing, np.nan, targets),
        derivative,
        (~missing).astype(float),
    )
    squares = (outputs - targets)[~missing] ** 2
    assert_allclose(loss, 0.5 * 3 * squares.mean())
    assert_array_equal(derivative == 0, missing)


@pytest.mark.parametrize("name", LOSSES)
def test_without_any_target_loss_and_derivative_are_zero(name):
    outputs, targets = _problem(name)
    assert LOSSES[name](outputs, targets, outputs, np.zeros(5)) == 0
    assert not outputs.any()


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_large_logits_do_not_overflow(dtype):
    outputs = np.array([[1e4, 0.0], [1e4, 0.0]], dtype)
    derivative = np.empty_like(outputs)
    loss = cross_entropy(outputs, np.array([0, 1]), derivative)
    assert loss == 5000
    assert_array_equal(derivative, [[0, 0], [0.5, -0.5]])


@pytest.mark.parametrize("name", LOSSES)
def test_the_loss_is_a_plain_number(name):
    outputs, targets = _problem(name)
    outputs = outputs.astype(np.float32)
    assert type(LOSSES[name](outputs, targets, outputs)) is float
