"""Gaussian densities, draws and moments."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import copy

import numpy as np

CHUNK_ROWS = 1 << 15  # rows at a time, so that temporaries stay in the cache


def gaussian_log_density(residuals, covariance, known=None):
    """Log density -½ rᵀ Σ⁻¹ r - ½ log|2 π Σ| of residuals r under N(0, Σ), in nats.

    Parameters
    ----------
    residuals : ndarray of shape (n, n_targets)
    covariance : ndarray of shape (n_targets, n_targets) or (n, n_targets, n_targets)
        One for all rows, or one for each. Variances are at least the rounding error of
        the data, so that a series that is predicted exactly has a finite density.
    known : ndarray of bool of shape (n, n_targets), default=None
        Unknown entries are integrated out.

    Returns
    -------
    log_density : ndarray of shape (n,)
        −inf where the square of a standardised residual overflows.
    """
    if known is not None and not known.all():
        log_density = np.zeros(len(residuals))
        for pattern in np.unique(known, axis=0):
            rows = (known == pattern).all(axis=1)
            if pattern.any():
                own = covariance if covariance.ndim == 2 else covariance[rows]
                log_density[rows] = gaussian_log_density(
                    residuals[np.ix_(rows, pattern)], own[..., pattern, :][..., pattern]
                )
        return log_density
    residuals = np.asarray(residuals, dtype=np.float64)
    variances, vectors = np.linalg.eigh(np.asarray(covariance, dtype=np.float64))
    tiny = np.finfo(np.float64).eps
    floor = tiny * np.maximum(variances[..., -1:], tiny)
    variances = np.maximum(variances, floor)
    whitening = vectors / np.sqrt(variances)[..., None, :]
    with np.errstate(over="ignore", invalid="ignore"):
        if covariance.ndim == 2:
            whitened = residuals @ whitening
        else:
            whitened = np.einsum("ni,nij->nj", residuals, whitening)
        squares = np.einsum("ij,ij->i", whitened, whitened)
    squares[np.isnan(squares)] = np.inf  # of several that overflow
    log_determinant = np.log(2 * np.pi * variances).sum(axis=-1)
    return -0.5 * (squares + log_determinant)


def gaussian_noise(covariance):
    """A function that draws from N(0, covariance), which may be singular.

    Parameters
    ----------
    covariance : ndarray of shape (n_targets, n_targets)

    Returns
    -------
    draw : callable
        ``draw(rng, n)``: n draws, of shape (n, n_targets).
    """
    variances, vectors = np.linalg.eigh(covariance)
    scale = vectors * np.sqrt(np.maximum(variances, 0.0))
    return lambda rng, n: rng.standard_normal((n, len(scale))) @ scale.T


def draw_gaussian(rng, covariance, n):
    """n draws from N(0, covariance), which may be singular: (n, n_targets)."""
    return gaussian_noise(covariance)(rng, n)


def check_squares(squares, allow_nan=False):
    """Refuse data whose squares, or their sums, overflow."""
    overflowed = np.isinf(squares) if allow_nan else ~np.isfinite(squares)
    if overflowed.any():
        raise ValueError(
            "The squares of X or y are beyond floating point. Scale them, for "
            "example with sklearn.preprocessing.StandardScaler."
        )


def continued(earlier, n_features, centre=True):
    """A copy of an earlier `RunningGaussian` to update; a new one if it is None."""
    if earlier is None:
        return RunningGaussian(n_features, centre)
    return copy.deepcopy(earlier)


class RunningGaussian:
    """Mean and covariance, updated batch by batch.

    Parameters
    ----------
    n_features : int
    centre : bool, default=True
        Whether the covariance is about the mean; otherwise about zero.

    Attributes
    ----------
    mean : ndarray of shape (n_features,)
    covariance : ndarray of shape (n_features, n_features)
        Each entry over the rows in which both features are known.

    References
    ----------
    Chan, T. F., Golub, G. H. and LeVeque, R. J. (1983). Algorithms for computing the
    sample variance. The American Statistician, 37, 242-247.
    """

    def __init__(self, n_features, centre=True):
        self.centre = centre
        self.mean = np.zeros(n_features)
        self._n = 0
        self._products = np.zeros((n_features, n_features))
        self._counts = np.zeros((n_features, n_features))

    @classmethod
    def of(cls, n, mean, products):
        """From n rows' mean and sum of products of deviations from it."""
        self = cls(len(mean))
        self._n, self.mean = n, mean
        self._products, self._counts = products, self._counts + n
        return self

    def update(self, values, known=None):
        """Add rows of shape (n, n_features), without the entries that are not known.

        With ``centre=True`` all entries must be known.
        """
        for start in range(0, len(values), CHUNK_ROWS):
            piece = np.asarray(values[start : start + CHUNK_ROWS], dtype=np.float64)
            with np.errstate(over="ignore", invalid="ignore"):
                self._update(
                    piece, None if known is None else known[start : start + CHUNK_ROWS]
                )
        check_squares(self._products)
        return self

    def update_by_residuals(self, values, outputs, known=None, weights=None):
        """The same with values less outputs, scaled to weights of mean 1, as rows."""
        with np.errstate(over="ignore"):  # which update refuses
            residuals = values - outputs
        if weights is not None:
            residuals = residuals * np.sqrt(weights / weights.mean())[:, np.newaxis]
        return self.update(residuals, known)

    def _update(self, values, known):
        n = len(values)
        if self.centre:
            mean = values.mean(axis=0)
            shift = mean - self.mean
            total = self._n + n
            self._products += np.outer(shift, shift) * (self._n * n / total)
            self.mean = self.mean + shift * (n / total)
            values = values - mean
        if known is None:
            self._counts += n
        else:
            values = np.where(known, values, 0.0)
            there = known.astype(np.float64)
            self._counts += there.T @ there
        if values.shape[1] == 1:  # BLAS threads do not pay for one product
            self._products += (values * values).sum()
        else:
            self._products += values.T @ values
        self._n += n

    @property
    def covariance(self):
        return self._products / np.maximum(self._counts, 1.0)
