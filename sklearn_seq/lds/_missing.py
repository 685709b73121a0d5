"""Kalman filter and smoother with missing values, many sequences side by side.

Every sequence has covariances of its own here. Scalar observations are taken one at a
time, the loop over time runs once for all sequences, and the sequences are the last
axis of every array.

The smoother works in the coordinates of the filter. Of the state s = a + L e, where the
filter knows the mean a and the factor L, the smoother holds the mean and a factor E of
the covariance of e. Before later rows are seen, e ~ N(0, I). Both steps of the filter
are linear in e, with matrices that are blocks of orthogonal ones or contractions:

    observation c's + v, v ~ N(0, 1), of innovation y; x = L'c, z = 1 + x'x,
    w = x / (z + sqrt(z)), M = I - (z + sqrt(z)) w w', L -> L M
        e_before = M e_after + x y / z

    time, [A L, N] T = [L_next, 0] with T orthogonal, its upper rows [T1, T2]
        e = T1 e_next + T2 h,   h ~ N(0, I), of which no later row tells

so that, from the last row to the first, E = M E and the factor of [T1 E, T2]. Then
Cov(s_next, s) = L_next E E' T1' L'. Nothing is inverted and nothing cancels: every
standard deviation has an error of a few roundings of the largest one that the filter
had, for any R, Q and P0, singular or not.

Forms that were found wanting: information about a state, as a quadratic form, grows as
1 / R, and a column that is large beside the others costs them their digits, unless the
columns are sorted by size and pivoted at every step; P - P N P cancels; the gain
P A' P_next^-1 needs the inverse of what is singular where Q and R are.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np

from ._square_root import observe, triangularise


class Forward(NamedTuple):
    """What the filter of many sequences leaves behind; positions as in `Steps`.

    Attributes
    ----------
    predicted_means, means : ndarray of shape (n, n_positions)

    predicted_factors, factors : ndarray of shape (n, n, n_positions), or None

    log_density : ndarray of shape (n_positions,)
        Of the whitened rows, but for the constants.

    updates : list of list of (ndarray, ndarray, ndarray)
        For each time step and each feature, w (n, width), z + sqrt(z) (width,) and
        the innovation over its variance z (width,).

    rotations : ndarray of shape (n, 2 n, n_positions), or None
        [T1, T2] of the step to the next row.
    """

    predicted_means: np.ndarray
    means: np.ndarray
    predicted_factors: np.ndarray
    factors: np.ndarray
    log_density: np.ndarray
    updates: list
    rotations: np.ndarray | None


def gather_patterns(observation):
    """Observation matrices (n_patterns, m, n) with the patterns last."""
    return np.ascontiguousarray(np.moveaxis(observation, 0, -1))


def filter_forward(system, steps, rows, codes, drive, keep_factors, keep_updates):
    """Filter sequences with missing values.

    Parameters
    ----------
    system : System
        Whitened system.

    steps : Steps

    rows : ndarray of shape (n_positions, m)
        Whitened observations, 0 where missing.

    codes : ndarray of int of shape (n_positions,)
        Patterns of missing values.

    drive : ndarray of shape (n_positions, n), or None
        B u.

    keep_factors, keep_updates : bool
        The latter for the smoother.

    Returns
    -------
    forward : Forward
    """
    transition, noise = system.transition, system.noise
    n = len(transition)
    n_positions = len(rows)
    patterns = gather_patterns(system.observation)
    rows = np.ascontiguousarray(rows.T)
    drive = None if drive is None else np.ascontiguousarray(drive.T)
    starts = steps.starts.tolist()
    width = starts[1]
    predicted_means = np.empty((n, n_positions))
    means = np.empty((n, n_positions))
    shape = (n, n, n_positions) if keep_factors else (n, n, 0)
    predicted_factors, factors = np.empty(shape), np.empty(shape)
    rotations = np.empty((n, 2 * n, n_positions)) if keep_updates else None
    log_density = np.empty(n_positions)
    kept = []

    mean = np.repeat(system.initial_mean[:, None], width, axis=1)
    factor = np.repeat(system.initial_factor[:, :, None], width, axis=2)
    array = np.empty((2 * n if keep_updates else n, 2 * n, width))
    identity = np.eye(n, 2 * n)[:, :, None]
    for t in range(steps.n_steps):
        there = slice(starts[t], starts[t + 1])
        if starts[t + 1] - starts[t] < width:
            width = starts[t + 1] - starts[t]
            mean = np.ascontiguousarray(mean[:, :width])
            factor = np.ascontiguousarray(factor[:, :, :width])
            array = np.empty((len(array), 2 * n, width))
        predicted_means[:, there] = mean
        if keep_factors:
            predicted_factors[:, :, there] = factor
        observed = patterns.take(codes[there], axis=2)
        gains, updates = [], []
        observe(factor, observed, gains)
        density = np.zeros(width)
        for i, (gain, variance, weights) in enumerate(gains):
            innovation = rows[i, there] - np.einsum("kb,kb->b", observed[i], mean)
            ratio = innovation / variance
            mean += gain * innovation
            innovation *= ratio
            density += innovation
            density += np.log(variance)
            if keep_updates:
                updates.append((weights, variance + np.sqrt(variance), ratio))
        log_density[there] = -0.5 * density
        kept.append(updates)
        means[:, there] = mean
        if keep_factors:
            factors[:, :, there] = factor
        # time update
        mean = transition @ mean
        if drive is not None:
            mean += drive[:, there]
        array[:n, :n] = (transition @ factor.reshape(n, -1)).reshape(n, n, width)
        array[:n, n:] = noise[:, :, None]
        if keep_updates:
            array[n:] = identity
        factor = triangularise(array, n).copy()
        if keep_updates:
            rotations[:, :, there] = array[n:]
    return Forward(
        predicted_means, means, predicted_factors, factors, log_density, kept, rotations
    )


def smooth_backward(steps, forward, lag_one):
    """Smooth sequences with missing values, in the coordinates of the filter.

    Parameters
    ----------
    steps : Steps

    forward : Forward
        With factors and updates.

    lag_one : bool

    Returns
    -------
    means : ndarray of shape (n, n_positions)

    covariances : ndarray of shape (n, n, n_positions)

    lag_one_covariances : ndarray of shape (n, n, n_positions), or None
        Cov(s[t+1], s[t]) at step t, 0 at the last one.
    """
    n = len(forward.means)
    starts = steps.starts.tolist()
    covariances = np.empty_like(forward.factors)
    lags = np.zeros_like(forward.factors) if lag_one else None
    means = np.empty_like(forward.means)

    # of the sequences that go on: mean and factor in the coordinates of the prediction
    later = np.zeros((n, 0))
    spread = np.zeros((n, n, 0))
    for t in range(steps.n_steps - 1, -1, -1):
        there = slice(starts[t], starts[t + 1])
        width, n_longer = starts[t + 1] - starts[t], later.shape[1]
        longer = slice(starts[t], starts[t] + n_longer)
        before = np.zeros((n, width))
        own = np.zeros((n, n, width))
        own[...] = np.eye(n)[:, :, None]
        if n_longer:
            rotation = forward.rotations[:, :, longer]
            array = np.empty((n, 2 * n, n_longer))
            array[:, :n] = _product(rotation[:, :n], spread)
            array[:, n:] = rotation[:, n:]
            if lag_one:
                ahead = slice(starts[t + 1], starts[t + 1] + n_longer)
                lags[:, :, longer] = _outer(
                    _product(forward.predicted_factors[:, :, ahead], spread),
                    _product(forward.factors[:, :, longer], array[:, :n]),
                )
            before[:, :n_longer] = np.einsum("ikb,kb->ib", rotation[:, :n], later)
            own[:, :, :n_longer] = triangularise(array)
        later, spread = before, own
        factor = forward.factors[:, :, there]
        means[:, there] = forward.means[:, there]
        means[:, there] += np.einsum("ikb,kb->ib", factor, later)
        factor = _product(factor, spread)
        covariances[:, :, there] = _outer(factor, factor)
        for weights, scale, ratio in reversed(forward.updates[t]):
            change = ratio - np.einsum("kb,kb->b", weights, later)
            later += weights * (scale * change)
            change = scale * np.einsum("kb,kjb->jb", weights, spread)
            spread -= weights[:, None] * change
    return means, covariances, lags


def _product(left, right):
    """Matrix products of two stacks."""
    return np.einsum("ikb,kjb->ijb", left, right)


def _outer(left, right):
    """L R' of two stacks; exactly symmetric if they are the same."""
    return np.einsum("ikb,jkb->ijb", left, right)
