"""Rows as columns of ones, values and squares, for products with coefficients."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from ._rows import chunks, patterns


class Columns:
    """Columns [1, x, x²] of rows, chunk by chunk; those of a single chunk are kept.

    With missing values there is a column of ones for each feature, and all columns of a
    feature are 0 where it is missing.

    Parameters
    ----------
    rows : ndarray of shape (N, D)
        NaN is missing.
    centre, scale : ndarray of shape (D,), default=None
        Values are x = (row - centre) / scale.
    whitening : ndarray of shape (D, D), default=None
        W, instead of a scale: x = (row - centre) W, for complete rows.

    Attributes
    ----------
    complete : bool
        Whether no value is missing.
    n_ones : int
        The number of columns of ones.
    width : int
        The number of columns.
    """

    def __init__(self, rows, centre=None, scale=None, whitening=None):
        self.rows = rows
        self.centre, self.scale, self.whitening = centre, scale, whitening
        D = rows.shape[1]
        self.complete = whitening is not None or not np.isnan(rows).any()
        self.n_ones = 1 if self.complete else D
        self.width = self.n_ones + 2 * D
        self._slices = chunks(len(rows), self.width)
        self._kept = None
        if len(self._slices) <= 1:
            self._kept = list(self._fill())

    def __iter__(self):
        """Slices of rows, and their columns (width, n), in memory that is reused."""
        return self._fill() if self._kept is None else iter(self._kept)

    def parts(self, array):
        """Views of the ones, the values and the squares along the first axis."""
        n, D = self.n_ones, self.rows.shape[1]
        return array[:n], array[n : n + D], array[n + D :]

    def inward(self, values):
        """Values of rows (C, D) in the coordinates x of the columns."""
        if self.centre is not None:
            values = values - self.centre
        if self.whitening is not None:
            return values @ self.whitening
        return values if self.scale is None else values / self.scale

    def _fill(self):
        longest = self._slices[0].stop if self._slices else 0
        columns = np.ones((self.width, longest))
        for piece in self._slices:
            here = columns[:, : piece.stop - piece.start]
            ones, x, squares = self.parts(here)
            if self.centre is None:
                x[:] = self.rows[piece].T
            else:
                np.subtract(self.rows[piece].T, self.centre[:, None], out=x)
            if self.whitening is not None:
                x[:] = self.whitening.T @ x
            elif self.scale is not None:
                x /= self.scale[:, None]
            if not self.complete:
                missing = np.isnan(x)
                np.copyto(x, 0.0, where=missing)
                np.logical_not(missing, out=ones, casting="unsafe")
            np.square(x, out=squares)
            yield piece, here


class Prepared:
    """Standardised rows, with precomputed patterns or columns for the E-steps.

    Parameters
    ----------
    rows : ndarray of shape (N, D)
        NaN is missing.
    covariance_type : {"full", "tied", "diag", "spherical"}

    Attributes
    ----------
    found : list of Pattern or Columns
        For "full" and "tied" the patterns of missing values, otherwise the columns.
    """

    def __init__(self, rows, covariance_type):
        self.rows, self.covariance_type = rows, covariance_type
        dependent = covariance_type in ("full", "tied")
        self.found = patterns(rows) if dependent else Columns(rows)

    def __getitem__(self, piece):
        return Prepared(self.rows[piece], self.covariance_type)


def found_of(rows, covariance_type):
    """Rows, and their patterns or columns (None to be computed from rows)."""
    if isinstance(rows, Prepared):
        return rows.rows, rows.found
    return rows, patterns(rows) if covariance_type in ("full", "tied") else None
