"""Smoothed states of all sequences."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np

from ._chain import chain_of_complete, chain_with_gaps
from ._missing import smooth_backward
from ._recurrence import Steps
from ._run import Run
from ._square_root import square


class SmoothedCovariances(NamedTuple):
    """Covariances of the states of some rows, in tables.

    Attributes
    ----------
    rows : slice or ndarray of int of shape (n_positions,)

    covariances, lags : ndarray of shape (n_entries, n, n)

    index, lag_index : ndarray of int of shape (n_positions,)
        Entry of each of the rows.
    """

    rows: slice | np.ndarray
    covariances: np.ndarray
    index: np.ndarray
    lags: np.ndarray | None
    lag_index: np.ndarray | None


def smooth(problem, means, log_density, lag_one):
    """Smooth all sequences.

    Parameters
    ----------
    problem : Problem

    means : ndarray of shape (N, n)
        To be filled in.

    log_density : ndarray of shape (N,)
        To be filled in.

    lag_one : bool

    Yields
    ------
    covariances : SmoothedCovariances
        Part by part.
    """
    for group in problem.groups:
        n_left = len(group.members)
        for part in problem.parts_with_gaps(group):
            yield _smooth_gaps(problem, part, means, log_density, lag_one)
            n_left -= len(part.members)
        if n_left == 0:
            continue
        if n_left < len(group.members):
            ends = problem.offsets[group.members + 1]
            whole = problem.first_missing[group.members] == ends
            group = Steps(problem.offsets, group.members[whole])
        run = Run(problem, group)
        _smooth_means(run, means, log_density)
        yield _smoothed_covariances(run, lag_one)


def _smooth_gaps(problem, part, means, log_density, lag_one):
    forward, codes = problem.filter_gaps(part, keep_factors=True, keep_updates=True)
    smoothed, covariances, lags = smooth_backward(part, forward, lag_one)
    means[part.rows] = smoothed.T
    log_density[part.rows] = forward.log_density
    index = np.arange(len(codes))
    covariances = np.ascontiguousarray(np.moveaxis(covariances, -1, 0))
    lags = np.ascontiguousarray(np.moveaxis(lags, -1, 0)) if lag_one else None
    return SmoothedCovariances(part.rows, covariances, index, lags, index)


def _smooth_means(run, means, log_density):
    """The mean is a + P r, where r[t-1] = C' S^-1 v[t] + F[t]' r[t]."""
    group = run.group
    n_positions, n = int(group.starts[-1]), means.shape[1]
    if group.single:
        means_there, sums = means[group.rows], np.empty((n_positions, n))
    else:  # columns contiguous, as in `Buffers`
        means_there, sums = np.swapaxes(np.empty((2, n, n_positions)), 1, 2)
    direct = np.swapaxes(run.white_observation, 1, 2)
    pieces = []
    for there, schedule, predicted, innovations in run.pieces():
        means_there[there] = predicted
        sums[there] = schedule.apply("direct", direct, innovations)
        group.put(log_density, there, run.log_density(schedule, innovations))
        pieces.append((there, schedule))
    covariances = square(run.riccati.predicted)
    following = None
    for there, schedule in reversed(pieces):
        following = schedule.backward(sums[there], following)
        states = means_there[there]
        states += schedule.apply("states", covariances, sums[there])
    if not group.single:
        group.put(means, slice(0, n_positions), means_there)


def _smoothed_covariances(run, lag_one):
    """Every distinct pair of what came before and what comes after, once."""
    predicted = run.riccati.predicted
    rows, step, remaining = run.group.in_order()
    before = run.entry[step]
    chain = chain_with_gaps(run) if run.has_gaps else chain_of_complete(run)
    factors, after = chain.factors, chain.index(step, remaining)
    n_factors = len(factors)
    keys, index = _distinct(before * n_factors + after)
    covariances = square(predicted[keys // n_factors] @ factors[keys % n_factors])
    if not lag_one:
        return SmoothedCovariances(rows, covariances, index, None, None)
    # Cov(s[t+1], s[t]) = X[t+1] E[t+1] E[t+1]' F' X[t]', none at a last row
    nothing = len(chain.F) * n_factors
    pairs = np.full(len(step), nothing)
    pairs[:-1] = chain.pair[step[:-1]] * n_factors + after[1:]
    pairs[remaining == 0] = nothing
    keys, lag_index = _distinct(pairs)
    there, later = keys[:-1] // n_factors, factors[keys[:-1] % n_factors]
    ahead = predicted[chain.then[there]] @ later
    behind = predicted[chain.now[there]] @ (chain.F[there] @ later)
    lags = np.zeros((len(keys), *covariances.shape[1:]))
    np.matmul(ahead, np.swapaxes(behind, 1, 2), out=lags[:-1])
    return SmoothedCovariances(rows, covariances, index, lags, lag_index)


def _distinct(keys):
    """Distinct keys, and where each of the given ones is among them."""
    bound = int(keys.max()) + 1
    if bound > 8 * len(keys) + 1_000_000:
        return np.unique(keys, return_inverse=True)
    place = np.zeros(bound, dtype=np.intp)
    place[keys] = 1
    distinct = np.flatnonzero(place)
    place[distinct] = np.arange(len(distinct))
    return distinct, place[keys]
