"""One short sequence."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from ._banded import solve_banded


class Single:
    """One short sequence, all its rows as columns of one step.

    Parameters
    ----------
    start, stop : int
        Its packed rows.

    Attributes
    ----------
    shape : tuple of n_steps, n
        Of a panel.

    first : slice
        Columns of step 0 that are the first rows of their sequences.
    """

    first = slice(0, 1)
    n_members = 1

    def __init__(self, start, stop):
        self.rows = slice(start, stop)
        self.shape = 1, stop - start

    def load(self, values, panel):
        """Packed rows (N, K) into a panel (n_steps, K, n), filled up with zeros."""
        panel[0] = values[self.rows].T

    def store(self, panel, values):
        """A panel (n_steps, K, n) or (n_steps, n) into packed rows (N, K) or (N,)."""
        values[self.rows] = panel[0].T

    def columns_of(self, member):
        """Columns that hold the rows of one sequence."""
        return slice(None)

    def rows_of(self, member):
        """Packed rows of one sequence."""
        return self.rows

    def neighbours(self):
        """Indices into a panel: rows that another follows, and those that follow."""
        everything = slice(None)
        yield (0, everything, slice(None, -1)), (0, everything, slice(1, None))

    def forward(self, matrix, weights, values):
        """The forward recursion.

        Parameters
        ----------
        matrix : ndarray of shape (K, K)
            A.

        weights : ndarray of shape (n_steps, K, n)

        values : ndarray of shape (n_steps, K, n)
            To be filled in with v. NaN from the row on at which it vanishes.

        Returns
        -------
        scale : ndarray of shape (n_steps, n)
            Sum of each v, given that of the row before is one.
        """
        return solve_banded(matrix, weights[0], values[0])[None]

    def backward(self, matrix, weights, values):
        """The backward recursion, without the scale."""
        back = 0, slice(None), slice(None, None, -1)
        solve_banded(matrix.T, weights[back], values[back])
