"""Initial components of Gaussians, and draws of rows."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import warnings
from threading import Lock

import numpy as np
from sklearn.cluster import KMeans
from sklearn.exceptions import ConvergenceWarning

ALONE = Lock()


def overall(rows, covariance_type):
    """Mean and variances of all rows, as one component.

    Parameters
    ----------
    rows : ndarray of shape (N, D)
    covariance_type : {"full", "tied", "diag", "spherical"}

    Returns
    -------
    means : ndarray of shape (1, D)
    covariances : ndarray
        Diagonal; of one component, or of shape (D, D) for "tied".
    """
    known = ~np.isnan(rows)
    counts = np.maximum(known.sum(axis=0), 1)
    means = np.where(known, rows, 0.0).sum(axis=0) / counts
    squares = np.square(np.where(known, rows - means, 0.0))
    variances = squares.sum(axis=0) / counts
    variances = np.where(variances > 0, variances, 1.0)
    if covariance_type == "full":
        covariances = np.diag(variances)[None]
    elif covariance_type == "tied":
        covariances = np.diag(variances)
    elif covariance_type == "diag":
        covariances = variances[None]
    else:
        covariances = variances.mean(keepdims=True)
    return means[None], covariances


def deviates(covariances, n, rng):
    """n normal deviates with the variances of the first covariance."""
    deviations = np.sqrt(np.diagonal(covariances[0]))
    return deviations * rng.standard_normal((n, len(deviations)))


def random_rows(rows, mean, deviations, rng):
    """Distinct rows, drawn at random.

    Parameters
    ----------
    rows : ndarray of shape (N, D)
    mean : ndarray of shape (D,)
        Replaces missing values.
    deviations : ndarray of shape (n, D)
        Added to means where there are too few distinct rows.
    rng : RandomState

    Returns
    -------
    means : ndarray of shape (n, D)
    """
    n = len(deviations)
    candidates = rows[rng.permutation(len(rows))[: 8 * n]]
    candidates = candidates[~np.isnan(candidates).all(axis=1)]
    candidates = np.where(np.isnan(candidates), mean, candidates)
    _, first = np.unique(candidates, axis=0, return_index=True)
    chosen = candidates[np.sort(first)[:n]]
    return np.vstack([chosen, mean + deviations[len(chosen) :]])


def draw(means, covariances, states, rng):
    """Rows drawn from components.

    Parameters
    ----------
    means : ndarray of shape (C, D)
    covariances : ndarray of shape (C, D, D)
    states : ndarray of int of shape (N,)
        The component of each row.
    rng : RandomState

    Returns
    -------
    rows : ndarray of shape (N, D)
    """
    noise = rng.standard_normal((len(states), means.shape[1]))
    rows = means[states]
    for k in np.unique(states):
        here = states == k
        scale = np.sqrt(np.diagonal(covariances[k]))
        scale = np.where(scale > 0, scale, 1.0)
        values, vectors = np.linalg.eigh(covariances[k] / scale[:, None] / scale)
        factor = scale[:, None] * vectors * np.sqrt(np.maximum(values, 0.0))
        rows[here] += noise[here] @ factor.T
    return rows


def k_means(rows, n_clusters, rng, sample_weight=None):
    """K-means cluster of each row, even with fewer distinct rows than clusters.

    One call at a time: it changes the number of BLAS threads and the warning filters of
    the process.
    """
    means = KMeans(n_clusters, n_init=1, random_state=rng)
    with ALONE, warnings.catch_warnings():
        fewer = "Number of distinct clusters"
        warnings.filterwarnings("ignore", fewer, ConvergenceWarning)
        return means.fit(rows, sample_weight=sample_weight).labels_


def clusters_within(rows, proba, n_clusters, rng):
    """Cluster the rows of each state by k-means.

    Parameters
    ----------
    rows : ndarray of shape (N, D)
        Missing values are replaced by the mean.
    proba : ndarray of shape (N, K)
    n_clusters : int
        M.
    rng : RandomState

    Returns
    -------
    weights : ndarray of shape (N, M K)
        Column m K + k is for cluster m of state k.
    """
    missing = np.isnan(rows)
    if missing.any():
        mean, _ = overall(rows, "diag")
        rows = np.where(missing, mean, rows)
    K = proba.shape[1]
    weights = np.zeros((len(rows), n_clusters * K))
    for k in range(K):
        here = np.flatnonzero(proba[:, k] > 0)
        labels = np.zeros(len(here), dtype=np.intp)
        if n_clusters > 1 and len(here) > 1:
            n = min(n_clusters, len(here))
            labels = k_means(rows[here], n, rng, proba[here, k])
        weights[here, labels * K + k] = proba[here, k]
    return weights
