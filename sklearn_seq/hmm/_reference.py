"""The forward, backward and Viterbi recursions in logarithms, in NumPy.

Used without a compiler, for sequences whose probabilities underflow in the compiled
recursions, and to test these. The formulas are those of ``_forward_backward.pyx``, with
alpha, beta and gamma in logarithms. All sequences are computed at once, step by step.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from itertools import pairwise

import numpy as np

log_sum = np.logaddexp.reduce  # log(sum(exp(values))) along an axis


class Steps:
    """Time-major order of the rows of all sequences.

    Rows t of all sequences follow one another, longest sequences first, so that the
    sequences with a row t + 1 are the first ones.

    Parameters
    ----------
    offsets : ndarray of int of shape (n_sequences + 1,)

    Attributes
    ----------
    rows : ndarray of int of shape (N,)
        The row at each position of the time-major order.
    """

    def __init__(self, offsets):
        lengths = np.diff(offsets)
        order = np.argsort(-lengths, kind="stable")
        times = np.arange(lengths.max(initial=0))
        counts = np.searchsorted(-lengths[order], -times)
        self._begins = np.append(0, np.cumsum(counts))
        time = np.repeat(times, counts)
        self.rows = offsets[order[np.arange(len(time)) - self._begins[time]]] + time

    def forward(self):
        """Yield the positions of rows t - 1 (to be ignored at t = 0) and of rows t."""
        before = slice(0, 0)
        for begin, end in pairwise(self._begins):
            now = slice(begin, end)
            yield slice(before.start, before.start + end - begin), now
            before = now

    def backward(self):
        """Yield the positions of rows t - 1 and of rows t, from the last t to 1."""
        for t in range(len(self._begins) - 2, 0, -1):
            before, begin, end = self._begins[t - 1 : t + 2]
            yield slice(before, before + end - begin), slice(begin, end)


def in_order(steps, values):
    """Values from time-major order to the order of the sequences."""
    out = np.empty_like(values)
    out[steps.rows] = values
    return out


def normalized(logs):
    """Log-normalise: logs minus their log-sum-exp, and that.

    The maximum is subtracted first, since it may be of any size.
    """
    top = logs.max(axis=1, keepdims=True)
    logs = logs - top
    rest = log_sum(logs, axis=1, keepdims=True)
    return logs - rest, (top + rest)[:, 0]


def log_filter(log_startprob, log_transmat, log_weights, steps):
    """Logarithms of alpha and c of all rows, in time-major order.

    Parameters
    ----------
    log_startprob : ndarray of shape (K,)

    log_transmat : ndarray of shape (K, K)

    log_weights : ndarray of shape (N, K)
        Log densities minus their maximum, in time-major order. Those of rows that are
        impossible after the rows before are set to 0: they count as missing.

    steps : Steps

    Returns
    -------
    log_alpha : ndarray of shape (N, K)

    log_scale : ndarray of shape (N,)
    """
    log_alpha, log_scale = np.empty_like(log_weights), np.empty(len(log_weights))
    for before, now in steps.forward():
        if now.start == 0:
            predicted = np.broadcast_to(log_startprob, log_weights[now].shape)
        else:
            previous = log_alpha[before][:, :, None]
            predicted = log_sum(previous + log_transmat, axis=1)
        joint = predicted + log_weights[now]
        impossible = joint.max(axis=1) == -np.inf
        if impossible.any():
            joint[impossible] = predicted[impossible]
            log_weights[now][impossible] = 0.0
        log_alpha[now], log_scale[now] = normalized(joint)
        log_scale[now][impossible] = -np.inf
    return log_alpha, log_scale


def weigh(log_densities, steps):
    """Log densities minus the maximum of each row, and these, in time-major order."""
    top = log_densities.max(axis=1, initial=-np.inf)
    sizes = np.where(top == -np.inf, 0.0, top)
    return (log_densities - sizes[:, None])[steps.rows], sizes[steps.rows]


@np.errstate(divide="ignore")  # log(0) is -inf
def filter_rows(startprob, transmat, log_densities, offsets):
    """Filtered probabilities of the states: the forward recursion.

    Returns
    -------
    proba : ndarray of shape (N, K)

    log_likelihood : ndarray of shape (N,)
    """
    steps = Steps(offsets)
    log_weights, sizes = weigh(log_densities, steps)
    log_alpha, log_scale = log_filter(
        np.log(startprob), np.log(transmat), log_weights, steps
    )
    return in_order(steps, np.exp(log_alpha)), in_order(steps, log_scale + sizes)


@np.errstate(divide="ignore")  # log(0) is -inf
def smooth_rows(startprob, transmat, log_densities, offsets):
    """Smoothed probabilities of the states, by forward-backward.

    Returns
    -------
    proba : ndarray of shape (N, K)

    transitions : ndarray of shape (K, K)
        Expected numbers of transitions.

    log_likelihood : ndarray of shape (N,)
    """
    steps, log_transmat = Steps(offsets), np.log(transmat)
    log_weights, sizes = weigh(log_densities, steps)
    log_alpha, log_scale = log_filter(
        np.log(startprob), log_transmat, log_weights, steps
    )
    log_beta, log_gamma = np.zeros_like(log_alpha), log_alpha.copy()
    transitions = np.zeros_like(transmat)
    for here, there in steps.backward():
        after = (log_weights[there] + log_beta[there])[:, None, :]
        steps_on = log_transmat + after
        beta = log_sum(steps_on, axis=2)
        log_beta[here] = beta - beta.max(axis=1, keepdims=True)
        log_gamma[here], _ = normalized(log_alpha[here] + beta)
        pairs = log_alpha[here][:, :, None] + steps_on
        pairs = np.exp(pairs - pairs.max(axis=(1, 2), keepdims=True))
        pairs /= pairs.sum(axis=(1, 2), keepdims=True)
        transitions += pairs.sum(axis=0)
    log_likelihood = in_order(steps, log_scale + sizes)
    return in_order(steps, np.exp(log_gamma)), transitions, log_likelihood


def best_paths(log_startprob, log_transmat, log_densities, offsets):
    """The most probable path of each sequence, by Viterbi's algorithm.

    An impossible row counts as missing, except in the probability of the path.

    Returns
    -------
    states : ndarray of int of shape (N,)

    log_proba : ndarray of shape (n_sequences,)
    """
    steps = Steps(offsets)
    rows = log_densities[steps.rows]
    delta = np.empty_like(rows)
    for before, now in steps.forward():
        if now.start == 0:
            arrivals = np.broadcast_to(log_startprob, rows[now].shape)
        else:
            arrivals = (delta[before][:, :, None] + log_transmat).max(axis=1)
        best = arrivals + rows[now]
        impossible = best.max(axis=1) == -np.inf
        best[impossible] = arrivals[impossible]
        delta[now] = best - best.max(axis=1, keepdims=True)
    path = delta.argmax(axis=1)
    for here, there in steps.backward():
        path[here] = (delta[here] + log_transmat.T[path[there]]).argmax(axis=1)
    states = in_order(steps, path)
    arrivals, some = np.empty(len(states)), offsets[1:] > offsets[:-1]
    first = offsets[:-1][some]
    arrivals[1:] = log_transmat[states[:-1], states[1:]]
    arrivals[first] = log_startprob[states[first]]
    arrivals += log_densities[np.arange(len(states)), states]
    log_proba = np.zeros(len(some))
    log_proba[some] = np.add.reduceat(arrivals, first)
    return states, log_proba
