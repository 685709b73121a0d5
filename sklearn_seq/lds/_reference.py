"""Kalman filter and smoother in NumPy, where `_kalman` could not be compiled.

It holds the same functions: a loop over time for all sequences at once, which are the
last axis of every array. Covariances are computed for each sequence. The formulas are
at the top of `_kalman.pyx`.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

TINY = np.finfo(np.float64).tiny
MOST_VALUES = 1 << 24  # values kept for the smoother in one batch


def filter_rows(
    system,
    X,
    offsets,
    codes,
    U,
    log_density,
    means=None,
    covariances=None,
    predicted_means=None,
    predicted_covariances=None,
):
    """Filter all sequences.

    Parameters
    ----------
    system : System

    X : ndarray of shape (N, m)

    offsets : ndarray of int of shape (n_sequences + 1,)

    codes : ndarray of int of shape (N,), or None
        Pattern of missing values of each row; None if nothing is missing.

    U : ndarray of shape (N, p), or None

    log_density : ndarray of shape (N,)
        Output, as are all of the following that are not None.

    means, predicted_means : ndarray of shape (N, n)

    covariances, predicted_covariances : ndarray of shape (N, n, n)

    Returns
    -------
    checksum : float
        Not finite if a result is not.
    """
    for rows in batches(offsets, len(offsets)):
        for step in forward(system, X, codes, U, rows, keep=False):
            there, predicted, prediction, mean, factor, density, _, _ = step
            log_density[there] = density
            for out, value in (
                (predicted_means, predicted),
                (means, mean),
            ):
                if out is not None:
                    out[there] = value.T
            for out, value in (
                (predicted_covariances, prediction),
                (covariances, factor),
            ):
                if out is not None:
                    out[there] = times_transposed(value, value)
    return checksum(
        log_density, means, covariances, predicted_means, predicted_covariances
    )


def smooth_rows(
    system,
    X,
    offsets,
    codes,
    U,
    log_density,
    means,
    covariances=None,
    lags=None,
    sums=None,
):
    """Smooth all sequences.

    Parameters
    ----------
    system, X, offsets, codes, U, log_density
        As for `filter_rows`.

    means : ndarray of shape (N, n)
        Output, as are all of the following that are not None.

    covariances : ndarray of shape (N, n, n)

    lags : ndarray of shape (N, n, n)
        Cov(s[t+1], s[t]) at row t; zeros at last rows.

    sums : ndarray of shape (n_patterns + 4, n, n)
        Sums of smoothed covariances are added to it: one for each pattern of missing
        values, then over first rows, all others, all but last rows, and the lag-one
        covariances.

    Returns
    -------
    checksum : float
        Not finite if a result is not.
    """
    n, m = len(system.transition), X.shape[1]
    longest = int(np.diff(offsets).max(initial=1))
    size = max(MOST_VALUES // (longest * (6 * n * n + 2 * n * m)), 1)
    for rows in batches(offsets, size):
        steps = list(forward(system, X, codes, U, rows, keep=True))
        d, E = np.zeros((n, 0)), np.zeros((n, n, 0))
        for t in range(len(steps) - 1, -1, -1):
            there, _, _, mean, factor, density, updates, rotation = steps[t]
            n_longer = E.shape[2]
            before, own = np.zeros(mean.shape), np.zeros(factor.shape)
            own[...] = np.eye(n)[:, :, None]
            lag = np.zeros((len(there), n, n))
            if n_longer:
                T1, T2 = rotation[:, :n, :n_longer], rotation[:, n:, :n_longer]
                array = np.concatenate([times(T1, E), T2], axis=1)
                ahead = times(steps[t + 1][2], E)
                behind = times(factor[:, :, :n_longer], array[:, :n])
                lag[:n_longer] = times_transposed(ahead, behind)
                before[:, :n_longer] = np.einsum("ikb,kb->ib", T1, d)
                own[:, :, :n_longer] = triangularise(array)
            d, E = before, own
            smoothed = times(factor, E)
            covariance = times_transposed(smoothed, smoothed)
            log_density[there] = density
            means[there] = (mean + np.einsum("ikb,kb->ib", factor, d)).T
            if covariances is not None:
                covariances[there] = covariance
            if lags is not None:
                lags[there] = lag
            if sums is not None:
                kinds = np.zeros_like(there) if codes is None else codes[there]
                np.add.at(sums, kinds, covariance)
                sums[-3 if t else -4] += covariance.sum(axis=0)
                sums[-2] += covariance[:n_longer].sum(axis=0)
                sums[-1] += lag.sum(axis=0)
            for w, length, ratio in reversed(updates):
                d += w * (length * (ratio - np.einsum("kb,kb->b", w, d)))
                E -= w[:, None] * (length * np.einsum("kb,kjb->jb", w, E))
    return checksum(log_density, means, covariances, lags, sums)


def checksum(*results):
    return sum(float(np.sum(result)) for result in results if result is not None)


def batches(offsets, size):
    """Batches of sequences, each as a list of the rows of each time step."""
    lengths = np.diff(offsets)
    order = np.argsort(-lengths, kind="stable")[: np.count_nonzero(lengths)]
    for start in range(0, len(order), size):
        members = order[start : start + size]
        longest = lengths[members[0]]
        counts = np.searchsorted(-lengths[members], -np.arange(longest), side="left")
        begin = offsets[members]
        yield [begin[:count] + t for t, count in enumerate(counts)]


def forward(system, X, codes, U, rows, keep):
    """Filter a batch of sequences, longest first.

    Yields
    ------
    there : ndarray of int of shape (width,)
        The rows of a time step.
    predicted, mean : ndarray of shape (n, width)
    prediction, factor : ndarray of shape (n, n, width)
        Factors of the predicted and filtered covariances.
    density : ndarray of shape (width,)
    updates : list of (ndarray, ndarray, ndarray)
        For each feature w (n, width), z + sqrt(z) and the innovation over z (width,).
    rotation : ndarray of shape (n, 2 n, width), or None
        [T1, T2], if `keep`.
    """
    n, width = len(system.transition), len(rows[0])
    mean = np.repeat(system.initial_mean[:, None], width, axis=1)
    factor = np.repeat(system.initial_factor[:, :, None], width, axis=2)
    for there in rows:
        width = len(there)
        mean, factor = mean[:, :width].copy(), factor[:, :, :width].copy()
        predicted, prediction = mean.copy(), factor.copy()
        kinds = np.zeros(width, dtype=np.intp) if codes is None else codes[there]
        x, u = X[there], None if U is None else U[there]
        if u is not None and system.feedthrough_matrix is not None:
            x = x - u @ system.feedthrough_matrix.T
        x = np.where(system.observed[kinds], x, 0.0)
        x = np.einsum("bij,bj->ib", system.whitener[kinds], x)
        updates, density = [], -system.constant[kinds]
        observation = np.moveaxis(system.observation[kinds], 0, 2)
        for white, c in zip(x, observation, strict=True):
            innovation = white - np.einsum("kb,kb->b", c, mean)
            gain, z, w = observe(factor, c)
            mean += gain * innovation
            ratio = innovation / z
            density -= 0.5 * (innovation * ratio + np.log(z))
            updates.append((w, z + np.sqrt(z), ratio))
        filtered = mean, factor.copy()
        mean = np.einsum("ij,jb->ib", system.transition, mean)
        if u is not None and system.input_matrix is not None:
            mean += system.input_matrix @ u.T
        array = np.zeros((2 * n if keep else n, 2 * n, width))
        array[:n, :n] = np.einsum("ij,jkb->ikb", system.transition, factor)
        array[:n, n:] = system.noise[:, :, None]
        if keep:
            array[n:, :n] = np.eye(n)[:, :, None]
        factor = triangularise(array, n)
        rotation = array[n:] if keep else None
        yield there, predicted, prediction, *filtered, density, updates, rotation


def observe(factor, c):
    """Condition states on scalar observations c's + v, v ~ N(0, 1).

    Parameters
    ----------
    factor : ndarray of shape (n, n, width)
        L; overwritten by the factor given the observations.
    c : ndarray of shape (n, width)
        Zeros observe nothing.

    Returns
    -------
    gain : ndarray of shape (n, width)
    z : ndarray of shape (width,)
        Variance of the innovation.
    w : ndarray of shape (n, width)
        The updated factor is L (I - (z + sqrt(z)) w w').
    """
    x = np.einsum("kjb,kb->jb", factor, c)
    z = 1.0 + np.einsum("jb,jb->b", x, x)
    gain = np.einsum("kjb,jb->kb", factor, x)
    w = x / (z + np.sqrt(z))
    factor -= gain[:, None] * w
    return gain / z, z, w


def triangularise(array, n=None):
    """Lower triangular L with L L' = G G', by Householder reflections.

    Parameters
    ----------
    array : ndarray of shape (n + r, p, width)
        A stack of G with p >= n, and below it rows that are transformed, too.
        Overwritten.

    n : int, default=None
        Rows of G; None for all.

    Returns
    -------
    factor : ndarray of shape (n, n, width)
        A view of `array`.
    """
    n = len(array) if n is None else n
    for i in range(n):
        row = array[i, i:]
        length = np.sqrt(np.einsum("jb,jb->b", row, row))
        first = np.copysign(length, row[0])
        row[0] += first
        scale = first * row[0]
        np.divide(1.0, scale, out=scale, where=scale > TINY)
        below = array[i + 1 :, i:]
        weights = np.einsum("rjb,jb->rb", below, row)
        below -= (weights * scale)[:, None] * row
        np.negative(first, out=row[0])
        row[1:] = 0.0
    return array[:n, :n]


def times(left, right):
    """Matrix products of two stacks."""
    return np.einsum("ikb,kjb->ijb", left, right)


def times_transposed(left, right):
    """Products L R' of two stacks: (width, n, n)."""
    return np.ascontiguousarray(np.einsum("ikb,jkb->bij", left, right))
