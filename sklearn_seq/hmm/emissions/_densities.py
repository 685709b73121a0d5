"""Log densities of rows under Gaussians; missing values are integrated out."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from ._columns import Columns
from ._covariances import as_matrices, as_variances, factorise
from ._rows import chunks, patterns

FAR = 1e4  # squared distance over variance above which products lose digits
LOG_2PI = np.log(2 * np.pi)


def log_densities(means, covariances, covariance_type, rows, found=None):
    """Log densities of rows x under C Gaussians N(m, Σ).

    -½ (x - m) Σ⁻¹ (x - m)ᵀ - ½ log|2 π Σ|, over the known features of each row.

    Parameters
    ----------
    means : ndarray of shape (C, D)
    covariances : ndarray
        In the shape of `covariance_type`.
    covariance_type : {"full", "tied", "diag", "spherical"}
    rows : ndarray of shape (N, D)
        NaN is missing; the density of a row without values is 1.
    found : list of Pattern or Columns, default=None
        Patterns of missing values (for "diag" and "spherical", columns) of the rows, if
        already computed.

    Returns
    -------
    log_densities : ndarray of shape (N, C)
    """
    out = np.empty((len(rows), len(means)))
    with np.errstate(all="ignore"):  # non-finite values are checked below
        if covariance_type in ("diag", "spherical"):
            deviations = np.sqrt(as_variances(covariances, means))
            if found is None:
                scale = np.maximum.reduce(deviations, axis=0)
                found = Columns(rows, _middle(means), scale)
            _independent(means, deviations, found, out)
        else:
            _patterns(means, covariances, covariance_type, rows, found, out)
        if not np.isfinite(out.sum()):  # overflow in squares
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
    """Log densities of complete rows, with a full covariance for each Gaussian.

    One product whitens rows for all Gaussians, another sums the squares.
    """
    C, D = means.shape
    centre = np.median(means, axis=0)
    whitening, log_determinants = factorise(covariances)
    constants = -0.5 * (log_determinants + D * LOG_2PI)
    shifts = np.einsum("ki,kij->jk", centre - means, whitening)
    far = _far(np.square(shifts).sum(axis=0), FAR**2)
    onto = np.zeros((D + 1, D * C + 1))  # the last entry 1 carries the constants
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
    """Log densities of complete rows, with a full covariance for all Gaussians."""
    whitening, log_determinants = factorise(covariances)
    columns = Columns(rows, _middle(means), whitening=whitening[0])
    _independent(means, np.ones(means.shape), columns, out)
    out -= 0.5 * log_determinants[0]


def _independent(means, deviations, columns, out):
    """Log densities of rows with independent features, some of them missing.

    Products of the columns [1, x, x²] with coefficients, except for Gaussians so far
    from the centre, relative to their variance, that these would lose digits.
    """
    offsets = columns.inward(means)
    scaled = deviations if columns.scale is None else deviations / columns.scale
    coefficients = np.empty((columns.width, len(means)))
    ones, linear, squares = columns.parts(coefficients)
    precisions = np.square(1 / scaled)
    np.multiply(precisions, offsets, out=linear.T)
    np.multiply(precisions, -0.5, out=squares.T)
    distances = linear.T * offsets
    constants = -0.5 * LOG_2PI - np.log(deviations)
    each = constants - 0.5 * distances
    ones[:] = np.add.reduce(each, axis=1) if columns.complete else each.T
    far = _far(np.add.reduce(distances, axis=1), FAR)
    if len(far):
        coefficients[:, far] = 0.0
    for piece, here in columns:
        part = np.matmul(here.T, coefficients, out=out[piece])
        for k in far:
            residuals = columns.rows[piece] - means[k]
            if columns.whitening is not None:
                residuals = residuals @ columns.whitening
            terms = constants[k] - 0.5 * np.square(residuals / deviations[k])
            part[:, k] = np.nansum(terms, axis=1)


def _middle(means):
    """The median of the means, (D,)."""
    return np.sort(means, axis=0)[len(means) // 2]


def _far(squares, limit):
    """Indices of Gaussians for which products would lose digits."""
    return np.flatnonzero(~(squares <= limit))
