"""A linear dynamical system prepared for inference: whitened, with square roots."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np
from scipy.linalg.lapack import dpotrf

EPS = np.finfo(np.float64).eps
TINY = np.finfo(np.float64).tiny
LOG_2PI = np.log(2 * np.pi)
MAX_BITS = 62  # features whose pattern fits into an integer


class System(NamedTuple):
    """A system with whitened observations, for each pattern of missing values.

    Pattern 0 is a row without missing values. A missing feature is replaced by 0, with
    a zero row of C and noise of variance 1: an observation without information.

    Attributes
    ----------
    transition : ndarray of shape (n, n)

    observation : ndarray of shape (n_patterns, m, n)

    noise : ndarray of shape (n, n)
        Factor N of Q = N N'.

    initial_mean : ndarray of shape (n,)

    initial_factor : ndarray of shape (n, n)

    whitener : ndarray of shape (n_patterns, m, m)

    constant : ndarray of shape (n_patterns,)
        ½ log det(2 π R) of the observed features, to subtract from the log density.

    observed : ndarray of uint8 of shape (n_patterns, m)
        1 where a feature is observed.

    observation_covariance : ndarray of shape (m, m)
        R, raised to its floor.

    input_matrix : ndarray of shape (n, p), or None

    feedthrough_matrix : ndarray of shape (m, p), or None
    """

    transition: np.ndarray
    observation: np.ndarray
    noise: np.ndarray
    initial_mean: np.ndarray
    initial_factor: np.ndarray
    whitener: np.ndarray
    constant: np.ndarray
    observed: np.ndarray
    observation_covariance: np.ndarray
    input_matrix: np.ndarray | None
    feedthrough_matrix: np.ndarray | None


def whiten_system(parameters, observed):
    """Whiten the observations of a system for each pattern of missing values.

    Parameters
    ----------
    parameters : Parameters

    observed : ndarray of bool of shape (n_patterns, m)

    Returns
    -------
    system : System
    """
    p = parameters
    noise = covariance_factor(p.transition_covariance)
    initial_factor = covariance_factor(p.initial_state_covariance)
    R = _floored(p, noise, initial_factor)
    # missing features become independent, of variance 1
    both = observed[:, :, None] & observed[:, None, :]
    masked = R * both
    np.einsum("pii->pi", masked)[...] += ~observed
    factor = np.linalg.cholesky(masked)
    whitener = np.linalg.inv(factor) * both
    logs = np.log(np.einsum("pii->pi", factor)) + 0.5 * LOG_2PI
    return System(
        p.transition_matrix,
        whitener @ p.observation_matrix,
        noise,
        p.initial_state_mean,
        initial_factor,
        whitener,
        (logs * observed).sum(axis=1),
        observed.view(np.uint8),
        R,
        p.input_matrix,
        p.feedthrough_matrix,
    )


def covariance_factor(covariance):
    """F with F F' equal to a positive semi-definite matrix, singular or not.

    Parameters
    ----------
    covariance : ndarray of shape (n, n)

    Returns
    -------
    factor : ndarray of shape (n, n)
    """
    if not covariance.any():
        return np.zeros_like(covariance)
    factor, failed = dpotrf(covariance, lower=1)
    if (
        not failed
        and (factor.diagonal() ** 2 > 1e3 * EPS * covariance.diagonal()).all()
    ):
        return np.ascontiguousarray(factor)
    scale = np.sqrt(np.maximum(covariance.diagonal(), 0.0))
    inverse = np.divide(1.0, scale, out=np.zeros_like(scale), where=scale > 0)
    variances, vectors = np.linalg.eigh(covariance * np.outer(inverse, inverse))
    variances[variances < len(covariance) * EPS] = 0.0
    return scale[:, None] * vectors * np.sqrt(variances)


def _floored(parameters, noise, initial_factor):
    """R with standard deviations at least the rounding error of the signal C s."""
    C, R = parameters.observation_matrix, parameters.observation_covariance
    variances = R.diagonal()
    signal = C @ np.hstack([noise, initial_factor])
    level = np.maximum(np.einsum("ij,ij->i", signal, signal), variances)
    if not level.all():
        level[level == 0] = level.max() or 1.0
    floor = np.maximum(EPS**2 * level, TINY)
    scale = np.sqrt(np.maximum(variances, floor))
    correlation = R / scale / scale[:, None]
    correlation = 0.5 * (correlation + correlation.T)
    np.einsum("ii->i", correlation)[...] = 1.0
    least = 10 * len(R) * EPS
    factor, failed = dpotrf(correlation, lower=1)
    if not failed and factor.diagonal().min() ** 2 > 4 * least:
        return correlation * scale * scale[:, None]
    values, vectors = np.linalg.eigh(correlation)
    correlation = (vectors * np.maximum(values, least)) @ vectors.T
    return 0.5 * (correlation + correlation.T) * scale * scale[:, None]


def missing_patterns(X):
    """The patterns of missing values, and the pattern of each row.

    Parameters
    ----------
    X : ndarray of shape (N, m)

    Returns
    -------
    observed : ndarray of bool of shape (n_patterns, m)
        The first is that of complete rows.

    codes : ndarray of int of shape (N,), or None if nothing is missing
        Pattern of each row.
    """
    m = X.shape[1]
    complete = np.ones((1, m), dtype=bool)
    # a finite sum has only finite terms, and is cheaper than a mask
    with np.errstate(over="ignore", invalid="ignore"):
        total = X.sum()
    if np.isfinite(total):
        return complete, None
    missing = np.isnan(X)
    holes = np.flatnonzero(missing.any(axis=1))
    if len(holes) == 0:
        return complete, None
    kinds = missing[holes]
    if m <= MAX_BITS:
        keys = kinds @ (1 << np.arange(m))
        _, first, codes = np.unique(keys, return_index=True, return_inverse=True)
        kinds = kinds[first]
    else:
        kinds, codes = np.unique(kinds, axis=0, return_inverse=True)
    all_codes = np.zeros(len(X), dtype=np.intp)
    all_codes[holes] = codes.ravel() + 1
    return np.concatenate([complete, ~kinds]), all_codes
