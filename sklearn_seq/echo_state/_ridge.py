"""Ridge regression, block by block, by QR decomposition.

The QR decomposition of the rows [1, z, y] has the triangular factor T; ``T.T @ T`` is
the matrix of the normal equations. T keeps twice the digits of it, so that small
residuals and weak penalties are not lost in rounding.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np
from scipy import linalg

from .._core.gaussian import check_squares

COLUMNS = 32  # block size of LAPACK
ROUNDING = np.finfo(np.float64).eps


class RidgeFit(NamedTuple):
    """Coefficients and intercept.

    Attributes
    ----------
    coef : ndarray of shape (n_targets, n_inputs)

    intercept : ndarray of shape (n_targets,)

    degrees_of_freedom : ndarray of shape (n_targets,)
        Trace of the hat matrix.
    """

    coef: np.ndarray
    intercept: np.ndarray
    degrees_of_freedom: np.ndarray


class Triangle:
    """The R factor of the rows so far: sufficient statistics of least squares.

    Parameters
    ----------
    n_inputs, n_targets : int

    Attributes
    ----------
    n : int
        Number of rows.

    values : ndarray of shape (size, size), size = 1 + n_inputs + n_targets
        Upper triangular factor of the columns of ones, inputs and targets.
    """

    def __init__(self, n_inputs, n_targets):
        size = 1 + n_inputs + n_targets
        self.n, self.n_inputs = 0, n_inputs
        self.values = np.zeros((size, size), order="F")

    def update(self, z, y):
        """Add rows: shapes (n, n_inputs) and (n, n_targets)."""
        rows = np.empty((len(z), len(self.values)))
        rows[:, 0], rows[:, 1 : 1 + self.n_inputs] = 1.0, z
        rows[:, 1 + self.n_inputs :] = y
        self.n += len(rows)
        self.values = rotate(self.values, rows)
        with np.errstate(over="ignore", invalid="ignore"):
            check_squares(np.square(self.values).sum(axis=0))
        return self

    @property
    def design(self):
        """Columns of T for ones and inputs."""
        return self.values[:, : 1 + self.n_inputs]

    @property
    def targets(self):
        """Columns of T for targets."""
        return self.values[:, 1 + self.n_inputs :]

    @classmethod
    def union(cls, parts):
        """The triangle of the rows of several others, for some of their targets.

        Parameters
        ----------
        parts : list of (Triangle, ndarray of int)
            Each with the indices of targets to take from it.
        """
        triangle, chosen = parts[0]
        whole = cls(triangle.n_inputs, len(chosen))
        for triangle, chosen in parts:
            rows = np.hstack([triangle.design, triangle.targets[:, chosen]])
            whole.n += triangle.n
            whole.values = rotate(whole.values, rows)
        return whole

    def solve(self, alpha):
        """Minimise ||y - intercept - z coef||² + alpha ||coef||².

        Returns
        -------
        fit : RidgeFit
            The minimum of smallest norm, if there are several.
        """
        k = 1 + self.n_inputs
        triangle = self.values
        if alpha:
            penalty = np.zeros((self.n_inputs, len(triangle)))
            penalty[:, 1:k] = np.sqrt(alpha) * np.eye(self.n_inputs)
            triangle = rotate(triangle.copy(order="F"), penalty)
        design, targets = triangle[:k, :k], triangle[:k, k:]
        inverse = inverse_of_triangle(design)
        if inverse is None:
            return self._solve_singular(design, targets)
        solution = linalg.solve_triangular(design, targets)
        shrunk = alpha * np.square(inverse[1:, 1:]).sum()
        freedom = np.full(targets.shape[1], k - shrunk)
        return RidgeFit(solution[1:].T, solution[0], freedom)

    def _solve_singular(self, design, targets):
        """Minimum-norm solution of a singular problem."""
        cutoff = ROUNDING * len(design)
        coef, _, rank, _ = linalg.lstsq(design[1:, 1:], targets[1:], cond=cutoff)
        intercept = (targets[0] - design[0, 1:] @ coef) / design[0, 0]
        freedom = np.full(targets.shape[1], 1.0 + rank)
        return RidgeFit(coef.T, intercept, freedom)

    def residuals(self, fit):
        """Residuals e in the rotated rows: ``e.T @ e`` is that of all rows."""
        coef = np.vstack([fit.intercept, fit.coef.T])
        return self.targets - self.design @ coef


def rotate(triangle, rows):
    """R factor of a triangle, which is overwritten, stacked on rows."""
    columns = min(COLUMNS, len(triangle))
    return linalg.lapack.dtpqrt(0, columns, triangle, rows, overwrite_a=True)[0]


def inverse_of_triangle(triangle):
    """Inverse of an upper triangle; None if numerically singular."""
    scale = np.sqrt(np.square(triangle).sum(axis=0))
    if not scale.all() or not np.diagonal(triangle).all():
        return None
    scaled = triangle / scale
    inverse, _ = linalg.lapack.dtrtri(scaled)
    condition = np.abs(scaled).sum(axis=0).max() * np.abs(inverse).sum(axis=0).max()
    return inverse / scale[:, None] if condition < 0.01 / ROUNDING else None


class StreamedRidge:
    """Ridge regression of several targets, some of which may be missing.

    Rows at which the same targets are known share one triangle.

    Parameters
    ----------
    n_inputs, n_targets : int
    """

    def __init__(self, n_inputs, n_targets):
        self.n_inputs, self.n_targets = n_inputs, n_targets
        self.triangles = {}

    def __getstate__(self):
        # Some formats can only save dicts with string keys.
        return vars(self) | {"triangles": list(self.triangles.items())}

    def __setstate__(self, state):
        vars(self).update(state, triangles=dict(state["triangles"]))

    def update(self, z, y, known=None):
        """Add rows (n, n_inputs) and targets (n, n_targets); known is a mask."""
        if known is None or known.all():
            self._triangle((True,) * self.n_targets).update(z, y)
            return self
        for pattern in np.unique(known, axis=0):
            rows = (known == pattern).all(axis=1)
            if pattern.any():
                triangle = self._triangle(tuple(pattern.tolist()))
                triangle.update(z[rows], y[rows][:, pattern])
        return self

    def _triangle(self, pattern):
        if pattern not in self.triangles:
            self.triangles[pattern] = Triangle(self.n_inputs, sum(pattern))
        return self.triangles[pattern]

    def solve(self, alpha):
        """Each target's ridge regression on the rows where it is known.

        Returns
        -------
        fit : RidgeFit
        """
        if len(self.triangles) == 1 and all(*self.triangles):
            return next(iter(self.triangles.values())).solve(alpha)
        coef = np.zeros((self.n_targets, self.n_inputs))
        intercept, freedom = np.zeros((2, self.n_targets))
        patterns = np.array(list(self.triangles))
        for members in np.unique(patterns, axis=1).T:
            group = np.flatnonzero((patterns.T == members).all(axis=1))
            parts = [
                (self.triangles[tuple(pattern.tolist())], np.cumsum(pattern)[group] - 1)
                for pattern in patterns[members]
            ]
            if parts:
                fit = Triangle.union(parts).solve(alpha)
                coef[group], intercept[group], freedom[group] = fit
        return RidgeFit(coef, intercept, freedom)

    def error_covariance(self, fit):
        """Covariance of the errors to expect on new rows.

        Mean products of residuals over rows in which both targets are known, corrected
        for the degrees of freedom of the fit by generalised cross-validation.

        Parameters
        ----------
        fit : RidgeFit

        Returns
        -------
        covariance : ndarray of shape (n_targets, n_targets)
        """
        products, counts = np.zeros((2, self.n_targets, self.n_targets))
        for pattern, triangle in self.triangles.items():
            there = np.flatnonzero(pattern)
            own = RidgeFit(fit.coef[there], fit.intercept[there], None)
            residuals = triangle.residuals(own)
            products[np.ix_(there, there)] += residuals.T @ residuals
            counts[np.ix_(there, there)] += triangle.n
        n = np.diagonal(counts)
        inflation = inflation_of_errors(n, fit.degrees_of_freedom)
        return products / np.maximum(counts, 1.0) * np.outer(inflation, inflation)


def inflation_of_errors(n, degrees_of_freedom):
    """Factor n / (n - degrees_of_freedom) from residuals to errors on new rows.

    1 where degrees of freedom are so many that the residuals are rounding.
    """
    left = n - degrees_of_freedom
    return np.where(left > 1e-10 * n, n / np.where(left > 1e-10 * n, left, 1.0), 1.0)
