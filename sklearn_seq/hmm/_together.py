"""Sequences side by side, one step of time after another."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

import numpy as np

from ._banded import SMALLEST, solve_banded

SPAN = 8  # steps between which v is not scaled


class Together:
    """Sequences side by side, one step of time after another.

    Parameters
    ----------
    offsets : ndarray of int of shape (n_sequences + 1,)

    members : ndarray of int of shape (n_members,)
        Sequences, longest first.

    Attributes
    ----------
    first : slice
        Columns that are the first rows of their sequences.

    starts : list of int, n_steps + 1 of them
        Step t of the members that are long enough is at ``starts[t]:starts[t + 1]``.
    """

    def __init__(self, offsets, members):
        self.lengths = offsets[members + 1] - offsets[members]
        self.begin = offsets[members]
        self.n_members = len(members)
        self.n_steps = int(self.lengths[0])
        steps = np.arange(self.n_steps)
        counts = np.searchsorted(-self.lengths, -steps, side="left")
        starts = np.concatenate([[0], np.cumsum(counts)])
        step = np.repeat(steps, counts)
        self.rows = self.begin[np.arange(starts[-1]) - starts[step]] + step
        self.starts = starts.tolist()
        self.first = slice(0, self.starts[1])

    def load(self, values):
        return np.array(values.take(self.rows, axis=0).T, order="C")

    def store(self, columns, values):
        values[self.rows] = columns.T

    def columns_of(self, member):
        return np.array(self.starts[: self.lengths[member]]) + member

    def rows_of(self, member):
        start = int(self.begin[member])
        return slice(start, start + int(self.lengths[member]))

    def forward(self, matrix, weights):
        starts, transposed = self.starts, np.ascontiguousarray(matrix.T)
        values = np.empty_like(weights)
        values[:, self.first] = weights[:, self.first]
        for t in range(1, self.n_steps):
            here = slice(starts[t], starts[t + 1])
            before = starts[t - 1]
            previous = values[:, before : before + here.stop - here.start]
            if t % SPAN == 0:
                previous = previous / previous.sum(axis=0)
            current = values[:, here]
            np.matmul(transposed, previous, out=current)
            np.multiply(current, weights[:, here], out=current)
        sums = scale_to_one(values)
        scale = sums.copy()
        for t in range(1, self.n_steps):
            if t % SPAN:
                here = slice(starts[t], starts[t + 1])
                before = starts[t - 1]
                scale[here] /= sums[before : before + here.stop - here.start]
        self._repair(matrix, weights, values, sums, scale)
        return values, scale

    def backward(self, matrix, weights):
        starts = self.starts
        values = np.empty_like(weights)
        last = slice(starts[-2], starts[-1])
        values[:, last] = weights[:, last]
        for t in range(self.n_steps - 2, -1, -1):
            here, after = slice(starts[t], starts[t + 1]), slice(*starts[t + 1 : t + 3])
            following = values[:, after]
            if t % SPAN == 0:
                following = following / following.sum(axis=0)
            stop = here.start + after.stop - after.start
            np.matmul(matrix, following, out=values[:, here.start : stop])
            values[:, stop : here.stop] = 1.0
            np.multiply(values[:, here], weights[:, here], out=values[:, here])
        sums = scale_to_one(values)
        self._repair(matrix.T, weights, values, sums, None)
        return values

    def _repair(self, matrix, weights, values, sums, scale):
        """Solve sequences alone from where they left the range of floating point."""
        bad = ~(sums >= SMALLEST)
        if not bad.any():
            return
        starts = np.array(self.starts)
        columns = bad.nonzero()[0]
        step = np.searchsorted(starts, columns, side="right") - 1
        for member in np.unique(columns - starts[step]):
            columns = self.columns_of(member)
            if scale is None:
                columns = columns[::-1]
            t = int(np.argmax(bad[columns]))
            previous = values[:, columns[t - 1]] if t else None
            columns = columns[t:]
            solved, solved_scale = solve_banded(matrix, weights[:, columns], previous)
            values[:, columns] = solved
            if scale is not None:
                scale[columns] = solved_scale


def scale_to_one(values):
    """Scale columns to the sum one, and return what their sums were."""
    sums = np.add.reduce(values, axis=0)
    values *= 1 / sums
    return sums
