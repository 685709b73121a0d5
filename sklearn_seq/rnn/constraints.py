"""Linear constraints between the weights of one matrix, kept by gradient descent.

The gradient is computed as usual and then changed to satisfy the constraint; weights
that satisfy it at first then always will, whatever optimiser follows the gradient, as
long as it treats equal entries equally. The derivative by a weight that stands in
several places is the sum of the derivatives by its copies. Here each copy gets their
mean, the orthogonal projection of the gradient: it has the same direction if all
weights have equally many copies, and the slope of the loss along every direction that
satisfies the constraint stays right, as line searches need.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np


def symmetric(matrix):
    """The symmetric part: as much from i to j as from j to i."""
    return 0.5 * (matrix + matrix.T)


def antisymmetric(matrix):
    """The antisymmetric part: from i to j minus what goes from j to i."""
    return 0.5 * (matrix - matrix.T)


def diagonal(matrix):
    """The diagonal: each unit is connected to itself alone."""
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
        Which weight stands in each place of the matrix.
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
        Weights, or the gradient by them.
    """
    n_units, n_columns = weights.shape
    for start in range(0, n_columns, n_units):
        gate = weights[:, start : start + n_units]
        gate[:] = project(gate)
