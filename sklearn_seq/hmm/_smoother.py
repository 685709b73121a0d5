"""Smoothed states, from what the rows before and the rows after tell about each."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from ._log_space import smooth_logs
from ._scaled import LOST, NONE, SAME, Forward

ROWS_AT_A_TIME = 4096  # that stay in the cache
OVERLAP = 1e-120  # of the two, below which what was lost may count


def smooth_groups(startprob, transmat, log_densities, offsets):
    """Smooth all sequences.

    Returns
    -------
    proba : ndarray of shape (N, K)

    transitions : ndarray of shape (K, K)

    log_likelihood : ndarray of shape (N,)
    """
    forward = Forward(startprob, transmat, log_densities, offsets, keep_weights=True)
    log_likelihood = forward.log_likelihood
    filtered = forward.proba
    ends = np.zeros(len(filtered), dtype=bool)
    ends[offsets[1:][np.diff(offsets) > 0] - 1] = True
    following, doubtful = _backward(forward, transmat)
    proba = np.empty_like(filtered)
    overlap = _combine(transmat, filtered, following, ends, proba)
    in_logs = set(forward.in_logs)
    if forward.can_lose:
        in_logs |= _in_doubt(forward, proba, overlap, doubtful, ends)
    pairs = []
    for place, member in in_logs:
        rows = forward.groups[place].rows_of(member)
        proba[rows], pair, _ = smooth_logs(
            forward.log_startprob, forward.log_transmat, log_densities[rows]
        )
        pairs.append(pair)
        filtered[rows] = following[rows] = 0.0
        overlap[rows] = 1.0
    transitions = _transitions(transmat, filtered, following, overlap, ends)
    for pair in pairs:
        transitions += pair
    return proba, transitions, log_likelihood


def _backward(forward, transmat):
    """What the rows from each on tell about its state, scaled to the sum one.

    Returns
    -------
    following : ndarray of shape (N, K)

    doubtful : ndarray of shape (N,)
        Whether something may have been lost.
    """
    following = np.empty_like(forward.proba)
    doubtful = np.zeros(len(following), dtype=bool)
    for group, weights in zip(forward.groups, forward.weights, strict=True):
        values = group.backward(transmat, weights)
        group.store(values, following)
        if forward.can_lose:
            lost = forward.lost(weights, values)
            group.store(lost, doubtful)
    return following, doubtful


def _combine(transmat, filtered, following, ends, proba):
    """Fill in the smoothed probabilities.

    Returns
    -------
    overlap : ndarray of shape (N,)
        Of what the rows up to and what the rows after each tell of its state.
    """
    N, K = filtered.shape
    transposed = np.ascontiguousarray(transmat.T)
    ones = np.ones(K)
    overlap = np.empty(N)
    for start in range(0, N, ROWS_AT_A_TIME):
        stop = min(start + ROWS_AT_A_TIME, N)
        after = np.ones((stop - start, K))
        n_next = min(stop + 1, N) - start - 1
        np.matmul(following[start + 1 : stop + 1], transposed, out=after[:n_next])
        after[ends[start:stop]] = 1.0
        after *= filtered[start:stop]
        np.matmul(after, ones, out=overlap[start:stop])
        np.divide(after, overlap[start:stop, None], out=proba[start:stop])
    return overlap


def _transitions(transmat, filtered, following, overlap, ends):
    """Expected transitions over all rows but the last of each sequence."""
    transitions = np.zeros_like(transmat)
    for start in range(0, len(filtered) - 1, ROWS_AT_A_TIME):
        stop = min(start + ROWS_AT_A_TIME, len(filtered) - 1)
        here = filtered[start:stop] / overlap[start:stop, None]
        here[ends[start:stop]] = 0.0
        transitions += here.T @ following[start + 1 : stop + 1]
    return transitions * transmat


def _in_doubt(forward, proba, overlap, doubtful, ends):
    """Sequences in which something lost matters, as places of group and member."""
    doubtful |= ~(overlap >= OVERLAP) | ~np.isfinite(proba).all(axis=1)
    doubtful |= (forward.proba < LOST).any(axis=1)
    if not doubtful.any():
        return set()
    possible = np.maximum(forward.transmat, NONE)
    filtered = np.empty_like(proba)
    for group, weights in zip(forward.groups, forward.weights, strict=True):
        group.store(group.forward(possible, weights)[0], filtered)
    following, _ = _backward(forward, possible)
    other = np.empty_like(proba)
    _combine(possible, filtered, following, ends, other)
    differs = ~(np.abs(other - proba).max(axis=1) <= 10 * SAME)
    return {
        (place, member)
        for place, group in enumerate(forward.groups)
        for member in range(group.n_members)
        if differs[group.rows_of(member)].any()
    }
