"""Forward and backward in scaled probabilities, and when they cannot be trusted.

A probability that underflows to zero is lost for good. If every transition has some
probability, the next prediction is far above anything lost. If some have none, rows in
which something was lost are told apart, and the recursions run again with a tiny
probability in place of none: where that makes a difference, the loss may matter.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from ._groups import make_groups
from ._log_space import filter_logs
from ._together import SPAN

NONE = 1e-100  # a transition below this probability may let a state die out
LOST = 1e-150  # filtered probabilities below this may have lost something
SAME = 1e-13  # differences in probability that do not count
LOG_TINY = -60.0  # a factor that may make a product underflow


def filter_groups(startprob, transmat, log_densities, offsets, proba=None):
    """Filter all sequences.

    Parameters
    ----------
    startprob, transmat, log_densities, offsets
        The model and the rows.

    proba : ndarray of shape (N, K), default=None
        To be filled in, if the probabilities are wanted.

    Returns
    -------
    log_likelihood : ndarray of shape (N,)
    """
    model = Filter(startprob, transmat, log_densities)
    log_likelihood = np.empty(len(log_densities))
    for group in make_groups(offsets, len(startprob)):
        weights, values = group_panels(group, len(startprob), 2)
        model.run(group, weights, values, log_likelihood, proba)
    return log_likelihood


def group_panels(group, n_states, n_panels):
    """Panels for a group, in one piece of memory that allocators keep for the next.

    Returns
    -------
    panels : ndarray of shape (n_panels, n_steps, K, n)
    """
    n_steps, n = group.shape
    return np.empty((n_panels, n_steps, n_states, n))


class Filter:
    """The filter of a group of sequences.

    Parameters
    ----------
    startprob : ndarray of shape (K,)

    transmat : ndarray of shape (K, K)

    log_densities : ndarray of shape (N, K)
    """

    def __init__(self, startprob, transmat, log_densities):
        self.startprob, self.transmat = startprob, transmat
        self.log_startprob, self.log_transmat = np.log(startprob), np.log(transmat)
        self.log_densities = log_densities
        self.can_lose = transmat.min() < NONE

    def run(self, group, weights, values, log_likelihood, proba=None):
        """Filter the sequences of a group.

        Parameters
        ----------
        group : Single, Chunked or Together

        weights : ndarray of shape (n_steps, K, n)
            To be filled in with the densities of the rows, of maximum one.

        values : ndarray of shape (n_steps, K, n)
            To be filled in with filtered probabilities. They do not count for members
            that are left to logarithms.

        log_likelihood : ndarray of shape (N,)
            To be filled in at the rows of the group.

        proba : ndarray of shape (N, K), default=None
            To be filled in at the rows of the group, if they are wanted.

        Returns
        -------
        in_logs : set of int
            The members that were left to logarithms.
        """
        log_size = self.load(group, weights)
        scale = group.forward(self.transmat, weights, values)
        if proba is not None:
            group.store(values, proba)
        group.store(np.log(scale) + log_size, log_likelihood)
        doubtful, lost = ~np.isfinite(scale), None
        if self.can_lose:
            lost = self._lost(weights, values)
            if lost.any():
                doubtful |= self._differs(group, weights, values, scale)
        in_logs = set()
        if doubtful.any():
            in_logs = self._in_logs(
                group, values, doubtful, lost, log_likelihood, proba
            )
        return in_logs

    def load(self, group, weights):
        """Fill in the weights, and return logarithms of what densities were divided by.

        Parameters
        ----------
        group, weights
            As for `run`.

        Returns
        -------
        log_size : ndarray of shape (n_steps, n)
            -inf where a row is impossible.
        """
        group.load(self.log_densities, weights)
        first = weights[0][:, group.first]
        first += self.log_startprob[:, None]
        log_size = np.empty(group.shape)
        for start in range(0, len(weights), SPAN):
            span = weights[start : start + SPAN]
            top = np.maximum.reduce(span, axis=1, out=log_size[start : start + SPAN])
            span -= top[:, None]
            np.exp(span, out=span)
        silent = log_size == -np.inf
        if silent.any():
            weights.swapaxes(1, 2)[silent] = 1.0
            first[:, silent[0, group.first]] = self.startprob[:, None]
        return log_size

    def _differs(self, group, weights, values, scale):
        """Columns for which it matters that some transitions are impossible."""
        possible = np.maximum(self.transmat, NONE)
        other = np.empty_like(values)
        other_scale = group.forward(possible, weights, other)
        differs = ~(np.abs(other - values).max(axis=1) <= SAME)
        differs |= ~(np.abs(other_scale / scale - 1) <= SAME)
        return differs

    @staticmethod
    def _lost(weights, values):
        """Columns in which a probability may have underflowed: (n_steps, n)."""
        tiny = values < LOST
        tiny &= (values > 0) | ((weights < np.exp(LOG_TINY)) & (weights >= 0))
        return tiny.any(axis=1)

    def _in_logs(self, group, values, doubtful, lost, log_likelihood, proba):
        """Replace each sequence from its first row in doubt on.

        The filter starts in logarithms where something may first have been lost.
        """
        N, K = self.log_densities.shape
        in_doubt, filtered = np.zeros(N, dtype=bool), np.empty((N, K))
        group.store(doubtful, in_doubt)
        group.store(values, filtered)
        may_be_lost = np.zeros(N, dtype=bool)
        if lost is not None:
            group.store(lost, may_be_lost)
        members = set()
        for member in range(group.n_members):
            rows = group.rows_of(member)
            if not in_doubt[rows].any():
                continue
            members.add(member)
            replaced = begin = int(np.argmax(in_doubt[rows]))
            if may_be_lost[rows].any():
                begin = min(begin, int(np.argmax(may_be_lost[rows])))
            log_initial = self.log_startprob
            if begin:
                log_initial = np.log(filtered[rows.start + begin - 1] @ self.transmat)
            log_proba, log_density = filter_logs(
                log_initial,
                self.log_transmat,
                self.log_densities[rows.start + begin : rows.stop],
            )
            there = slice(rows.start + replaced, rows.stop)
            log_likelihood[there] = log_density[replaced - begin :]
            if proba is not None:
                np.exp(log_proba[replaced - begin :], out=proba[there])
        return members
