import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from numpy.testing import assert_allclose
from scipy.stats import entropy

from sklearn_seq.metrics import bits_per_symbol, perplexity


@given(st.lists(st.floats(1e-3, 1.0), min_size=1, max_size=20))
def test_by_hand(probabilities):
    product = 1.0
    for p in probabilities:
        product *= p ** (1 / len(probabilities))
    log_proba = np.log(probabilities)
    assert_allclose(perplexity(log_proba), 1 / product)
    assert_allclose(2 ** bits_per_symbol(log_proba), 1 / product)


def test_of_a_model_that_is_right_they_are_the_entropy():
    p = np.array([0.5, 0.25, 0.2, 0.05])
    assert_allclose(bits_per_symbol(np.log(p), sample_weight=p), entropy(p, base=2))
    assert_allclose(perplexity(np.log(p), sample_weight=p), np.exp(entropy(p)))


def test_layouts():
    log_proba = np.log([[0.5, 0.25, 0.5], [0.1, 0.2, 0.4]])
    expected = bits_per_symbol(log_proba.ravel())
    assert_allclose(bits_per_symbol(log_proba), expected)
    assert_allclose(bits_per_symbol(log_proba.ravel().tolist()), expected)
    # the mean over symbols, not of the sequences' means
    ragged = [log_proba[0], log_proba[1, :1], log_proba[1, 1:]]
    assert_allclose(bits_per_symbol(ragged), expected)
    packed = np.empty(3, dtype=object)
    packed[:] = ragged
    assert_allclose(bits_per_symbol(packed), expected)
    weights = [np.ones(3), np.ones(1), np.ones(2)]
    assert_allclose(bits_per_symbol(ragged, sample_weight=weights), expected)


def test_extremes():
    assert bits_per_symbol([0.0, 0.0]) == 0.0 and perplexity([0.0]) == 1.0
    assert bits_per_symbol([0.0, -np.inf]) == np.inf
    assert perplexity([0.0, -np.inf]) == np.inf
    assert perplexity([-1e4]) == np.inf
    assert bits_per_symbol([1e-12]) == 0.0  # a rounding error
    assert isinstance(bits_per_symbol([-1.0]), float)
    assert isinstance(perplexity([-1.0]), float)


@pytest.mark.parametrize("metric", [bits_per_symbol, perplexity])
@pytest.mark.parametrize(
    "log_proba, weights, message",
    [
        ([], None, "log_proba is empty"),
        ([-1.0, np.nan], None, "log_proba contains NaN"),
        ([0.5, 0.5], None, "log_proba contains 0.5, but the logarithm"),
        ([-1.0, -2.0], [1.0], "inconsistent numbers of samples"),
    ],
)
def test_bad_input(metric, log_proba, weights, message):
    with pytest.raises(ValueError, match=message):
        metric(log_proba, sample_weight=weights)
