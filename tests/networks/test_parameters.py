import copy
import pickle

import numpy as np
import pytest
from numpy.testing import assert_array_equal

from sklearn_seq.networks import ParameterVector

SHAPES = {"biases": (2,), "weights": (3, 2), "embedding": (4, 1), "gain": ()}


@pytest.fixture(params=[np.float32, np.float64])
def parameters(request):
    vector = ParameterVector(
        SHAPES, penalized=["embedding", "weights"], dtype=request.param
    )
    vector.flat[:] = np.arange(vector.flat.size)
    return vector


def test_views_cover_the_flat_vector_once(parameters):
    assert list(parameters) == list(SHAPES)
    assert len(parameters) == len(SHAPES)
    assert {name: parameters[name].shape for name in parameters} == SHAPES
    for name in parameters:
        parameters[name][...] += 100
    assert_array_equal(parameters.flat, 100 + np.arange(13))


def test_penalized_arrays_stand_first_in_the_given_order(parameters):
    expected = [parameters["weights"].ravel(), parameters["embedding"].ravel()]
    assert_array_equal(parameters.penalized_flat, np.concatenate(expected))
    assert np.shares_memory(parameters.penalized_flat, parameters.flat)
    assert parameters.penalized_flat.size == 10


def test_no_penalty():
    parameters = ParameterVector(SHAPES)
    assert parameters.penalized_flat.size == 0
    assert_array_equal(parameters.flat, np.zeros(13))


def test_zeros_like_has_the_same_layout(parameters):
    gradient = parameters.zeros_like()
    assert gradient.dtype == parameters.dtype
    assert not gradient.flat.any()
    gradient["weights"][1, 1] = 1
    assert parameters.flat[gradient.flat == 1] == parameters["weights"][1, 1]


@pytest.mark.parametrize(
    "duplicate", [copy.deepcopy, lambda x: pickle.loads(pickle.dumps(x))]
)
def test_copies_keep_views_and_vector_together(parameters, duplicate):
    other = duplicate(parameters)
    assert other.dtype == parameters.dtype
    assert_array_equal(other.flat, parameters.flat)
    other["weights"][0, 0] = -1
    other.penalized_flat[1] = -2
    assert other.flat[0] == -1
    assert other["weights"][0, 1] == -2
    assert parameters.flat[0] == 0
