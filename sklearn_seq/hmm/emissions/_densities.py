"""Log densities of rows under Gaussians; what is missing is integrated out."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from ._covariances import as_matrices, as_variances, factorise
from ._rows import chunks, patterns

FAR = 1e4  # squared distance over variance, above which products lose digits
LOG_2PI = np.log(2 * np.pi)


def log_densities(means, covariances, covariance_type, rows, groups=None):
    """Log densities of rows under each of some Gaussians.

    Parameters
    ----------
    means : ndarray of shape (C, D)
    covariances : ndarray
        Of the shape that `covariance_type` tells.
    covariance_type : {"full", "tied", "diag", "spherical"}
    rows : ndarray of shape (N, D)
        NaN is missing; the density of a row without values is 1.
    groups : list of Pattern, default=None
        The rows' patterns of missing values, if they are known.

    Returns
    -------
    log_densities : ndarray of shape (N, C)
    """
    out = np.empty((len(rows), len(means)))
    with np.errstate(all="ignore"):  # a density may underflow, its logarithm overflow
        if covariance_type in ("diag", "spherical"):
            _independent(means, as_variances(covariances, means), rows, out)
        else:
            _patterns(means, covariances, covariance_type, rows, groups, out)
        if not np.isfinite(out.sum()):  # differences of squares that overflow
            out[np.isnan(out)] = -np.inf
    return out


def _patterns(means, covariances, covariance_type, rows, groups, out):
    tied = covariance_type == "tied" and len(covariances) == 1
    if not tied:
        covariances = as_matrices(covariances, covariance_type, means)
    dependent = _sharing if tied else _dependent
    for index, known, unknown in patterns(rows) if groups is None else groups:
        if not len(unknown):
            if isinstance(index, slice):
                dependent(means, covariances, rows, out)
                continue
            columns = slice(None)
        else:
            columns = known
        part = np.zeros((len(index), len(means)))
        if len(known):
            block = covariances[:, known[:, None], known]
            dependent(means[:, columns], block, rows[index][:, columns], part)
        out[index] = part


def _dependent(means, covariances, rows, out):
    """Of complete rows, with a full covariance for each Gaussian.

    Rows are whitened for all Gaussians in one product, the squares summed in another.
    """
    C, D = means.shape
    centre = np.median(means, axis=0)
    whitening, log_determinants = factorise(covariances)
    constants = -0.5 * (log_determinants + D * LOG_2PI)
    shifts = np.einsum("ki,kij->jk", centre - means, whitening)
    far = _far(np.square(shifts).sum(axis=0), FAR**2)
    onto = np.zeros((D + 1, D * C + 1))  # a last 1 stays 1, and brings constants
    onto[:D, :-1] = np.moveaxis(whitening, 0, -1).reshape(D, D * C)
    onto[D, :-1] = shifts.ravel()
    onto[D, -1] = 1.0
    total = np.vstack([np.tile(-0.5 * np.eye(C), (D, 1)), constants])
    pieces = chunks(len(rows), D * C + 1)
    columns = np.ones((D + 1, pieces[0].stop if pieces else 0))
    white = np.empty((columns.shape[1], D * C + 1))
    for piece in pieces:
        n = piece.stop - piece.start
        here, there, part = columns[:, :n], white[:n], out[piece]
        np.subtract(rows[piece].T, centre[:, None], out=here[:D])
        np.matmul(here.T, onto, out=there)
        np.square(there, out=there)
        np.matmul(there, total, out=part)
        for k in far:
            residuals = (rows[piece] - means[k]) @ whitening[k]
            part[:, k] = constants[k] - 0.5 * np.square(residuals).sum(axis=1)


def _sharing(means, covariances, rows, out):
    """Of complete rows, with a full covariance that all Gaussians share."""
    whitening, log_determinants = factorise(covariances)
    _independent(means, np.ones(means.shape), rows, out, whitening[0])
    out -= 0.5 * log_determinants[0]


def _independent(means, variances, rows, out, whitening=None):
    """Of rows with missing values, with independent features.

    As products of [1, x, x²] with coefficients, if no mean is so far from the centre,
    relative to its variance, that they would lose digits. With missing values the 1 is
    0 where a feature is missing. With a whitening matrix, complete rows times that
    matrix have the variances.
    """
    C, D = means.shape
    centre = np.sort(means, axis=0)[C // 2]
    deviations = np.sqrt(variances)
    scale = np.maximum.reduce(deviations, axis=0)
    precisions = np.square(scale / deviations)
    offsets = means - centre
    offsets = offsets / scale if whitening is None else offsets @ whitening
    distances = precisions * np.square(offsets)
    constants = -0.5 * (LOG_2PI + 2 * np.log(deviations))
    far = _far(np.add.reduce(distances, axis=1), FAR)

    complete = whitening is not None or not np.isnan(rows).any()
    n_ones = 1 if complete else D
    coefficients = np.empty((n_ones + 2 * D, C))
    ones = (constants - 0.5 * distances).T
    coefficients[:n_ones] = np.add.reduce(ones, axis=0) if complete else ones
    coefficients[n_ones : n_ones + D] = (precisions * offsets).T
    coefficients[n_ones + D :] = -0.5 * precisions.T
    coefficients[:, far] = 0.0
    pieces = chunks(len(rows), len(coefficients))
    columns = np.ones((len(coefficients), pieces[0].stop if pieces else 0))
    for piece in pieces:
        here, part = columns[:, : piece.stop - piece.start], out[piece]
        x, x2 = here[n_ones : n_ones + D], here[n_ones + D :]
        np.subtract(rows[piece].T, centre[:, None], out=x)
        if whitening is None:
            x /= scale[:, None]
        else:
            x[:] = whitening.T @ x
        if not complete:
            missing = np.isnan(x)
            np.copyto(x, 0.0, where=missing)
            np.logical_not(missing, out=here[:D], casting="unsafe")
        np.square(x, out=x2)
        np.matmul(here.T, coefficients, out=part)
        for k in far:
            residuals = rows[piece] - means[k]
            residuals = residuals if whitening is None else residuals @ whitening
            squares = np.square(residuals / deviations[k])
            part[:, k] = np.nansum(constants[k] - 0.5 * squares, axis=1)


def _far(squares, limit):
    """Gaussians for which differences of large numbers would lose digits."""
    return np.flatnonzero(~(squares <= limit))
