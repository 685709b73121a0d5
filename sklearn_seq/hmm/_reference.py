"""The forward, backward and Viterbi recursions in logarithms, in NumPy.

For systems without a compiler, for sequences whose probabilities underflow in the
compiled recursions, and to hold those against. The notation is that of
``_forward_backward.pyx``. Step t is taken for all sequences that have a row t together.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

log_sum = np.logaddexp.reduce  # log(sum(exp(values))) along an axis


def rows_of_steps(offsets):
    """Of each step t, the rows t of all sequences that have one, the longest first.

    Of the next step, the sequences are the first of these.
    """
    lengths = np.diff(offsets)
    order = np.argsort(-lengths, kind="stable")
    n_there = np.searchsorted(-lengths[order], -np.arange(lengths.max(initial=0)))
    return [offsets[order[:n]] + t for t, n in enumerate(n_there)]


def normalized(logs):
    """Such that the exponentials of each row sum to one, however large they are."""
    logs = logs - logs.max(axis=1, keepdims=True)
    return logs - log_sum(logs, axis=1, keepdims=True)


def log_filter(log_startprob, log_transmat, log_densities, steps):
    """Logarithms of alpha, and of c.

    Parameters
    ----------
    log_startprob : ndarray of shape (K,)

    log_transmat : ndarray of shape (K, K)

    log_densities : ndarray of shape (N, K)

    steps : list of ndarray of int
        See `rows_of_steps`.

    Returns
    -------
    log_alpha : ndarray of shape (N, K)

    log_weights : ndarray of shape (N, K)
        Log densities less the largest of the row; 0 for rows that are impossible.

    log_likelihood : ndarray of shape (N,)
    """
    top = log_densities.max(axis=1, initial=-np.inf)
    top[top == -np.inf] = 0.0
    log_weights, log_alpha = log_densities - top[:, None], np.empty(log_densities.shape)
    log_likelihood = np.empty(len(top))
    for t, here in enumerate(steps):
        if t == 0:
            predicted = np.repeat(log_startprob[None], len(here), axis=0)
        else:
            previous = log_alpha[here - 1]
            predicted = log_sum(previous[:, :, None] + log_transmat, axis=1)
        joint = predicted + log_weights[here]
        log_likelihood[here] = log_sum(joint, axis=1)
        impossible = log_likelihood[here] == -np.inf
        log_weights[here[impossible]] = 0.0
        joint[impossible] = predicted[impossible]
        log_alpha[here] = normalized(joint)
    return log_alpha, log_weights, log_likelihood + top


def filter_rows(startprob, transmat, log_densities, offsets):
    """Filter all sequences.

    Returns
    -------
    proba : ndarray of shape (N, K)

    log_likelihood : ndarray of shape (N,)
    """
    log_alpha, _, log_likelihood = log_filter(
        np.log(startprob), np.log(transmat), log_densities, rows_of_steps(offsets)
    )
    return np.exp(log_alpha), log_likelihood


def smooth_rows(startprob, transmat, log_densities, offsets):
    """Smooth all sequences.

    Returns
    -------
    proba : ndarray of shape (N, K)

    transitions : ndarray of shape (K, K)
        Expected numbers of transitions.

    log_likelihood : ndarray of shape (N,)
    """
    log_transmat, steps = np.log(transmat), rows_of_steps(offsets)
    log_alpha, log_weights, log_likelihood = log_filter(
        np.log(startprob), log_transmat, log_densities, steps
    )
    log_beta, log_gamma = np.zeros(log_alpha.shape), log_alpha.copy()
    transitions = np.zeros(transmat.shape)
    for there in steps[:0:-1]:
        here, after = there - 1, (log_weights[there] + log_beta[there])[:, None, :]
        beta = log_sum(log_transmat + after, axis=2)
        log_beta[here] = beta - beta.max(axis=1, keepdims=True)
        log_gamma[here] = normalized(log_alpha[here] + beta)
        pairs = log_alpha[here][:, :, None] + log_transmat + after
        pairs = np.exp(pairs - pairs.max(axis=(1, 2), keepdims=True))
        pairs /= pairs.sum(axis=(1, 2), keepdims=True)
        transitions += pairs.sum(axis=0)
    return np.exp(log_gamma), transitions, log_likelihood


def best_paths(log_startprob, log_transmat, log_densities, offsets):
    """The most probable path of each sequence, by Viterbi's algorithm.

    A row that is impossible counts as missing, but for the probability of the path.

    Returns
    -------
    states : ndarray of int of shape (N,)

    log_proba : ndarray of shape (n_sequences,)
    """
    steps = rows_of_steps(offsets)
    delta = np.empty(log_densities.shape)
    states = np.empty(len(delta), dtype=np.intp)
    for t, here in enumerate(steps):
        if t == 0:
            arrivals = np.repeat(log_startprob[None], len(here), axis=0)
        else:
            arrivals = (delta[here - 1][:, :, None] + log_transmat).max(axis=1)
        best = arrivals + log_densities[here]
        impossible = best.max(axis=1) == -np.inf
        best[impossible] = arrivals[impossible]
        delta[here] = best - best.max(axis=1, keepdims=True)
    last = offsets[1:][offsets[1:] > offsets[:-1]] - 1
    states[last] = delta[last].argmax(axis=1)
    for there in steps[:0:-1]:
        departures = log_transmat.T[states[there]]
        states[there - 1] = (delta[there - 1] + departures).argmax(axis=1)
    terms = np.take_along_axis(log_densities, states[:, None], axis=1)[:, 0]
    for t, there in enumerate(steps):
        terms[there] += (
            log_transmat[states[there - 1], states[there]]
            if t
            else log_startprob[states[there]]
        )
    log_proba = np.zeros(len(offsets) - 1)
    some = offsets[1:] > offsets[:-1]
    if some.any():
        log_proba[some] = np.add.reduceat(terms, offsets[:-1][some])
    return states, log_proba
