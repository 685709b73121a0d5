"""Exact inference in hidden Markov models: forward-backward and Viterbi.

The model of a sequence of rows x, which enter by their log densities alone::

    P(s[0] = i) = pi[i],   P(s[t+1] = j | s[t] = i) = A[i, j],   x[t] ~ p(x | s[t])

The recursions are compiled, in scaled probabilities (``_forward_backward.pyx``). A
sequence in which a relevant probability would underflow is computed in logarithms, in
NumPy (``_reference.py``), and so is everything without the compiled module. Filtered
values do not change, bit by bit, with later rows.

A row that is impossible after the rows before it has log-likelihood -inf, and counts as
missing for the probabilities of the states.

References
----------
Rabiner, L. R. (1989). A tutorial on hidden Markov models and selected applications in
speech recognition. Proceedings of the IEEE, 77, 257-286.

Viterbi, A. J. (1967). Error bounds for convolutional codes and an asymptotically
optimum decoding algorithm. IEEE Transactions on Information Theory, 13, 260-269.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import logging
from typing import NamedTuple

import numpy as np

from . import _reference as reference

try:
    from . import _forward_backward as compiled
except ImportError:
    compiled = None

logging.getLogger("sklearn_seq").debug(
    "Hidden Markov models run %s.", "compiled" if compiled else "on the NumPy reference"
)

__all__ = ["Filtered", "Smoothed", "forward", "log_likelihood", "smooth", "viterbi"]


class Filtered(NamedTuple):
    """Filtered state probabilities: given the rows up to and including their own.

    Attributes
    ----------
    proba : ndarray of shape (N, K)
        P(s[t] | x[0], …, x[t]).

    log_likelihood : ndarray of shape (N,)
        Log density of each row given the earlier ones of its sequence, in nats.
    """

    proba: np.ndarray
    log_likelihood: np.ndarray


class Smoothed(NamedTuple):
    """Smoothed state probabilities: given all rows of the sequence.

    Attributes
    ----------
    proba : ndarray of shape (N, K)

    transitions : ndarray of shape (K, K)
        Expected number of transitions from i to j, summed over all sequences.

    start : ndarray of shape (K,)
        Probabilities of the first states, summed over all sequences.

    log_likelihood : ndarray of shape (N,)
        Log density of each row given the earlier ones of its sequence, in nats.
    """

    proba: np.ndarray
    transitions: np.ndarray
    start: np.ndarray
    log_likelihood: np.ndarray


def forward(startprob, transmat, log_densities, offsets):
    """Filtered probabilities of the states, by the forward recursion.

    Parameters
    ----------
    startprob : ndarray of shape (K,)
        Probabilities of the first state of a sequence.

    transmat : ndarray of shape (K, K)
        Transition probabilities from i to j; each row sums to one. Zeros are exact.

    log_densities : ndarray of shape (N, K)
        Log density of each row in each state, -inf where it is impossible. Rows of all
        sequences, one after another.

    offsets : ndarray of int of shape (n_sequences + 1,)
        Rows ``offsets[i]:offsets[i + 1]`` are sequence i.

    Returns
    -------
    filtered : Filtered
    """
    arrays = _arrays(startprob, transmat, log_densities, offsets)
    return Filtered(*_filter(*arrays, np.empty_like(arrays[2])))


def log_likelihood(startprob, transmat, log_densities, offsets):
    """Log density of each row given the earlier ones of its sequence, in nats.

    Parameters
    ----------
    startprob : ndarray of shape (K,)

    transmat : ndarray of shape (K, K)

    log_densities : ndarray of shape (N, K)

    offsets : ndarray of int of shape (n_sequences + 1,)

    Returns
    -------
    log_likelihood : ndarray of shape (N,)
        Their sum over a sequence is its log-likelihood.
    """
    return _filter(*_arrays(startprob, transmat, log_densities, offsets))[1]


def smooth(startprob, transmat, log_densities, offsets, *, overwrite=False):
    """Smoothed state probabilities and expected transitions, by forward-backward.

    Parameters
    ----------
    startprob : ndarray of shape (K,)

    transmat : ndarray of shape (K, K)

    log_densities : ndarray of shape (N, K)

    offsets : ndarray of int of shape (n_sequences + 1,)

    overwrite : bool, default=False
        Whether the probabilities may overwrite ``log_densities``.

    Returns
    -------
    smoothed : Smoothed
    """
    arrays = _arrays(startprob, transmat, log_densities, offsets)
    proba = arrays[2] if overwrite else np.empty_like(arrays[2])
    transitions, log_density = _smooth(*arrays, proba)
    begins, ends = arrays[3][:-1], arrays[3][1:]
    start = np.add.reduce(proba[begins[ends > begins]], axis=0)
    return Smoothed(proba, transitions, start, log_density)


def viterbi(startprob, transmat, log_densities, offsets):
    """The most probable path of states of each sequence, by the Viterbi algorithm.

    Parameters
    ----------
    startprob : ndarray of shape (K,)

    transmat : ndarray of shape (K, K)

    log_densities : ndarray of shape (N, K)

    offsets : ndarray of int of shape (n_sequences + 1,)

    Returns
    -------
    states : ndarray of int of shape (N,)

    log_proba : ndarray of shape (n_sequences,)
        Joint log density of path and rows; -inf if no path is possible, 0 for a
        sequence without rows.
    """
    startprob, transmat, *rows = _arrays(startprob, transmat, log_densities, offsets)
    with np.errstate(divide="ignore"):
        logs = np.log(startprob), np.log(transmat)
    return (compiled or reference).best_paths(*logs, *rows)


def _filter(startprob, transmat, log_densities, offsets, proba=None):
    """Filtered probabilities, written to `proba` if given, and log-likelihoods."""
    model = startprob, transmat
    if compiled is None:
        return reference.filter_rows(*model, log_densities, offsets)
    log_likelihood = np.empty(len(log_densities))
    given_up = compiled.filter_rows(
        *model, log_densities, offsets, log_likelihood, proba
    )
    for i, n_certain in given_up.items():
        rows, uncertain = _rows_of(offsets, i, n_certain)
        values, density = reference.filter_rows(*model, *_alone(log_densities[rows]))
        log_likelihood[uncertain] = density[n_certain:]
        if proba is not None:
            proba[uncertain] = values[n_certain:]
    return proba, log_likelihood


def _smooth(startprob, transmat, log_densities, offsets, proba):
    """Expected transitions and log-likelihoods of rows; writes to `proba`."""
    model = startprob, transmat
    if compiled is None:
        proba[:], *sums = reference.smooth_rows(*model, log_densities, offsets)
        return sums
    log_likelihood = np.empty(len(log_densities))
    given_up, transitions = compiled.smooth_rows(
        *model, log_densities, offsets, log_likelihood, proba
    )
    for i, n_certain in given_up.items():
        rows, uncertain = _rows_of(offsets, i, n_certain)
        values, counts, density = reference.smooth_rows(
            *model, *_alone(log_densities[rows])
        )
        proba[rows] = values
        log_likelihood[uncertain] = density[n_certain:]
        transitions += counts
    return transitions, log_likelihood


def _rows_of(offsets, i, n_certain):
    """Slices of all rows of sequence i, and of those after its first `n_certain`."""
    begin, end = offsets[i : i + 2]
    return slice(begin, end), slice(begin + n_certain, end)


def _alone(log_densities):
    """Arguments for one sequence alone: results must not depend on others."""
    return log_densities, np.array([0, len(log_densities)])


def _arrays(startprob, transmat, log_densities, offsets):
    """The arguments as arrays of the right types and memory order."""
    return (
        np.ascontiguousarray(startprob, dtype=np.float64),
        np.ascontiguousarray(transmat, dtype=np.float64),
        np.ascontiguousarray(log_densities, dtype=np.float64),
        np.ascontiguousarray(offsets, dtype=np.intp),
    )
