import numpy as np
import pytest
from numpy.testing import assert_allclose, assert_array_equal

from sklearn_seq.rnn.constraints import CONSTRAINTS, project_gates, projection

PATTERN = np.array([[0, 1, 2], [2, 0, 1], [7, 2, 0]])


def _matrix():
    return np.random.default_rng(0).normal(size=(3, 3))


@pytest.mark.parametrize("constraint", [*CONSTRAINTS, PATTERN], ids=str)
def test_projections_are_orthogonal(constraint):
    project, matrix = projection(constraint), _matrix()
    projected = project(matrix)
    assert_allclose(project(projected), projected, rtol=1e-14)
    assert_allclose(np.sum(projected * (matrix - projected)), 0, atol=1e-14)


def test_projections_satisfy_their_constraint():
    matrix = _matrix()
    symmetric = projection("symmetric")(matrix)
    assert_array_equal(symmetric, symmetric.T)
    antisymmetric = projection("antisymmetric")(matrix)
    assert_array_equal(antisymmetric, -antisymmetric.T)
    assert_array_equal(projection("diagonal")(matrix), np.diag(np.diag(matrix)))
    shared = projection(PATTERN)(matrix)
    for number in np.unique(PATTERN):
        expected = matrix[PATTERN == number].mean()
        assert_allclose(shared[PATTERN == number], expected, rtol=1e-14)


@pytest.mark.parametrize("dtype", [np.float32, np.float64])
def test_each_gate_is_projected(dtype):
    weights = np.random.default_rng(0).normal(size=(3, 9)).astype(dtype)
    expected = weights.copy()
    for block in np.split(expected, 3, axis=1):
        block[:] = 0.5 * (block + block.T)
    project_gates(projection("symmetric"), weights)
    assert_array_equal(weights, expected)
