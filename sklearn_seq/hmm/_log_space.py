"""The recursions in logarithms, one sequence at a time: slow, and of any range."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

LOGS_AT_A_TIME = 1 << 16  # joint probabilities of neighbouring states that are held


def filter_logs(log_initial, log_transmat, log_densities):
    """Log filtered probabilities, and log densities given the rows before.

    A row that no state can have given counts as missing for the probabilities.

    Parameters
    ----------
    log_initial : ndarray of shape (K,)
        Of the first state, given what came before.

    log_transmat : ndarray of shape (K, K)

    log_densities : ndarray of shape (T, K)

    Returns
    -------
    log_proba : ndarray of shape (T, K)

    log_likelihood : ndarray of shape (T,)
        -inf where the row is impossible.
    """
    log_proba = np.empty_like(log_densities)
    log_likelihood = np.empty(len(log_densities))
    predicted = log_initial
    top = log_densities.max(axis=1, keepdims=True)
    top[top == -np.inf] = 0.0
    for t, density in enumerate(log_densities - top):
        if t:
            predicted = log_product(log_proba[t - 1], log_transmat)
        joint = predicted + density
        log_likelihood[t] = log_sum(joint)
        if log_likelihood[t] == -np.inf:
            joint = predicted
        joint = joint - joint.max()
        log_proba[t] = joint - log_sum(joint)
    return log_proba, log_likelihood + top[:, 0]


def smooth_logs(log_initial, log_transmat, log_densities):
    """Smoothed probabilities and expected transitions of one sequence.

    Returns
    -------
    proba : ndarray of shape (T, K)

    transitions : ndarray of shape (K, K)

    log_likelihood : ndarray of shape (T,)
    """
    T, K = log_densities.shape
    forward, log_likelihood = filter_logs(log_initial, log_transmat, log_densities)
    seen = log_densities - log_densities.max(axis=1, keepdims=True)
    seen[log_likelihood == -np.inf] = 0.0
    after = np.zeros((T, K))
    transposed = np.ascontiguousarray(log_transmat.T)
    for t in range(T - 2, -1, -1):
        after[t] = log_product(seen[t + 1] + after[t + 1], transposed)
        after[t] -= after[t].max()
    joint = forward + after
    proba = np.exp(joint - joint.max(axis=1, keepdims=True))
    proba /= proba.sum(axis=1, keepdims=True)
    transitions = np.zeros((K, K))
    step = max(1, LOGS_AT_A_TIME // K**2)
    for start in range(0, T - 1, step):
        stop = min(start + step, T - 1)
        next_joint = (seen + after)[start + 1 : stop + 1]
        pairs = forward[start:stop, :, None] + log_transmat + next_joint[:, None, :]
        pairs -= pairs.max(axis=(1, 2), keepdims=True)
        np.exp(pairs, out=pairs)
        pairs /= pairs.sum(axis=(1, 2), keepdims=True)
        transitions += pairs.sum(axis=0)
    return proba, transitions, log_likelihood


def log_sum(values):
    """log(sum(exp(values))) of a vector, which may be -inf throughout."""
    top = values.max()
    if top == -np.inf:
        return top
    return top + np.log(np.exp(values - top).sum())


def log_product(vector, matrix):
    """Logarithms of exp(vector) @ exp(matrix)."""
    terms = vector[:, None] + matrix
    top = terms.max(axis=0)
    top[top == -np.inf] = 0.0
    return top + np.log(np.exp(terms - top).sum(axis=0))
