"""Several rows of a sequence as one observation.

Of a system s' = A s + B u + w, x = C s + D u + v, the rows x[t], ..., x[t + k - 1] are
one observation of a system that goes from s[t] to s[t + k] in one step: it takes k
times fewer steps. Whitened in the order of time, the innovation of that observation
is made of the innovations of its rows.

References
----------
Chen, T. and Francis, B. A. (1995). Optimal Sampled-Data Control Systems, chapter 8.
Springer.
"""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from functools import cached_property

import numpy as np
from scipy.linalg.lapack import dgerqf

from ._run import Problem
from ._square_root import Riccati

MAX_ROWS = 8  # in one observation
MAX_FEATURES = 16  # of an observation that is made of several rows
# a power of A, and signals in units of the noise, that cost no digits to speak of
GROWTH, SIGNAL = 1e3, 1e4


def lift(problem):
    """The problem several rows at a time, where that is quick and as accurate.

    The innovation of a later row is a difference: digits are lost where the signal is
    far larger than the noise. Lengths and the model alone decide.

    Parameters
    ----------
    problem : Problem

    Returns
    -------
    lifted : Lifted, or None
    """
    if not problem.n_rows or not all(group.single for group in problem.groups):
        return None
    lifted = Lifted(problem)
    # in units of the noise
    signal = np.abs(lifted.forward.innovation).max()
    return lifted if signal < SIGNAL else None


class Lifted(Problem):
    """A problem without missing values, some rows at a time.

    An observation holds its last row first: the first one that is taken in is the
    last of the array of the Riccati recursion.

    Parameters
    ----------
    problem : Problem
        Its missing values count as zeros.

    Attributes
    ----------
    sums : ndarray of shape (k * m, k)
        By which log densities of the rows follow from squared innovations.

    places : slice or ndarray of int of shape (N,)
        Where the rows are among those of all observations: the last observation of a
        sequence may have rows to spare.
    """

    def __init__(self, problem):
        p, system = problem.parameters, problem.system
        m, n = p.observation_matrix.shape
        powers = _powers(p.transition_matrix, max(min(MAX_FEATURES // m, MAX_ROWS), 1))
        k = len(powers) - 1
        self.n_states, self.codes, self.U = n, None, None
        self._split(problem.offsets, k)
        self.X = self._lift(problem.X, k)
        if problem.codes is not None:
            self.X = np.where(np.isnan(self.X), 0.0, self.X)
        if problem.U is not None:
            self.U = self._lift(problem.U, k)
            p = p._replace(
                input_matrix=_to_state(powers, p.input_matrix),
                feedthrough_matrix=_to_rows(
                    powers, p.observation_matrix, p.input_matrix, p.feedthrough_matrix
                ),
            )
        self.parameters = p
        self.sums = _diagonal(k, problem.sums[:, None])[::-1]
        white = system.observation[0]
        seen = (white @ powers[:k]).reshape(k * m, n)
        self.system = system._replace(
            transition=powers[k],
            observation=seen[None, ::-1],
            whitener=_diagonal(k, system.whitener[0])[None, ::-1],
            constant=np.full((1, k), system.constant[0]),
        )
        self._noise = np.zeros((n + k * m, k * n + k * m))
        self._noise[:n, : k * n] = _to_state(powers, system.noise)
        self._noise[n:, : k * n] = _to_rows(powers, white, system.noise)[::-1]
        np.einsum("ii->i", self._noise[n:, k * n :])[...] = 1.0

    @cached_property
    def riccati(self):
        system, size = self.system, len(self._noise)
        noise = np.triu(dgerqf(self._noise)[0][:, -size:])
        onto = np.concatenate([system.transition, system.observation[0]])
        rest = np.empty((1, size, 0))
        return Riccati(onto[None], noise[None], rest, size - self.n_states)

    def _split(self, offsets, k):
        lengths = offsets[1:] - offsets[:-1]
        n_observations = -(-lengths // k)
        self.offsets = np.zeros_like(offsets)
        np.cumsum(n_observations, out=self.offsets[1:])
        self.n_rows = int(self.offsets[-1])
        spare = k * n_observations - lengths
        self.places = slice(0, int(offsets[-1]))
        if spare[:-1].any():
            before = np.cumsum(spare) - spare
            self.places = np.arange(offsets[-1]) + np.repeat(before, lengths)

    def _lift(self, rows, k):
        """Rows (N, q) as rows of observations (n_rows, k * q)."""
        if len(rows) < self.n_rows * k:
            spread = np.zeros((self.n_rows * k, rows.shape[1]))
            spread[self.places] = rows
            rows = spread
        return rows.reshape(self.n_rows, k * rows.shape[1])


def _powers(A, k):
    """I, A, ..., A^k, or up to a lower power if they grow: shape (n_powers, n, n)."""
    powers = np.empty((k + 1, *A.shape))
    powers[0], powers[1] = np.eye(len(A)), A
    known = 2
    while known <= k:
        following = powers[known : 2 * known - 1]
        np.matmul(powers[1 : 1 + len(following)], powers[known - 1], out=following)
        known += len(following)
    if np.abs(powers).max() < GROWTH:
        return powers
    growth = np.abs(powers).max(axis=(1, 2))
    return powers[: max(int(np.argmin(growth < GROWTH)), 2)]


def _diagonal(k, block):
    """The block diagonal matrix of k equal blocks."""
    p, q = block.shape
    matrix = np.zeros((k, p, k, q))
    np.einsum("ipiq->ipq", matrix)[...] = block
    return matrix.reshape(k * p, k * q)


def _to_state(powers, B):
    """How the inputs of k rows enter the state after them: shape (n, k * p)."""
    if B is None:
        return None
    delayed = powers[-2::-1] @ B
    return delayed.swapaxes(0, 1).reshape(len(B), -1)


def _to_rows(powers, C, B, D=None):
    """How the inputs of k rows enter these rows: shape (k * m, k * p)."""
    if B is None and D is None:
        return None
    k, m, p = len(powers) - 1, len(C), (D if B is None else B).shape[1]
    matrix = np.zeros((k, m, k, p))
    if D is not None:
        np.einsum("ipiq->ipq", matrix)[...] = D
    if B is not None:
        seen = C @ (powers[:-2] @ B)
        for j in range(k - 1):
            matrix[j + 1 :, :, j] = seen[: k - 1 - j]
    return matrix.reshape(k * m, k * p)
