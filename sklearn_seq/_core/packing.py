"""Packed mini-batches of sequences of unequal length, time-major, without padding."""

# Authors: The sklearn_seq developers
# SPDX-License-Identifier: BSD-3-Clause

from typing import NamedTuple

import numpy as np


class Run(NamedTuple):
    """Consecutive time steps at which equally many sequences are active.

    Attributes
    ----------
    first, last : int
        The run consists of the steps ``first`` to ``last - 1``.

    size : int
        The number of active sequences.

    start, stop : int
        Its packed rows are ``start`` to ``stop - 1``.
    """

    first: int
    last: int
    size: int
    start: int
    stop: int

    @property
    def n_steps(self):
        """The number of time steps."""
        return self.last - self.first


class Packing:
    """Time-major order of the rows of a mini-batch of sequences.

    Sequences are sorted by decreasing length, stably. The packed rows of step t are row
    t of all sequences that are long enough: the first ``sizes[t]`` of this order. As in
    PyTorch's `PackedSequence`.

    Parameters
    ----------
    lengths : ndarray of shape (n_sequences,) of int
        The number of rows of each sequence of the batch, at least 1.

    starts : ndarray of shape (n_sequences,) of int, default=None
        The first row of each sequence in the data set. By default, sequences follow
        one another.

    Attributes
    ----------
    n_sequences, n_rows, n_steps : int
        How many there are; ``n_steps`` is the length of the longest sequence.

    order : ndarray of shape (n_sequences,)
        The sequences of the batch in order of decreasing length.

    rows : ndarray of shape (n_rows,)
        Row of the data set of each packed row: ``inputs = X[rows]`` packs, and
        ``out[rows] = outputs`` unpacks.

    sizes : ndarray of shape (n_steps,)
        The number of sequences active at each step.

    offsets : ndarray of shape (n_steps + 1,)
        The packed rows of step t are ``offsets[t]`` to ``offsets[t + 1] - 1``.

    runs : list of Run
        The steps, divided wherever a sequence ends.

    Examples
    --------
    >>> import numpy as np
    >>> packing = Packing(np.array([2, 3]))
    >>> packing.rows
    array([2, 0, 3, 1, 4])
    >>> packing.sizes
    array([2, 2, 1])
    """

    def __init__(self, lengths, starts=None):
        if starts is None:
            starts = np.cumsum(lengths) - lengths
        n_steps = int(lengths.max())
        steps = np.arange(n_steps)[:, np.newaxis]
        if (lengths == n_steps).all():
            order = np.arange(len(lengths))
            rows = (steps + starts).ravel()
            sizes = np.full(n_steps, len(lengths))
        else:
            order = np.argsort(-lengths, kind="stable")
            active = steps < lengths[order]
            rows = (steps + starts[order])[active]
            sizes = active.sum(axis=1)
        self._set(order, rows, sizes)

    def _set(self, order, rows, sizes):
        self.order, self.rows, self.sizes = order, rows, sizes
        self.n_sequences, self.n_rows = len(order), len(rows)
        self.n_steps = len(sizes)
        self.offsets = np.zeros(self.n_steps + 1, np.intp)
        np.cumsum(sizes, out=self.offsets[1:])
        bounds = [0, self.n_steps]
        if sizes[0] != sizes[-1]:
            bounds[1:1] = (np.flatnonzero(np.diff(sizes)) + 1).tolist()
        self.runs = [
            Run(a, b, int(sizes[a]), int(self.offsets[a]), int(self.offsets[b]))
            for a, b in zip(bounds[:-1], bounds[1:], strict=True)
        ]

    def steps(self, first, last):
        """Packing of the steps ``first`` to ``last - 1`` alone.

        It holds the first ``sizes[first]`` sequences of ``order``.

        Parameters
        ----------
        first, last : int
            The range of steps; ``last`` may be beyond the end.

        Returns
        -------
        packing : Packing
        """
        part = object.__new__(Packing)
        sizes = self.sizes[first:last]
        start, stop = self.offsets[[first, min(last, self.n_steps)]]
        part._set(np.arange(sizes[0]), self.rows[start:stop], sizes)
        return part


def packing_of(offsets, sequences):
    """The packing of some sequences of a data set.

    Parameters
    ----------
    offsets : ndarray of shape (n + 1,)
        The rows of sequence i are ``offsets[i]`` to ``offsets[i + 1] - 1``.

    sequences : ndarray of shape (n_sequences,) of int
        The sequences of the batch.

    Returns
    -------
    packing : Packing
    """
    starts = offsets[sequences]
    return Packing(offsets[sequences + 1] - starts, starts)
