"""Kalman filter and smoother with missing values, many sequences side by side.

Every sequence has covariances of its own here. Scalar observations are taken one at a
time, the loop over time runs once for all sequences, and the sequences are the last
axis of every array.
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

    gains : list of list of (ndarray, ndarray)
        For each time step and each feature, the gain (n, width) and the innovation
        over its variance (width,).
    """

    predicted_means: np.ndarray
    means: np.ndarray
    predicted_factors: np.ndarray
    factors: np.ndarray
    log_density: np.ndarray
    gains: list


def gather_patterns(observation):
    """Observation matrices (n_patterns, m, n) with the patterns last."""
    return np.ascontiguousarray(np.moveaxis(observation, 0, -1))


def filter_forward(system, steps, rows, codes, drive, keep_factors, keep_gains):
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

    keep_factors, keep_gains : bool

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
    log_density = np.empty(n_positions)
    kept = []

    mean = np.repeat(system.initial_mean[:, None], width, axis=1)
    factor = np.repeat(system.initial_factor[:, :, None], width, axis=2)
    array = np.empty((n, n + noise.shape[1], width))
    for t in range(steps.n_steps):
        there = slice(starts[t], starts[t + 1])
        if starts[t + 1] - starts[t] < width:
            width = starts[t + 1] - starts[t]
            mean = np.ascontiguousarray(mean[:, :width])
            factor = np.ascontiguousarray(factor[:, :, :width])
            array = np.empty((n, n + noise.shape[1], width))
        predicted_means[:, there] = mean
        if keep_factors:
            predicted_factors[:, :, there] = factor
        observed = patterns.take(codes[there], axis=2)
        gains = []
        observe(factor, observed, gains)
        density = np.zeros(width)
        scaled = []
        for i, (gain, variance) in enumerate(gains):
            innovation = rows[i, there] - np.einsum("kb,kb->b", observed[i], mean)
            ratio = innovation / variance
            mean += gain * innovation
            innovation *= ratio
            density += innovation
            density += np.log(variance)
            scaled.append((gain, ratio))
        log_density[there] = -0.5 * density
        if keep_gains:
            kept.append(scaled)
        means[:, there] = mean
        if keep_factors:
            factors[:, :, there] = factor
        # time update
        mean = transition @ mean
        if drive is not None:
            mean += drive[:, there]
        array[:, :n] = (transition @ factor.reshape(n, -1)).reshape(n, n, width)
        array[:, n:] = noise[:, :, None]
        factor = triangularise(array).copy()
    return Forward(
        predicted_means, means, predicted_factors, factors, log_density, kept
    )


def smooth_backward(system, steps, codes, forward, lag_one):
    """Smooth sequences with missing values.

    The information that the later rows hold about a state is carried by a factor, and
    is taken into the filtered covariance as n more observations; no predicted
    covariance is inverted.

    Parameters
    ----------
    system : System

    steps : Steps

    codes : ndarray of int of shape (n_positions,)

    forward : Forward
        With factors and gains.

    lag_one : bool

    Returns
    -------
    means : ndarray of shape (n, n_positions)

    covariances : ndarray of shape (n, n, n_positions)

    lag_one_covariances : ndarray of shape (n, n, n_positions), or None
        Cov(s[t+1], s[t]) at step t, 0 at the last one.
    """
    A, noise = system.transition, system.noise
    n, m = len(A), system.observation.shape[1]
    patterns = gather_patterns(system.observation)
    # rows of C onto w and s_, where s = A s_ + N w, as in `information_steps`
    onto = np.hstack([noise, A]).T
    directions = gather_patterns(np.swapaxes(system.observation @ onto.T, 1, 2))
    starts = steps.starts.tolist()
    covariances = np.empty_like(forward.factors)
    lags = np.zeros_like(forward.factors) if lag_one else None
    means = np.empty_like(forward.means)

    # of the sequences that go on: A' r[t], the information, and the array's factor
    later = np.zeros((n, 0))
    information = np.zeros((n, n, 0))
    eliminated = None
    for t in range(steps.n_steps - 1, -1, -1):
        there = slice(starts[t], starts[t + 1])
        width = starts[t + 1] - starts[t]
        n_longer = later.shape[1]
        if width > n_longer:
            later = _widen(later, width)
            information = _widen(information, width)
        factor = forward.factors[:, :, there]
        # s = filtered mean + P (A' r)
        seen = np.einsum("kjb,kb->jb", factor, later)
        means[:, there] = forward.means[:, there]
        means[:, there] += np.einsum("kjb,jb->kb", factor, seen)
        factor = observe(factor.copy(), np.moveaxis(information, 1, 0))
        covariance = np.einsum("ikb,jkb->ijb", factor, factor)
        covariances[:, :, there] = covariance
        if lag_one and n_longer:
            lags[:, :, starts[t] : starts[t] + n_longer] = _lag_one(
                A, noise, eliminated, covariance[:, :, :n_longer]
            )
        if t == 0:
            break
        observed = patterns.take(codes[there], axis=2)
        for c, (gain, ratio) in zip(
            observed[::-1], forward.gains[t][::-1], strict=True
        ):
            later += c * (ratio - np.einsum("kb,kb->b", gain, later))
        later = A.T @ later
        array = np.zeros((2 * n, m + 2 * n, width))
        array[:, :m] = directions.take(codes[there], axis=2)
        array[:, m : m + n] = (onto @ information.reshape(n, -1)).reshape(
            2 * n, n, width
        )
        array[:n, m + n :] = np.eye(n)[:, :, None]
        eliminated = triangularise(array)
        information = eliminated[n:, n:].copy()
    return means, covariances, lags


def _lag_one(A, noise, eliminated, covariance):
    """Cov(s, s_) = (A - N (G S^-1)') Cov(s_), by back substitution."""
    n = len(A)
    S, G = eliminated[:n, :n], eliminated[n:, :n]
    weights = np.einsum("kib,kjb->ijb", G, covariance)
    for i in range(n - 1, -1, -1):
        weights[i] /= S[i, i]
        if i:
            weights[:i] -= S[i, :i, None] * weights[i]
    lag = A @ covariance.reshape(n, -1) - noise @ weights.reshape(n, -1)
    return lag.reshape(covariance.shape)


def _widen(values, width):
    """Zeros for the sequences that end here, after the longer ones."""
    wider = np.zeros((*values.shape[:-1], width))
    wider[..., : values.shape[-1]] = values
    return wider
