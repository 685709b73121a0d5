"""One long sequence, cut into chunks that run side by side."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from ._banded import SMALLEST, solve_banded
from ._single import Single
from ._together import SPAN, scale_to_one

WARM_UP = 48  # rows that a chunk starts before its own
STRIDE = 32  # rows after which a chunk that runs again may have met its former self
N_CHUNKS = 28  # their number is the square root of this many rows over states
RERUNS = 2  # of chunks that began elsewhere than the chunk before them ended
AGREEMENT = 1e-14  # between the two, relative: in Hilbert's projective metric


class Chunked(Single):
    """One long sequence, cut into chunks that run side by side.

    A chunk begins with a guess, warmed up on the last rows of the chunk before it. It
    stands if the chunk before it ends where it began. The recursion expands no
    distance in Hilbert's projective metric, so that agreement at all boundaries
    bounds the error everywhere. Chunks that do not stand run again from where the one
    before them ended; past that, the rest of the sequence is solved in order.

    The rows of the chunks come first, step by step, then the rest of the sequence.

    References
    ----------
    Birkhoff, G. (1957). Extensions of Jentzsch's theorem. Transactions of the
    American Mathematical Society, 85, 219-227.
    """

    def __init__(self, start, stop, n_states):
        super().__init__(start, stop)
        n_rows = stop - start
        n_chunks = int(np.sqrt(N_CHUNKS * n_rows / n_states))
        self.n_chunks = max(2, min(n_chunks, n_rows // WARM_UP))
        self.n_steps = n_rows // self.n_chunks
        self.n_chunked = self.n_chunks * self.n_steps

    def _chunks(self, columns):
        """Columns of all chunks: (..., n_steps, n_chunks)."""
        shape = *columns.shape[:-1], self.n_steps, self.n_chunks
        return columns[..., : self.n_chunked].reshape(shape)

    def load(self, values):
        K = values.shape[1]
        rows = values[self.rows]
        columns = np.empty((K, len(rows)))
        chunks = rows[: self.n_chunked].reshape(self.n_chunks, self.n_steps, K)
        self._chunks(columns)[:] = chunks.transpose(2, 1, 0)
        columns[:, self.n_chunked :] = rows[self.n_chunked :].T
        return columns

    def store(self, columns, values):
        rows = values[self.rows]
        shape = self.n_chunks, self.n_steps, *rows.shape[1:]
        rows[: self.n_chunked].reshape(shape)[:] = self._chunks(columns).T
        rows[self.n_chunked :] = columns[..., self.n_chunked :].T

    def columns_of(self, member):
        columns = np.arange(self.stop - self.start)
        columns[: self.n_chunked] = self._chunks(columns).T.ravel()
        return columns

    def forward(self, matrix, weights):
        values = np.empty_like(weights)
        scale = np.empty(weights.shape[1])
        self._run(
            matrix,
            self._chunks(weights),
            self._chunks(values),
            self._chunks(scale),
            slice(None),
            None,
        )
        rest = slice(self.n_chunked, None)
        previous = values[:, self.n_chunked - 1]
        values[:, rest], scale[rest] = solve_banded(matrix, weights[:, rest], previous)
        return values, scale

    def backward(self, matrix, weights):
        values = np.empty_like(weights)
        scale = np.empty(weights.shape[1])
        backwards = slice(None, None, -1)
        following = None
        if self.n_chunked < weights.shape[1]:
            rest = weights[:, self.n_chunked :]
            solved = solve_banded(matrix.T, rest[:, backwards])[0]
            values[:, self.n_chunked :] = solved[:, backwards]
            following = solved[:, -1]
        self._run(
            matrix.T,
            self._chunks(weights)[:, backwards],
            self._chunks(values)[:, backwards],
            self._chunks(scale)[backwards],
            backwards,
            following,
        )
        return values

    def _run(self, matrix, weights, values, scale, order, previous):
        """Run all chunks, until each begins where the one before it ended.

        Parameters
        ----------
        matrix : ndarray of shape (K, K)

        weights : ndarray of shape (K, n_steps, n_chunks)
            Steps in the order in which they are run.

        values : ndarray of shape (K, n_steps, n_chunks)
            To be filled in.

        scale : ndarray of shape (n_steps, n_chunks)
            To be filled in.

        order : slice
            Of the chunks.

        previous : ndarray of shape (K,) or None
            v before the first of them.
        """
        K, _, n_chunks = weights.shape
        begins = np.full((K, n_chunks), 1 / K)
        warm = np.empty((K, WARM_UP, n_chunks))
        warm_scale = np.empty((WARM_UP, n_chunks))
        sweep(matrix, weights[:, -WARM_UP:], begins, None, warm, warm_scale)
        begins[:, order][:, 1:] = warm[:, -1, order][:, :-1]
        begins[:, order][:, 0] = 1 / K if previous is None else previous
        first = range(n_chunks)[order][0] if previous is None else None
        sweep(matrix, weights, begins, first, values, scale)
        for run in range(RERUNS + 1):
            ends = values[:, -1, order][:, :-1]
            stands = distance(begins[:, order][:, 1:], ends) <= AGREEMENT
            if stands.all():
                return
            if run < RERUNS:
                again = np.arange(n_chunks)[order][1:][~stands]
                begins[:, again] = ends[:, ~stands]
                rerun(matrix, weights, begins, again, first, values, scale)
        done = int(np.argmin(stands)) + 1
        rest = weights[:, :, order][:, :, done:]
        shape = rest.shape
        rest = rest.swapaxes(1, 2).reshape(K, -1)
        solved, solved_scale = solve_banded(matrix, rest, ends[:, done - 1])
        solved = solved.reshape(K, shape[2], shape[1]).swapaxes(1, 2)
        values[:, :, order][:, :, done:] = solved
        scale[:, order][:, done:] = solved_scale.reshape(shape[2], shape[1]).T


def sweep(matrix, weights, begins, first, values, scale):
    """Run all chunks from where they are said to begin.

    Parameters
    ----------
    matrix : ndarray of shape (K, K)

    weights : ndarray of shape (K, n_steps, n_chunks)

    begins : ndarray of shape (K, n_chunks)
        v before the first step.

    first : int or None
        A chunk whose first v is its first weights.

    values : ndarray of shape (K, n_steps, n_chunks)
        To be filled in with v, scaled to the sum one. NaN where that is not possible.

    scale : ndarray of shape (n_steps, n_chunks)
        To be filled in with the sum of each v given that of the step before is one.
    """
    transposed = np.ascontiguousarray(matrix.T)
    previous = np.array(begins, order="C")
    current = np.empty_like(previous)
    for t in range(weights.shape[1]):
        if t and t % SPAN == 0:
            previous /= np.add.reduce(previous, axis=0)
        np.matmul(transposed, previous, out=current)
        if t == 0 and first is not None:
            current[:, first] = 1.0
        np.multiply(current, weights[:, t], out=previous)
        values[:, t] = previous
    sums = scale_to_one(values)
    bad = ~(sums >= SMALLEST)
    if bad.any():
        values[:, bad] = np.nan
    scale[:] = sums
    for t in range(0, len(scale), SPAN):
        scale[t + 1 : t + SPAN] /= sums[t : t + SPAN - 1][: len(scale) - t - 1]


def rerun(matrix, weights, begins, again, first, values, scale):
    """Run some chunks from where they now begin, until they meet what they held.

    As `sweep`. All chunks run, since results may depend on the shape of a product.
    """
    n_steps = weights.shape[1]
    previous = begins
    for start in range(0, n_steps, STRIDE):
        there = slice(start, min(start + STRIDE, n_steps))
        new, new_scale = np.empty_like(values[:, there]), np.empty_like(scale[there])
        sweep(matrix, weights[:, there], previous, first, new, new_scale)
        met = distance(new[:, -1, again], values[:, there.stop - 1, again])
        values[:, there, again] = new[:, :, again]
        scale[there, again] = new_scale[:, again]
        again = again[~(met <= AGREEMENT)]
        if len(again) == 0:
            return
        previous, first = new[:, -1], None


def distance(first, second):
    """Hilbert's projective distance between the columns of two arrays.

    Parameters
    ----------
    first, second : ndarray of shape (K, n)
        Not negative.

    Returns
    -------
    distance : ndarray of shape (n,)
        Infinite or NaN where zeros differ.
    """
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = first / second
    absent = (first == 0) & (second == 0)
    low = np.where(absent, np.inf, ratio).min(axis=0)
    return np.where(absent, 0.0, ratio).max(axis=0) / low - 1.0
