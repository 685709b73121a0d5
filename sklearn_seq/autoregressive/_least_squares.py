"""Linear least squares and ridge regression from moments or from blocks of rows."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np
from scipy import linalg

SMALLEST_RCOND = 1e-9  # below, rounding of the Gram matrix would show in 8 digits
SMALLEST_RESIDUAL = 1e-9  # relative variance below which a difference cancels


class LinearFit(NamedTuple):
    """A linear map and its residuals.

    coef : ndarray of shape (n_targets, n_inputs)
    intercept : ndarray of shape (n_targets,)
    residual_covariance : ndarray of shape (n_targets, n_targets)
        Sum of squares and products of the residuals over the number of rows.
    """

    coef: np.ndarray
    intercept: np.ndarray
    residual_covariance: np.ndarray


def solve_moments(moments, alpha):
    """Minimise ||y - z W||² + alpha ||W||² given second moments.

    Parameters
    ----------
    moments : Moments
    alpha : float
        Penalty on the squared coefficients, not on the intercept.

    Returns
    -------
    fit : LinearFit or None
        None if the moments are too ill-conditioned to tell: use `solve_blocks`.
    """
    gram = moments.zz.copy()
    gram[np.diag_indices_from(gram)] += alpha
    scale = np.sqrt(np.diagonal(gram))
    if not (scale > 0).all() or not np.isfinite(scale).all():
        return None
    gram /= scale
    gram /= scale[:, None]
    factor, info = linalg.lapack.dpotrf(gram, lower=1)
    if info:
        return None
    rcond, _ = linalg.lapack.dpocon(factor, np.abs(gram).sum(axis=0).max(), uplo="L")
    if rcond < SMALLEST_RCOND:
        return None
    coef = linalg.cho_solve((factor, True), moments.zy / scale[:, None]).T / scale
    explained = coef @ moments.zy
    residual = moments.yy - explained - explained.T + coef @ moments.zz @ coef.T
    if (np.diagonal(residual) < SMALLEST_RESIDUAL * np.diagonal(moments.yy)).any():
        return None
    intercept = moments.y_mean - coef @ moments.z_mean
    return LinearFit(coef, intercept, (residual + residual.T) / (2 * moments.n))


def solve_blocks(blocks, n_inputs, n_targets, alpha, centre=True):
    """The same minimum by orthogonal triangulation, block of rows by block.

    Slower than from moments, but exact where those are ill-conditioned; among several
    minima the one of smallest norm.

    Parameters
    ----------
    blocks : callable returning an iterable of (z, y)
        The rows, gone through twice; shapes (n, n_inputs) and (n, n_targets).
    n_inputs, n_targets : int
    alpha : float
    centre : bool, default=True
        Whether there is an intercept.

    Returns
    -------
    fit : LinearFit
    """
    size = n_inputs + n_targets
    n, mean = 0, np.zeros(size)
    for z, y in blocks():
        n += len(z)
        mean[:n_inputs] += z.sum(axis=0, dtype=np.float64)
        mean[n_inputs:] += y.sum(axis=0, dtype=np.float64)
    mean *= centre / n
    triangle = np.zeros((0, size))
    for z, y in blocks():
        block = np.empty((len(z), size))
        np.subtract(z, mean[:n_inputs], out=block[:, :n_inputs])
        np.subtract(y, mean[n_inputs:], out=block[:, n_inputs:])
        triangle = np.linalg.qr(np.vstack([triangle, block]), mode="r")
    z, y = triangle[:, :n_inputs], triangle[:, n_inputs:]
    ridge = np.sqrt(alpha) * np.eye(n_inputs) if alpha else np.zeros((0, n_inputs))
    # Columns that rounding alone keeps from being constant are constant.
    scale = np.linalg.norm(z, axis=0)
    constant = scale <= 1e-13 * np.sqrt(n) * np.abs(mean[:n_inputs])
    z = np.where(constant, 0.0, z)
    stacked = np.vstack([z, ridge]), np.vstack([y, np.zeros((len(ridge), n_targets))])
    # What the triangulation leaves of a direction without variance is rounding.
    cutoff = np.finfo(np.float64).eps * (n_inputs + np.sqrt(n))
    coef = linalg.lstsq(*stacked, cond=cutoff, lapack_driver="gelsd")[0].T
    residual = y - z @ coef.T
    intercept = mean[n_inputs:] - coef @ mean[:n_inputs]
    return LinearFit(coef, intercept, residual.T @ residual / n)
