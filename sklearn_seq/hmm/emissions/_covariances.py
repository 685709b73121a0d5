"""Covariances of four types: as matrices, above a floor, factorised.

Shapes for C components of D features, of which G groups share tied covariances:

============ =============
"full"       (C, D, D)
"tied"       (G, D, D), component c is of group c modulo G
"diag"       (C, D)
"spherical"  (C,)
============ =============
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

SMALLEST_VARIANCE = 1e-12  # for standardised rows
SMALLEST_EIGENVALUE = 1e-9  # for standardised rows, to seven digits
ROUNDING = 1e-14  # smallest eigenvalue, relative to the largest


def as_matrices(covariances, covariance_type, means):
    """Covariances of all components as matrices (C, D, D); may share memory."""
    C, D = means.shape
    if covariance_type == "full":
        return covariances
    if covariance_type == "tied":
        return np.tile(covariances, (C // len(covariances), 1, 1))
    matrices = np.zeros((C, D, D))
    diagonals = np.arange(D)
    matrices[:, diagonals, diagonals] = as_variances(covariances, means)
    return matrices


def as_variances(covariances, means):
    """Diagonal or spherical covariances as variances (C, D)."""
    if covariances.shape == means.shape:
        return covariances
    return np.broadcast_to(covariances[:, None], means.shape)


def symmetric(matrices):
    return 0.5 * (matrices + np.swapaxes(matrices, -1, -2))


def floored(covariances, covariance_type, floor):
    """Maximum-likelihood covariances with eigenvalues of at least `floor`.

    These are the second moments with eigenvalues raised to the floor.

    Parameters
    ----------
    covariances : ndarray
    covariance_type : {"full", "tied", "diag", "spherical"}
    floor : float

    Returns
    -------
    covariances : ndarray
    """
    if covariance_type in ("diag", "spherical"):
        return np.maximum(covariances, max(floor, SMALLEST_VARIANCE))
    floor = max(floor, SMALLEST_EIGENVALUE)
    covariances = symmetric(covariances)
    values, vectors = np.linalg.eigh(covariances)
    floors = np.maximum(floor, ROUNDING * values[..., -1:])
    low = values[..., 0] < floors[..., 0]
    if low.any():
        raised = np.maximum(values[low], floors[low])
        vectors = vectors[low]
        covariances[low] = symmetric(
            (vectors * raised[..., None, :]) @ np.swapaxes(vectors, -1, -2)
        )
    return covariances


def factorise(matrices):
    """Whitening matrices and log determinants of covariances.

    Parameters
    ----------
    matrices : ndarray of shape (..., D, D)

    Returns
    -------
    whitening : ndarray of shape (..., D, D)
        W with W Wᵀ = Σ⁻¹: rows x W have covariance I.

    log_determinants : ndarray of shape (...)
    """
    scale = np.sqrt(np.diagonal(matrices, axis1=-2, axis2=-1))
    correlations = matrices / scale[..., :, None] / scale[..., None, :]
    try:
        lower = np.linalg.cholesky(correlations)
        inverse = np.swapaxes(np.linalg.inv(lower), -1, -2)
        values = np.diagonal(lower, axis1=-2, axis2=-1) ** 2
    except np.linalg.LinAlgError:  # numerically singular
        values, vectors = np.linalg.eigh(correlations)
        values = np.maximum(values, ROUNDING)
        inverse = vectors / np.sqrt(values)[..., None, :]
    logs = 2 * np.log(scale) + np.log(values)
    return inverse / scale[..., :, None], logs.sum(axis=-1)


def n_free(covariance_type, n_components, n_groups, n_features):
    """The number of free parameters in covariances."""
    D = n_features
    return {
        "full": n_components * D * (D + 1) // 2,
        "tied": n_groups * D * (D + 1) // 2,
        "diag": n_components * D,
        "spherical": n_components,
    }[covariance_type]
