"""Linear constraints on recurrent weights, by projection of the gradient.

The gradient is computed as usual and then projected orthogonally onto the constraint.
Weights that satisfy it initially then always do, with any optimiser that treats equal
entries equally. The derivative in a shared weight is the sum over its copies; here each
copy gets their mean. The slope of the loss is right in every direction that satisfies
the constraint, as line searches need.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np


def symmetric(matrix):
    """The symmetric part of a matrix."""
    return 0.5 * (matrix + matrix.T)


def antisymmetric(matrix):
    """The antisymmetric part of a matrix."""
    return 0.5 * (matrix - matrix.T)


def diagonal(matrix):
    """The diagonal part of a matrix."""
    return np.diag(np.diag(matrix))


CONSTRAINTS = {
    "symmetric": symmetric,
    "antisymmetric": antisymmetric,
    "diagonal": diagonal,
}


class SharedWeights:
    """Weights with equal numbers in a pattern are equal.

    Parameters
    ----------
    pattern : array-like of shape (n_units, n_units) of int
        Number of the weight at each entry of the matrix.
    """

    def __init__(self, pattern):
        pattern = np.asarray(pattern)
        _, self.index = np.unique(pattern.ravel(), return_inverse=True)
        self.counts = np.bincount(self.index)

    def __call__(self, matrix):
        sums = np.bincount(self.index, weights=matrix.ravel())
        return (sums / self.counts)[self.index].reshape(matrix.shape)


def projection(constraint):
    """The function that projects a square matrix onto a constraint.

    Parameters
    ----------
    constraint : {"symmetric", "antisymmetric", "diagonal"} or array-like of int
        A name, or a pattern as in `SharedWeights`.

    Returns
    -------
    project : callable
    """
    if isinstance(constraint, str):
        return CONSTRAINTS[constraint]
    return SharedWeights(constraint)


def project_gates(project, weights):
    """Project each gate's block of recurrent weights, in place.

    Parameters
    ----------
    project : callable
        The projection of one square matrix.

    weights : ndarray of shape (n_units, n_gates * n_units)
        Weights, or their gradient.
    """
    n_units, n_columns = weights.shape
    for start in range(0, n_columns, n_units):
        gate = weights[:, start : start + n_units]
        gate[:] = project(gate)
