"""One short sequence."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from ._banded import solve_banded


class Single:
    """One short sequence.

    Parameters
    ----------
    start, stop : int
        Its packed rows.

    n_states : int

    Attributes
    ----------
    first : slice
        Columns that are the first rows of their sequences.
    """

    first = slice(0, 1)
    n_members = 1

    def __init__(self, start, stop, n_states=None):
        self.start, self.stop = start, stop
        self.rows = slice(start, stop)

    def load(self, values):
        """Packed rows (N, K) as columns (K, P)."""
        return np.array(values[self.rows].T, order="C")

    def store(self, columns, values):
        """Columns (K, P) or (P,) into packed rows (N, K) or (N,)."""
        values[self.rows] = columns.T

    def columns_of(self, member):
        """Columns of one sequence, in the order of time."""
        return np.arange(self.stop - self.start)

    def rows_of(self, member):
        """Packed rows of one sequence."""
        return self.rows

    def forward(self, matrix, weights):
        """The forward recursion.

        Parameters
        ----------
        matrix : ndarray of shape (K, K)
            A.

        weights : ndarray of shape (K, P)

        Returns
        -------
        values : ndarray of shape (K, P)
            NaN from the row on at which a sequence's v vanishes.

        scale : ndarray of shape (P,)
            Sum of each v, given that of the row before is one.
        """
        return solve_banded(matrix, weights)

    def backward(self, matrix, weights):
        """The backward recursion, without the scale."""
        return solve_banded(matrix.T, weights[:, ::-1])[0][:, ::-1]
