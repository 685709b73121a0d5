"""Linear least squares and ridge regression, from moments or from rows.

From rows, block by block, by QR decomposition: slower than from moments, but accurate
where these are ill-conditioned.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np
from scipy import linalg

from .._core.gaussian import check_squares

SMALLEST_RCOND = 1e-9  # below: coefficients from moments have fewer than 8 digits
SMALLEST_RESIDUAL = 1e-9  # relative variance below which differences cancel


class LinearFit(NamedTuple):
    """Coefficients, intercept and residual covariance.

    coef : ndarray of shape (n_targets, n_inputs)
    intercept : ndarray of shape (n_targets,)
    residual_covariance : ndarray of shape (n_targets, n_targets)
        Mean products of the residuals.
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
        None if the moments are too ill-conditioned: solve from rows instead.
    """
    gram = moments.zz.copy()
    gram[np.diag_indices_from(gram)] += alpha
    scale = np.sqrt(np.diagonal(gram))
    finite = np.isfinite(scale).all() and np.isfinite(moments.zy).all()
    if not (finite and (scale > 0).all()):
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


class Triangle(NamedTuple):
    """R factor of the QR decomposition of rows [z, y], centred or not.

    n : int
        Number of rows.
    mean : ndarray of shape (size,), size = n_inputs + n_targets
        Subtracted from the rows: their mean, or zero.
    values : ndarray of shape (at most size, size)
        R: ``values.T @ values`` are the sums of products of the rows.
    """

    n: int
    mean: np.ndarray
    values: np.ndarray


def triangulate(z, y, centre=True):
    """Triangle of rows: shapes (n, n_inputs) and (n, n_targets)."""
    rows = np.empty((len(z), z.shape[1] + y.shape[1]))
    rows[:, : z.shape[1]], rows[:, z.shape[1] :] = z, y
    mean = rows.mean(axis=0) * centre
    rows -= mean
    return Triangle(len(rows), mean, _rotate(rows))


def triangulate_blocks(blocks, centre=True):
    """Triangles of rows, given block by block.

    Parameters
    ----------
    blocks : iterable of (z, y)
        Shapes (n, n_inputs) and (n, n_targets); NaN in y is no target.
    centre : bool, default=True
        Whether means are subtracted.

    Returns
    -------
    triangles : dict of str to Triangle
        One for each pattern of known targets, with these targets: key "101" means the
        first and third of three.
    """
    triangles = {}
    for z, y in blocks:
        known = ~np.isnan(y)
        complete = known.all()
        some = known[:1] if complete else known
        for pattern in sorted(set(map(tuple, some.tolist()))):
            rows = slice(None) if complete else (known == pattern).all(axis=1)
            own = triangulate(z[rows], y[rows][:, pattern], centre)
            key = key_of(pattern)
            earlier = [triangles[key]] if key in triangles else []
            triangles[key] = merge([*earlier, own], centre)
    return triangles


def key_of(pattern):
    return "".join("1" if known else "0" for known in pattern)


def pattern_of(key):
    return np.array([known == "1" for known in key])


def merge_patterns(triangles, others, centre=True):
    """Merge two dictionaries of triangles."""
    both = triangles | others
    for pattern in triangles.keys() & others.keys():
        both[pattern] = merge([triangles[pattern], others[pattern]], centre)
    return both


def triangle_of_moments(moments):
    """Triangle from second moments, with half the digits."""
    zz, zy, yy = moments.zz, moments.zy, moments.yy
    gram = np.block([[zz, zy], [zy.T, yy]])
    scale = np.sqrt(np.diagonal(gram))
    scale = np.where(scale > 0, scale, 1.0)
    squares, vectors = np.linalg.eigh(gram / scale / scale[:, None])
    values = np.sqrt(np.maximum(squares, 0.0))[:, None] * vectors.T * scale
    mean = np.concatenate([moments.z_mean, moments.y_mean])
    return Triangle(moments.n, mean, values)


def merge(triangles, centre=True):
    """Triangle of the rows of several others.

    Each is about its own mean; differences of means add one row.

    References
    ----------
    Chan, T. F., Golub, G. H. and LeVeque, R. J. (1983). Algorithms for computing the
    sample variance. The American Statistician, 37, 242-247.
    """
    (n, mean, values), *others = triangles
    rows = [values]
    for other in others:
        rows.append(other.values)
        if centre:
            share = other.n / (n + other.n)
            shift = other.mean - mean
            rows.append(np.sqrt(n * share) * shift[None])
            mean = mean + share * shift
        n += other.n
    return Triangle(n, mean, _rotate(np.vstack(rows)))


def _rotate(rows):
    few = len(rows) <= rows.shape[1]
    return rows if few else np.linalg.qr(rows, mode="r")


def solve_triangle(triangle, n_inputs, alpha):
    """Minimise ||y - z W||² + alpha ||W||² over the rows of a triangle.

    Returns
    -------
    fit : LinearFit
        The minimum of smallest norm, if there are several.
    """
    n, mean, values = triangle
    check_squares(values)
    z, y = values[:, :n_inputs], values[:, n_inputs:]
    # Columns that vary only by rounding count as constant.
    scale = np.linalg.norm(z, axis=0)
    constant = scale <= 1e-13 * np.sqrt(n) * np.abs(mean[:n_inputs])
    z = np.where(constant, 0.0, z)
    ridge = np.sqrt(alpha) * np.eye(n_inputs) if alpha else np.zeros((0, n_inputs))
    stacked = np.vstack([z, ridge]), np.vstack([y, np.zeros((len(ridge), y.shape[1]))])
    # In directions without variance only rounding is left.
    cutoff = np.finfo(np.float64).eps * (n_inputs + np.sqrt(n))
    coef = linalg.lstsq(*stacked, cond=cutoff, lapack_driver="gelsd")[0].T
    residual = y - z @ coef.T
    intercept = mean[n_inputs:] - coef @ mean[:n_inputs]
    return LinearFit(coef, intercept, residual.T @ residual / n)


def solve_patterns(triangles, n_inputs, alpha, centre=True):
    """As `solve_triangle`, with missing targets.

    Parameters
    ----------
    triangles : dict of str to Triangle
        As from `triangulate_blocks`. Each target is known in some row.
    n_inputs : int
    alpha : float
    centre : bool, default=True
        Whether there is an intercept.

    Returns
    -------
    fit : LinearFit
        Coefficients of each target from the rows where it is known; residual covariance
        from rows where both targets are.
    """
    if len(triangles) == 1:
        return solve_triangle(*triangles.values(), n_inputs, alpha)
    patterns = np.array([pattern_of(key) for key in triangles])
    n_targets = patterns.shape[1]
    coef, intercept = np.empty((n_targets, n_inputs)), np.empty(n_targets)
    for members in np.unique(patterns, axis=1).T:
        group = (patterns.T == members).all(axis=1)
        parts = [_targets_of(triangles, p, n_inputs, group) for p in patterns[members]]
        fit = solve_triangle(merge(parts, centre), n_inputs, alpha)
        coef[group], intercept[group] = fit.coef, fit.intercept
    products, counts = np.zeros((2, n_targets, n_targets))
    for key, (n, mean, values) in triangles.items():
        known = np.flatnonzero(pattern_of(key))
        own = coef[known]
        residual = values[:, n_inputs:] - values[:, :n_inputs] @ own.T
        bias = mean[n_inputs:] - own @ mean[:n_inputs] - intercept[known]
        where = np.ix_(known, known)
        products[where] += residual.T @ residual + n * np.outer(bias, bias)
        counts[where] += n
    return LinearFit(coef, intercept, products / np.maximum(counts, 1.0))


def _targets_of(triangles, pattern, n_inputs, group):
    """Triangle of the rows of a pattern, with some of its targets."""
    n, mean, values = triangles[key_of(pattern)]
    columns = np.append(np.ones(n_inputs, dtype=bool), group[pattern])
    return Triangle(n, mean[columns], values[:, columns])
