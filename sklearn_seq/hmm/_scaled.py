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

NONE = 1e-100  # a transition below this probability may let a state die out
LOST = 1e-150  # filtered probabilities below this may have lost something
SAME = 1e-13  # differences in probability that do not count
LOG_TINY = -60.0  # a factor that may make a product underflow


class Forward:
    """The filter.

    Parameters
    ----------
    startprob : ndarray of shape (K,)

    transmat : ndarray of shape (K, K)

    log_densities : ndarray of shape (N, K)

    offsets : ndarray of int of shape (n_sequences + 1,)

    keep_proba : bool, default=True
        Whether the probabilities are wanted.

    keep_weights : bool, default=False
        Whether the weights are wanted for the way back.

    Attributes
    ----------
    proba : ndarray of shape (N, K), or None

    log_likelihood : ndarray of shape (N,)

    groups : list of Single, Chunked and Together

    weights : list of ndarray of shape (K, P)
        Densities in the columns of each group, of maximum one.

    in_logs : set of (group, member)
        Places of the sequences that the filter left to logarithms.
    """

    def __init__(
        self,
        startprob,
        transmat,
        log_densities,
        offsets,
        *,
        keep_proba=True,
        keep_weights=False,
    ):
        self.startprob, self.transmat = startprob, transmat
        self.log_densities = log_densities
        N, K = log_densities.shape
        self.groups = make_groups(offsets, K)
        self.can_lose = transmat.min() < NONE
        self.proba = np.empty((N, K)) if keep_proba else None
        self.log_likelihood = np.empty(N)
        self.weights, self.in_logs = [], set()
        self.log_startprob, self.log_transmat = np.log(startprob), np.log(transmat)
        for place, group in enumerate(self.groups):
            weights = self._filter(place, group)
            self.weights.append(weights if keep_weights else None)

    def _filter(self, place, group):
        weights = group.load(self.log_densities)
        top = _subtract_top(weights)
        first = weights[:, group.first]
        first += self.log_startprob[:, None]
        top[group.first] += _subtract_top(first)
        np.exp(weights, out=weights)
        silent = np.flatnonzero(top == -np.inf)
        if len(silent):
            weights[:, silent] = 1.0
            first = silent[silent < group.first.stop]
            weights[:, first] = self.startprob[:, None]
        values, scale = group.forward(self.transmat, weights)
        if self.proba is not None:
            group.store(values, self.proba)
        group.store(np.log(scale) + top, self.log_likelihood)
        doubtful, lost = ~np.isfinite(scale), None
        if self.can_lose:
            lost = self.lost(weights, values)
            if lost.any():
                doubtful |= self._differs(group, weights, values, scale)
        if doubtful.any():
            self._in_logs(place, group, values, doubtful, lost)
        return weights

    def _differs(self, group, weights, values, scale):
        """Columns for which it matters that some transitions are impossible."""
        possible = np.maximum(self.transmat, NONE)
        other, other_scale = group.forward(possible, weights)
        differs = ~(np.abs(other - values).max(axis=0) <= SAME)
        differs |= ~(np.abs(other_scale / scale - 1) <= SAME)
        return differs

    @staticmethod
    def lost(weights, values):
        """Columns in which a probability may have underflowed: (P,)."""
        tiny = values < LOST
        tiny &= (values > 0) | ((weights < np.exp(LOG_TINY)) & (weights >= 0))
        return tiny.any(axis=0)

    def _in_logs(self, place, group, values, doubtful, lost):
        """Replace each sequence from its first column in doubt on.

        The filter starts in logarithms where something may first have been lost.
        """
        for member in range(group.n_members):
            columns = group.columns_of(member)
            if not doubtful[columns].any():
                continue
            self.in_logs.add((place, member))
            rows = group.rows_of(member)
            replaced = begin = int(np.argmax(doubtful[columns]))
            if lost is not None and lost[columns].any():
                begin = min(begin, int(np.argmax(lost[columns])))
            log_initial = self.log_startprob
            if begin:
                log_initial = np.log(values[:, columns[begin - 1]] @ self.transmat)
            log_proba, log_likelihood = filter_logs(
                log_initial,
                self.log_transmat,
                self.log_densities[rows.start + begin : rows.stop],
            )
            there = slice(rows.start + replaced, rows.stop)
            self.log_likelihood[there] = log_likelihood[replaced - begin :]
            if self.proba is not None:
                np.exp(log_proba[replaced - begin :], out=self.proba[there])


def _subtract_top(values):
    """Subtract the largest of each column that is finite, and return it."""
    top = np.maximum.reduce(values, axis=0)
    values -= np.where(top == -np.inf, 0.0, top)
    return top
