"""Smoothed states, from what the rows before and the rows after tell about each."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np

from ._chain import CHUNK, chain_steps, observed_factor, run_chain
from ._missing import smooth_backward
from ._recurrence import Steps
from ._run import Run
from ._square_root import observe, square


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
        if run.has_gaps:
            yield _chained_covariances(run, lag_one)
        else:
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
    rows, before, after, following, information, reverse = _both_sides(run)
    n_after = len(information)
    keys, index = _distinct(before * n_after + after)
    covariances = combine(
        run.filtered_factors(), information, keys // n_after, keys % n_after
    )
    if not lag_one:
        return SmoothedCovariances(rows, covariances, index, None, None)
    pairs, lag_index = _distinct(index * (n_after + 1) + following + 1)
    entry = pairs % (n_after + 1) - 1
    lags = reverse[entry] @ covariances[pairs // (n_after + 1)]
    lags[entry < 0] = 0.0
    return SmoothedCovariances(rows, covariances, index, lags, lag_index)


def _both_sides(run):
    """What is known of each state from the rows up to its own, and from the rest.

    Returns
    -------
    rows : slice or ndarray of int of shape (n_positions,)
        Packed rows, in their own order.

    before : ndarray of int of shape (n_positions,)
        Entry of the filtered covariance.

    after : ndarray of int of shape (n_positions,)
        Entry of the information in the rows after.

    following : ndarray of int of shape (n_positions,)
        The same of the next row of the sequence, -1 at the last one.

    information : ndarray of shape (n_entries, n, n)
        Factors of the information.

    reverse : ndarray of shape (n_entries, n, n)
        By which Cov(s[t+1], s[t]) follows from Cov(s[t]): the mean of s[t+1] given
        s[t] and all rows after is a linear function of s[t].
    """
    problem, group = run.problem, run.group
    steps = problem.information()
    last = len(steps.gain) - 1
    rows, step, remaining = group.in_order()
    before = run.entry[step]
    after = np.minimum(remaining, last)
    following = np.append(after[1:], -1)
    following[remaining == 0] = -1
    gain = steps.gain @ np.linalg.inv(steps.innovation)
    system = problem.system
    reverse = system.transition - system.noise @ np.swapaxes(gain, 1, 2)
    return rows, before, after, following, steps.predicted, reverse


def _chained_covariances(run, lag_one):
    """Covariances of one sequence with gaps, in the coordinates of the filter."""
    predicted, entry = run.riccati.predicted, run.entry
    n_entries = len(predicted)
    rest = run.schedule.usual * (n_entries + 1)
    pairs, pair = _distinct(np.append(entry[:-1] * n_entries + entry[1:], rest))
    pair, rest = pair[:-1], pair[-1]
    now, then = pairs // n_entries, pairs % n_entries
    F, H = chain_steps(
        run.problem.system, predicted[now], run.observation[now], predicted[then]
    )
    end = entry[-1:]
    _, last = observed_factor(predicted[end], run.observation[end])
    factors, index = run_chain(F, H, pair, rest, last[:, :, 0])
    n_factors = len(factors)
    keys, place = _distinct(entry * n_factors + index)
    covariances = square(predicted[keys // n_factors] @ factors[keys % n_factors])
    rows = run.group.rows
    if not lag_one:
        return SmoothedCovariances(rows, covariances, place, None, None)
    # Cov(s[t+1], s[t]) = X[t+1] E[t+1] E[t+1]' F' X[t]', none at the last row
    nothing = len(pairs) * n_factors
    keys, lag_place = _distinct(np.append(pair * n_factors + index[1:], nothing))
    step, later = keys[:-1] // n_factors, factors[keys[:-1] % n_factors]
    ahead = predicted[then[step]] @ later
    behind = predicted[now[step]] @ (F[step] @ later)
    lags = np.zeros((len(keys), *covariances.shape[1:]))
    np.matmul(ahead, np.swapaxes(behind, 1, 2), out=lags[:-1])
    return SmoothedCovariances(rows, covariances, place, lags, lag_place)


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


def combine(filtered, information, before, after):
    """Covariances given the rows up to a state and those after, without an inverse.

    The information is taken in as n more observations of the state.

    Parameters
    ----------
    filtered, information : ndarray of shape (n_entries, n, n)

    before, after : ndarray of int of shape (n_pairs,)

    Returns
    -------
    covariances : ndarray of shape (n_pairs, n, n)
    """
    covariances = np.empty((len(before), *filtered.shape[1:]))
    filtered = np.ascontiguousarray(np.moveaxis(filtered, 0, -1))
    columns = np.ascontiguousarray(np.moveaxis(information, (0, 2), (-1, 0)))
    for start in range(0, len(before), CHUNK):
        there = slice(start, start + CHUNK)
        factor = filtered.take(before[there], axis=2)
        factor = observe(factor, columns.take(after[there], axis=2))
        covariances[there] = np.moveaxis(
            np.einsum("ikb,jkb->ijb", factor, factor), -1, 0
        )
    return covariances
