"""Sequences side by side, one step of time after another."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from ._banded import SMALLEST, solve_banded

BLOCK = 64  # members that are transposed together
STEPS_AT_ONCE = 4  # of which smoothed probabilities are found
SPAN = 8  # steps after which v is scaled, while they are in the cache


class Together:
    """Sequences of similar lengths side by side, one step of time after another.

    Column m of step t is row t of member m, or filled up past its end.

    Parameters
    ----------
    offsets : ndarray of int of shape (n_sequences + 1,)

    members : ndarray of int of shape (n_members,)
        Sequences, longest first.

    Attributes
    ----------
    first : slice
        Columns of step 0 that are the first rows of their sequences.

    shape : tuple of n_steps, n
        Of a panel.

    counts : list of int, n_steps of them
        Members that have a row t.
    """

    first = slice(None)

    def __init__(self, offsets, members):
        begin, end = offsets[members], offsets[members + 1]
        self._rows = list(map(slice, begin.tolist(), end.tolist()))
        steps = np.arange(int(end[0] - begin[0]))
        self.counts = np.searchsorted(begin - end, -steps, side="left").tolist()
        self.n_members = n = len(members)
        self.shape = len(steps), n
        self._blocks = [range(i, min(i + BLOCK, n)) for i in range(0, n, BLOCK)]

    def load(self, values, panel):
        for members in self._blocks:
            rows = np.zeros((len(members), len(panel), values.shape[1]))
            for row, member in zip(rows, members, strict=True):
                there = self.rows_of(member)
                row[: there.stop - there.start] = values[there]
            panel[..., members.start : members.stop] = rows.transpose(1, 2, 0)

    def store(self, panel, values):
        for members in self._blocks:
            columns = panel[..., members.start : members.stop]
            rows = np.ascontiguousarray(np.moveaxis(columns, -1, 0))
            for row, member in zip(rows, members, strict=True):
                there = self.rows_of(member)
                values[there] = row[: there.stop - there.start]

    def columns_of(self, member):
        return member

    def rows_of(self, member):
        return self._rows[member]

    def neighbours(self):
        return pairs_of_steps(self.counts)

    def forward(self, matrix, weights, values):
        sums, scale = sweep(matrix, weights, self.counts, values)
        for member, end in self._left_range(sums):
            begin = int(np.argmin(sums[:end, member] >= SMALLEST))
            there = slice(begin, end), slice(None), member
            previous = values[begin - 1, :, member] if begin else None
            scale[begin:end, member] = solve_banded(
                matrix, weights[there].T, values[there].T, previous
            )
        return scale

    def backward(self, matrix, weights, values):
        back = slice(None, None, -1)
        sums, _ = sweep(matrix.T, weights[back], self.counts[back], values[back])
        for member, end in self._left_range(sums[back]):
            there = slice(end - 1, None, -1), slice(None), member
            solve_banded(matrix.T, weights[there].T, values[there].T)

    def _left_range(self, sums):
        """Members that left the range of floating point, and their lengths."""
        for member in np.flatnonzero(~(sums >= SMALLEST).all(axis=0)):
            rows = self._rows[member]
            yield member, rows.stop - rows.start


def pairs_of_steps(counts):
    """Indices into a panel: steps, and those that follow them.

    Several steps at once where as many columns run.

    Parameters
    ----------
    counts : list of int
        Columns that run at each step, never more than at the step before.

    Yields
    ------
    here, there : tuple
    """
    everything = slice(None)
    t, last = 0, len(counts) - 1
    while t < last:
        n, stop = counts[t + 1], min(t + STEPS_AT_ONCE, last)
        while counts[stop] != n:
            stop -= 1
        columns = slice(n)
        if stop == t + 1:
            yield (t, everything, columns), (stop, everything, columns)
        else:
            here, there = slice(t, stop), slice(t + 1, stop + 1)
            yield (here, everything, columns), (there, everything, columns)
        t = stop


def sweep(matrix, weights, counts, values, begins=None, first=None):
    """v[t] = weights[t] * (matrix.T @ v[t - 1]), all columns of a step at once.

    Parameters
    ----------
    matrix : ndarray of shape (K, K)

    weights : ndarray of shape (n_steps, K, n)

    counts : list of int, n_steps of them
        Columns that run at each step. The first v of a column that joins is its
        weights.

    values : ndarray of shape (n_steps, K, n)
        To be filled in with v, scaled to the sum one.

    begins : ndarray of shape (K, n), default=None
        v before the first step.

    first : int, default=None
        A column whose first v is its weights all the same.

    Returns
    -------
    sums : ndarray of shape (n_steps, n)
        What v was divided by. It counts if it is not below `SMALLEST`.

    scale : ndarray of shape (n_steps, n)
        Sum of each v given that of the step before is one.
    """
    transposed = np.ascontiguousarray(matrix.T)
    n_steps, _, n = weights.shape
    sums, scale = np.empty((n_steps, n)), np.empty((n_steps, n))
    previous, n_before = begins, 0 if begins is None else n
    for start in range(0, n_steps, SPAN):
        stop = min(start + SPAN, n_steps)
        for t in range(start, stop):
            current = values[t]
            common = min(n_before, counts[t])
            if common == n:
                np.matmul(transposed, previous, out=current)
            else:
                if common:
                    np.matmul(transposed, previous[:, :common], out=current[:, :common])
                current[:, common:] = 1.0
            if t == 0 and first is not None:
                current[:, first] = 1.0
            np.multiply(current, weights[t], out=current)
            previous, n_before = current, counts[t]
        span = values[start:stop]
        np.add.reduce(span, axis=1, out=sums[start:stop])
        span *= (1 / sums[start:stop])[:, None]
        scale[start:stop] = sums[start:stop]
        scale[start + 1 : stop] /= sums[start : stop - 1]
    return sums, scale
