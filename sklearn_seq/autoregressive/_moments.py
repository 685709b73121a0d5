"""Second moments of delay taps, without ever building the matrix of taps.

With z[t] = (x[t], x[t-1], …, x[t-L+1]) the Gram matrix G = Σ z[t] z[t]ᵀ over runs
a ≤ t < b of target rows is block Toeplitz up to boundary terms. Only its first row of
blocks, L lagged cross-products, is summed; the others follow by

    G[i, j] = G[i-1, j-1] + Σ_runs x[a-i] x[a-j]ᵀ - x[b-i] x[b-j]ᵀ.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np

CHUNK_ROWS = 1 << 15  # rows of a chunk that fits into the cache
DOT_ROWS = 1 << 13  # rows of a product for which BLAS uses no threads


class Moments(NamedTuple):
    """Centred second moments of inputs z and targets y over `n` rows.

    n : int
    z_mean : ndarray of shape (n_inputs,)
    y_mean : ndarray of shape (n_targets,)
    zz : ndarray of shape (n_inputs, n_inputs)
    zy : ndarray of shape (n_inputs, n_targets)
    yy : ndarray of shape (n_targets, n_targets)
    """

    n: int
    z_mean: np.ndarray
    y_mean: np.ndarray
    zz: np.ndarray
    zy: np.ndarray
    yy: np.ndarray


def lagged_products(left, rows, left_mean, mean, n_lags, runs):
    """Σ_t left[t] x[t-j]ᵀ for j = 0 … n_lags-1, and Σ_t left[t], both centred.

    Parameters
    ----------
    left : ndarray of shape (n_rows, n_left)
    rows : ndarray of shape (n_rows, n_features)
    left_mean, mean : ndarray of shape (n_left,), (n_features,)
        Subtracted from `left` and `rows`.
    n_lags : int
    runs : tuple of ndarray
        The sum is over ``starts[i] <= t < stops[i]``; each of these rows has
        n_lags - 1 predecessors.

    Returns
    -------
    products : ndarray of shape (n_left, n_lags, n_features)
    sums : ndarray of shape (n_left,)
    """
    starts, stops = runs
    n_left, n_features = left.shape[1], rows.shape[1]
    products = np.zeros((n_left, n_lags, n_features))
    sums = np.zeros(n_left)
    for a in range(int(starts[0]), int(stops[-1]), CHUNK_ROWS):
        b = min(a + CHUNK_ROWS, int(stops[-1]))
        window = np.subtract(rows[a - n_lags + 1 : b], mean, dtype=np.float64)
        if left is rows:
            counted = window[n_lags - 1 :]
        else:
            counted = np.subtract(left[a:b], left_mean, dtype=np.float64)
        if len(starts) > 1:
            counted = np.where(_inside(starts, stops, a, b)[:, None], counted, 0.0)
        sums += counted.sum(axis=0)
        if n_left == n_features == 1:
            for c in range(0, b - a, DOT_ROWS):
                d = min(c + DOT_ROWS, b - a)
                x, own = window[c : d + n_lags - 1, 0], counted[c:d, 0]
                products[0, ::-1, 0] += np.correlate(x, own, "valid")
            continue
        for j in range(n_lags):
            shifted = window[n_lags - 1 - j : n_lags - 1 - j + b - a]
            products[:, j] += counted.T @ shifted
    return products, sums


def _inside(starts, stops, a, b):
    """Which of the rows a ≤ t < b are in a run: shape (b - a,)."""
    here = slice(np.searchsorted(stops, a, "right"), np.searchsorted(starts, b))
    edges = np.zeros(b - a + 1, dtype=np.int8)
    edges[np.maximum(starts[here], a) - a] += 1
    edges[np.minimum(stops[here], b) - a] -= 1
    return np.cumsum(edges[:-1], dtype=np.int8) > 0


def lagged_gram(rows, mean, n_lags, runs):
    """Gram matrix and sums of centred delay taps.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
    mean : ndarray of shape (n_features,)
    n_lags : int
    runs : tuple of ndarray
        The rows of the sum, as for `lagged_products`.

    Returns
    -------
    gram : ndarray of shape (n_lags * n_features, n_lags * n_features)
    sums : ndarray of shape (n_lags * n_features,)
    """
    n_features = rows.shape[1]
    size = n_lags * n_features
    gram = np.zeros((n_lags, n_features, n_lags, n_features))
    sums = np.empty((n_lags, n_features))
    gram[0], sums[0] = lagged_products(rows, rows, mean, mean, n_lags, runs)
    ends = np.zeros((size - n_features, size - n_features))
    sum_ends = np.zeros(size - n_features)
    step = max(1, CHUNK_ROWS // n_lags)
    back = np.arange(1, n_lags)
    for a in range(0, len(runs[0]), step):
        for sign, where in zip((1.0, -1.0), runs, strict=True):
            taps = rows[where[a : a + step, None] - back]
            taps = np.subtract(taps, mean, dtype=np.float64).reshape(len(taps), -1)
            ends += sign * (taps.T @ taps)
            sum_ends += sign * taps.sum(axis=0)
    ends = ends.reshape(n_lags - 1, n_features, n_lags - 1, n_features)
    for i in range(1, n_lags):
        gram[i, :, i:] = gram[i - 1, :, i - 1 : -1] + ends[i - 1, :, i - 1 :]
    sums[1:] = sums[0] + np.cumsum(sum_ends.reshape(n_lags - 1, n_features), axis=0)
    gram = gram.reshape(size, size)
    return np.triu(gram) + np.triu(gram, 1).T, sums.ravel()


def next_step_moments(rows, columns, n_lags, runs, centre=True):
    """Moments of delay taps z[t] and the next row's columns y = x[t+1].

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
    columns : ndarray of int of shape (n_targets,)
        The columns that are predicted.
    n_lags : int
        Number of taps.
    runs : tuple of ndarray
        Runs of target rows t + 1; each row has n_lags predecessors.
    centre : bool, default=True
        Whether the moments are about the mean or about zero.

    Returns
    -------
    moments : Moments
    """
    n_features = rows.shape[1]
    mean = rows.mean(axis=0, dtype=np.float64) * centre
    gram, sums = lagged_gram(rows, mean, n_lags + 1, runs)
    n = int((runs[1] - runs[0]).sum())
    shift = np.tile(mean, n_lags + 1)
    means = sums / n * centre
    gram -= n * np.outer(means, means)
    means = means + shift
    targets, inputs = columns, slice(n_features, None)
    return Moments(
        n,
        means[inputs],
        means[targets],
        gram[inputs, inputs],
        gram[inputs, targets],
        gram[np.ix_(targets, targets)],
    )


def step_moments(rows, y, n_lags, runs, centre=True):
    """Moments of delay taps z[t] and a target y[t] of the same row.

    Parameters
    ----------
    rows : ndarray of shape (n_rows, n_features)
    y : ndarray of shape (n_rows, n_targets)
    n_lags : int
        Number of taps.
    runs : tuple of ndarray
        Runs of rows that count; each row has n_lags - 1 predecessors and a target.
    centre : bool, default=True
        Whether the moments are about the mean or about zero.

    Returns
    -------
    moments : Moments
    """
    n = int((runs[1] - runs[0]).sum())
    mean = rows.mean(axis=0, dtype=np.float64) * centre
    gram, sums = lagged_gram(rows, mean, n_lags, runs)
    z_mean = sums / n * centre
    gram -= n * np.outer(z_mean, z_mean)
    counted = np.zeros(len(y), dtype=bool)
    for a, b in zip(*runs, strict=True):
        counted[a:b] = True
    y_mean = y[counted].mean(axis=0, dtype=np.float64) * centre
    values = np.where(counted[:, None], y - y_mean, 0.0)
    zero = np.zeros(y.shape[1])
    zy, _ = lagged_products(values, rows, zero, mean, n_lags, runs)
    zy = zy.reshape(y.shape[1], -1).T
    z_mean = z_mean + np.tile(mean, n_lags)
    return Moments(n, z_mean, y_mean, gram, zy, values.T @ values)
