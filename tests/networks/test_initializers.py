import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal
from sklearn.neural_network import MLPRegressor

from sklearn_seq.networks import gaussian, glorot_uniform, orthogonal

SOURCES = [np.random.RandomState, np.random.default_rng]


@pytest.mark.parametrize("activation, factor", [("relu", 6.0), ("logistic", 2.0)])
def test_glorot_uniform_draws_what_scikit_learn_draws(activation, factor):
    peer = MLPRegressor(
        hidden_layer_sizes=(7,),
        activation=activation,
        random_state=3,
        learning_rate_init=1e-300,
    )
    peer.partial_fit(np.zeros((4, 5)), np.zeros(4))
    random_state = np.random.RandomState(3)
    weights = glorot_uniform((5, 7), random_state, factor=factor)
    biases = glorot_uniform((7,), random_state, factor=factor, fans=(5, 7))
    assert_allclose(weights, peer.coefs_[0], rtol=1e-12)
    assert_allclose(biases, peer.intercepts_[0], rtol=1e-12)


@pytest.mark.parametrize("source", SOURCES)
def test_gaussian_has_the_given_scale(source):
    values = gaussian((400, 500), source(0), scale=0.3)
    assert abs(values.mean()) < 0.003
    assert_allclose(values.std(), 0.3, rtol=0.01)


@pytest.mark.parametrize("source", SOURCES)
@pytest.mark.parametrize("shape", [(6, 6), (9, 4), (4, 9), (1, 1)])
def test_orthogonal_has_equal_singular_values(source, shape):
    matrix = orthogonal(shape, source(0), gain=1.5)
    assert matrix.shape == shape
    assert matrix.flags.c_contiguous
    assert_allclose(np.linalg.svd(matrix, compute_uv=False), 1.5, rtol=1e-12)


def test_orthogonal_is_uniform():
    # Without the choice of signs the first entry would always be negative.
    first = [orthogonal((3, 3), np.random.default_rng(i))[0, 0] for i in range(200)]
    assert 70 < np.sum(np.array(first) > 0) < 130


@pytest.mark.parametrize("draw", [glorot_uniform, gaussian, orthogonal])
def test_one_seed_gives_one_start_in_both_precisions(draw):
    single = draw((4, 3), np.random.default_rng(5), dtype=np.float32)
    double = draw((4, 3), np.random.default_rng(5), dtype=np.float64)
    assert single.dtype == np.float32
    assert double.dtype == np.float64
    assert_array_equal(single, double.astype(np.float32))
