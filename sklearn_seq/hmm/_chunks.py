"""One long sequence, cut into chunks that run side by side."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from ._banded import SMALLEST, solve_banded
from ._single import Single
from ._together import SPAN, pairs_of_steps, sweep

WARM_UP = 64  # rows that a chunk starts before its own
STRIDE = 32  # rows after which a chunk that runs again may have met its former self
N_CHUNKS = 28  # their number is the square root of this many rows over states
RERUNS = 2  # of chunks that began elsewhere than the chunk before them ended
MAX_OPERATORS = 32  # states up to which the operators of the chunks are computed
AGREEMENT = 1e-14  # between the two, relative: in Hilbert's projective metric
ROUNDING = 1e-12  # the same, of beginnings that are known exactly


class Chunked(Single):
    """One long sequence, cut into chunks that run side by side.

    A chunk begins with a guess, warmed up on the last rows of the chunk before it. It
    stands if the chunk before it ends where it began. The recursion expands no
    distance in Hilbert's projective metric, so that agreement at all boundaries
    bounds the error everywhere. Chunks that do not stand run again from where the one
    before them ended. From where they still do not stand, the product of all matrices
    of each chunk tells where the next begins. Past that, the rest of the sequence is
    solved in order.

    Column c of step t is row t of chunk c; the last chunk may end before the others.

    References
    ----------
    Birkhoff, G. (1957). Extensions of Jentzsch's theorem. Transactions of the
    American Mathematical Society, 85, 219-227.
    """

    def __init__(self, start, stop, n_states):
        super().__init__(start, stop)
        n_rows = stop - start
        n_chunks = int(np.sqrt(N_CHUNKS * n_rows / n_states))
        n_chunks = max(2, min(n_chunks, n_rows // WARM_UP))
        self.n_steps = -(-n_rows // n_chunks)
        self.n_chunks = -(-n_rows // self.n_steps)
        n_last = n_rows - (self.n_chunks - 1) * self.n_steps
        self.counts = [self.n_chunks] * n_last
        self.counts += [self.n_chunks - 1] * (self.n_steps - n_last)
        self.full = slice(0, (self.n_chunks - 1) * self.n_steps)
        self.rest = slice(self.full.stop, n_rows)
        self.n_last = n_last
        self.shape = self.n_steps, self.n_chunks

    def load(self, values, panel):
        rows = values[self.rows]
        chunks = rows[self.full].reshape(-1, self.n_steps, rows.shape[1])
        panel[:, :, :-1] = chunks.transpose(1, 2, 0)
        panel[: self.n_last, :, -1] = rows[self.rest]
        panel[self.n_last :, :, -1] = 0.0

    def store(self, panel, values):
        rows = values[self.rows]
        chunks = rows[self.full].reshape(-1, self.n_steps, *rows.shape[1:])
        chunks[:] = np.moveaxis(panel[..., :-1], -1, 0)
        rows[self.rest] = panel[: self.n_last, ..., -1]

    def neighbours(self):
        everything, n = slice(None), self.n_chunks - 1
        yield from pairs_of_steps(self.counts)
        yield (-1, everything, slice(n)), (0, everything, slice(1, None))

    def forward(self, matrix, weights, values):
        chunks = np.arange(self.n_chunks)
        return run_chunks(matrix, weights, self.counts, chunks, values)

    def backward(self, matrix, weights, values):
        back = slice(None, None, -1)
        chunks = np.arange(self.n_chunks)[back]
        run_chunks(matrix.T, weights[back], self.counts[back], chunks, values[back])


def run_chunks(matrix, weights, counts, chunks, values):
    """Run all chunks, until each begins where the one before it ended.

    What is done about a chunk depends on the chunks before it.

    Parameters
    ----------
    matrix : ndarray of shape (K, K)

    weights : ndarray of shape (n_steps, K, n_chunks)
        Steps in the order in which they are run.

    counts : list of int
        Chunks that run at each step.

    chunks : ndarray of int of shape (n_chunks,)
        All chunks, in their order.

    values : ndarray of shape (n_steps, K, n_chunks)
        To be filled in.

    Returns
    -------
    scale : ndarray of shape (n_steps, n_chunks)
    """
    runs = Runs(matrix, weights, counts, chunks, values)
    fail = ~(runs.apart() <= AGREEMENT)
    for _ in range(RERUNS):
        if not fail.any():
            break
        runs.rerun(np.flatnonzero(fail))
        fail = ~(runs.apart() <= AGREEMENT)
    if fail.any() and len(matrix) <= MAX_OPERATORS:
        first = int(np.argmax(fail))
        runs.begin_exactly(first)
        fail = ~(runs.apart() <= ROUNDING)
        fail[:first] = False
    if fail.any():
        runs.in_order(int(np.argmax(fail)))
    return runs.scale


class Runs:
    """What the chunks begin with, and what came of it.

    Places are counted in the order of the chunks.

    Parameters
    ----------
    matrix, weights, counts, chunks, values
        As for `run_chunks`.
    """

    def __init__(self, matrix, weights, counts, chunks, values):
        self.matrix, self.weights, self.values = matrix, weights, values
        self.counts, self.chunks = counts, chunks
        K, n_chunks = weights.shape[1:]
        self.begins = np.full((K, n_chunks), 1 / K)
        last = slice(-WARM_UP, None)
        self._sweep(last, self.begins, None, values[last])
        self.begins[:, chunks[1:]] = values[-1][:, chunks[:-1]]
        self.scale = self._sweep(slice(None), self.begins, chunks[0], values)

    def apart(self):
        """How far from the end of the one before each chunk begins: (n_chunks,)."""
        ends = self.values[-1][:, self.chunks[:-1]]
        return np.append(0.0, distance(self.begins[:, self.chunks[1:]], ends))

    def rerun(self, places):
        """Run some chunks from where the ones before ended, until they meet."""
        again = self.chunks[places]
        self.begins[:, again] = self.values[-1][:, self.chunks[places - 1]]
        previous, first = self.begins, self.chunks[0]
        for start in range(0, len(self.weights), STRIDE):
            there = slice(start, min(start + STRIDE, len(self.weights)))
            new = np.empty_like(self.values[there])
            new_scale = self._sweep(there, previous, first, new)
            met = distance(new[-1][:, again], self.values[there.stop - 1][:, again])
            self.values[there, :, again] = new[:, :, again]
            self.scale[there, again] = new_scale[:, again]
            again = again[~(met <= AGREEMENT)]
            if len(again) == 0:
                return
            previous, first = new[-1], None

    def begin_exactly(self, place):
        """Run a chunk and all after it from where they begin, by their operators."""
        operators = operators_of(self.matrix, self.weights)
        v = self.values[-1][:, self.chunks[place - 1]]
        for before, chunk in zip(
            self.chunks[place - 1 : -1], self.chunks[place:], strict=True
        ):
            if before != self.chunks[place - 1]:
                v = operators[before] @ v
                total = v.sum()
                v /= total if total >= SMALLEST else np.nan
            self.begins[:, chunk] = v
        after = self._from(place)
        new = np.empty_like(self.values)
        new_scale = self._sweep(slice(None), self.begins, self.chunks[0], new)
        self.values[:, :, after] = new[:, :, after]
        self.scale[:, after] = new_scale[:, after]

    def in_order(self, place):
        """Solve a chunk and all after it as one sequence."""
        after = self.chunks[place:]
        n_steps, K, _ = self.weights.shape
        rows = self.weights[:, :, after].transpose(1, 2, 0).reshape(K, -1)
        previous = self.values[-1][:, self.chunks[place - 1]]
        solved = np.empty_like(rows)
        scale = solve_banded(self.matrix, rows, solved, previous)
        shape = len(after), n_steps
        self.values[:, :, after] = solved.reshape(K, *shape).transpose(2, 0, 1)
        self.scale[:, after] = scale.reshape(shape).T

    def _from(self, place):
        """A chunk and all after it, as a slice."""
        ends = sorted([int(self.chunks[place]), int(self.chunks[-1])])
        return slice(ends[0], ends[1] + 1)

    def _sweep(self, steps, begins, first, values):
        """Run all chunks, since results may depend on the shape of a product."""
        weights, counts = self.weights[steps], self.counts[steps]
        sums, scale = sweep(self.matrix, weights, counts, values, begins, first)
        bad = ~(sums >= SMALLEST)
        if bad.any():
            values.swapaxes(1, 2)[bad] = np.nan
        return scale


def operators_of(matrix, weights):
    """The product of the matrices of all steps of each chunk, but for its size.

    Parameters
    ----------
    matrix : ndarray of shape (K, K)

    weights : ndarray of shape (n_steps, K, n_chunks)

    Returns
    -------
    operators : ndarray of shape (n_chunks, K, K)
        That take v before a chunk to v at its end. NaN where they leave the range
        of floating point.
    """
    n_steps, K, n_chunks = weights.shape
    transposed = np.ascontiguousarray(matrix.T)
    operators = np.zeros((K, K, n_chunks))
    operators[np.arange(K), np.arange(K)] = 1.0
    product = np.empty_like(operators)
    log_size = np.zeros((K, n_chunks))
    for t, now in enumerate(weights):
        shape = K, K * n_chunks
        np.matmul(transposed, operators.reshape(shape), out=product.reshape(shape))
        np.multiply(product, now[:, None], out=operators)
        if t % SPAN == SPAN - 1 or t == n_steps - 1:
            sums = np.add.reduce(operators, axis=0)
            sums[~(sums >= SMALLEST)] = np.nan
            operators /= sums
            log_size += np.log(sums)
    operators *= np.exp(log_size - log_size.max(axis=0))
    return np.ascontiguousarray(operators.transpose(2, 0, 1))


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
    ratio = first / second
    absent = (first == 0) & (second == 0)
    low = np.where(absent, np.inf, ratio).min(axis=0)
    return np.where(absent, 0.0, ratio).max(axis=0) / low - 1.0
